//! The times between the sends of a ping.

use std::time::Duration;

/// How a ping's sends are spread over time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Pacing {
    /// One interval between any two: easy to follow while somebody watches.
    #[default]
    Fixed,
    /// Random gaps around the interval, so that what comes back regularly is neither always hit nor always missed
    /// (RFC 2330, section 11.1.1).
    Poisson,
}

/// The shortest gap of Poisson pacing, as a part of the interval, as M-Lab holds it.
pub const SHORTEST_GAP: f64 = 0.1;
/// The longest gap of Poisson pacing, as a part of the interval, as M-Lab holds it.
pub const LONGEST_GAP: f64 = 2.5;

impl Pacing {
    /// Gives the word for it in JSON and in files.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Fixed => "fixed",
            Self::Poisson => "poisson",
        }
    }

    /// Gives the time to the next send. `drawn` is a random number from 0 up to 1, evenly spread.
    ///
    /// Poisson gaps are exponential around the interval, held between [`SHORTEST_GAP`] and [`LONGEST_GAP`] of it; with
    /// both ends cut, their mean is 0.923 of the interval.
    #[must_use]
    pub fn gap(self, interval: Duration, drawn: f64) -> Duration {
        match self {
            Self::Fixed => interval,
            Self::Poisson => interval.mul_f64((-(1.0 - drawn).ln()).clamp(SHORTEST_GAP, LONGEST_GAP)),
        }
    }

    /// Gives the shortest gap that there can be.
    #[must_use]
    pub fn shortest_gap(self, interval: Duration) -> Duration {
        self.gap(interval, 0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn gaps_are_exponential_and_held_within_bounds() {
        let cases = [(0.0, 100), (0.05, 100), (0.393_469, 500), (0.632_121, 1_000), (0.9, 2_303), (0.99, 2_500)];
        for (drawn, expected_ms) in cases {
            let gap = Pacing::Poisson.gap(SECOND, drawn);
            assert!(gap.abs_diff(Duration::from_millis(expected_ms)) < Duration::from_millis(1), "{drawn}: {gap:?}");
            assert_eq!(Pacing::Fixed.gap(SECOND, drawn), SECOND);
        }
        assert_eq!(Pacing::Poisson.shortest_gap(SECOND), Duration::from_millis(100));
    }

    #[test]
    fn the_mean_is_what_is_told() {
        let n = 100_000;
        let sum: Duration = (0..n).map(|k| Pacing::Poisson.gap(SECOND, f64::from(k) / f64::from(n))).sum();
        let mean = sum.as_secs_f64() / f64::from(n);
        assert!((mean - 0.923).abs() < 0.001, "{mean}");
    }
}
