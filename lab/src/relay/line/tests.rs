//! What a direction loses and when it lets go, without sockets.

use std::time::Duration;

use proptest::prelude::*;

use super::*;

const MILLI: u64 = 1_000_000;

fn direction() -> Direction {
    Direction { seed: 1, ..Direction::default() }
}

/// An IPv4 frame of `protocol`, with a number to know it by.
fn frame(protocol: u8, number: u32) -> Vec<u8> {
    let mut frame = vec![0; 60];
    frame[12..14].copy_from_slice(&IPV4);
    frame[23] = protocol;
    frame[56..].copy_from_slice(&number.to_be_bytes());
    frame
}

fn number(frame: &[u8]) -> u32 {
    u32::from_be_bytes(frame[56..60].try_into().unwrap())
}

fn drain(line: &mut Line, now: u64) -> Vec<u32> {
    std::iter::from_fn(|| line.give(now)).map(|frame| number(&frame)).collect()
}

#[test]
fn a_frame_leaves_when_its_delay_is_over_and_not_before() {
    let delay = Duration::from_millis(20);
    let mut line = Line::new(&Direction { delay, ..direction() }, Arc::default());
    line.take(&frame(1, 1), 5 * MILLI);
    line.take(&frame(1, 2), 6 * MILLI);
    assert_eq!(line.next_release(), Some(25 * MILLI));
    assert!(drain(&mut line, 25 * MILLI - 1).is_empty());
    assert_eq!(drain(&mut line, 25 * MILLI), [1]);
    assert_eq!(drain(&mut line, 26 * MILLI), [2]);
    assert_eq!(line.next_release(), None);
}

#[test]
fn every_tenth_of_each_protocol_is_lost() {
    let counters = Arc::new(Counters::default());
    let mut line = Line::new(&Direction { loss: Some(Loss::Every(10)), ..direction() }, Arc::clone(&counters));
    for number in 1..=20 {
        line.take(&frame(1, number), 0);
        line.take(&frame(6, 100 + number), 0);
        line.take(&frame(6, 200 + number), 0);
    }
    let passed = drain(&mut line, 0);
    let pings: Vec<_> = passed.iter().copied().filter(|number| *number <= 100).collect();
    assert_eq!(pings, (1..=20).filter(|number| number % 10 != 0).collect::<Vec<_>>());
    assert_eq!(passed.len(), 54);
    assert_eq!(counters.lost.load(Ordering::Relaxed), 6);
    assert_eq!(counters.packets.load(Ordering::Relaxed), 60);
}

#[test]
fn what_keeps_the_link_going_is_never_lost() {
    let mut arp = vec![0; 42];
    arp[12..14].copy_from_slice(&[0x08, 0x06]);
    let ipv6 = |next: u8, kind: u8| {
        let mut frame = vec![0; 70];
        frame[12..14].copy_from_slice(&IPV6);
        (frame[20], frame[54]) = (next, kind);
        frame
    };
    let table = [
        (vec![], None),
        (arp, None),
        (ipv6(ICMPV6, 135), None),
        (ipv6(ICMPV6, 136), None),
        (ipv6(HOP_BY_HOP, 0), None),
        (ipv6(ICMPV6, 128), Some(Protocol(256 + 58))),
        (ipv6(6, 0), Some(Protocol(256 + 6))),
        (frame(17, 0), Some(Protocol(17))),
    ];
    for (frame, expected) in table {
        assert_eq!(losable(&frame), expected, "{frame:?}");
    }
}

#[test]
fn random_loss_is_as_often_as_said_and_the_same_for_the_same_seed() {
    let pass_with = |seed| {
        let counters = Arc::new(Counters::default());
        let loss = Some(Loss::Random(20_000));
        let mut line = Line::new(&Direction { loss, seed, ..direction() }, Arc::clone(&counters));
        let passed: Vec<_> = (0..50_000)
            .filter(|number| {
                line.take(&frame(1, *number), 0);
                line.give(0).is_some()
            })
            .collect();
        (counters.lost.load(Ordering::Relaxed), passed)
    };
    let (lost, passed) = pass_with(1);
    // 1,000 expected, standard deviation 31.
    assert!((850..1150).contains(&lost), "{lost}");
    assert_eq!(pass_with(1).1, passed);
    assert_ne!(pass_with(2).1, passed);
}

#[test]
fn a_full_line_drops_and_counts() {
    let counters = Arc::new(Counters::default());
    let mut line = Line::new(&direction(), Arc::clone(&counters));
    for _ in 0..MOST_HELD + 3 {
        line.take(&[], 0);
    }
    assert_eq!(counters.overflowed.load(Ordering::Relaxed), 3);
}

proptest! {
    #[test]
    fn jitter_bends_times_within_its_bounds_and_never_the_order(
        seed: u64, gaps in prop::collection::vec(0..3 * MILLI, 1..200),
    ) {
        let (delay, jitter) = (Duration::from_millis(10), Duration::from_millis(5));
        let mut line = Line::new(&Direction { delay, jitter, seed, ..direction() }, Arc::default());
        let mut arrived = 0;
        let mut latest = 0;
        for (number, gap) in (0..).zip(&gaps) {
            arrived += gap;
            line.take(&frame(1, number), arrived);
            let (release, _) = line.held.back().expect("nothing is lost here");
            prop_assert!(*release >= latest && *release >= arrived + 10 * MILLI);
            prop_assert!(*release <= arrived + 15 * MILLI);
            latest = *release;
        }
        let order = drain(&mut line, latest);
        prop_assert_eq!(order, (0..).take(gaps.len()).collect::<Vec<_>>());
    }
}
