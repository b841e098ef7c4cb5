//! Where a round's path ends, and how far the next round needs to look. Pure.

use cnc_model::Ttl;
use cnc_model::trace::{HopOutcome, HopSample};

/// Orders a round's samples by distance and leaves out what lies beyond the path's end: the destination answers
/// probes of every greater distance too, and so does a router that cannot deliver.
pub(super) fn cut(mut samples: Vec<HopSample>) -> Vec<HopSample> {
    samples.sort_by_key(|sample| sample.ttl);
    let end = samples.iter().position(|sample| is_end(sample.outcome)).map_or(samples.len(), |at| at + 1);
    samples.truncate(end);
    samples
}

const fn is_end(outcome: HopOutcome) -> bool {
    match outcome {
        HopOutcome::Destination(_) | HopOutcome::Unreachable(_) => true,
        HopOutcome::Hop(_) | HopOutcome::Silent => false,
    }
}

/// How far rounds look. Once the destination's distance is known, probes beyond it are spared: they would only use
/// up what it is willing to answer.
#[derive(Debug)]
pub(super) struct Reach {
    max_hops: Ttl,
    nearest: Option<Ttl>,
    /// Whether the last round found the destination.
    found: bool,
}

impl Reach {
    pub(super) const fn new(max_hops: Ttl) -> Self {
        Self { max_hops, nearest: None, found: false }
    }

    /// Gives the greatest distance for the next round.
    pub(super) fn furthest(&self) -> Ttl {
        self.nearest.filter(|_| self.found).unwrap_or(self.max_hops)
    }

    /// Says whether the destination's distance is known.
    pub(super) const fn is_known(&self) -> bool {
        self.found
    }

    /// Takes in a round that was cut.
    pub(super) fn learn(&mut self, samples: &[HopSample]) {
        let Some(last) = samples.last() else {
            return;
        };
        self.found = matches!(last.outcome, HopOutcome::Destination(_));
        let grew = |nearest| samples.iter().any(|s| s.ttl >= nearest && matches!(s.outcome, HopOutcome::Hop(_)));
        self.nearest = self.nearest.filter(|&nearest| !grew(nearest));
        if self.found {
            self.nearest = Some(self.nearest.map_or(last.ttl, |nearest| nearest.min(last.ttl)));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;
    use std::time::Duration;

    use cnc_model::trace::HopReply;
    use proptest::prelude::*;

    use super::HopOutcome::{Destination, Hop, Silent, Unreachable};
    use super::*;

    const AT: HopReply = HopReply { address: IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), rtt: Duration::ZERO };

    fn ttl(n: u32) -> Ttl {
        Ttl::try_from(n).expect("valid")
    }

    fn round(outcomes: &[HopOutcome]) -> Vec<HopSample> {
        let sample = |(n, &outcome)| HopSample { round: 0, ttl: ttl(n), at: Duration::ZERO, outcome };
        let mut samples: Vec<_> = (1..).zip(outcomes).map(sample).collect();
        samples.reverse();
        cut(samples)
    }

    proptest! {
        #[test]
        fn a_round_ends_at_its_nearest_end_and_keeps_all_before(picks in prop::collection::vec(0_usize..4, 0..40)) {
            let outcomes: Vec<_> = picks.iter().map(|&n| [Hop(AT), Silent, Destination(AT), Unreachable(AT)][n]).collect();
            let cut = round(&outcomes);
            let end = outcomes.iter().position(|&o| is_end(o)).map_or(outcomes.len(), |at| at + 1);
            prop_assert_eq!(cut.iter().map(|s| s.outcome).collect::<Vec<_>>(), &outcomes[..end]);
            let mut reach = Reach::new(ttl(64));
            reach.learn(&cut);
            prop_assert!(usize::from(reach.furthest().get()) >= end.min(64));
        }
    }

    #[test]
    fn nothing_lies_beyond_the_end() {
        let cases: &[(&[HopOutcome], usize)] = &[
            (&[Hop(AT), Silent, Destination(AT), Destination(AT), Silent], 3),
            (&[Hop(AT), Unreachable(AT), Unreachable(AT), Unreachable(AT)], 2),
            (&[Hop(AT), Silent, Silent], 3),
            (&[], 0),
        ];
        for (outcomes, expected) in cases {
            assert_eq!(round(outcomes).len(), *expected, "{outcomes:?}");
        }
    }

    #[test]
    fn rounds_look_as_far_as_the_destination_was_last_found() {
        let mut reach = Reach::new(ttl(30));
        let steps: &[(&[HopOutcome], u32)] = &[
            (&[Hop(AT), Hop(AT), Destination(AT)], 3),
            // Lost once: look further.
            (&[Hop(AT), Hop(AT), Silent], 30),
            // Lost at its own distance, heard beyond: its own distance stays.
            (&[Hop(AT), Hop(AT), Silent, Destination(AT)], 3),
            // The path grew.
            (&[Hop(AT), Hop(AT), Hop(AT)], 30),
            (&[Hop(AT), Hop(AT), Hop(AT), Destination(AT)], 4),
            // And shrank.
            (&[Hop(AT), Destination(AT)], 2),
            (&[], 2),
        ];
        for (outcomes, expected) in steps {
            reach.learn(&round(outcomes));
            assert_eq!(reach.furthest(), ttl(*expected), "{outcomes:?}");
        }
    }
}
