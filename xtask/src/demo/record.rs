//! What the store holds, read from its file by SQL alone: nothing here knows the listener's code.

use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use rusqlite::{Connection, OpenFlags, Row, params};

/// The record of one session.
#[derive(Debug)]
pub(crate) struct Record {
    store: Connection,
    session: String,
}

/// A test as it is stored, as far as it is shown.
#[derive(Debug)]
pub(crate) struct TestRow {
    kind: String,
    destination: Option<String>,
    /// How it ended.
    pub(crate) outcome: String,
    /// Why it failed, if it did.
    pub(crate) failure_reason: Option<String>,
    failure_message: Option<String>,
    loss_ratio: Option<f64>,
    rtt_median_us: Option<f64>,
    hop_count: Option<u32>,
    goodput_bps: Option<f64>,
    samples: i64,
}

impl Record {
    /// Opens the store for reading.
    ///
    /// # Errors
    /// When it is not there.
    pub(crate) fn open(file: &Path, session: &str) -> Result<Self> {
        let store = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY)
            .with_context(|| format!("cannot open {}", file.display()))?;
        Ok(Self { store, session: session.to_owned() })
    }

    /// Tells whether there are tests and all have ended.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub(crate) fn plan_is_done(&self) -> Result<bool> {
        let sql = "SELECT count(*) > 0 AND count(*) = count(outcome) FROM tests WHERE session_id = ?1";
        Ok(self.store.query_row(sql, [&self.session], |row| row.get(0))?)
    }

    /// Gives the session's tests.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub(crate) fn tests(&self) -> Result<Vec<TestRow>> {
        let sql = "SELECT *, (SELECT count(*) FROM samples WHERE samples.session_id = tests.session_id \
                   AND samples.test_id = tests.test_id) AS samples FROM tests WHERE session_id = ?1 ORDER BY test_id";
        let mut statement = self.store.prepare(sql)?;
        let rows = statement.query_map(params![self.session], TestRow::read)?;
        rows.collect::<Result<_, _>>().context("reading the tests")
    }

    /// Counts the samples that the client's own file says it sent and those that are stored.
    ///
    /// # Errors
    /// When they are not as many, or there are none.
    pub(crate) fn compare(&self, saved: &Path) -> Result<String> {
        let sql = "SELECT count(*) FROM samples WHERE session_id = ?1";
        let stored: i64 = self.store.query_row(sql, [&self.session], |row| row.get(0))?;
        let text = std::fs::read_to_string(saved).with_context(|| format!("cannot read {}", saved.display()))?;
        let mut sent = 0;
        for line in text.lines() {
            let item: serde_json::Value = serde_json::from_str(line).with_context(|| format!("no JSON: {line}"))?;
            sent += i64::from(item["type"] == "sample");
        }
        ensure!(sent == stored && sent > 0, "the client says it sent {sent} samples, the store holds {stored}");
        Ok(format!("{stored} samples stored, {sent} sent by the client's own count"))
    }
}

impl TestRow {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            kind: row.get("kind")?,
            destination: row.get("destination")?,
            outcome: row.get::<_, Option<String>>("outcome")?.unwrap_or_else(|| "running".to_owned()),
            failure_reason: row.get("failure_reason")?,
            failure_message: row.get("failure_message")?,
            loss_ratio: row.get("loss_ratio")?,
            rtt_median_us: row.get("rtt_median_us")?,
            hop_count: row.get("hop_count")?,
            goodput_bps: row.get("goodput_bps")?,
            samples: row.get("samples")?,
        })
    }

    /// Gives it in a line.
    pub(crate) fn line(&self) -> String {
        let mut words =
            vec![format!("{:<9}{:<12}{:<10}", self.kind, self.destination.as_deref().unwrap_or(""), self.outcome)];
        words.extend(self.failure_reason.as_ref().map(|reason| format!("({reason})")));
        words.extend(self.failure_message.clone());
        words.extend(self.rtt_median_us.map(|us| format!("RTT {:.3} ms", us / 1e3)));
        words.extend(self.loss_ratio.map(|ratio| format!("loss {:.1} %", ratio * 100.0)));
        words.extend(self.hop_count.map(|hops| format!("{hops} hops")));
        words.extend(self.goodput_bps.map(|bps| format!("{:.1} Mbit/s", bps / 1e6)));
        words.push(format!("[{} samples]", self.samples));
        words.join(" ")
    }
}
