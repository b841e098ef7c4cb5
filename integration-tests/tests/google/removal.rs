//! What is removed here is removed there, even where it came of late, and the record says so.

use cnc_integration_tests::google::Fake;
use cnc_integration_tests::google::fixture::{begin, caught_up, export_all, exporter, fill, id};
use cnc_model::Timestamp;
use rusqlite::Connection;
use tokio_util::sync::CancellationToken;

use crate::Place;

const BUFFERED: &str = r#"{"error":{"code":400,"message":"UPDATE or DELETE statement over table p.d.samples would affect rows in the streaming buffer, which is not supported","errors":[{"reason":"invalidQuery","message":"x"}],"status":"INVALID_ARGUMENT"}}"#;

fn now() -> Timestamp {
    cnc_server::clock::wall()
}

#[tokio::test]
async fn a_deleted_session_goes_there_too_once_it_can() {
    let place = Place::new();
    let record = place.open();
    let fake = Fake::start().await;
    fill(&record, 3, 40).await;
    export_all(&record, &fake.google()).await;
    fake.refuse_rest(Some((400, BUFFERED.into())));
    record.delete(id(1), now()).await.expect("deleted").expect("it was there");
    let stop = CancellationToken::new();
    let running = tokio::spawn(exporter(&record, &fake.google()).run(stop.clone()));
    until(&record, |standing| standing.removals_failing == 1).await;
    assert_eq!(fake.rows("samples").len(), 120, "rows that came of late cannot be removed yet");
    // The other rows are none the worse for it.
    begin(&record, 7).await;
    caught_up(&record).await;
    assert_eq!(fake.rows("sessions").iter().filter(|row| row["session_id"].text() == id(7).to_string()).count(), 1);

    fake.refuse_rest(None);
    let connection = Connection::open(place.file()).expect("opens");
    let wait: i64 = connection.query_row("SELECT due_us FROM removals", (), |row| row.get(0)).expect("one");
    assert!(wait > now().unix_us() + 20 * 60 * 1_000_000, "it is tried again much later");
    // Half an hour passes.
    connection.execute("UPDATE removals SET due_us = 0", ()).expect("set on");
    begin(&record, 8).await;
    until(&record, |standing| standing.removals_waiting == 0).await;
    stop.cancel();
    running.await.expect("the exporter does not panic");
    for table in ["sessions", "tests", "samples"] {
        let left = fake.rows(table).into_iter().filter(|row| row["session_id"].text() == id(1).to_string());
        assert_eq!(left.count(), 0, "{table}");
    }
    assert_eq!(fake.rows("samples").len(), 80);
    let noted: (String, i64) = connection
        .query_row("SELECT state, removed_rows FROM removals", (), |row| Ok((row.get(0)?, row.get(1)?)))
        .expect("one");
    assert_eq!(noted.0, "done");
    assert!(noted.1 >= 40 + 2, "{noted:?}");
}

#[tokio::test]
async fn samples_that_are_kept_no_longer_go_there_too() {
    let place = Place::new();
    let record = place.open();
    let fake = Fake::start().await;
    fill(&record, 2, 40).await;
    export_all(&record, &fake.google()).await;
    // As once history has summed them up.
    let connection = Connection::open(place.file()).expect("opens");
    connection.execute("UPDATE sessions SET rolled_sequence = stored_sequence", ()).expect("set on");
    while record.thin_out(now().after(std::time::Duration::from_hours(100_000)), 25, now()).await.expect("removed") > 0
    {
    }
    let stop = CancellationToken::new();
    let running = tokio::spawn(exporter(&record, &fake.google()).run(stop.clone()));
    until(&record, |standing| standing.removals_waiting == 0).await;
    stop.cancel();
    running.await.expect("the exporter does not panic");
    assert_eq!(fake.rows("samples").len(), 0);
    assert!(!fake.rows("tests").is_empty(), "the tests' figures stay");
}

#[tokio::test]
async fn nothing_is_asked_for_where_nothing_was_exported() {
    let place = Place::new();
    let record = place.open();
    fill(&record, 1, 10).await;
    record.delete(id(0), now()).await.expect("deleted");
    assert_eq!(record.export_standing().await.expect("readable").removals_waiting, 0);
}

async fn until(record: &cnc_server::store::Store, is_so: impl Fn(&cnc_server::store::ExportStanding) -> bool) {
    let mut commits = record.commits();
    loop {
        commits.mark_unchanged();
        if is_so(&record.export_standing().await.expect("readable")) {
            return;
        }
        // Liveness: what was tried is noted in the record.
        commits.changed().await.expect("the writer runs");
    }
}
