//! Since when BigQuery lacks something is known whatever is in the way: also where no batch ever began.

use std::time::Duration;

use cnc_integration_tests::google::Fake;
use cnc_integration_tests::google::fixture::{HURRIED, begin, caught_up, exporter, id, until};
use cnc_server::export::{Exporter, Tempo};
use cnc_server::google::{Credentials, Google};
use tokio_util::sync::CancellationToken;
use tonic::Code;

use crate::Place;

/// A second attempt is further off than a test waits.
const SELDOM: Tempo = Tempo { first_retry: Duration::from_hours(1), longest_retry: Duration::from_hours(1), ..HURRIED };

#[tokio::test]
async fn the_lag_runs_though_the_tables_never_were_there() {
    let place = Place::new();
    let record = place.open();
    let fake = Fake::start().await;
    fake.refuse_streams(Some((Code::NotFound, "Not found: Table p:d.sessions")));
    begin(&record, 0).await;
    let stop = CancellationToken::new();
    let running = tokio::spawn(exporter(&record, &fake.google()).run(stop.clone()));
    let behind = until(&record, |standing| standing.behind_since.is_some()).await;
    assert!(behind.lag_rows > 0, "{behind:?}");
    // It stays when more comes, and ends with what was missing.
    begin(&record, 1).await;
    let still = until(&record, |standing| standing.lag_rows > behind.lag_rows).await;
    assert_eq!(still.behind_since, behind.behind_since);
    fake.refuse_streams(None);
    caught_up(&record).await;
    stop.cancel();
    running.await.expect("the exporter does not panic");
}

#[tokio::test]
async fn the_lag_runs_though_the_key_never_was_there() {
    let place = Place::new();
    let record = place.open();
    let fake = Fake::start().await;
    let missing = place.file().with_file_name("google.json");
    let google = Google { credentials: Credentials::File(missing), ..fake.google() };
    let exporter = Exporter::new(record.clone(), google, "d".into(), SELDOM);
    let mut failing = exporter.figures().watch();
    let stop = CancellationToken::new();
    let running = tokio::spawn(exporter.run(stop.clone()));
    failing.wait_for(Option::is_some).await.expect("it fails");
    assert_eq!(record.export_standing().await.expect("readable").behind_since, None, "there is nothing to export");
    // From now on there is, long before the next attempt.
    begin(&record, 0).await;
    until(&record, |standing| standing.behind_since.is_some()).await;
    stop.cancel();
    running.await.expect("the exporter does not panic");
}

#[tokio::test]
async fn the_lag_ends_where_what_was_left_is_removed() {
    let place = Place::new();
    let record = place.open();
    let fake = Fake::start().await;
    fake.refuse_streams(Some((Code::NotFound, "Not found: Table p:d.sessions")));
    begin(&record, 0).await;
    let stop = CancellationToken::new();
    let running = tokio::spawn(exporter(&record, &fake.google()).run(stop.clone()));
    until(&record, |standing| standing.behind_since.is_some()).await;
    record.delete(id(0), cnc_server::clock::wall()).await.expect("deleted").expect("it was there");
    until(&record, |standing| standing.behind_since.is_none()).await;
    stop.cancel();
    running.await.expect("the exporter does not panic");
}
