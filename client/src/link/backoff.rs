//! How long to wait before the next attempt to reach the listener. Pure; the randomness is an argument.

use std::time::Duration;

/// The first wait: a stream that broke by chance is back before anybody notices.
const FIRST: Duration = Duration::from_millis(250);
/// The longest wait: a listener that comes back is found within the time that a user watches.
const LONGEST: Duration = Duration::from_secs(10);

/// Waits that double from [`FIRST`] to [`LONGEST`], each spread over its upper half so that many clients of one
/// restarted listener do not all come at the same moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Backoff {
    next: Duration,
}

impl Backoff {
    pub(super) const fn new() -> Self {
        Self { next: FIRST }
    }

    /// Gives the next wait.
    pub(super) fn wait(&mut self, random: u32) -> Duration {
        let whole = self.next;
        self.next = (whole * 2).min(LONGEST);
        let spread = whole / 2 * (random >> 16) / (1 << 16);
        whole / 2 + spread
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_the_longest() {
        let mut backoff = Backoff::new();
        let waits: Vec<_> = (0..8).map(|_| backoff.wait(u32::MAX).as_millis()).collect();
        assert_eq!(waits, [249, 499, 999, 1_999, 3_999, 7_999, 9_999, 9_999]);
        assert_eq!(Backoff::new().wait(0), FIRST / 2);
    }
}
