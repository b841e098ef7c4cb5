//! What is removed here is removed there, even where it came of late, and the record says so.

use cnc_integration_tests::google::fixture::{
    HURRIED, begin, caught_up, export_all, exporter, fill, id, observe, until,
};
use cnc_integration_tests::google::{Fake, Fault};
use cnc_model::Timestamp;
use cnc_server::export::Exporter;
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
    // Its samples, its row and its test's.
    assert_eq!(noted, ("done".into(), 40 + 2));
}

#[tokio::test]
async fn what_was_removed_before_the_dataset_changed_goes_where_it_was() {
    let place = Place::new();
    let record = place.open();
    let fake = Fake::start().await;
    fill(&record, 3, 40).await;
    export_all(&record, &fake.google()).await;
    record.delete(id(1), now()).await.expect("deleted").expect("it was there");
    // Nobody has removed it there yet, and the settings name another dataset now.
    let stop = CancellationToken::new();
    let exporter = Exporter::new(record.clone(), fake.google(), "e".into(), HURRIED);
    let running = tokio::spawn(exporter.run(stop.clone()));
    until(&record, |standing| standing.removals_waiting == 0).await;
    caught_up(&record).await;
    record.delete(id(2), now()).await.expect("deleted").expect("it was there");
    until(&record, |standing| standing.removals_waiting == 0).await;
    stop.cancel();
    running.await.expect("the exporter does not panic");
    assert_eq!((fake.rows("samples").len(), fake.rows_in("p.e", "samples").len()), (80, 40));
    assert!(fake.rows("sessions").iter().all(|row| row["session_id"].text() != id(1).to_string()));
    let connection = Connection::open(place.file()).expect("opens");
    let mut noted = connection.prepare("SELECT dataset FROM removals ORDER BY removal_id").expect("sound");
    let places = noted.query_map((), |row| row.get::<_, String>(0)).expect("rows");
    assert_eq!(places.collect::<Result<Vec<_>, _>>().expect("texts"), ["p.d", "p.e"]);
}

#[tokio::test]
async fn a_dataset_that_its_owner_removed_holds_nobody_up() {
    let place = Place::new();
    let record = place.open();
    let fake = Fake::start().await;
    fill(&record, 2, 20).await;
    export_all(&record, &fake.google()).await;
    record.delete(id(1), now()).await.expect("deleted").expect("it was there");
    record.export_to("p.e".into()).await.expect("noted");
    let gone = r#"{"error":{"code":404,"message":"Not found: Dataset p:d","errors":[{"reason":"notFound","message":"x"}],"status":"NOT_FOUND"}}"#;
    fake.refuse_rest(Some((404, gone.into())));
    let stop = CancellationToken::new();
    let exporter = Exporter::new(record.clone(), fake.google(), "e".into(), HURRIED);
    let figures = exporter.figures();
    let running = tokio::spawn(exporter.run(stop.clone()));
    until(&record, |standing| standing.removals_waiting == 0).await;
    stop.cancel();
    running.await.expect("the exporter does not panic");
    assert_eq!(figures.failing(), None);
}

#[tokio::test]
async fn each_removal_says_how_many_rows_went_of_its_own_session() {
    let place = Place::new();
    let record = place.open();
    let fake = Fake::start().await;
    for (n, last) in [(0, 11), (1, 31)] {
        begin(&record, n).await;
        observe(&record, n, 2, last).await;
    }
    export_all(&record, &fake.google()).await;
    for n in [0, 1] {
        record.delete(id(n), now()).await.expect("deleted").expect("it was there");
    }
    let stop = CancellationToken::new();
    let running = tokio::spawn(exporter(&record, &fake.google()).run(stop.clone()));
    until(&record, |standing| standing.removals_waiting == 0).await;
    stop.cancel();
    running.await.expect("the exporter does not panic");
    let connection = Connection::open(place.file()).expect("opens");
    let mut noted = connection.prepare("SELECT removed_rows FROM removals ORDER BY session_id").expect("sound");
    let rows = noted.query_map((), |row| row.get::<_, i64>(0)).expect("rows");
    // The samples, a version of the session, and one of its test.
    assert_eq!(rows.collect::<Result<Vec<_>, _>>().expect("numbers"), [10 + 2, 30 + 2]);
}

#[tokio::test]
async fn what_was_on_its_way_does_not_come_behind_its_removal() {
    let place = Place::new();
    let record = place.open();
    let fake = Fake::start().await;
    // The session's row and its test's arrive; its samples are on their way for long.
    fake.next([None, None, Some(Fault::Late)]);
    begin(&record, 0).await;
    observe(&record, 0, 2, 41).await;
    let first = tokio::spawn(exporter(&record, &fake.google()).run(CancellationToken::new()));
    fake.until(|fake| fake.appends() == 3).await;
    first.abort();
    assert!(first.await.expect_err("it was killed").is_cancelled());
    record.delete(id(0), now()).await.expect("deleted").expect("it was there");
    let stop = CancellationToken::new();
    let running = tokio::spawn(exporter(&record, &fake.google()).run(stop.clone()));
    until(&record, |standing| standing.removals_waiting == 0).await;
    assert_eq!(fake.deliver_late(), 0, "rows came behind their removal");
    begin(&record, 1).await;
    caught_up(&record).await;
    stop.cancel();
    running.await.expect("the exporter does not panic");
    assert_eq!(fake.rows("samples").len(), 0);
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
