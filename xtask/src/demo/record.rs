//! What the store holds, read from its file by SQL alone: nothing here knows the listener's code.

use std::collections::BTreeSet;
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

    /// Counts the session's samples.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub(crate) fn count(&self) -> Result<i64> {
        let sql = "SELECT count(*) FROM samples WHERE session_id = ?1";
        Ok(self.store.query_row(sql, [&self.session], |row| row.get(0))?)
    }

    /// Holds the samples that the client's own file says it sent against those that are stored, one by one.
    ///
    /// # Errors
    /// When they are not the same, or there are none.
    pub(crate) fn compare(&self, saved: &Path) -> Result<String> {
        let mut statement = self.store.prepare("SELECT sequence FROM samples WHERE session_id = ?1")?;
        let stored: BTreeSet<i64> =
            statement.query_map([&self.session], |row| row.get(0))?.collect::<Result<_, _>>()?;
        let text = std::fs::read_to_string(saved).with_context(|| format!("cannot read {}", saved.display()))?;
        let mut sent = BTreeSet::new();
        for line in text.lines() {
            let item: serde_json::Value = serde_json::from_str(line).with_context(|| format!("no JSON: {line}"))?;
            if item["type"] == "sample" {
                sent.insert(item["sequence"].as_i64().with_context(|| format!("no sequence: {line}"))?);
            }
        }
        let (lost, strange) = (sent.difference(&stored).count(), stored.difference(&sent).count());
        ensure!(lost == 0, "{lost} of {} samples that the client says it sent are not stored", sent.len());
        ensure!(strange == 0, "{strange} of {} stored samples are not among those that the client sent", stored.len());
        ensure!(!sent.is_empty(), "the client sent no samples");
        Ok(format!("{} samples sent by the client's own count, {} stored, the same ones", sent.len(), stored.len()))
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
