//! When a rate has settled, and what it then is: the heart of `throughput/3`. Pure; it sees lengths of intervals and
//! bytes alone.
//!
//! A lost packet holds back what came after it: the receiver sees too little in one interval and the rest at once in
//! a later one. What has arrived in total therefore falls behind the line's rate now and then, and always comes back
//! to it. Single intervals say little; whether most of them agree, and where the total is between two moments
//! without such a backlog, says it exactly.

use std::collections::VecDeque;
use std::time::Duration;

use super::{Phase, SAMPLE_INTERVAL};
use crate::BitRate;

/// Nothing settles in a test's first second: buffers grow, and the first flood of a queue comes to its end.
pub const SKIPPED: Duration = Duration::from_secs(1);
/// A moving average spans this much, and so much must be quiet for the ramp to be over.
pub const WINDOW: Duration = Duration::from_secs(1);
/// So many moving averages must agree where a line is never quiet.
pub const AGREEING_AVERAGES: usize = 4;
/// So far apart those averages are, and under this share of their mean their standard deviation is where they agree:
/// near ones share what they are made of, so they must agree the closer. Either way a rate that grows by more than 9 %
/// a second has not settled.
pub const AGREEMENTS: [(Duration, f64); 2] = [(Duration::from_millis(250), 0.025), (Duration::from_millis(500), 0.05)];
/// Connections that were added take so long to find their share.
pub const SHARE_FOUND_AFTER: Duration = Duration::from_millis(500);
/// An interval is quiet when it is within this share of the median,
pub const QUIET: f64 = 0.025;
/// or within this many bytes of it, two packets: at low rates a packet more or less is much.
pub const QUIET_BYTES: f64 = 3_000.0;
/// A stretch is quiet when this share of its intervals is: losses make the others.
pub const QUIET_SHARE: f64 = 0.8;
/// A test may stop when its rate has been quiet for so long,
pub const STABLE_FOR: Duration = Duration::from_secs(3);
/// and the figures of the two halves of this time differ by less than this share: it does not creep.
pub const STABLE_WITHIN: f64 = 0.01;
/// The steady part's ends are looked for within this much of where it begins and ends, a third of it at the most.
pub const EDGE: Duration = Duration::from_secs(1);

/// What arrived during one interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interval {
    /// Its measured length.
    pub length: Duration,
    /// Payload bytes that arrived.
    pub bytes: u64,
}

/// Finds the end of the ramp while samples come: after [`SKIPPED`], the first time that the last second was quiet, or
/// that four moving averages over one second agree, as [`AGREEMENTS`] has it. That last second is steady already.
#[derive(Debug, Clone, Default)]
pub struct Ramp {
    /// As far back as [`STABLE_FOR`] reaches.
    recent: VecDeque<Interval>,
    now: Duration,
    bytes: u64,
    from: Option<Duration>,
    settled_at: Option<Duration>,
}

impl Ramp {
    /// Takes in one interval, and tells the phase from here on.
    pub fn observe(&mut self, length: Duration, bytes: u64) -> Phase {
        self.now += length;
        self.bytes = self.bytes.saturating_add(bytes);
        self.recent.push_back(Interval { length, bytes });
        while span(&self.recent).saturating_sub(self.recent[0].length) >= STABLE_FOR + SAMPLE_INTERVAL {
            self.recent.pop_front();
        }
        if self.settled_at.is_none() && (self.is_quiet_for(WINDOW) || self.agrees()) {
            self.settled_at = Some(self.now);
        }
        if self.settled_at.is_some() { Phase::Steady } else { Phase::Ramp }
    }

    /// Begins anew from here on: connections were added.
    pub fn restart(&mut self) {
        self.from = Some(self.now + SHARE_FOUND_AFTER);
        self.settled_at = None;
    }

    /// Tells whether the rate settled [`STABLE_FOR`] ago and has been quiet since, without creeping: more of it would
    /// tell nothing new.
    #[must_use]
    pub fn is_stable(&self) -> bool {
        // Half an interval short still is the time, as everywhere here.
        let is_due = |at: Duration| self.now + SAMPLE_INTERVAL / 2 >= at + STABLE_FOR;
        if !self.settled_at.is_some_and(is_due) || !self.is_quiet_for(STABLE_FOR) {
            return false;
        }
        let Some(last) = self.last(STABLE_FOR) else { return false };
        let (first, second) = last.split_at(last.len() / 2);
        let [Some(first), Some(second)] = [first, second].map(|half| rate(half).map(BitRate::bps)) else {
            return false;
        };
        (first - second).abs() <= STABLE_WITHIN * first.max(second)
    }

    /// Tells whether the last so much time was quiet, at a rate that is no standstill amid a faster run.
    fn is_quiet_for(&self, time: Duration) -> bool {
        let median = self.last(time).and_then(|last| quiet_median(&last));
        median.is_some_and(|median| median >= BitRate::of(self.bytes, self.now).bps() / 2.0)
    }

    /// Gives the intervals of the last so much time, unless it began before anything may settle.
    fn last(&self, time: Duration) -> Option<Vec<Interval>> {
        // Half an interval short still is the time: timers are late now and early then.
        let enough = time.saturating_sub(SAMPLE_INTERVAL / 2);
        let mut covered = Duration::ZERO;
        let count = 1 + self.recent.iter().rev().position(|interval| {
            covered += interval.length;
            covered >= enough
        })?;
        let begins = self.now.saturating_sub(covered) + SAMPLE_INTERVAL / 2;
        (begins >= self.from.unwrap_or(SKIPPED))
            .then(|| self.recent.range(self.recent.len() - count..).copied().collect())
    }

    /// Tells whether the moving averages agree now.
    fn agrees(&self) -> bool {
        AGREEMENTS.iter().any(|&(apart, agreement)| self.agrees_within(apart, agreement))
    }

    fn agrees_within(&self, apart: Duration, agreement: f64) -> bool {
        let back = apart * u32::try_from(AGREEING_AVERAGES - 1).expect("a handful");
        let Some(last) = self.last(WINDOW + back) else { return false };
        let mut averages = Vec::with_capacity(AGREEING_AVERAGES);
        for nth in 0..AGREEING_AVERAGES {
            let begin = apart * u32::try_from(nth).expect("a handful");
            averages.push(mean_within(&last, begin, begin + WINDOW));
        }
        agree(&averages, agreement)
    }
}

/// Tells whether most intervals of a stretch are within [`QUIET`] of their median. Nothing moving is not quiet.
#[must_use]
pub fn is_quiet(stretch: &[Interval]) -> bool {
    quiet_median(stretch).is_some()
}

/// Gives the median rate of a quiet stretch in bits a second; `None` for one that is not.
fn quiet_median(stretch: &[Interval]) -> Option<f64> {
    let bps = |interval: &Interval| BitRate::of(interval.bytes, interval.length).bps();
    let mut rates: Vec<_> = stretch.iter().filter(|interval| !interval.length.is_zero()).map(bps).collect();
    rates.sort_unstable_by(f64::total_cmp);
    let median = rates.get(rates.len() / 2).copied().filter(|&median| median > 0.0)?;
    let is_near = |interval: &&Interval| {
        let packets = QUIET_BYTES * 8.0 / interval.length.as_secs_f64();
        (bps(interval) - median).abs() <= (QUIET * median).max(packets)
    };
    #[expect(clippy::cast_precision_loss, reason = "some thousand intervals")]
    let (near, all) = (stretch.iter().filter(is_near).count() as f64, stretch.len() as f64);
    (near >= QUIET_SHARE * all).then_some(median)
}

/// Gives the mean rate of a settled stretch between two moments without a backlog at the receiver: of all moments
/// within [`EDGE`] of its two ends those at which the total is furthest ahead of the rate. `None` for an empty one.
///
/// Between the two it is the plain mean, every byte over every nanosecond; what a backlog at either end would bend it
/// by is left out.
#[must_use]
pub fn rate(stretch: &[Interval]) -> Option<BitRate> {
    /// So often the rate is put in again that the ends were chosen with: it hardly moves after the second time.
    const ROUNDS: usize = 4;
    let mut points = vec![(Duration::ZERO, 0_u64)];
    for interval in stretch {
        let (at, bytes) = points[points.len() - 1];
        points.push((at + interval.length, bytes.saturating_add(interval.bytes)));
    }
    let (end, bytes) = points[points.len() - 1];
    if end.is_zero() {
        return None;
    }
    let edge = EDGE.min(end / 3);
    let (first, last): (Vec<_>, Vec<_>) = (
        points.iter().filter(|(at, _)| *at <= edge).collect(),
        points.iter().filter(|(at, _)| *at >= end.saturating_sub(edge)).collect(),
    );
    let mut rate = BitRate::of(bytes, end);
    for _ in 0..ROUNDS {
        #[expect(clippy::cast_precision_loss, reason = "2^53 bytes are more than any test moves")]
        let ahead = |(at, bytes): &(Duration, u64)| *bytes as f64 * 8.0 - rate.bps() * at.as_secs_f64();
        let furthest = |points: &[&(Duration, u64)]| {
            points.iter().copied().copied().max_by(|one, other| ahead(one).total_cmp(&ahead(other)))
        };
        let (from, to) = (furthest(&first)?, furthest(&last)?);
        rate = BitRate::of(to.1 - from.1, to.0.saturating_sub(from.0));
    }
    Some(rate)
}

fn span<'a>(intervals: impl IntoIterator<Item = &'a Interval>) -> Duration {
    intervals.into_iter().map(|interval| interval.length).sum()
}

/// Gives the mean rate from one moment of a stretch to another, by the intervals that end within.
fn mean_within(stretch: &[Interval], from: Duration, to: Duration) -> f64 {
    let mut at = Duration::ZERO;
    let (mut bytes, mut time) = (0, Duration::ZERO);
    for interval in stretch {
        at += interval.length;
        if at > from + SAMPLE_INTERVAL / 2 && at <= to + SAMPLE_INTERVAL / 2 {
            bytes += interval.bytes;
            time += interval.length;
        }
    }
    BitRate::of(bytes, time).bps()
}

/// Tells whether the standard deviation of values is under this share of their mean; nothing moving is no agreement.
fn agree(values: &[f64], agreement: f64) -> bool {
    #[expect(clippy::cast_precision_loss, reason = "a handful of values")]
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let deviation = (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / count).sqrt();
    mean > 0.0 && deviation < agreement * mean
}

#[cfg(test)]
mod tests;
