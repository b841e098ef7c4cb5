use cnc_model::{Destination, HostName};

use super::HopOutcome::{Destination as There, Hop, Silent, Unreachable};
use super::*;

const TARGET: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 99));

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// A course with what it told, and the time.
struct Played {
    course: Course,
    now: Duration,
    sent: Vec<(u16, u8)>,
    told: Vec<(u32, u8, HopOutcome)>,
}

impl Played {
    fn new(rounds: u32, interval: Duration, max_hops: u32) -> Self {
        let test = TraceTest {
            rounds,
            interval,
            max_hops: Ttl::try_from(max_hops).expect("valid"),
            ..TraceTest::to(Destination::Host(HostName::from(TARGET)))
        };
        Self { course: Course::new(&test), now: Duration::ZERO, sent: Vec::new(), told: Vec::new() }
    }

    /// Sends all that is to be sent until something is waited for, and gives what.
    fn run(&mut self) -> Step {
        loop {
            let told = &mut self.told;
            match self.course.step(self.now, &mut |s| told.push((s.round, s.ttl.get(), s.outcome))) {
                Step::Send { number, ttl } => {
                    self.sent.push((number, ttl.get()));
                    self.course.sent(ttl, self.now, None);
                }
                step @ (Step::Wait(_) | Step::Done) => return step,
            }
        }
    }

    /// Sends all until `now`.
    fn until(&mut self, now: u64) -> Step {
        loop {
            let step = self.run();
            if let Step::Wait(until) = step
                && until <= ms(now)
            {
                self.now = until;
            } else {
                self.now = ms(now);
                return step;
            }
        }
    }

    fn answer(&mut self, number: u16, kind: Kind, from: u8) -> &mut Self {
        let told = &mut self.told;
        let reply = HopReply { address: address(from), rtt: ms(10) };
        let mut tell = |s: HopSample| told.push((s.round, s.ttl.get(), s.outcome));
        self.course.answered(number, kind, reply, self.now, &mut tell);
        self
    }
}

fn address(n: u8) -> IpAddr {
    IpAddr::from([192, 0, 2, n])
}

fn by(n: u8) -> HopReply {
    HopReply { address: address(n), rtt: ms(10) }
}

#[test]
fn answers_are_told_when_they_come_and_nothing_beyond_the_end() {
    let mut played = Played::new(1, ms(1_000), 30);
    played.until(10);
    assert_eq!(played.sent, (0..12).zip(1..=12).collect::<Vec<_>>());
    played.answer(2, Kind::Reached, 99).answer(3, Kind::Reached, 99).answer(0, Kind::Exceeded, 1);
    assert_eq!(played.told, [(0, 3, There(by(99))), (0, 1, Hop(by(1)))]);
    assert!(matches!(played.run(), Step::Wait(_)), "the second may still answer");
    played.answer(1, Kind::Exceeded, 2).answer(1, Kind::Exceeded, 2);
    assert_eq!(played.told.len(), 3, "each once");
    assert_eq!(played.run(), Step::Done);
}

#[test]
fn a_late_answer_is_its_own_rounds() {
    let mut played = Played::new(2, ms(1_000), 30);
    played.until(10);
    played.answer(2, Kind::Reached, 99).answer(0, Kind::Exceeded, 1);
    played.until(500);
    assert_eq!(played.told.last(), Some(&(0, 2, Silent)));
    played.answer(1, Kind::Exceeded, 2);
    assert_eq!(played.told.last(), Some(&(0, 2, Hop(by(2)))));
    played.until(1_010);
    assert_eq!(played.sent.iter().skip(12).map(|(_, ttl)| *ttl).collect::<Vec<_>>(), [1, 2, 3], "as far as it is");
    played.answer(13, Kind::Exceeded, 2);
    assert_eq!(played.told.last(), Some(&(1, 2, Hop(by(2)))));
}

#[test]
fn a_round_begins_each_interval_and_never_before_the_last_one_is_over() {
    let mut played = Played::new(5, ms(50), 2);
    let mut begins = Vec::new();
    for now in 0..3_000 {
        let before = played.sent.len();
        played.until(now);
        if played.sent[before..].iter().any(|(_, ttl)| *ttl == 1) {
            begins.push(now);
        }
        let all: Vec<u16> = played.sent[before..].iter().map(|(number, _)| *number).collect();
        // The first two rounds are answered at once, then nobody answers.
        for number in all.into_iter().filter(|number| *number < 4) {
            played.answer(number, if number % 2 == 0 { Kind::Exceeded } else { Kind::Reached }, 1);
        }
    }
    assert_eq!(begins[..2], [0, 50]);
    assert!(begins[2..].windows(2).all(|pair| pair[1] - pair[0] >= 500), "{begins:?}");
    assert_eq!(begins.len(), 5);
}

#[test]
fn an_unreachable_ends_the_path() {
    let mut played = Played::new(1, ms(1_000), 30);
    played.until(10);
    played.answer(0, Kind::Exceeded, 1).answer(1, Kind::Unreachable, 1).answer(2, Kind::Unreachable, 1);
    assert_eq!(played.told, [(0, 1, Hop(by(1))), (0, 2, Unreachable(by(1)))]);
    assert_eq!(played.run(), Step::Done);
}

#[test]
fn probes_are_found_by_number_until_they_are_forgotten_and_numbers_begin_anew() {
    let mut played = Played::new(10_000, ms(50), 8);
    let mut rounds = 0;
    while rounds < 9_000 {
        let before = played.sent.len();
        played.now += ms(50);
        let now = u64::try_from(played.now.as_millis()).expect("short");
        played.until(now + 2);
        let sent: Vec<_> = played.sent.iter().skip(before).copied().collect();
        for (number, ttl) in sent {
            played.answer(number, if ttl == 8 { Kind::Reached } else { Kind::Exceeded }, ttl);
        }
        rounds += 1;
    }
    assert!(played.sent.len() > 65_536, "numbers began anew");
    assert_eq!(played.course.probes.len(), MOST_PROBES);
    let told = played.told.len();
    assert_eq!(told, played.sent.len(), "each probe had its answer");
    let (oldest, _) = played.sent[played.sent.len() - MOST_PROBES - 1];
    played.answer(oldest, Kind::Exceeded, 1);
    assert_eq!(played.told.len(), told, "forgotten");
}

#[test]
fn what_an_error_means_depends_on_who_says_it() {
    use crate::kernel::Said;
    let router = address(1);
    let cases = [
        (Said::Exceeded, router, Some(Kind::Exceeded)),
        (Said::NoPort, TARGET, Some(Kind::Reached)),
        (Said::NoPort, router, Some(Kind::Unreachable)),
        (Said::Unreachable, TARGET, Some(Kind::Reached)),
        (Said::Unreachable, router, Some(Kind::Unreachable)),
        (Said::Other, router, None),
    ];
    for (said, from, expected) in cases {
        assert_eq!(kind_of(said, from, TARGET), expected, "{said:?} {from}");
    }
}
