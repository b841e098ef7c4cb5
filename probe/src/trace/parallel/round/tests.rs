use proptest::prelude::*;

use super::*;

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// Plays a round over a path: what the probe of each distance gets back after which time, and whether that is the
/// path's end. Gives each probe's time, when the round was over, and what was silent.
fn play(max_hops: u8, known: bool, answer: impl Fn(u8) -> Option<(u64, bool)>) -> (Vec<u64>, u64, Vec<u8>) {
    let mut round = Round::new(Duration::ZERO, distance(max_hops), distance(max_hops), known);
    let (mut patience, mut sent, mut coming) = (Patience::default(), Vec::new(), Vec::<(u64, u8, u64, bool)>::new());
    let mut now = 0;
    loop {
        match round.next(ms(now), patience) {
            Next::Send(ttl) => {
                round.sent_at(ttl, ms(now));
                sent.push(now);
                coming.extend(answer(ttl.get()).map(|(rtt, is_end)| (now + rtt, ttl.get(), rtt, is_end)));
            }
            Next::Wait(until) => {
                assert!(until > ms(now), "waits for the past");
                let until = u64::try_from(until.as_micros().div_ceil(1_000)).expect("short");
                now = coming.iter().map(|(at, ..)| *at).chain([until]).min().expect("one at least").max(now);
                for (_, ttl, rtt, is_end) in coming.extract_if(.., |(at, ..)| *at <= now) {
                    round.answered(distance(ttl), is_end, ms(now), ms(rtt));
                    patience.slowest = patience.slowest.max(Some(ms(rtt)));
                }
            }
            Next::Over => return (sent, now, round.waiting().map(|(ttl, _)| ttl.get()).collect()),
        }
    }
}

/// A path whose routers and destination are all 40 ms away.
fn far(end: u8, silent: &'static [u8]) -> impl Fn(u8) -> Option<(u64, bool)> {
    move |ttl| (!silent.contains(&ttl)).then_some((40, ttl >= end))
}

#[test]
fn ten_hops_are_known_after_one_round_trip() {
    let (sent, over, silent) = play(30, false, far(10, &[]));
    assert_eq!((sent, over, silent), (vec![0; 12], 40, vec![]));
}

#[test]
fn a_known_distance_is_not_looked_beyond() {
    let (sent, over, _) = play(20, true, far(20, &[]));
    assert_eq!((sent.len(), over), (20, 40));
}

#[test]
fn a_longer_path_takes_few_round_trips() {
    let (sent, over, _) = play(30, false, far(20, &[]));
    assert!(sent.len() <= 26 && over <= 4 * 45, "{sent:?} {over}");
}

#[test]
fn a_destination_in_this_room_gets_one_window_of_probes_and_no_more() {
    let (sent, over, _) = play(30, false, |_| Some((0, true)));
    assert_eq!((sent.len(), over), (usize::from(WINDOW), 0));
}

#[test]
fn silent_hops_are_waited_for_a_while() {
    let (_, over, silent) = play(30, false, far(10, &[3, 6, 7]));
    assert_eq!(silent, [3, 6, 7]);
    assert!((100..=170).contains(&over), "{over}");
}

#[test]
fn a_dead_destination_is_given_up_within_a_second() {
    let (sent, over, silent) = play(30, false, |ttl| (ttl <= 5).then_some((40, false)));
    assert_eq!((sent.len(), silent.len()), (30, 25));
    assert!((600..=890).contains(&over), "{over}");
}

#[test]
fn a_destination_behind_many_silent_routers_is_found() {
    let (_, _, silent) = play(30, false, |ttl| (!(3..25).contains(&ttl)).then_some((40, ttl >= 25)));
    assert_eq!(silent, (3..25).collect::<Vec<_>>());
}

#[test]
fn a_destination_by_satellite_is_not_given_up_early() {
    let (_, over, silent) = play(30, false, |ttl| Some(if ttl == 1 { (1, false) } else { (650, ttl >= 9) }));
    assert_eq!((silent, over), (vec![], 650));
}

#[test]
fn nobody_at_all_is_given_up_too() {
    let (sent, over, silent) = play(30, false, |_| None);
    assert_eq!((sent.len(), silent.len()), (30, 30));
    assert!(over <= 1_600, "{over}");
}

#[test]
fn what_could_not_be_told_apart_is_probed_again_as_far_as_is_allowed() {
    let again = probed_again(30).0;
    assert_eq!(again, [1, 3, 4]);
    assert_eq!(probed_again(30).1, [(1, ms(6))], "answers count");
    assert_eq!(probed_again(6).0, [1, 3]);
    assert!(probed_again(4).0.is_empty());
}

/// Gives what is probed again of a round of four, and what is waited for after an answer of the third.
fn probed_again(most: u8) -> (Vec<u8>, Vec<(u8, Duration)>) {
    let mut round = Round::new(Duration::ZERO, distance(4), distance(most), true);
    for ttl in 1..=4 {
        round.sent_at(distance(ttl), ms(0));
    }
    round.answered(distance(2), false, ms(5), ms(5));
    round.send_again();
    let mut again = Vec::new();
    while let Next::Send(ttl) = round.next(ms(6), Patience::default()) {
        round.sent_at(ttl, ms(6));
        again.push(ttl.get());
    }
    round.answered(distance(3), true, ms(9), ms(3));
    (again, round.waiting().map(|(ttl, at)| (ttl.get(), at)).collect())
}

proptest! {
    /// Whatever answers when: a round ends, probes each distance once, from the nearest on, and leaves out none.
    #[test]
    fn every_round_ends(
        max_hops in 1_u8..=255, known: bool, rtts in prop::collection::vec(prop::option::of(0_u64..900), 256), end: u8,
    ) {
        let (sent, _, silent) = play(max_hops, known, |ttl| rtts[usize::from(ttl)].map(|rtt| (rtt, ttl >= end)));
        prop_assert!(sent.len() <= usize::from(max_hops));
        prop_assert!(silent.len() <= sent.len());
        prop_assert!(sent.is_sorted());
    }
}
