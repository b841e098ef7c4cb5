//! A trace's course: round after round, which probe an answer belongs to, and what is told of it. Sends nothing and
//! reads no clock.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::time::Duration;

use cnc_model::Ttl;
use cnc_model::test::TraceTest;
use cnc_model::trace::{HopOutcome, HopReply, HopSample};

use super::answer::Sent;
use super::round::{Next, Patience, Round};
use crate::kernel::Said;
use crate::trace::path::Reach;

/// The most probes whose answers are still taken: those of the last rounds. When one more is sent, the oldest is
/// forgotten, and its answer is nobody's.
const MOST_PROBES: usize = 1_024;

/// An RTT beyond this is an answer that was held up: it does not make all others be waited for as long.
const SLOWEST: Duration = Duration::from_secs(1);

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// To send a probe and say when that was.
    Send {
        /// Its number, by which its answer is known.
        number: u16,
        /// How far it is to go.
        ttl: Ttl,
    },
    /// To ask again then, or when an answer has come.
    Wait(Duration),
    /// Nothing: all rounds are over.
    Done,
}

/// What an answer says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// The probe's TTL ran out there.
    Exceeded,
    /// The probe arrived.
    Reached,
    /// It cannot be delivered.
    Unreachable,
}

/// The course. Times are since the trace began.
#[derive(Debug)]
pub(super) struct Course {
    rounds: u32,
    interval: Duration,
    max_hops: Ttl,
    reach: Reach,
    /// The round under way, or the one before the next.
    round: Option<Round>,
    /// The number of the next round.
    next_round: u32,
    /// When the next round is due.
    due: Duration,
    /// What was told of the round under way.
    told: Vec<HopSample>,
    probes: VecDeque<Probe>,
    /// The number of the first of them.
    first: u16,
    /// The slowest answers' RTT in this round and in the one before.
    slowest: [Option<Duration>; 2],
    is_over: bool,
}

#[derive(Debug, Clone, Copy)]
struct Probe {
    round: u32,
    ttl: Ttl,
    at: Duration,
    sent: Option<Sent>,
    answered: bool,
}

impl Course {
    pub(super) const fn new(test: &TraceTest) -> Self {
        Self {
            rounds: test.rounds,
            interval: test.interval,
            max_hops: test.max_hops,
            reach: Reach::new(test.max_hops),
            round: None,
            next_round: 0,
            due: Duration::ZERO,
            told: Vec::new(),
            probes: VecDeque::new(),
            first: 0,
            slowest: [None; 2],
            is_over: true,
        }
    }

    /// Says what is to be done now; tells what a round that is over has found silent.
    pub(super) fn step(&mut self, now: Duration, tell: &mut impl FnMut(HopSample)) -> Step {
        let patience = Patience { slowest: self.slowest.into_iter().flatten().max() };
        if let Some(round) = self.round.as_mut().filter(|_| !self.is_over) {
            match round.next(now, patience) {
                Next::Send(ttl) => return Step::Send { number: self.number(), ttl },
                Next::Wait(until) => return Step::Wait(until),
                Next::Over => self.end_round(tell),
            }
        }
        if self.next_round == self.rounds {
            return Step::Done;
        }
        if self.due > now {
            return Step::Wait(self.due);
        }
        self.begin_round(now);
        self.step(now, tell)
    }

    /// Takes in the probe that was just sent; one without a time of sending could not be.
    pub(super) fn sent(&mut self, ttl: Ttl, at: Duration, sent: Option<Sent>) {
        if self.probes.len() == MOST_PROBES {
            self.probes.pop_front();
            self.first = self.first.wrapping_add(1);
        }
        let round = self.next_round.saturating_sub(1);
        self.probes.push_back(Probe { round, ttl, at, sent, answered: false });
        if let Some(round) = &mut self.round {
            round.sent_at(ttl, at);
        }
    }

    /// Gives when a probe was sent, if its answer may still come.
    pub(super) fn find(&self, number: u16) -> Option<Sent> {
        self.probes.get(usize::from(number.wrapping_sub(self.first)))?.sent
    }

    /// Takes an answer to a probe that was found. The first one counts.
    pub(super) fn answered(
        &mut self,
        number: u16,
        kind: Kind,
        reply: HopReply,
        now: Duration,
        tell: &mut impl FnMut(HopSample),
    ) {
        let probe = self.probes.get_mut(usize::from(number.wrapping_sub(self.first)));
        let Some(probe) = probe.filter(|probe| !probe.answered) else { return };
        probe.answered = true;
        let Probe { round, ttl, at, .. } = *probe;
        self.slowest[0] = self.slowest[0].max(Some(reply.rtt.min(SLOWEST)));
        let outcome = match kind {
            Kind::Exceeded => HopOutcome::Hop(reply),
            Kind::Reached => HopOutcome::Destination(reply),
            Kind::Unreachable => HopOutcome::Unreachable(reply),
        };
        let sample = HopSample { round, ttl, at, outcome };
        let is_now = round + 1 == self.next_round;
        if is_now && let Some(under_way) = &mut self.round {
            under_way.answered(ttl, kind != Kind::Exceeded, now, reply.rtt);
            if !under_way.is_within(ttl) {
                return;
            }
            if !self.is_over {
                self.told.push(sample);
            }
        }
        tell(sample);
    }

    /// Has what is still waited for in the round under way probed once more.
    pub(super) fn send_again(&mut self) {
        if let Some(round) = self.round.as_mut().filter(|_| !self.is_over) {
            round.send_again();
        }
    }

    /// Gives the number of the next probe.
    fn number(&self) -> u16 {
        self.first.wrapping_add(u16::try_from(self.probes.len()).expect("bounded"))
    }

    fn begin_round(&mut self, now: Duration) {
        self.round = Some(Round::new(now, self.reach.furthest(), self.max_hops, self.reach.is_known()));
        self.next_round += 1;
        self.told.clear();
        self.slowest = [None, self.slowest[0].or(self.slowest[1])];
        self.is_over = false;
        while self.due <= now {
            self.due += self.interval.max(Duration::from_millis(1));
        }
    }

    fn end_round(&mut self, tell: &mut impl FnMut(HopSample)) {
        let Some(round) = &self.round else { return };
        let number = self.next_round.saturating_sub(1);
        for (ttl, at) in round.waiting() {
            let sample = HopSample { round: number, ttl, at, outcome: HopOutcome::Silent };
            self.told.push(sample);
            tell(sample);
        }
        self.reach.learn(&super::super::path::cut(std::mem::take(&mut self.told)));
        self.is_over = true;
    }
}

/// Tells what an ICMP error says of a probe to `target`: where that says so itself, of a port, it was reached.
pub(super) fn kind_of(said: Said, from: IpAddr, target: IpAddr) -> Option<Kind> {
    match said {
        Said::Exceeded => Some(Kind::Exceeded),
        Said::NoPort | Said::Unreachable if from == target => Some(Kind::Reached),
        Said::NoPort | Said::Unreachable => Some(Kind::Unreachable),
        // No probe of a trace is long.
        Said::TooBig(_) | Said::Other => None,
    }
}

#[cfg(test)]
mod tests;
