//! How sessions and tests end before their time.

use std::time::Duration;

use cnc_integration_tests::client::Client;
use cnc_integration_tests::listener::{Listener, QUICK};
use cnc_integration_tests::staff::{Staff, Watcher};
use cnc_integration_tests::store;
use cnc_model::session::{EndReason, SessionState};
use cnc_model::test::{PingProtocol, PingTest};
use cnc_model::{Destination, Outcome, SessionId, Test, TestId};

/// A running client with a ping under way that would go on for minutes.
struct Running {
    listener: Listener,
    staff: Staff,
    id: SessionId,
    ping: TestId,
    client: Client,
    watcher: Watcher,
}

async fn running() -> Running {
    let listener = Listener::start(QUICK).await;
    let mut staff = listener.staff().await;
    let made = staff.create_session(Some("nothing")).await;
    let id = made.session.id;
    let client = Client::run(listener.url(), Some(&made.code.to_string()));
    let mut watcher = staff.watch(id).await;
    watcher.plan_done().await;
    let mut long = PingTest::to(Destination::Host("127.0.0.1".parse().expect("an address")));
    long.protocol = PingProtocol::Tcp(9.try_into().expect("a port"));
    (long.count, long.interval) = (10_000, Duration::from_millis(50));
    let ping = staff.issue(id, Test::Ping(long)).await.id;
    watcher.until("samples come", |watcher| watcher.samples.len() >= 3).await;
    Running { listener, staff, id, ping, client, watcher }
}

#[tokio::test]
async fn a_cancelled_test_ends_and_keeps_its_figures() {
    let Running { listener: _listener, mut staff, id, ping, client: _client, mut watcher } = running().await;
    staff.cancel(id, ping).await;
    watcher.plan_done().await;
    let test = watcher.tests.iter().find(|test| test.id == ping).unwrap();
    assert_eq!(test.outcome, Some(Outcome::Cancelled));
    assert!(test.summary.is_some(), "what was measured until then is not lost");
}

#[tokio::test]
async fn staff_end_a_session_with_a_test_under_way() {
    let Running { listener, mut staff, id, ping: _, client, mut watcher } = running().await;
    staff.end(id).await;
    watcher.over().await;
    let ended = client.ended().await;
    assert_eq!(ended.code, 0, "{}", ended.said);
    assert_eq!(staff.session(id).await.overview.state, SessionState::Ended(EndReason::Staff));
    assert_eq!(store::samples(&listener.store(), &id.to_string()), ended.samples_sent());
    assert!(listener.report(&id.to_string()).is_file());
}

#[tokio::test]
async fn the_user_stops_it_with_ctrl_c() {
    let Running { listener, mut staff, id, ping: _, client, mut watcher } = running().await;
    client.interrupt().await;
    let ended = client.ended().await;
    assert_eq!(ended.code, 130, "{}", ended.said);
    watcher.over().await;
    assert_eq!(staff.session(id).await.overview.state, SessionState::Ended(EndReason::User));
    assert_eq!(store::samples(&listener.store(), &id.to_string()), ended.samples_sent());
    assert!(listener.report(&id.to_string()).is_file());
}
