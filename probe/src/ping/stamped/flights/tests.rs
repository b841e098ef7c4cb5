use cnc_model::ping::Clock;

use super::*;

const TIMEOUT: Duration = Duration::from_millis(100);

/// Flights, and what they told in the words of a line each.
struct Told {
    flights: Flights,
    lines: Vec<String>,
}

impl Told {
    fn new() -> Self {
        Self { flights: Flights::new(TIMEOUT), lines: Vec::new() }
    }

    fn by(&mut self, act: impl FnOnce(&mut Flights, &mut dyn FnMut(PingSample))) -> &mut Self {
        let lines = &mut self.lines;
        let mut tell = |sample: PingSample| {
            let what = match sample.outcome {
                PingOutcome::Reply(reply) => format!("reply {}", reply.rtt.as_millis()),
                PingOutcome::Late(reply) => format!("late {}", reply.rtt.as_millis()),
                PingOutcome::Lost => "lost".to_owned(),
                PingOutcome::Unreachable { .. } => "unreachable".to_owned(),
                PingOutcome::NotSent => "not sent".to_owned(),
            };
            lines.push(format!("{}: {what}", sample.seq));
        };
        act(&mut self.flights, &mut tell);
        self
    }

    fn send(&mut self, at: u64) -> &mut Self {
        self.by(|flights, mut tell| flights.add(Duration::from_millis(at), Moment::now(), &mut tell))
    }

    fn reply(&mut self, seq: u32, rtt: u64) -> &mut Self {
        let rtt = Duration::from_millis(rtt);
        let reply = PingReply { rtt, from: IpAddr::from([192, 0, 2, 1]), ttl: None, clock: Clock::User };
        self.by(|flights, mut tell| flights.replied(seq, reply, &mut tell))
    }

    fn error(&mut self, seq: u32) -> &mut Self {
        self.by(|flights, mut tell| flights.unreachable(seq, None, &mut tell))
    }

    fn pass(&mut self, now: u64) -> &mut Self {
        self.by(|flights, mut tell| flights.pass(Duration::from_millis(now), &mut tell))
    }

    fn check(&self, is_idle: bool, lines: &[&str]) {
        assert_eq!(
            (self.flights.is_idle(), &self.lines[..]),
            (is_idle, &lines.iter().map(ToString::to_string).collect::<Vec<_>>()[..])
        );
    }
}

#[test]
fn each_fate_is_told_once_and_what_follows_it_as_that() {
    Told::new().send(0).reply(0, 5).pass(200).check(true, &["0: reply 5"]);
    Told::new().send(0).pass(99).check(false, &[]);
    Told::new().send(0).pass(100).pass(150).check(true, &["0: lost"]);
    Told::new().send(0).pass(100).reply(0, 120).reply(0, 130).check(true, &["0: lost", "0: late 120"]);
    Told::new().send(0).error(0).error(0).pass(100).check(true, &["0: unreachable"]);
    Told::new().send(0).reply(0, 5).error(0).reply(0, 6).check(true, &["0: reply 5", "0: reply 6"]);
    Told::new().send(0).pass(100).error(0).check(true, &["0: lost"]);
    Told::new().send(0).send(10).reply(1, 5).reply(0, 30).check(true, &["1: reply 5", "0: reply 30"]);
}

#[test]
fn a_reply_seen_before_the_timeout_was_but_older_is_lost_and_late() {
    Told::new().send(0).reply(0, 101).pass(200).check(true, &["0: lost", "0: late 101"]);
    Told::new().send(0).reply(0, 100).check(true, &["0: reply 100"]);
    Told::new().send(0).reply(0, 5).reply(0, 101).check(true, &["0: reply 5"]);
    Told::new().send(0).error(0).reply(0, 101).check(true, &["0: unreachable"]);
    Told::new().send(0).error(0).reply(0, 99).check(true, &["0: unreachable", "0: reply 99"]);
}

#[test]
fn the_next_timeout_is_that_of_the_oldest_waited_for() {
    let mut told = Told::new();
    assert_eq!(told.flights.next_timeout(), None);
    told.send(0).send(10).send(20).reply(1, 5);
    assert_eq!(told.flights.next_timeout(), Some(Duration::from_millis(100)));
    told.error(0);
    assert_eq!(told.flights.next_timeout(), Some(Duration::from_millis(120)));
    told.pass(120);
    assert_eq!(told.flights.next_timeout(), None);
}

#[test]
fn duplicates_are_bounded() {
    let mut told = Told::new();
    told.send(0);
    for _ in 0..1_000 {
        told.reply(0, 5);
    }
    assert_eq!(told.lines.len(), 1 + usize::from(MOST_DUPLICATES));
}

#[test]
fn what_was_not_sent_is_told_and_nobodys_reply_is_its() {
    let mut told = Told::new();
    told.send(0).by(|flights, mut tell| flights.not_sent(0, &mut tell)).send(10);
    assert!(!told.flights.is_waiting(0) && told.flights.is_waiting(1));
    told.reply(0, 5).pass(200).check(true, &["0: not sent", "1: lost"]);
}

#[test]
fn probes_are_found_by_half_their_number_until_they_are_forgotten() {
    let mut told = Told::new();
    for seq in 0..70_000_u32 {
        told.send(seq.into()).reply(seq, 1).pass(seq.into());
    }
    // The timeout and the wait for late replies are 5.1 s, a probe a millisecond.
    let found = |seq: u32| told.flights.find(u16::try_from(seq & 0xffff).unwrap()).map(|(found, _)| found);
    assert_eq!(found(69_999), Some(69_999));
    assert_eq!(found(64_900), Some(64_900));
    assert_eq!(found(64_899), None);
    assert_eq!(told.flights.next(), 70_000);
    assert_eq!(told.flights.probes.len(), 5_100);
}

#[test]
fn beyond_the_bound_the_oldest_is_lost_and_forgotten() {
    let mut told = Told::new();
    for _ in 0..=MOST_UNDER_WAY {
        told.send(0);
    }
    told.check(false, &["0: lost"]);
    assert_eq!((told.flights.probes.len(), told.flights.find(0).is_none()), (MOST_UNDER_WAY, true));
    told.pass(100);
    assert!(told.flights.is_idle() && told.lines.len() == MOST_UNDER_WAY + 1);
}
