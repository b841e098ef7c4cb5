//! How fast a client's items may come. Pure: `now` is an argument.

use std::time::Duration;

/// The items a second that a stream may send for ever: the policy's 100 probes a second, and others beside, ten times.
pub const ITEMS_A_SECOND: u32 = 2_000;
/// The items that may come at once: a client's whole backlog after it was away, and half as many again.
pub const ITEMS_AT_ONCE: u32 = 150_000;

/// What one stream may still send.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    left: f64,
    at: Duration,
}

impl Pace {
    /// Begins with all that may come at once.
    #[must_use]
    pub fn from(now: Duration) -> Self {
        Self { left: ITEMS_AT_ONCE.into(), at: now }
    }

    /// Takes items, tells whether they may come. A message without items counts as one.
    pub fn take(&mut self, items: usize, now: Duration) -> bool {
        let gained = now.saturating_sub(self.at).as_secs_f64() * f64::from(ITEMS_A_SECOND);
        self.at = now;
        let items = f64::from(u32::try_from(items.max(1)).unwrap_or(u32::MAX));
        self.left = (self.left + gained).min(ITEMS_AT_ONCE.into()) - items;
        self.left >= 0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backlog_may_come_at_once_and_then_no_more_than_the_pace() {
        let mut pace = Pace::from(Duration::ZERO);
        for _ in 0..ITEMS_AT_ONCE / 50 {
            assert!(pace.take(50, Duration::ZERO));
        }
        assert!(!pace.take(1, Duration::ZERO));
        let mut pace = Pace::from(Duration::ZERO);
        for second in 1..10_000 {
            assert!(pace.take(ITEMS_A_SECOND as usize, Duration::from_secs(second)));
        }
    }

    #[test]
    fn messages_without_items_are_not_for_nothing() {
        let mut pace = Pace::from(Duration::ZERO);
        let taken = (0..=ITEMS_AT_ONCE).filter(|_| pace.take(0, Duration::ZERO)).count();
        assert_eq!(taken, ITEMS_AT_ONCE as usize);
    }
}
