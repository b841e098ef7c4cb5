//! Live: watchers see what comes, all the same, and harm nobody.

use std::time::Duration;

use cnc_integration_tests::client::Client;
use cnc_integration_tests::listener::{Listener, QUICK};
use cnc_integration_tests::staff::Staff;
use cnc_integration_tests::store;
use cnc_integration_tests::wire::{WireClient, reply};
use cnc_model::test::{PingProtocol, PingTest};
use cnc_model::{Destination, Test};
use tonic::transport::Endpoint;

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
    /// More than a watcher's queue and this connection's small window hold.
    const SAMPLES: u32 = 5_000;
    const PORTION: usize = 500;

    let listener = Listener::start(QUICK).await;
    let mut staff = listener.staff().await;
    let made = staff.create_session(Some("nothing")).await;
    let (id, session) = (made.session.id, made.session.id.to_string());
    let mut client = WireClient::connect(listener.url(), made.code, [1; 32]).await;
    client.consent().await;
    let test = staff.issue(id, ping(1_000, Duration::from_millis(10))).await.id;
    // Reads nothing until all is over.
    let narrow = Endpoint::new(listener.url().to_owned()).unwrap().initial_stream_window_size(4_096);
    let mut slow = Staff::connect_by(narrow, Some(&listener.token())).await.watch(id).await;
    let mut quick = staff.watch(id).await;

    // In portions that the quick one's queue holds, however the machine schedules.
    for first in (0..SAMPLES).step_by(PORTION) {
        for seq in (first..SAMPLES).take(PORTION) {
            client.send(vec![reply(test, seq, Duration::from_millis(seq.into()))]).await;
        }
        client.stored().await;
        let last = quick.samples.len() + PORTION;
        quick.until("the portion", |watcher| watcher.samples.len() == last).await;
    }
    assert_eq!(quick.snapshots, 1, "who reads keeps up");
    assert_eq!(store::samples(&listener.store(), &session), SAMPLES as usize);

    slow.until("the last sample", |watcher| watcher.samples.last() == quick.samples.last()).await;
    assert!(slow.snapshots > 1, "it fell behind, and got a fresh picture");
    assert!(slow.samples.len() < quick.samples.len(), "what it missed is in the store");
}
