//! A record with something in it to export, and an exporter over it that hurries.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

use cnc_model::message::When;
use cnc_model::network::AutonomousSystem;
use cnc_model::ping::{Clock, PingOutcome, PingReply, PingSample};
use cnc_model::session::{EndReason, SequencedSample, SessionOverview, SessionState, TestRecord};
use cnc_model::test::PingTest;
use cnc_model::{Outcome, Sample, Sequence, SessionId, Test, TestId, Timestamp, Ttl};
use cnc_server::export::{ExportFigures, Exporter, Tempo};
use cnc_server::google::Google;
use cnc_server::store::{Change, Commit, ExportStanding, SessionRow, Store};
use rusqlite::Connection;
use tokio_util::sync::CancellationToken;

use super::Row;

/// Waits that do not hold a test up.
pub const HURRIED: Tempo = Tempo {
    gather: Duration::from_millis(1),
    first_retry: Duration::from_millis(2),
    longest_retry: Duration::from_millis(20),
    answer: Duration::from_millis(100),
};
/// The samples of one commit.
const SAMPLES_A_COMMIT: u64 = 500;
const BEGAN_US: i64 = 1_800_000_000_000_000;

/// Gives the `n`th session's id.
#[must_use]
pub fn id(n: u32) -> SessionId {
    SessionId::new(Timestamp::from_unix_us(BEGAN_US + i64::from(n) * 1_000), u64::from(n))
}

fn row(n: u32, state: SessionState) -> SessionRow {
    let at = |offset: i64| Timestamp::from_unix_us(BEGAN_US + i64::from(n) * 1_000 + offset);
    SessionRow {
        overview: SessionOverview {
            id: id(n),
            label: format!("caller {n}"),
            plan: "default".into(),
            walk_in: false,
            code: None,
            state,
            connected: false,
            created: at(0),
            joined: Some(at(1)),
            ended: matches!(state, SessionState::Ended(_)).then(|| at(9)),
            client_version: Some("0.1.0".into()),
            public_address: Some(IpAddr::from([192, 0, 2, 1])),
            network: Some(AutonomousSystem { number: 64_500 + n % 3, name: Some(format!("Provider {}", n % 3)) }),
            clock_offset_us: Some(-17),
            stored: Sequence::NONE,
        },
        consented: Some(at(2)),
        code_hash: None,
        key_hash: None,
    }
}

fn test(outcome: Option<Outcome>) -> TestRecord {
    TestRecord {
        id: TestId::FIRST,
        what: Test::Ping(PingTest::to("example.com".parse().expect("a host"))),
        when: When::Now,
        issued_by: "plan default".into(),
        issued: Timestamp::from_unix_us(BEGAN_US),
        started: Some(Timestamp::from_unix_us(BEGAN_US + 5)),
        ended: outcome.is_some().then(|| Timestamp::from_unix_us(BEGAN_US + 9)),
        outcome,
        summary: None,
        samples: 0,
    }
}

/// Of ten, one is lost, one is answered by a router, and one is a second reply to the probe before it.
fn sample(sequence: u64) -> SequencedSample {
    let from = IpAddr::from([192, 0, 2, 9]);
    let reply = PingReply {
        rtt: Duration::from_micros(1_000 + sequence % 977),
        from,
        ttl: Ttl::try_from(60).ok(),
        clock: Clock::Kernel,
    };
    let (outcome, seq) = match sequence % 10 {
        0 => (PingOutcome::Lost, sequence),
        5 => (PingOutcome::Unreachable { from: Some(from) }, sequence),
        7 => (PingOutcome::Reply(reply), sequence - 1),
        _ => (PingOutcome::Reply(reply), sequence),
    };
    let seq = u32::try_from(seq).expect("few");
    let sample = Sample::Ping(PingSample { seq, at: Duration::from_millis(sequence * 10), outcome });
    SequencedSample { sequence: Sequence::new(sequence), test: TestId::FIRST, sample }
}

/// Stores changes and waits until they are durable.
///
/// # Panics
/// When they cannot be stored.
pub async fn store(store: &Store, n: u32, changes: Vec<Change>, through: Option<u64>) {
    let commit = Commit { session: id(n), changes, through: through.map(Sequence::new) };
    store.submit(commit).await.expect("the writer runs").await.expect("an answer").expect("stored");
}

/// Opens a session with its test.
pub async fn begin(record: &Store, n: u32) {
    let changes = vec![Change::Session(Box::new(row(n, SessionState::Active))), Change::Test(Box::new(test(None)))];
    store(record, n, changes, Some(1)).await;
}

/// Stores samples of a session, each sequence from the first to the last.
pub async fn observe(record: &Store, n: u32, first: u64, last: u64) {
    let mut next = first;
    while next <= last {
        let end = last.min(next + SAMPLES_A_COMMIT - 1);
        store(record, n, vec![Change::Samples((next..=end).map(sample).collect())], Some(end)).await;
        next = end + 1;
    }
}

/// Ends a session: its rows and its test's get a further version.
pub async fn end(record: &Store, n: u32, last: u64) {
    let changes = vec![
        Change::Test(Box::new(test(Some(Outcome::Completed)))),
        Change::Session(Box::new(row(n, SessionState::Ended(EndReason::Staff)))),
    ];
    store(record, n, changes, Some(last + 1)).await;
}

/// Fills a record with whole sessions.
pub async fn fill(record: &Store, sessions: u32, samples: u64) {
    for n in 0..sessions {
        begin(record, n).await;
        observe(record, n, 2, samples + 1).await;
        end(record, n, samples + 1).await;
    }
}

/// Makes an exporter that hurries.
#[must_use]
pub fn exporter(record: &Store, google: &Google) -> Exporter {
    Exporter::new(record.clone(), google.clone(), "d".into(), HURRIED)
}

/// Exports until nothing is left; gives what the exporter told of itself.
///
/// # Panics
/// When the record cannot be read.
pub async fn export_all(record: &Store, google: &Google) -> std::sync::Arc<ExportFigures> {
    let exporter = exporter(record, google);
    let figures = exporter.figures();
    let stop = CancellationToken::new();
    let running = tokio::spawn(exporter.run(stop.clone()));
    caught_up(record).await;
    stop.cancel();
    running.await.expect("the exporter does not panic");
    figures
}

/// Waits until nothing is left to export.
pub async fn caught_up(record: &Store) {
    until(record, |standing| standing.lag_rows == 0 && standing.behind_since.is_none()).await;
}

/// Waits until the export stands as is wished, and gives how.
///
/// # Panics
/// When the record cannot be read.
pub async fn until(record: &Store, is_so: impl Fn(&ExportStanding) -> bool) -> ExportStanding {
    let mut commits = record.commits();
    loop {
        commits.mark_unchanged();
        let standing = record.export_standing().await.expect("readable");
        if is_so(&standing) {
            return standing;
        }
        // Liveness: what is waited for is noted in the record.
        commits.changed().await.expect("the writer runs");
    }
}

/// The keys of a table's rows, each with how often it is there.
#[must_use]
pub fn keys(rows: &[Row], columns: &[&str]) -> BTreeMap<(String, Vec<i64>), usize> {
    let mut keys = BTreeMap::new();
    for row in rows {
        let numbers = columns.iter().map(|column| row[*column].number()).collect();
        *keys.entry((row["session_id"].text().to_owned(), numbers)).or_default() += 1;
    }
    keys
}

/// Tells whether something of the record is not there yet.
///
/// # Panics
/// When the record cannot be read.
#[must_use]
pub fn lacks(file: &Path, table: impl Fn(&str) -> Vec<Row>) -> bool {
    let record = Connection::open(file).expect("opens");
    let stored: i64 = record.query_row("SELECT count(*) FROM samples", (), |row| row.get(0)).expect("counts");
    i64::try_from(table("samples").len()).expect("few") < stored
        || VERSIONED.iter().any(|kind| !missing(&record, kind, &table(kind.0)).is_empty())
}

/// Tables whose rows have versions, with what names a version within its session.
const VERSIONED: [(&str, &[&str]); 2] = [("sessions", &["version"]), ("tests", &["test_id", "version"])];

/// Gives the last versions of a table's rows that are not there.
fn missing(record: &Connection, (kind, columns): &(&str, &[&str]), there: &[Row]) -> Vec<(String, i64, i64)> {
    let there = keys(there, columns);
    let mut last =
        record.prepare("SELECT session_id, item_id, version FROM export_rows WHERE kind = ?1").expect("sound");
    let rows = last.query_map([kind], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).expect("rows");
    let mut rows = rows.collect::<Result<Vec<(String, i64, i64)>, _>>().expect("readable");
    rows.retain(|(session, item, version)| {
        let numbers = if columns.len() > 1 { vec![*item, *version] } else { vec![*version] };
        !there.contains_key(&(session.clone(), numbers))
    });
    rows
}

/// Holds what arrived against the record: every sample once and as it was stored, every row's last version, and no row
/// of a version twice.
///
/// # Panics
/// When something is missing, twice, or different.
pub fn assert_whole(file: &Path, table: impl Fn(&str) -> Vec<Row>) {
    let record = Connection::open(file).expect("opens");
    let samples = table("samples");
    let there = keys(&samples, &["sequence"]);
    let twice = there.iter().find(|(_, times)| **times != 1);
    assert_eq!(twice, None, "a sample is there more than once");
    let sum = |rows: &[Row]| rows.iter().filter_map(|row| row.get("rtt_us")).map(super::Cell::number).sum::<i64>();
    let sql = "SELECT count(*), coalesce(sum(rtt_us), 0), coalesce(sum(sequence), 0) FROM samples";
    let stored: (i64, i64, i64) =
        record.query_row(sql, (), |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).expect("counts");
    let sequences = samples.iter().map(|row| row["sequence"].number()).sum::<i64>();
    let arrived = (i64::try_from(samples.len()).expect("few"), sum(&samples), sequences);
    assert_eq!(arrived, stored, "count, sum of round trips, sum of sequences");
    for kind in VERSIONED {
        let rows = table(kind.0);
        let there = keys(&rows, kind.1);
        assert!(there.values().all(|times| *times == 1), "a version of {} is there twice: {there:?}", kind.0);
        assert_eq!(missing(&record, &kind, &rows), [], "last versions of {}", kind.0);
    }
}
