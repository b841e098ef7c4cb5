//! The probes of a ping that are not done with, and what becomes of each. Sends nothing and reads no clock.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::time::Duration;

use cnc_model::ping::{PingOutcome, PingReply, PingSample};

use crate::kernel::{Moment, Sent};
use crate::ping::LATE_WAIT;

/// The most probes not done with: at the fastest pace and the longest timeout there are fewer, and sequence numbers
/// have 16 bits. When one more is sent, the oldest is forgotten.
const MOST_UNDER_WAY: usize = 65_535;

/// The most duplicates told of one probe: more say nothing new, and whoever sends them must not fill the store.
const MOST_DUPLICATES: u8 = 8;

/// The probes, from the oldest that may still be answered to the newest. Sent in the order of their numbers.
#[derive(Debug)]
pub(super) struct Flights {
    timeout: Duration,
    /// The number of the oldest.
    first: u32,
    probes: VecDeque<Probe>,
    /// How many of the oldest nobody waits for.
    settled: usize,
    waiting: usize,
}

#[derive(Debug)]
struct Probe {
    /// When it was sent, since the test began.
    at: Duration,
    sent: Sent,
    fate: Fate,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Waiting,
    Replied {
        duplicates: u8,
    },
    Lost,
    /// Lost, and replied after that.
    Late,
    Unreachable,
    NotSent,
}

impl Flights {
    pub(super) const fn new(timeout: Duration) -> Self {
        Self { timeout, first: 0, probes: VecDeque::new(), settled: 0, waiting: 0 }
    }

    /// Gives the number of the next probe, which is how many there were.
    pub(super) fn next(&self) -> u32 {
        self.first.saturating_add(u32::try_from(self.probes.len()).expect("bounded"))
    }

    /// Says whether nobody's answer is waited for.
    pub(super) const fn is_idle(&self) -> bool {
        self.waiting == 0
    }

    /// Gives when, since the test began, the next timeout passes.
    pub(super) fn next_timeout(&self) -> Option<Duration> {
        self.probes.get(self.settled).map(|probe| probe.at.saturating_add(self.timeout))
    }

    /// Adds the next probe, which is about to be sent.
    pub(super) fn add(&mut self, at: Duration, before: Moment, tell: &mut impl FnMut(PingSample)) {
        self.forget(at);
        if self.probes.len() == MOST_UNDER_WAY {
            self.give_up(0, tell);
            self.forget_first();
        }
        self.probes.push_back(Probe { at, sent: Sent { before, stamp: None }, fate: Fate::Waiting });
        self.waiting += 1;
    }

    /// Says when a probe was really sent.
    pub(super) fn sent(&mut self, seq: u32, sent: Sent) {
        let index = self.index(seq);
        if let Some(probe) = self.probes.get_mut(index) {
            probe.sent = sent;
        }
    }

    /// Takes that a probe could not be sent.
    pub(super) fn not_sent(&mut self, seq: u32, tell: &mut impl FnMut(PingSample)) {
        self.settle(self.index(seq), Fate::NotSent, PingOutcome::NotSent, tell);
    }

    /// Says whether a probe's fate is not known yet.
    pub(super) fn is_waiting(&self, seq: u32) -> bool {
        self.probes.get(self.index(seq)).is_some_and(|probe| probe.fate == Fate::Waiting)
    }

    /// Finds the probe whose number ends in these 16 bits, if its answer may still come.
    pub(super) fn find(&self, low: u16) -> Option<(u32, Sent)> {
        let [_, _, high_byte, low_byte] = self.first.to_be_bytes();
        let ahead = low.wrapping_sub(u16::from_be_bytes([high_byte, low_byte]));
        let probe = self.probes.get(usize::from(ahead))?;
        Some((self.first.saturating_add(ahead.into()), probe.sent))
    }

    /// Gives the oldest probe whose fate is not known yet.
    pub(super) fn oldest(&self) -> Option<u32> {
        let waiting = self.probes.iter().skip(self.settled).position(|probe| probe.fate == Fate::Waiting)?;
        Some(self.first.saturating_add(u32::try_from(self.settled + waiting).expect("bounded")))
    }

    /// Takes a reply to a probe that was found.
    pub(super) fn replied(&mut self, seq: u32, reply: PingReply, tell: &mut impl FnMut(PingSample)) {
        let index = self.index(seq);
        if reply.rtt > self.timeout {
            self.give_up(index, tell);
        }
        let in_time = reply.rtt <= self.timeout;
        let Some(probe) = self.probes.get_mut(index) else { return };
        let (fate, outcome) = match probe.fate {
            Fate::Waiting | Fate::Unreachable if in_time => {
                (Fate::Replied { duplicates: 0 }, PingOutcome::Reply(reply))
            }
            Fate::Replied { duplicates } if duplicates < MOST_DUPLICATES && in_time => {
                (Fate::Replied { duplicates: duplicates + 1 }, PingOutcome::Reply(reply))
            }
            Fate::Lost => (Fate::Late, PingOutcome::Late(reply)),
            Fate::Waiting | Fate::Unreachable | Fate::Replied { .. } | Fate::Late | Fate::NotSent => return,
        };
        self.waiting -= usize::from(probe.fate == Fate::Waiting);
        probe.fate = fate;
        tell(PingSample { seq, at: probe.at, outcome });
        self.skip_settled();
    }

    /// Takes an ICMP error about a probe that was found.
    pub(super) fn unreachable(&mut self, seq: u32, from: Option<IpAddr>, tell: &mut impl FnMut(PingSample)) {
        self.settle(self.index(seq), Fate::Unreachable, PingOutcome::Unreachable { from }, tell);
    }

    /// Tells the probes as lost whose timeout has passed.
    pub(super) fn pass(&mut self, now: Duration, tell: &mut impl FnMut(PingSample)) {
        while self.next_timeout().is_some_and(|timeout| timeout <= now) {
            self.give_up(self.settled, tell);
        }
        self.forget(now);
    }

    /// Forgets the probes that no reply is waited for any more.
    fn forget(&mut self, now: Duration) {
        let patience = self.timeout + LATE_WAIT;
        while self.settled > 0 && self.probes.front().is_some_and(|probe| probe.at + patience <= now) {
            self.forget_first();
        }
    }

    fn forget_first(&mut self) {
        self.probes.pop_front();
        self.first = self.first.saturating_add(1);
        self.settled -= 1;
    }

    fn give_up(&mut self, index: usize, tell: &mut impl FnMut(PingSample)) {
        self.settle(index, Fate::Lost, PingOutcome::Lost, tell);
    }

    /// Ends the waiting for a probe.
    fn settle(&mut self, index: usize, fate: Fate, outcome: PingOutcome, tell: &mut impl FnMut(PingSample)) {
        let Some(probe) = self.probes.get_mut(index).filter(|probe| probe.fate == Fate::Waiting) else { return };
        probe.fate = fate;
        self.waiting -= 1;
        let seq = self.first.saturating_add(u32::try_from(index).expect("bounded"));
        tell(PingSample { seq, at: probe.at, outcome });
        self.skip_settled();
    }

    fn skip_settled(&mut self) {
        while self.probes.get(self.settled).is_some_and(|probe| probe.fate != Fate::Waiting) {
            self.settled += 1;
        }
    }

    fn index(&self, seq: u32) -> usize {
        seq.checked_sub(self.first).map_or(usize::MAX, |index| usize::try_from(index).expect("32 bits fit"))
    }
}

#[cfg(test)]
mod tests;
