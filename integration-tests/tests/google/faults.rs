//! Each fault by itself, and rows that BigQuery does not take.

use cnc_integration_tests::google::fixture::{assert_whole, begin, export_all, fill, id, observe};
use cnc_integration_tests::google::{Fake, Fault};
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
    assert_whole(&place.file(), |table| second.rows(table));
}
