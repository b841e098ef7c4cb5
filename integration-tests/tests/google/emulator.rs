//! Against a BigQuery emulator: tables and views as they are set up, 100,000 samples each there once, and a power cut.

use std::time::Duration;

use cnc_integration_tests::google::Fake;
use cnc_integration_tests::google::emulator::{Emulator, found_or_skip};
use cnc_integration_tests::google::fixture::{begin, caught_up, fill, id, observe};
use cnc_server::export::{Exporter, Tempo, setup};
use cnc_server::google::check::{self, Verdict};
use cnc_server::google::{BIGQUERY_SCOPE, BigQuery, Google, Kind, Tokens};
use cnc_server::store::Store;
use rusqlite::Connection;
use tokio_util::sync::CancellationToken;

use crate::Place;

const SESSIONS: u32 = 20;
const SAMPLES: u64 = 5_000;
/// The emulator takes a while for ten thousand rows.
const PATIENT: Tempo = Tempo { gather: Duration::from_millis(20), ..Tempo::GATHERING };

pub(crate) async fn client(google: &Google) -> BigQuery {
    let tokens = Tokens::open(google, &[BIGQUERY_SCOPE]).await.expect("opened");
    BigQuery::open(google, "d", tokens).await.expect("opened")
}

pub(crate) async fn export(record: &Store, google: &Google) {
    let exporter = Exporter::new(record.clone(), google.clone(), "d".into(), PATIENT);
    let stop = CancellationToken::new();
    let running = tokio::spawn(exporter.run(stop.clone()));
    caught_up(record).await;
    stop.cancel();
    running.await.expect("the exporter does not panic");
}

/// Asks for one row of whole numbers.
async fn numbers(bigquery: &BigQuery, sql: &str) -> Vec<i64> {
    let answer = bigquery.query("count", sql).await.expect("answered");
    let row = answer.rows.into_iter().next().expect("a row");
    row.into_iter().map(|cell| cell.and_then(|cell| cell.parse().ok()).unwrap_or(-1)).collect()
}

/// Asks for rows, each given as its cells in one line.
pub(crate) async fn texts(bigquery: &BigQuery, sql: &str) -> Vec<String> {
    let answer = bigquery.query("look", sql).await.expect("answered");
    let line = |row: Vec<Option<String>>| {
        let cells: Vec<_> = row.into_iter().map(|cell| cell.unwrap_or_else(|| "NULL".into())).collect();
        cells.join(" ")
    };
    answer.rows.into_iter().map(line).collect()
}

async fn assert_samples_are_whole(bigquery: &BigQuery, place: &Place) {
    let sql = "SELECT COUNT(*), COUNT(DISTINCT CONCAT(session_id, '/', CAST(sequence AS STRING))), SUM(rtt_us), \
               SUM(sequence) FROM `p.d.samples`";
    let there = numbers(bigquery, sql).await;
    let record = Connection::open(place.file()).expect("opens");
    let sql = "SELECT count(*), sum(rtt_us), sum(sequence) FROM samples";
    let stored: (i64, i64, i64) =
        record.query_row(sql, (), |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).expect("counts");
    assert_eq!(there, [stored.0, stored.0, stored.1, stored.2], "rows, keys, round trips, sequences");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_thousand_samples_are_there_once() {
    let Some(emulator) = found_or_skip() else { return };
    let emulator = Emulator::start(&emulator, None).await;
    let fake = Fake::start().await;
    let google = emulator.google(fake.address());
    let bigquery = client(&google).await;
    let missing = setup(&bigquery, false).await.expect_err("no dataset yet");
    assert!(missing.kind == Kind::NotFound && missing.to_string().contains("--create-dataset"), "{missing}");
    let made = setup(&bigquery, true).await.expect("made");
    assert_eq!(made.len(), 1 + 4 + 5, "{made:?}");
    let again = setup(&bigquery, false).await.expect("nothing to do");
    assert!(again.iter().filter(|made| made.what == "table as it should be").count() == 4, "{again:?}");

    let place = Place::new();
    let record = place.open();
    fill(&record, SESSIONS, SAMPLES).await;
    export(&record, &google).await;
    assert_samples_are_whole(&bigquery, &place).await;

    let sessions = i64::from(SESSIONS);
    assert_eq!(
        numbers(&bigquery, "SELECT COUNT(*), COUNT(ended) FROM `p.d.sessions_latest`").await,
        [sessions, sessions]
    );
    let worst = "SELECT COUNT(*), COUNT(test_id) FROM `p.d.sessions_worst_test`";
    assert_eq!(numbers(&bigquery, worst).await, [sessions, sessions]);
    let daily = "SELECT COUNT(*), SUM(probes), SUM(lost), MIN(rtt_p50_us), MAX(rtt_p95_us) FROM `p.d.daily_rtt`";
    let daily = numbers(&bigquery, daily).await;
    let record_has = |sql: &str| {
        let connection = Connection::open(place.file()).expect("opens");
        connection.query_row(sql, (), |row| row.get::<_, i64>(0)).expect("a number")
    };
    let probes = "FROM (SELECT max(outcome = 'reply') AS answered FROM samples GROUP BY session_id, test_id, number)";
    let [sent, lost] = ["count(*)", "sum(NOT answered)"].map(|figure| record_has(&format!("SELECT {figure} {probes}")));
    assert!(lost * 4 < sent && sent < record_has("SELECT count(*) FROM samples"), "{lost} of {sent}");
    assert_eq!(daily[..3], [3, sent, lost]);
    // Round trips are 1,000 to 1,976 µs, evenly.
    assert!((1_450..1_520).contains(&daily[3]) && (1_900..1_950).contains(&daily[4]), "{daily:?}");

    record.delete(id(3), cnc_server::clock::wall()).await.expect("deleted").expect("it was there");
    export_removals(&record, &google).await;
    assert_samples_are_whole(&bigquery, &place).await;
    assert_eq!(numbers(&bigquery, "SELECT COUNT(*) FROM `p.d.sessions_latest`").await, [sessions - 1]);

    for checked in check::run(&google).await {
        assert_eq!(checked.verdict, Verdict::Granted, "{:?}", checked.right);
    }
}

async fn export_removals(record: &Store, google: &Google) {
    let stop = CancellationToken::new();
    let running = tokio::spawn(Exporter::new(record.clone(), google.clone(), "d".into(), PATIENT).run(stop.clone()));
    let mut commits = record.commits();
    while record.export_standing().await.expect("readable").removals_waiting > 0 {
        // Liveness: what was tried is noted in the record.
        commits.changed().await.expect("the writer runs");
    }
    stop.cancel();
    running.await.expect("the exporter does not panic");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_that_lacks_columns_is_widened() {
    let Some(emulator) = found_or_skip() else { return };
    let emulator = Emulator::start(&emulator, None).await;
    let fake = Fake::start().await;
    let google = emulator.google(fake.address());
    let bigquery = client(&google).await;
    bigquery.create_dataset().await.expect("made");
    let narrow = "CREATE TABLE `p.d.findings` (session_id STRING NOT NULL, finding_id INT64, version INT64, own STRING, \
                  rule STRING)";
    bigquery.query("make a table", narrow).await.expect("made");
    let wrong = "CREATE TABLE `p.d.sessions` (session_id STRING NOT NULL, version STRING)";
    bigquery.query("make a table", wrong).await.expect("made");
    let refused = setup(&bigquery, false).await.expect_err("a column of another type");
    assert!(refused.kind == Kind::Schema && refused.to_string().contains("version"), "{refused}");
    bigquery.delete_table("sessions").await.expect("removed");
    let made = setup(&bigquery, false).await.expect("widened");
    let findings = made.iter().find(|made| made.name == "findings").expect("told");
    assert!(findings.what.starts_with("table widened by title, confidence"), "{findings:?}");
    let again = setup(&bigquery, false).await.expect("nothing to do");
    assert!(again.iter().any(|made| made.name == "findings" && made.what == "table as it should be"), "{again:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_emulator_that_is_killed_in_the_middle_has_every_row_once() {
    let Some(program) = found_or_skip() else { return };
    let data = tempfile::tempdir().expect("a folder");
    let fake = Fake::start().await;
    let emulator = Emulator::start(&program, Some(data.path())).await;
    let google = emulator.google(fake.address());
    setup(&client(&google).await, true).await.expect("made");
    let place = Place::new();
    let record = place.open();
    for n in 0..4 {
        begin(&record, n).await;
        observe(&record, n, 2, 3_001).await;
    }
    let stop = CancellationToken::new();
    let exporter = Exporter::new(record.clone(), google, "d".into(), PATIENT);
    let running = tokio::spawn(exporter.run(stop.clone()));
    // Once something has arrived, and more is on its way.
    let mut commits = record.commits();
    while record.export_standing().await.expect("readable").exported_rows == 0 {
        commits.changed().await.expect("the writer runs");
    }
    emulator.kill().await;
    observe(&record, 2, 3_002, 3_500).await;
    stop.cancel();
    running.await.expect("the exporter does not panic");

    // It knows its tables again, and none of its streams.
    let emulator = Emulator::start(&program, Some(data.path())).await;
    let google = emulator.google(fake.address());
    export(&record, &google).await;
    assert_samples_are_whole(&client(&google).await, &place).await;
}
