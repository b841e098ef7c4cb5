//! Each fault by itself, and rows that BigQuery does not take.

use cnc_integration_tests::google::fixture::{
    assert_whole, begin, caught_up, end, export_all, exporter, fill, id, observe,
};
use cnc_integration_tests::google::{Fake, Fault};
use cnc_server::google::Kind;
use tokio_util::sync::CancellationToken;
use tonic::Code;

use crate::Place;

#[tokio::test]
async fn each_fault_leaves_every_row_there_once() {
    let faults = [
        Fault::Refused(Code::Unavailable),
        Fault::Refused(Code::ResourceExhausted),
        Fault::Refused(Code::Internal),
        Fault::DoneAndRefused(Code::Unavailable),
        Fault::DoneAndRefused(Code::Internal),
        Fault::DoneAndCut,
        Fault::DoneAndSilent,
        Fault::Silent,
        Fault::Forgotten,
    ];
    for fault in faults {
        // The first append, one in the middle, and two in a row.
        for before in [0, 2, 3] {
            let place = Place::new();
            let record = place.open();
            let fake = Fake::start().await;
            fake.next((0..before).map(|_| None).chain([Some(fault), Some(fault)]));
            fill(&record, 3, 100).await;
            export_all(&record, &fake.google()).await;
            assert_whole(&place.file(), |table| fake.rows(table));
        }
    }
}

#[tokio::test]
async fn a_row_that_changes_while_it_is_in_doubt_is_there_once_in_each_version() {
    let place = Place::new();
    let record = place.open();
    let fake = Fake::start().await;
    begin(&record, 0).await;
    // Killed twice: once before the row had arrived, and after it has another version once behind that.
    for (appends, fault) in [(1, Fault::Silent), (2, Fault::DoneAndSilent)] {
        fake.next([Some(fault)]);
        let life = tokio::spawn(exporter(&record, &fake.google()).run(CancellationToken::new()));
        fake.until(|fake| fake.appends() == appends).await;
        life.abort();
        assert!(life.await.expect_err("it was killed").is_cancelled());
        end(&record, 0, appends).await;
    }
    export_all(&record, &fake.google()).await;
    assert_whole(&place.file(), |table| fake.rows(table));
}

#[tokio::test]
async fn streams_that_nobody_knows_any_more_are_replaced() {
    let place = Place::new();
    let record = place.open();
    let fake = Fake::start().await;
    fill(&record, 2, 50).await;
    export_all(&record, &fake.google()).await;
    fake.forget_streams();
    observe(&record, 0, 60, 120).await;
    export_all(&record, &fake.google()).await;
    assert_whole(&place.file(), |table| fake.rows(table));
    // A record that was set back, as from a backup: the stream has rows that it does not know of.
    let connection = rusqlite::Connection::open(place.file()).expect("opens");
    connection.execute("UPDATE export_streams SET next_offset = 5 WHERE kind = 'samples'", ()).expect("set back");
    observe(&record, 1, 60, 90).await;
    export_all(&record, &fake.google()).await;
    assert_whole(&place.file(), |table| fake.rows(table));
}

#[tokio::test]
async fn rows_that_are_not_taken_are_set_aside_and_the_others_go_on() {
    for is_named in [true, false] {
        let place = Place::new();
        let record = place.open();
        let fake = Fake::start().await;
        fill(&record, 5, 40).await;
        fake.poison(&id(2).to_string(), is_named);
        let figures = export_all(&record, &fake.google()).await;
        let standing = record.export_standing().await.expect("readable");
        // Its samples, its last version and its test's.
        assert_eq!(standing.set_aside, 42, "named: {is_named}");
        assert_eq!(standing.last_set_aside.as_deref(), Some("poison"));
        assert_eq!(fake.rows("samples").len(), 4 * 40);
        assert_eq!(figures.failing(), None);
        // A session that comes later is none the worse.
        begin(&record, 9).await;
        observe(&record, 9, 2, 30).await;
        export_all(&record, &fake.google()).await;
        assert_eq!(fake.rows("samples").len(), 4 * 40 + 29);
    }
}

#[tokio::test]
async fn another_dataset_gets_everything_again() {
    let place = Place::new();
    let record = place.open();
    let (first, second) = (Fake::start().await, Fake::start().await);
    fill(&record, 2, 30).await;
    export_all(&record, &first.google()).await;
    let elsewhere = cnc_server::google::Google { project: "other".into(), ..second.google() };
    // As the exporter does at its start: until then everything is where it should be.
    record.export_to("other.d".into()).await.expect("noted");
    export_all(&record, &elsewhere).await;
    assert_whole(&place.file(), |table| second.rows_in("other.d", table));
}

/// More appends than this before anything is told are a loop that nothing slows down.
const LOOP: u64 = 50;

#[tokio::test]
async fn streams_that_take_nothing_from_the_start_are_not_made_without_end() {
    for code in [Code::FailedPrecondition, Code::OutOfRange, Code::AlreadyExists] {
        let place = Place::new();
        let record = place.open();
        let fake = Fake::start().await;
        fake.refuse_appends(Some(code));
        fill(&record, 1, 20).await;
        let exporter = exporter(&record, &fake.google());
        let mut failing = exporter.figures().watch();
        let stop = CancellationToken::new();
        let running = tokio::spawn(exporter.run(stop.clone()));
        tokio::select! {
            told = failing.wait_for(Option::is_some) => {
                let told = told.expect("the exporter lives").clone().expect("it is some");
                assert_eq!(told.kind, Kind::Outage, "{code:?}: {told:?}");
            }
            () = fake.until(|fake| fake.appends() > LOOP) => panic!("{code:?}: nothing slows it down"),
        }
        fake.refuse_appends(None);
        caught_up(&record).await;
        stop.cancel();
        running.await.expect("the exporter does not panic");
        assert_whole(&place.file(), |table| fake.rows(table));
    }
}
