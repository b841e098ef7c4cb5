//! What a trace observes and the path it gives (`trace/1`).

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use crate::Ttl;
use crate::network::AutonomousSystem;
use crate::stats::{RttSummary, ratio};
use crate::summary::Measured;

mod segment;

pub use segment::Segment;

/// The name and version of this method, stored with every result.
pub const METHOD: &str = "trace/1";

/// One observation of a trace: what came back from one TTL in one round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HopSample {
    /// The round, from 0.
    pub round: u32,
    /// The probe's TTL.
    pub ttl: Ttl,
    /// When the probe was sent, since the test began.
    pub at: Duration,
    /// What became of it.
    pub outcome: HopOutcome,
}

/// What became of a trace's probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HopOutcome {
    /// A router said that the TTL ran out there.
    Hop(HopReply),
    /// Nobody answered in this round.
    Silent,
    /// The destination answered.
    Destination(HopReply),
    /// A router said that it cannot be delivered: the path ends there.
    Unreachable(HopReply),
}

/// An answer to a trace's probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HopReply {
    /// Who answered.
    pub address: IpAddr,
    /// Time from just before the send to the arrival.
    pub rtt: Duration,
}

/// A trace's figures.
#[derive(Debug, Clone, PartialEq)]
pub struct TraceSummary {
    /// What was measured, and how.
    pub measured: Measured,
    /// Whether the destination answered at least once.
    pub reached: bool,
    /// Rounds begun.
    pub rounds: u64,
    /// The path, nearest first. It ends at the destination, at the router that called it unreachable, or, where only
    /// silence follows, with one silent hop for all of them.
    pub hops: Vec<HopSummary>,
}

/// The figures of one distance on the path.
#[derive(Debug, Clone, PartialEq)]
pub struct HopSummary {
    /// The distance.
    pub ttl: Ttl,
    /// Who answered there, the most frequent first; several where the path splits, none for a silent hop.
    pub addresses: Vec<HopAddress>,
    /// Probes sent with this TTL.
    pub sent: u64,
    /// Answers.
    pub received: u64,
    /// Probes without an answer over sent; `None` when none was sent.
    pub loss_ratio: Option<f64>,
    /// Whether loss here is also seen on every later hop that answers at all. Loss that does not persist is that
    /// router's limit on its own answers and says nothing about the path.
    pub loss_persists: bool,
    /// The RTTs of its answers; `None` for a silent hop.
    pub rtt: Option<RttSummary>,
    /// Whose part of the way it is; `None` where that is not known.
    pub segment: Option<Segment>,
}

/// An address at a hop and who it belongs to, as far as that is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HopAddress {
    /// The address that answered.
    pub address: IpAddr,
    /// Its name by reverse DNS.
    pub name: Option<String>,
    /// The network that it belongs to, by the listener's database; `None` where nobody looked or it is in none.
    pub network: Option<AutonomousSystem>,
}

/// Gathers a trace's samples into its path. The order of arrival does not matter.
#[derive(Debug, Clone, Default)]
pub struct TraceFold {
    hops: BTreeMap<Ttl, BTreeMap<u32, HopOutcome>>,
    names: BTreeMap<IpAddr, String>,
}

impl TraceFold {
    /// Takes one sample in; an answer replaces an earlier silence of the same round and TTL.
    pub fn observe(&mut self, sample: &HopSample) {
        let rounds = self.hops.entry(sample.ttl).or_default();
        if !matches!(sample.outcome, HopOutcome::Silent) || !rounds.contains_key(&sample.round) {
            rounds.insert(sample.round, sample.outcome);
        }
    }

    /// Takes in the name of an address.
    pub fn name(&mut self, address: IpAddr, name: String) {
        self.names.insert(address, name);
    }

    /// Gives the path that all samples so far show.
    #[must_use]
    pub fn summary(&self, measured: Measured) -> TraceSummary {
        let end = self.end();
        let mut hops: Vec<HopSummary> = self.hops.range(..=end).map(|(&ttl, rounds)| self.hop(ttl, rounds)).collect();
        self.join_refusal(&mut hops);
        cut_trailing_silence(&mut hops);
        mark_persistent_loss(&mut hops);
        let mut summary = TraceSummary {
            measured,
            reached: self.outcomes().any(|(_, o)| matches!(o, HopOutcome::Destination(_))),
            rounds: self.hops.values().flat_map(BTreeMap::keys).max().map_or(0, |&last| u64::from(last) + 1),
            hops,
        };
        summary.label(None);
        summary
    }

    fn outcomes(&self) -> impl Iterator<Item = (Ttl, &HopOutcome)> {
        self.hops.iter().flat_map(|(&ttl, rounds)| rounds.values().map(move |outcome| (ttl, outcome)))
    }

    /// Finds the TTL at which the path ends: the nearest where the destination answered, else the nearest where
    /// a router called it unreachable, else the furthest tried.
    fn end(&self) -> Ttl {
        let nearest = |ends: fn(&HopOutcome) -> bool| self.outcomes().find(|(_, o)| ends(o)).map(|(ttl, _)| ttl);
        nearest(|o| matches!(o, HopOutcome::Destination(_)))
            .or_else(|| nearest(|o| matches!(o, HopOutcome::Unreachable(_))))
            .or_else(|| self.hops.keys().next_back().copied())
            .unwrap_or(Ttl::FIRST)
    }

    /// Leaves out the last hop where that is but the one before it, which passed nothing on: routers say of a TTL that
    /// it ran out before they look whether the packet could go on.
    fn join_refusal(&self, hops: &mut Vec<HopSummary>) {
        let [.., before, last] = hops.as_slice() else { return };
        let mut answers = self.hops.get(&last.ttl).into_iter().flat_map(BTreeMap::values);
        let refuses = answers.all(|o| matches!(o, HopOutcome::Unreachable(_) | HopOutcome::Silent));
        let is_known = |a: &HopAddress| before.addresses.iter().any(|known| known.address == a.address);
        if refuses && last.received > 0 && last.addresses.iter().all(is_known) {
            hops.pop();
        }
    }

    fn hop(&self, ttl: Ttl, rounds: &BTreeMap<u32, HopOutcome>) -> HopSummary {
        let mut counts = BTreeMap::<IpAddr, u64>::new();
        let mut rtts = Vec::with_capacity(rounds.len());
        for outcome in rounds.values() {
            match outcome {
                HopOutcome::Hop(reply) | HopOutcome::Destination(reply) | HopOutcome::Unreachable(reply) => {
                    *counts.entry(reply.address).or_default() += 1;
                    rtts.push(reply.rtt);
                }
                HopOutcome::Silent => {}
            }
        }
        let mut addresses: Vec<_> = counts.into_iter().collect();
        addresses.sort_by_key(|&(address, count)| (std::cmp::Reverse(count), address));
        let (sent, received) = (rounds.len() as u64, rtts.len() as u64);
        HopSummary {
            ttl,
            addresses: addresses
                .into_iter()
                .map(|(address, _)| HopAddress { address, name: self.names.get(&address).cloned(), network: None })
                .collect(),
            sent,
            received,
            loss_ratio: ratio(sent - received, sent),
            loss_persists: false,
            rtt: RttSummary::of(rtts),
            segment: None,
        }
    }
}

/// Leaves one silent hop where only silence follows.
fn cut_trailing_silence(hops: &mut Vec<HopSummary>) {
    let answering = hops.iter().rposition(|hop| hop.received > 0).map_or(0, |last| last + 1);
    hops.truncate(answering + 1);
}

/// Marks loss that every later hop that answers at all shows too.
fn mark_persistent_loss(hops: &mut [HopSummary]) {
    let mut persists = true;
    for hop in hops.iter_mut().rev().filter(|hop| hop.received > 0) {
        persists &= hop.received < hop.sent;
        hop.loss_persists = persists;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ttl(n: u32) -> Ttl {
        Ttl::try_from(n).expect("valid")
    }

    fn at(n: u8) -> HopReply {
        HopReply { address: IpAddr::from([192, 0, 2, n]), rtt: Duration::from_millis(u64::from(n)) }
    }

    fn path(rounds: &[&[HopOutcome]]) -> TraceSummary {
        let mut fold = TraceFold::default();
        for (round, outcomes) in (0..).zip(rounds) {
            for (n, &outcome) in (1..).zip(*outcomes) {
                fold.observe(&HopSample { round, ttl: ttl(n), at: Duration::ZERO, outcome });
            }
        }
        fold.summary(Measured::default())
    }

    fn shape(summary: &TraceSummary) -> Vec<(u8, Option<String>, bool)> {
        let first = |hop: &HopSummary| hop.addresses.first().map(|a| a.address.to_string());
        summary.hops.iter().map(|hop| (hop.ttl.get(), first(hop), hop.loss_persists)).collect()
    }

    use HopOutcome::{Destination, Hop, Silent, Unreachable};

    #[test]
    fn a_silent_hop_stays_and_its_neighbours_are_not_blamed() {
        let summary = path(&[&[Hop(at(1)), Silent, Hop(at(3)), Destination(at(4))]]);
        let ip = |n| Some(format!("192.0.2.{n}"));
        assert_eq!(shape(&summary), [(1, ip(1), false), (2, None, false), (3, ip(3), false), (4, ip(4), false)]);
        assert!(summary.reached);
        assert_eq!(summary.hops[1].loss_ratio, Some(1.0));
    }

    #[test]
    fn the_path_ends_at_the_nearest_answer_of_the_destination() {
        let summary = path(&[&[Hop(at(1)), Destination(at(9)), Destination(at(9)), Silent]]);
        assert_eq!(summary.hops.len(), 2);
    }

    #[test]
    fn the_path_ends_where_a_router_calls_it_unreachable() {
        let summary = path(&[&[Hop(at(1)), Unreachable(at(2)), Unreachable(at(2)), Unreachable(at(2))]]);
        assert_eq!(summary.hops.len(), 2);
        assert!(!summary.reached);
        // The router that says so is no further hop.
        let own = path(&[&[Hop(at(1)), Hop(at(2)), Unreachable(at(2)), Unreachable(at(2))], &[Hop(at(1)), Hop(at(2))]]);
        assert_eq!(own.hops.len(), 2);
        assert_eq!(path(&[&[Hop(at(1)), Silent, Unreachable(at(1))]]).hops.len(), 3);
    }

    #[test]
    fn trailing_silence_is_one_hop() {
        assert_eq!(path(&[&[Hop(at(1)), Silent, Silent, Silent]]).hops.len(), 2);
        assert_eq!(path(&[&[Silent, Silent]]).hops.len(), 1);
        assert_eq!(path(&[]).hops.len(), 0);
    }

    #[test]
    fn only_loss_that_every_later_hop_shows_persists() {
        let lossy =
            path(&[&[Hop(at(1)), Hop(at(2)), Hop(at(3)), Destination(at(4))], &[Silent, Hop(at(2)), Silent, Silent]]);
        let persists: Vec<_> = lossy.hops.iter().map(|hop| hop.loss_persists).collect();
        assert_eq!(persists, [false, false, true, true]);
    }

    #[test]
    fn several_addresses_at_one_hop_are_all_kept_most_frequent_first() {
        let summary = path(&[&[Hop(at(7))], &[Hop(at(5))], &[Hop(at(7))]]);
        let addresses: Vec<_> = summary.hops[0].addresses.iter().map(|a| a.address.to_string()).collect();
        assert_eq!(addresses, ["192.0.2.7", "192.0.2.5"]);
    }

    #[test]
    fn an_answer_replaces_silence_but_not_the_other_way() {
        let mut fold = TraceFold::default();
        for outcome in [Silent, Hop(at(1)), Silent] {
            fold.observe(&HopSample { round: 0, ttl: ttl(1), at: Duration::ZERO, outcome });
        }
        let summary = fold.summary(Measured::default());
        assert_eq!((summary.hops[0].sent, summary.hops[0].received), (1, 1));
    }
}
