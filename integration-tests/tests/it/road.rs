//! The thin road: create, join, run, store, report.

use cnc_integration_tests::client::Client;
use cnc_integration_tests::listener::{Listener, QUICK};
use cnc_integration_tests::store;

#[tokio::test]
async fn what_the_client_sent_is_what_is_stored_and_the_report_lies_there() {
    let listener = Listener::start(QUICK).await;
    let mut staff = listener.staff().await;
    let made = staff.create_session(Some("quick")).await;
    let (id, session) = (made.session.id, made.session.id.to_string());
    let mut watcher = staff.watch(id).await;

    let client = Client::run(listener.url(), Some(&made.code.to_string()));
    watcher.plan_done().await;
    staff.end(id).await;
    watcher.over().await;
    let ended = client.ended().await;

    assert_eq!(ended.code, 0, "{}", ended.said);
    let kinds = ["system", "ping", "download", "upload"];
    let completed = kinds.map(|kind| (kind.to_owned(), Some("completed".to_owned())));
    assert_eq!(store::outcomes(&listener.store(), &session), completed, "{}", ended.said);
    let stored = store::samples(&listener.store(), &session);
    let loads = store::loads(&listener.store(), &session);
    assert_eq!(loads.len(), 2, "samples each way");
    for load in &loads {
        // A fast loopback moves the allowed bytes before the second is over.
        assert!(load.stopped_by == "bytes" || load.stopped_by == "duration" && load.samples >= 5, "{load:?}");
        assert_eq!(load.told.0, load.summed.0, "no byte without its sample: {load:?}");
        let apart = load.told.1.abs_diff(load.summed.1);
        assert!(
            apart <= load.samples.unsigned_abs(),
            "no time without its sample, but for a cut microsecond each: {load:?}"
        );
    }
    let of_loads: i64 = loads.iter().map(|load| load.samples).sum();
    assert_eq!(stored, 20 + usize::try_from(of_loads).expect("a count"), "20 probes, and what the loads brought");
    assert_eq!(stored, ended.samples_sent(), "stored, and sent by the client's own count");
    assert_eq!(stored, watcher.samples.len(), "a watcher from the beginning has seen all");

    let report = std::fs::read_to_string(listener.report(&session)).expect("the report is written before the end");
    assert!(report.contains("<svg") && report.contains(&session), "a page with pictures");
    assert!(!report.contains("<script"), "a page without scripts");
}

#[tokio::test]
async fn a_listener_that_is_told_to_end_ends_well() {
    let listener = Listener::start(QUICK).await;
    assert_eq!(listener.stop().await, Some(0));
}
