//! Live: watchers see what comes, all the same, and harm nobody.

use std::time::Duration;

use cnc_integration_tests::client::Client;
use cnc_integration_tests::listener::{Listener, QUICK};
use cnc_integration_tests::store;
use cnc_model::test::{PingProtocol, PingTest};
use cnc_model::{Destination, Test};

/// A ping by TCP: it needs no privilege, and a closed port answers.
fn ping(count: u32, interval: Duration) -> Test {
    let mut ping = PingTest::to(Destination::Host("127.0.0.1".parse().expect("an address")));
    ping.protocol = PingProtocol::Tcp(9.try_into().expect("a port"));
    ping.count = count;
    ping.interval = interval;
    Test::Ping(ping)
}

#[tokio::test]
async fn a_pushed_ping_shows_its_first_sample_to_a_watcher() {
    let listener = Listener::start(QUICK).await;
    let mut staff = listener.staff().await;
    let made = staff.create_session(Some("nothing")).await;
    let id = made.session.id;
    let _client = Client::run(listener.url(), Some(&made.code.to_string()));
    let mut watcher = staff.watch(id).await;
    watcher.plan_done().await;

    let pushed = staff.issue(id, ping(3, Duration::from_millis(50))).await;
    watcher.until("the first sample", |watcher| watcher.samples.iter().any(|sample| sample.test == pushed.id)).await;
    watcher.plan_done().await;
    assert_eq!(watcher.samples.len(), 3);
}

#[tokio::test]
async fn two_watchers_see_the_same() {
    let listener = Listener::start(QUICK).await;
    let (mut first, mut second) = (listener.staff().await, listener.staff().await);
    let made = first.create_session(Some("quick")).await;
    let id = made.session.id;
    let (mut one, mut other) = (first.watch(id).await, second.watch(id).await);
    let _client = Client::run(listener.url(), Some(&made.code.to_string()));
    one.plan_done().await;
    first.end(id).await;
    one.over().await;
    other.over().await;
    assert!(!one.samples.is_empty());
    assert_eq!(one.samples, other.samples);
    assert_eq!(one.tests, other.tests);
}

#[tokio::test]
async fn a_slow_watcher_harms_nobody() {
    let listener = Listener::start(QUICK).await;
    let mut staff = listener.staff().await;
    let made = staff.create_session(Some("nothing")).await;
    let (id, session) = (made.session.id, made.session.id.to_string());
    // Reads nothing until all is over.
    let mut slow = listener.staff().await.watch(id).await;
    let mut quick = staff.watch(id).await;
    let client = Client::run(listener.url(), Some(&made.code.to_string()));
    quick.plan_done().await;
    // More samples than a watcher's queue and its connection's buffers hold.
    for _ in 0..10 {
        staff.issue(id, ping(400, Duration::from_millis(10))).await;
    }
    quick.plan_done().await;
    staff.end(id).await;
    quick.over().await;
    let ended = client.ended().await;
    assert_eq!(ended.code, 0, "{}", ended.said);
    assert_eq!(quick.samples.len(), 4_000);
    assert_eq!(store::samples(&listener.store(), &session), 4_000);
    slow.over().await;
    assert_eq!(slow.tests, quick.tests, "it ends with the same picture");
}
