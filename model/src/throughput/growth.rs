//! When a load gets more connections: while that pays. Pure.

use std::collections::VecDeque;
use std::time::Duration;

use super::SAMPLE_INTERVAL;
use crate::BitRate;
use crate::stats::nearest_rank;

/// The first connections have reached what they can by then on any line but the longest.
pub const FIRST_LOOK: Duration = Duration::from_secs(1);
/// Connections added at a time.
pub const STEP: u8 = 2;
/// So long after connections were added it is looked whether they paid: the later half of it counts.
pub const LOOKS_APART: Duration = Duration::from_secs(1);
/// The goodput that is compared is one over so much time.
pub const OVER: Duration = Duration::from_millis(500);
/// Connections pay when the goodput with them is more than this share above that without.
pub const PAYS: f64 = 0.05;
/// Where so much waits in a queue the line is full: further connections would only make it longer.
pub const FULL_QUEUE: Duration = Duration::from_millis(20);
/// That is the middle one of so many round trips: a single slow one, as any busy machine has, tells of no queue.
const ROUND_TRIPS: usize = 3;

/// Decides, sample by sample, whether connections are added.
#[derive(Debug, Clone)]
pub struct Growth {
    flows: u8,
    most: u8,
    /// When it is looked next; `None` when it has been decided that nothing more is added.
    next: Option<Duration>,
    /// The goodput in bits a second before connections were added last.
    before: Option<f64>,
    /// What the load has added to the latest round trips.
    added: VecDeque<Duration>,
    /// Times and totals, as far back as [`OVER`].
    recent: VecDeque<(Duration, u64)>,
}

impl Growth {
    /// Begins with so many connections, which may become so many.
    #[must_use]
    pub fn new(flows: u8, most: u8) -> Self {
        let recent = VecDeque::from([(Duration::ZERO, 0)]);
        Self {
            flows,
            most,
            next: (flows < most).then_some(FIRST_LOOK),
            before: None,
            added: VecDeque::with_capacity(ROUND_TRIPS + 1),
            recent,
        }
    }

    /// Takes in the total at a sample's end and what the load added to a round trip, where one was taken meanwhile, and
    /// tells how many connections to add now.
    pub fn observe(&mut self, at: Duration, bytes: u64, added_rtt: Option<Duration>) -> u8 {
        self.added.extend(added_rtt);
        if self.added.len() > ROUND_TRIPS {
            self.added.pop_front();
        }
        self.recent.push_back((at, bytes));
        while self.recent.get(1).is_some_and(|(begin, _)| *begin + OVER <= at) {
            self.recent.pop_front();
        }
        // Half an interval early is the time: timers are late now and early then.
        if self.next.is_none_or(|next| at + SAMPLE_INTERVAL / 2 < next) {
            return 0;
        }
        let (begin, before) = self.recent[0];
        let now = BitRate::of(bytes.saturating_sub(before), at.saturating_sub(begin)).bps();
        let pays = match self.before {
            Some(before) => now > before * (1.0 + PAYS),
            None => self.added().is_none_or(|added| added < FULL_QUEUE),
        };
        let more = STEP.min(self.most - self.flows);
        if !pays || more == 0 {
            self.next = None;
            return 0;
        }
        self.flows += more;
        (self.before, self.next) = (Some(now), Some(at + LOOKS_APART));
        more
    }

    fn added(&self) -> Option<Duration> {
        let mut added: Vec<_> = self.added.iter().copied().collect();
        added.sort_unstable();
        nearest_rank(&added, 50)
    }

    /// Decides that nothing more is added.
    pub const fn end(&mut self) {
        self.next = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is added, and after how many samples, on a line that carries so much with so many connections.
    fn grown(most: u8, added_rtt: Option<u64>, mbps: impl Fn(u8) -> u64) -> Vec<(u64, u8)> {
        let (mut growth, mut flows, mut bytes, mut grown) = (Growth::new(4, most), 4, 0, Vec::new());
        for nth in 1..=80 {
            bytes += mbps(flows) * 12_500;
            let more = growth.observe(SAMPLE_INTERVAL * nth, bytes, added_rtt.map(Duration::from_millis));
            if more > 0 {
                flows += more;
                grown.push((nth.into(), more));
            }
        }
        grown
    }

    #[test]
    fn connections_are_added_while_that_pays() {
        let cases = [
            ("each carries the same: up to the most", 8, None, 10, vec![(10, 2), (20, 2)]),
            ("an odd most", 7, None, 10, vec![(10, 2), (20, 1)]),
            ("no room", 4, None, 10, vec![]),
            ("a queue that is empty", 8, Some(3), 10, vec![(10, 2), (20, 2)]),
            ("a full line", 8, Some(20), 10, vec![]),
        ];
        for (name, most, added, each, expected) in cases {
            assert_eq!(grown(most, added, |flows| each * u64::from(flows)), expected, "{name}");
        }
    }

    #[test]
    fn one_slow_round_trip_is_no_queue() {
        let first_more = |slow: &[u32]| {
            let mut growth = Growth::new(4, 8);
            (1..=10).find(|nth| {
                let added = Duration::from_millis(if slow.contains(nth) { 60 } else { 2 });
                growth.observe(SAMPLE_INTERVAL * *nth, u64::from(*nth) * 100_000, Some(added)) > 0
            })
        };
        assert_eq!(first_more(&[10]), Some(10));
        assert_eq!(first_more(&[1, 2, 3, 8]), Some(10), "what is over");
        assert_eq!(first_more(&[9, 10]), None);
    }

    #[test]
    fn what_does_not_pay_is_tried_once() {
        assert_eq!(grown(8, None, |_| 100), [(10, 2)]);
        assert_eq!(grown(8, None, |flows| 100 + 2 * u64::from(flows)), [(10, 2)]);
        assert_eq!(grown(32, None, |flows| 100 * u64::from(flows.min(7))), [(10, 2), (20, 2), (30, 2)]);
    }

    #[test]
    fn nothing_is_added_after_the_end() {
        let mut growth = Growth::new(4, 8);
        growth.end();
        assert_eq!(growth.observe(Duration::from_secs(1), 1_000_000, None), 0);
    }
}
