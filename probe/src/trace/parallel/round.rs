//! One round: which distance is probed when, how long answers are waited for, and when all is known. Pure.
//!
//! Probes go out side by side, yet no further than needed: those beyond the destination all reach it, and it need not
//! answer them all. So a window goes first, and from then on answers lead the way.

use std::time::Duration;

use cnc_model::Ttl;

/// Distances probed at once, before any answer: most destinations are nearer. One in the next room gets all of these
/// probes in the first round; of UDP it answers the first six, if it is Linux, and the path's end is the nearest.
const WINDOW: u8 = 12;
/// The least time between an answer and the probes that it leads to: the destination's own may be the next.
const GAP: Duration = Duration::from_millis(1);
/// What a router may take to answer, beside the round trip: it does so when it has nothing to forward.
const ROUTER: Duration = Duration::from_millis(35);
/// How far beyond the furthest answer is probed: this many silent routers in a row hold nothing up.
const AHEAD: u8 = 6;

/// How long answers are waited for, from the slowest that came lately.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Patience {
    /// The longest of the last answers' RTTs.
    pub(super) slowest: Option<Duration>,
}

impl Patience {
    /// The wait for an answer before further distances are tried: one RTT, and a router's time to answer.
    fn before_further(self) -> Duration {
        self.slowest.map_or(Duration::from_millis(250), |rtt| rtt + ROUTER)
    }

    /// The wait for a router between answering ones: it is nearer than what answered, but may take its time to answer.
    /// What comes later still counts while the trace goes on.
    fn for_hop(self) -> Duration {
        self.slowest.map_or(Duration::from_millis(250), |rtt| rtt * 2 + ROUTER)
    }

    /// The wait where the path's end is unknown: what has not answered may be much further than what has.
    fn for_end(self) -> Duration {
        self.slowest.map_or(Duration::from_secs(1), |rtt| rtt * 3 + Duration::from_millis(600))
    }
}

/// What a round wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// To probe this distance now.
    Send(Ttl),
    /// To be asked again then.
    Wait(Duration),
    /// Nothing any more.
    Over,
}

/// A round under way. Times are since the trace began.
#[derive(Debug)]
pub(super) struct Round {
    furthest: u8,
    /// How many probes may still be sent: what is allowed of a trace, its greatest distance allows.
    left: u8,
    /// The probes, from the nearest.
    probes: Vec<Probe>,
    /// Up to which distance may be probed from when on.
    grants: Vec<(u8, Duration)>,
    /// Distances to be probed once more.
    again: Vec<u8>,
    /// The nearest distance from where the path's end answered.
    end: Option<u8>,
}

#[derive(Debug)]
struct Probe {
    at: Duration,
    answered: bool,
}

impl Round {
    /// Begins a round that looks as far as `furthest`, with `most` probes; `known` says that the destination was there
    /// lately.
    pub(super) fn new(began: Duration, furthest: Ttl, most: Ttl, known: bool) -> Self {
        let (furthest, left) = (furthest.get(), most.get());
        let window = if known { furthest } else { furthest.min(WINDOW) };
        Self { furthest, left, probes: Vec::new(), grants: vec![(window, began)], again: Vec::new(), end: None }
    }

    /// Says what is to be done now.
    pub(super) fn next(&mut self, now: Duration, patience: Patience) -> Next {
        if let Some(&ttl) = self.again.last().filter(|_| self.left > 0) {
            return Next::Send(distance(ttl));
        }
        let sent = self.sent();
        if self.end.is_none() && sent < self.furthest && self.left > 0 {
            let from = self.may_be_sent(sent + 1, patience);
            return if from <= now { self.grant(sent + 1, from) } else { Next::Wait(from) };
        }
        let wait = if self.end.is_some() { patience.for_hop() } else { patience.for_end() };
        match self.waiting().map(|(_, at)| at + wait).max() {
            Some(until) if until > now => Next::Wait(until),
            Some(_) | None => Next::Over,
        }
    }

    /// Takes in that a distance was probed.
    pub(super) fn sent_at(&mut self, ttl: Ttl, at: Duration) {
        let ttl = ttl.get();
        self.again.retain(|&again| again != ttl);
        self.left = self.left.saturating_sub(1);
        match self.probes.get_mut(usize::from(ttl - 1)) {
            Some(probe) => probe.at = at,
            None => self.probes.push(Probe { at, answered: false }),
        }
    }

    /// Takes in an answer that came for a distance, with its RTT.
    pub(super) fn answered(&mut self, ttl: Ttl, is_end: bool, now: Duration, rtt: Duration) {
        let ttl = ttl.get();
        let Some(probe) = self.probes.get_mut(usize::from(ttl - 1)) else { return };
        probe.answered = true;
        self.again.retain(|&again| again != ttl);
        if is_end {
            self.end = Some(self.end.map_or(ttl, |end| end.min(ttl)));
            self.again.clear();
        } else {
            // Answers come close together.
            self.grants.push((ttl.saturating_add(AHEAD), now + rtt / 8 + GAP));
        }
    }

    /// Says whether an answer from a distance belongs to the path.
    pub(super) fn is_within(&self, ttl: Ttl) -> bool {
        self.end.is_none_or(|end| ttl.get() <= end)
    }

    /// Has what is still waited for probed once more.
    pub(super) fn send_again(&mut self) {
        self.again = self.waiting().map(|(ttl, _)| ttl.get()).collect();
        self.again.reverse();
    }

    /// Lists the distances up to the path's end that nobody answered from, with the times of their probes.
    pub(super) fn waiting(&self) -> impl Iterator<Item = (Ttl, Duration)> {
        let up_to = self.end.map_or(self.probes.len(), usize::from);
        let probes = (1..=u8::MAX).zip(&self.probes).take(up_to).filter(|(_, probe)| !probe.answered);
        probes.map(|(ttl, probe)| (distance(ttl), probe.at))
    }

    fn sent(&self) -> u8 {
        u8::try_from(self.probes.len()).unwrap_or(u8::MAX)
    }

    /// Gives when a distance may be probed: when an answer or the window allows it, or nobody is likely to answer.
    fn may_be_sent(&self, ttl: u8, patience: Patience) -> Duration {
        let granted = self.grants.iter().filter(|(up_to, _)| *up_to >= ttl).map(|&(_, from)| from);
        let stale = self.waiting().map(|(_, at)| at + patience.before_further()).max();
        granted.chain(stale).min().unwrap_or_default()
    }

    /// Lets a distance be probed, and a window from there where answers did not lead so far.
    fn grant(&mut self, ttl: u8, from: Duration) -> Next {
        if self.grants.iter().all(|&(up_to, _)| up_to < ttl) {
            self.grants.push((ttl.saturating_add(WINDOW - 1), from));
        }
        Next::Send(distance(ttl))
    }
}

fn distance(ttl: u8) -> Ttl {
    Ttl::try_from(u32::from(ttl)).unwrap_or(Ttl::FIRST)
}

#[cfg(test)]
mod tests;
