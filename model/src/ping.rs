//! What a ping observes and the figures it gives (`ping/1`).

mod pacing;

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use crate::Ttl;
use crate::stats::{RttSummary, jitter, ratio};
use crate::summary::Measured;

pub use pacing::{LONGEST_GAP, Pacing, SHORTEST_GAP};

/// The name and version of this method, stored with every result.
pub const METHOD: &str = "ping/1";

/// One observation of a ping. Each probe gives at least one; a late reply or a duplicate gives one more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PingSample {
    /// The probe's number in its test, from 0.
    pub seq: u32,
    /// When the probe was sent, since the test began.
    pub at: Duration,
    /// What became of it.
    pub outcome: PingOutcome,
}

/// What became of a probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PingOutcome {
    /// A reply came within the timeout; a second one with the same seq is a duplicate.
    Reply(PingReply),
    /// The timeout passed.
    Lost,
    /// A reply came after its probe had been given up as lost.
    Late(PingReply),
    /// A router or the destination said that it cannot be delivered: never an RTT of the destination.
    Unreachable {
        /// Who said so, where known.
        from: Option<IpAddr>,
    },
    /// This machine could not send it.
    NotSent,
}

/// A reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PingReply {
    /// Time from just before the send to the arrival.
    pub rtt: Duration,
    /// Who replied.
    pub from: IpAddr,
    /// The reply's remaining TTL, where the system tells.
    pub ttl: Option<Ttl>,
    /// Which clock stamped both ends of the RTT.
    pub clock: Clock,
}

/// Who took the times of an RTT.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Clock {
    /// The kernel, at the socket.
    Kernel,
    /// The program, with the scheduler's delays in it.
    User,
}

/// A ping's figures.
#[derive(Debug, Clone, PartialEq)]
pub struct PingSummary {
    /// What was measured, and how.
    pub measured: Measured,
    /// Probes sent.
    pub sent: u64,
    /// Probes with a reply within the timeout.
    pub received: u64,
    /// Probes with neither reply nor error within the timeout, and those answered by an ICMP error, over sent
    /// (RFC 7680); `None` when none was sent.
    pub loss_ratio: Option<f64>,
    /// Replies after the timeout; they stay lost.
    pub late: u64,
    /// Further replies to a probe that had one.
    pub duplicates: u64,
    /// Replies that arrived after the reply of a later probe (RFC 4737).
    pub reordered: u64,
    /// Probes answered by an ICMP error.
    pub unreachable: u64,
    /// Probes that this machine could not send.
    pub not_sent: u64,
    /// The RTTs of the first replies; `None` when there was none.
    pub rtt: Option<RttSummary>,
    /// Mean absolute difference of consecutive RTTs; `None` for fewer than two.
    pub jitter: Option<Duration>,
    /// Packet delay variation: p95 RTT minus the least (RFC 5481).
    pub pdv: Option<Duration>,
}

/// Gathers a ping's samples into its figures. The order of arrival does not matter.
#[derive(Debug, Clone, Default)]
pub struct PingFold {
    probes: HashMap<u32, Probe>,
    late: u64,
    duplicates: u64,
}

#[derive(Debug, Clone, Copy)]
struct Probe {
    at: Duration,
    fate: Fate,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Fate {
    Replied(Duration),
    Lost,
    Unreachable,
    NotSent,
}

impl PingFold {
    /// Takes one sample in.
    pub fn observe(&mut self, sample: &PingSample) {
        let fate = match sample.outcome {
            PingOutcome::Reply(reply) => Fate::Replied(reply.rtt),
            PingOutcome::Lost => Fate::Lost,
            PingOutcome::Unreachable { .. } => Fate::Unreachable,
            PingOutcome::NotSent => Fate::NotSent,
            PingOutcome::Late(_) => {
                self.late += 1;
                return;
            }
        };
        let probe = Probe { at: sample.at, fate };
        let Some(known) = self.probes.get_mut(&sample.seq) else {
            self.probes.insert(sample.seq, probe);
            return;
        };
        match (known.fate, fate) {
            // The earlier of two replies is the reply, whichever is told first.
            (Fate::Replied(first), Fate::Replied(other)) => {
                self.duplicates += 1;
                known.fate = Fate::Replied(first.min(other));
            }
            (_, Fate::Replied(_)) => *known = probe,
            (_, Fate::Lost | Fate::Unreachable | Fate::NotSent) => {}
        }
    }

    /// Gives the figures of all samples so far.
    #[must_use]
    pub fn summary(&self, measured: Measured) -> PingSummary {
        let count = |fate: fn(&Fate) -> bool| self.probes.values().filter(|p| fate(&p.fate)).count() as u64;
        let not_sent = count(|f| matches!(f, Fate::NotSent));
        let sent = self.probes.len() as u64 - not_sent;
        let (in_order, reordered) = self.replies();
        let received = in_order.len() as u64;
        let jitter = jitter(&in_order);
        let rtt = RttSummary::of(in_order);
        PingSummary {
            measured,
            sent,
            received,
            loss_ratio: ratio(sent - received, sent),
            late: self.late,
            duplicates: self.duplicates,
            reordered,
            unreachable: count(|f| matches!(f, Fate::Unreachable)),
            not_sent,
            rtt,
            jitter,
            pdv: rtt.map(|r| r.p95.saturating_sub(r.min)),
        }
    }

    /// Gives the RTTs in the order of sending, and how many arrived behind a later probe's reply.
    fn replies(&self) -> (Vec<Duration>, u64) {
        let mut replies: Vec<(u32, Duration, Duration)> = self
            .probes
            .iter()
            .filter_map(|(&seq, probe)| match probe.fate {
                Fate::Replied(rtt) => Some((seq, probe.at.saturating_add(rtt), rtt)),
                Fate::Lost | Fate::Unreachable | Fate::NotSent => None,
            })
            .collect();
        replies.sort_unstable_by_key(|&(seq, arrival, _)| (arrival, seq));
        let mut next = 0;
        let mut reordered = 0;
        for &(seq, ..) in &replies {
            if seq < next { reordered += 1 } else { next = seq }
        }
        replies.sort_unstable_by_key(|&(seq, ..)| seq);
        (replies.into_iter().map(|(_, _, rtt)| rtt).collect(), reordered)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HOST: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    fn reply(seq: u32, at_ms: u64, rtt_ms: u64) -> PingSample {
        let rtt = Duration::from_millis(rtt_ms);
        let reply = PingReply { rtt, from: HOST, ttl: None, clock: Clock::User };
        PingSample { seq, at: Duration::from_millis(at_ms), outcome: PingOutcome::Reply(reply) }
    }

    fn other(seq: u32, outcome: PingOutcome) -> PingSample {
        PingSample { seq, at: Duration::from_millis(u64::from(seq) * 10), outcome }
    }

    fn late(seq: u32) -> PingSample {
        let reply = PingReply { rtt: Duration::from_secs(3), from: HOST, ttl: None, clock: Clock::User };
        other(seq, PingOutcome::Late(reply))
    }

    fn fold(samples: &[PingSample]) -> PingSummary {
        let mut fold = PingFold::default();
        for sample in samples {
            fold.observe(sample);
        }
        fold.summary(Measured::default())
    }

    #[test]
    fn each_fate_is_counted_once() {
        let summary = fold(&[
            reply(0, 0, 4),
            reply(1, 10, 6),
            reply(1, 10, 9),
            other(2, PingOutcome::Lost),
            late(2),
            other(3, PingOutcome::Unreachable { from: None }),
            other(4, PingOutcome::NotSent),
        ]);
        assert_eq!((summary.sent, summary.received, summary.not_sent, summary.unreachable), (4, 2, 1, 1));
        assert_eq!((summary.late, summary.duplicates, summary.reordered), (1, 1, 0));
        assert_eq!(summary.loss_ratio, Some(0.5));
        assert_eq!(summary.jitter, Some(Duration::from_millis(2)));
        assert_eq!(summary.rtt.expect("replies").max, Duration::from_millis(6));
        assert_eq!(summary.pdv, Some(Duration::from_millis(2)));
    }

    #[test]
    fn a_reply_behind_a_later_one_is_reordered() {
        assert_eq!(fold(&[reply(0, 0, 50), reply(1, 10, 5), reply(2, 20, 5)]).reordered, 1);
    }

    #[test]
    fn nothing_measured_is_not_zero() {
        let summary = fold(&[]);
        assert_eq!((summary.loss_ratio, summary.rtt, summary.jitter, summary.pdv), (None, None, None, None));
    }

    proptest! {
        #[test]
        fn the_order_of_arrival_does_not_matter(
            fates in prop::collection::vec((0_u32..20, 0_u8..5, 1_u64..500), 0..60),
        ) {
            let samples: Vec<_> = fates.iter().map(|&(seq, fate, rtt)| match fate {
                0 => other(seq, PingOutcome::Lost),
                1 => late(seq),
                _ => reply(seq, u64::from(seq) * 10, rtt),
            }).collect();
            let forwards = fold(&samples);
            let backwards = fold(&samples.iter().rev().copied().collect::<Vec<_>>());
            prop_assert_eq!(&forwards, &backwards);
            prop_assert!(forwards.loss_ratio.is_none_or(|loss| (0.0..=1.0).contains(&loss)));
            prop_assert!(forwards.received <= forwards.sent);
        }
    }
}
