//! Tests that end in other ways than by themselves.

use std::time::Duration;

use cnc_model::test::PingTest;
use cnc_model::{Destination, Summary};
use tokio::time::Instant;

use super::*;
use crate::backlog::Backlog;
use crate::clock::wall;
use crate::policy::{Allowed, Policy, Surroundings};

fn ping(count: u32) -> Test {
    let mut ping = PingTest::to(Destination::Host("127.0.0.1".parse().expect("valid")));
    (ping.count, ping.interval) = (count, Duration::from_millis(5));
    Test::Ping(ping)
}

fn grounds() -> Grounds {
    let allowed = Allowed { lan: false, loopback: true };
    let policy = Policy::new(allowed, Surroundings::default(), Instant::now());
    Grounds {
        rules: policy.addresses().clone(),
        landmarks: Landmarks::default(),
        speed: None,
        echo: None,
        issuer: None,
        trust: Arc::default(),
        names: false,
        own: None,
    }
}

fn runner(bound: usize) -> (Runner, Arc<Outbox>, mpsc::Receiver<(TestId, Shown)>) {
    let outbox = Arc::new(Outbox::new(Backlog::with_bound(bound)));
    let (to_screen, screen) = mpsc::channel(4);
    (Runner::new(Arc::clone(&outbox), SessionClock::of(wall()), to_screen), outbox, screen)
}

fn answered(measurement: &Measurement) -> u64 {
    let Some(Summary::Ping(ping)) = &measurement.summary else { panic!("{measurement:?}") };
    ping.received
}

#[tokio::test]
async fn a_full_backlog_fails_the_test_loudly() {
    let (mut runner, outbox, _screen) = runner(10);
    runner.start(TestId::FIRST, ping(1_000), grounds());
    let (id, measurement) = runner.next().await.expect("one runs");
    assert_eq!(id, TestId::FIRST);
    let Outcome::Failed(failure) = &measurement.outcome else { panic!("{measurement:?}") };
    assert_eq!(failure.reason, Reason::BacklogFull);
    assert!(answered(&measurement) < 1_000);
    assert_eq!(outbox.waiting(), 10);
    assert!(runner.is_idle() && runner.next().await.is_none());
}

#[tokio::test]
async fn a_screen_that_shows_nothing_costs_no_sample() {
    let (mut runner, outbox, _screen) = runner(1_000);
    runner.start(TestId::FIRST, ping(20), grounds());
    let (_, measurement) = runner.next().await.expect("one runs");
    assert_eq!((&measurement.outcome, answered(&measurement)), (&Outcome::Completed, 20));
    assert_eq!(outbox.waiting(), 21, "it began, and 20 samples");
}

#[tokio::test]
async fn only_the_named_test_is_cancelled() {
    let (mut runner, _outbox, mut screen) = runner(10_000);
    let (first, second) = (TestId::FIRST, TestId::FIRST.next());
    runner.start(first, ping(20), grounds());
    runner.start(second, ping(10_000), grounds());
    screen.recv().await.expect("a sample");
    runner.cancel(second);
    let mut ended = [runner.next().await.expect("one"), runner.next().await.expect("the other")];
    ended.sort_by_key(|(id, _)| *id);
    assert_eq!(ended.map(|(id, m)| (id, m.outcome)), [(first, Outcome::Completed), (second, Outcome::Cancelled)]);
}
