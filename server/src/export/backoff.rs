//! How long to wait after a failure: longer each time, for days, and never all at once. Pure.

use std::time::Duration;

/// Counts failures in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Backoff {
    first: Duration,
    longest: Duration,
    failures: u32,
}

impl Backoff {
    /// Begins with the wait after the first failure and the longest of all.
    pub(super) const fn new(first: Duration, longest: Duration) -> Self {
        Self { first, longest, failures: 0 }
    }

    /// Counts a failure and gives the wait after it, between half and all of what its number stands for, as `random`
    /// falls: listeners that failed together do not come back together.
    pub(super) fn failed(&mut self, random: u64) -> Duration {
        let whole = self.first.saturating_mul(2_u32.saturating_pow(self.failures)).min(self.longest);
        self.failures = self.failures.saturating_add(1);
        let half = whole / 2;
        let spread = u64::try_from(half.as_millis()).unwrap_or(u64::MAX);
        half + Duration::from_millis(random % spread.saturating_add(1))
    }

    /// Begins anew.
    pub(super) const fn succeeded(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const FIRST: Duration = Duration::from_secs(1);
    const LONGEST: Duration = Duration::from_mins(5);

    proptest! {
        #[test]
        fn waits_grow_to_minutes_and_no_further(randoms in prop::collection::vec(any::<u64>(), 1..100)) {
            let mut backoff = Backoff::new(FIRST, LONGEST);
            let waits: Vec<_> = randoms.iter().map(|&random| backoff.failed(random)).collect();
            prop_assert!(waits[0] >= FIRST / 2 && waits[0] <= FIRST);
            for (number, wait) in waits.iter().enumerate() {
                prop_assert!(*wait <= LONGEST && (number < 9 || *wait >= LONGEST / 2), "{number}: {wait:?}");
            }
            backoff.succeeded();
            prop_assert!(backoff.failed(0) <= FIRST);
        }
    }
}
