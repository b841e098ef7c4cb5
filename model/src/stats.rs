//! Figures over durations, each defined once: nearest-rank percentiles, mean, deviation, jitter.

use std::time::Duration;

/// The figures of a set of round-trip times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RttSummary {
    /// The least.
    pub min: Duration,
    /// The arithmetic mean.
    pub mean: Duration,
    /// The 50th percentile, nearest rank.
    pub median: Duration,
    /// The 90th percentile, nearest rank.
    pub p90: Duration,
    /// The 95th percentile, nearest rank.
    pub p95: Duration,
    /// The 99th percentile, nearest rank.
    pub p99: Duration,
    /// The greatest.
    pub max: Duration,
    /// The standard deviation of the whole set (divided by n).
    pub stddev: Duration,
}

impl RttSummary {
    /// Computes the figures of a set in any order; `None` for the empty set.
    #[must_use]
    pub fn of(mut rtts: Vec<Duration>) -> Option<Self> {
        rtts.sort_unstable();
        let (min, max) = (*rtts.first()?, *rtts.last()?);
        let mean = mean(&rtts)?;
        Some(Self {
            min,
            mean,
            median: nearest_rank(&rtts, 50)?,
            p90: nearest_rank(&rtts, 90)?,
            p95: nearest_rank(&rtts, 95)?,
            p99: nearest_rank(&rtts, 99)?,
            max,
            stddev: deviation(&rtts, mean),
        })
    }
}

/// Gives the `percent`-th percentile by nearest rank: the least value with at least that share at or below it
/// (`PERCENTILE_DISC` in SQL). The set must be sorted; `None` when it is empty.
#[must_use]
pub fn nearest_rank<T: Copy>(sorted: &[T], percent: usize) -> Option<T> {
    let rank = (sorted.len() * percent.min(100)).div_ceil(100).max(1);
    sorted.get(rank - 1).copied()
}

/// Gives the arithmetic mean; `None` for the empty set.
#[must_use]
pub fn mean(values: &[Duration]) -> Option<Duration> {
    let sum: u128 = values.iter().map(Duration::as_nanos).sum();
    let nanos = sum.checked_div(values.len() as u128)?;
    Some(Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX)))
}

/// Gives the mean absolute difference of consecutive values, in the order given; `None` for fewer than two.
/// This is jitter the way speed tests define it, not RFC 3550's smoothed estimate.
#[must_use]
pub fn jitter(in_order: &[Duration]) -> Option<Duration> {
    let steps: Vec<_> = in_order.windows(2).map(|pair| pair[0].abs_diff(pair[1])).collect();
    mean(&steps)
}

/// Gives a part of a whole; `None` when the whole is nothing.
#[must_use]
pub fn ratio(part: u64, whole: u64) -> Option<f64> {
    #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
    (whole > 0).then(|| part as f64 / whole as f64)
}

fn deviation(values: &[Duration], mean: Duration) -> Duration {
    #[expect(clippy::cast_precision_loss, reason = "a set holds far fewer than 2^53 values")]
    let count = values.len() as f64;
    let squares: f64 = values.iter().map(|v| v.abs_diff(mean).as_secs_f64().powi(2)).sum();
    Duration::from_secs_f64((squares / count).sqrt())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const fn ms(n: u64) -> Duration {
        Duration::from_millis(n)
    }

    #[test]
    fn percentiles_are_nearest_rank() {
        let ten: Vec<u32> = (1..=10).collect();
        for (percent, expected) in [(0, 1), (10, 1), (11, 2), (50, 5), (90, 9), (95, 10), (100, 10)] {
            assert_eq!(nearest_rank(&ten, percent), Some(expected), "p{percent}");
        }
        assert_eq!(nearest_rank::<u32>(&[], 50), None);
        assert_eq!(nearest_rank(&[7], 1), Some(7));
    }

    #[test]
    fn figures_of_a_known_set() {
        let summary = RttSummary::of(vec![ms(4), ms(2), ms(6)]).expect("not empty");
        assert_eq!((summary.min, summary.mean, summary.median, summary.max), (ms(2), ms(4), ms(4), ms(6)));
        assert_eq!(summary.stddev.as_micros(), 1_632); // sqrt(8/3) ms
        assert_eq!(RttSummary::of(vec![]), None);
    }

    #[test]
    fn jitter_is_the_mean_step() {
        assert_eq!(jitter(&[ms(1), ms(4), ms(2)]), Some(Duration::from_micros(2_500)));
        assert_eq!(jitter(&[ms(1)]), None);
    }

    proptest! {
        #[test]
        fn order_does_not_matter_and_figures_are_ordered(micros in prop::collection::vec(0_u64..10_000_000, 1..200)) {
            let rtts: Vec<_> = micros.iter().copied().map(Duration::from_micros).collect();
            let reversed: Vec<_> = rtts.iter().rev().copied().collect();
            let s = RttSummary::of(rtts).expect("not empty");
            prop_assert_eq!(Some(s), RttSummary::of(reversed));
            prop_assert!(s.min <= s.median && s.median <= s.p90 && s.p90 <= s.p95 && s.p95 <= s.p99 && s.p99 <= s.max);
            prop_assert!(s.min <= s.mean && s.mean <= s.max);
            prop_assert!(s.stddev <= s.max.saturating_sub(s.min));
        }
    }
}
