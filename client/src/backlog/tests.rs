//! Stories of broken streams, and what must hold in all of them.

use std::collections::BTreeMap;
use std::time::Duration;

use cnc_model::ping::{PingOutcome, PingSample};
use cnc_model::{Sample, TestId};
use proptest::prelude::*;

use super::*;

/// A sample that can be told from every other by its number.
fn sample(seq: u32) -> Item {
    let sample = Sample::Ping(PingSample { seq, at: Duration::ZERO, outcome: PingOutcome::Lost });
    Item::Sample { test: TestId::FIRST, sample }
}

fn event() -> Item {
    Item::TestStarted { test: TestId::FIRST, at: Duration::ZERO }
}

fn seq(n: u64) -> Sequence {
    Sequence::new(n)
}

fn filled(count: u32) -> Backlog {
    let mut backlog = Backlog::default();
    for n in 1..=count {
        assert_eq!(backlog.push(sample(n)), Ok(seq(u64::from(n))));
    }
    backlog
}

/// The first and last sequence of each batch there is to send.
fn drain(backlog: &mut Backlog) -> Vec<(u64, u64)> {
    std::iter::from_fn(|| backlog.next_batch()).map(|batch| (batch.first.get(), batch.last().get())).collect()
}

#[test]
fn batches_are_contiguous_and_bounded() {
    let mut backlog = filled(130);
    assert_eq!(drain(&mut backlog), [(1, 64), (65, 128), (129, 130)]);
    assert_eq!(drain(&mut backlog), []);
    backlog.push(sample(131)).expect("room");
    assert_eq!(drain(&mut backlog), [(131, 131)]);
}

#[test]
fn after_a_broken_stream_only_what_is_not_durable_is_sent_again() {
    let mut backlog = filled(100);
    drain(&mut backlog);
    backlog.acknowledge(seq(40)).expect("sent");
    backlog.reconnect(seq(70)).expect("sent");
    assert_eq!(backlog.acknowledged(), seq(70));
    assert_eq!(drain(&mut backlog), [(71, 100)]);
}

#[test]
fn what_an_earlier_connection_had_sent_may_be_acknowledged_on_the_next() {
    let mut backlog = filled(100);
    drain(&mut backlog);
    backlog.reconnect(seq(70)).expect("sent");
    assert_eq!(backlog.next_batch().map(|batch| batch.first), Some(seq(71)));
    backlog.push(sample(101)).expect("room");
    backlog.acknowledge(seq(100)).expect("sent before");
    assert_eq!(drain(&mut backlog), [(101, 101)]);
}

#[test]
fn an_old_acknowledgement_changes_nothing() {
    let mut backlog = filled(10);
    drain(&mut backlog);
    backlog.acknowledge(seq(8)).expect("sent");
    backlog.acknowledge(seq(3)).expect("old");
    assert_eq!(backlog.acknowledged(), seq(8));
    assert_eq!(backlog.pushed(), seq(10));
}

#[test]
fn a_listener_that_makes_items_up_is_found_out() {
    let mut backlog = filled(5);
    assert!(backlog.acknowledge(seq(1)).is_err(), "not sent yet");
    drain(&mut backlog);
    assert!(backlog.acknowledge(seq(6)).is_err(), "never made");
    assert!(backlog.acknowledge(seq(u64::MAX)).is_err());
    assert!(backlog.reconnect(seq(6)).is_err());
    backlog.acknowledge(seq(4)).expect("sent");
    assert!(backlog.reconnect(seq(3)).is_err(), "it lost what it had called durable");
}

#[test]
fn a_restarted_client_goes_on_where_its_key_left_off() {
    let mut backlog = Backlog::default();
    backlog.reconnect(seq(41)).expect("nothing made yet");
    assert_eq!(backlog.push(sample(1)), Ok(seq(42)));
    assert_eq!(drain(&mut backlog), [(42, 42)]);
}

#[test]
fn when_full_it_refuses_samples_and_still_takes_events() {
    let mut backlog = Backlog::with_bound(3);
    for n in 1..=3 {
        backlog.push(sample(n)).expect("room");
    }
    assert_eq!(backlog.push(sample(4)), Err(BacklogFull(3)));
    assert_eq!(backlog.push(event()), Ok(seq(4)));
    drain(&mut backlog);
    backlog.acknowledge(seq(2)).expect("sent");
    assert_eq!(backlog.push(sample(5)), Ok(seq(5)));
}

#[test]
fn nothing_is_sent_before_it_is_written_down() {
    let mut backlog = Backlog::default();
    backlog.write_down(true);
    backlog.push(sample(1)).expect("room");
    assert_eq!(drain(&mut backlog), []);
    assert_eq!(backlog.unwritten(), Some((seq(1), vec![sample(1)])));
    backlog.wrote(seq(1));
    assert_eq!((backlog.unwritten(), drain(&mut backlog)), (None, vec![(1, 1)]));
}

#[test]
fn what_an_earlier_run_left_is_sent_and_may_all_have_been_sent() {
    let waiting = || Waiting { acknowledged: seq(10), items: (11..=20).map(sample).collect(), more: 0 };
    let mut backlog = Backlog::restore(waiting());
    backlog.reconnect(seq(15)).expect("it may have had them");
    assert_eq!(drain(&mut backlog), [(16, 20)]);
    let mut backlog = Backlog::restore(waiting());
    backlog.reconnect(seq(25)).expect("a power cut cost this end the rest");
    assert_eq!(drain(&mut backlog), []);
    assert_eq!(backlog.push(sample(26)), Ok(seq(26)));
    assert!(backlog.reconnect(seq(27)).is_err(), "that holds once");
    assert!(Backlog::restore(waiting()).reconnect(seq(9)).is_err(), "it had more before");
}

#[derive(Debug, Clone)]
enum Step {
    Push,
    Write,
    ReadBack,
    Send,
    /// The listener makes this share of what it got durable and says so.
    Acknowledge(f64),
    /// The stream breaks; the listener had made this share of the unacknowledged durable.
    Break(f64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => Just(Step::Push),
        3 => Just(Step::Write),
        2 => Just(Step::ReadBack),
        3 => Just(Step::Send),
        1 => (0.0..=1.0).prop_map(Step::Acknowledge),
        1 => (0.0..=1.0).prop_map(Step::Break),
    ];
    prop::collection::vec(step, 0..300)
}

#[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small")]
fn share(of: u64, share: f64) -> u64 {
    (of as f64 * share) as u64
}

proptest! {
    /// Whatever breaks when: on each connection items come in order, each once and none that was acknowledged, and
    /// in the end the listener has every item that was pushed, each under one sequence.
    #[test]
    fn every_item_arrives_exactly_once_in_order(steps in steps(), spools: bool) {
        let mut backlog = Backlog { in_memory: 8, ..Backlog::default() };
        if spools {
            backlog.write_down(true);
        }
        let mut disk = BTreeMap::new();
        let mut pushed = Vec::new();
        let mut stored = BTreeMap::<u64, Item>::new();
        // The listener's view of this connection: what it got, and what it has called durable.
        let (mut next, mut received, mut durable) = (1, 0, 0);
        let to_the_end = (0..60).flat_map(|_| [Step::Write, Step::ReadBack, Step::Send, Step::Acknowledge(1.0)]);
        for step in steps.into_iter().chain([Step::Break(0.0)]).chain(to_the_end) {
            match step {
                Step::Write => if let Some((first, items)) = backlog.unwritten() {
                    let last = first.plus(items.len() as u64 - 1);
                    disk.extend((first.get()..).zip(items));
                    backlog.wrote(last);
                    prop_assert!(!spools || backlog.front.len() + backlog.back.len() <= 8);
                },
                Step::ReadBack => if let Some((first, count)) = backlog.wanted() {
                    // At most four at a time, as records hold what they hold.
                    let end = first.plus(count.min(4) as u64).get();
                    backlog.read_back(first, (first.get()..end).map(|at| disk[&at].clone()).collect());
                },
                Step::Push => {
                    let item = sample(u32::try_from(pushed.len()).expect("few"));
                    prop_assert_eq!(backlog.push(item.clone()), Ok(seq(pushed.len() as u64 + 1)));
                    pushed.push(item);
                }
                Step::Send => while let Some(batch) = backlog.next_batch() {
                    prop_assert!(batch.items.len() <= MAX_BATCH_ITEMS && !batch.items.is_empty());
                    prop_assert_eq!(batch.first.get(), next);
                    received = batch.last().get();
                    for (sequence, item) in (batch.first.get()..).zip(batch.items) {
                        prop_assert!(sequence > durable);
                        let known = stored.entry(sequence).or_insert_with(|| item.clone());
                        prop_assert_eq!(&*known, &item);
                    }
                    next = received + 1;
                },
                Step::Acknowledge(part) => {
                    durable += share(received.saturating_sub(durable), part);
                    prop_assert_eq!(backlog.acknowledge(seq(durable)), Ok(()));
                }
                Step::Break(part) => {
                    durable += share(received.saturating_sub(durable), part);
                    stored.retain(|&sequence, _| sequence <= durable);
                    prop_assert_eq!(backlog.reconnect(seq(durable)), Ok(()));
                    (received, next) = (durable, durable + 1);
                }
            }
        }
        prop_assert_eq!(stored.into_values().collect::<Vec<_>>(), pushed);
    }
}
