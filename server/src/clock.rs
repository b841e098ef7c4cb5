//! The one place where the listener reads its clocks.

use std::time::Duration;

use cnc_model::Timestamp;
use tokio::time::Instant;

use crate::session::Now;

/// The listener's clocks, the monotonic one counted from its start.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    began: Instant,
}

impl Clock {
    /// Starts the monotonic clock.
    #[must_use]
    pub fn start() -> Self {
        Self { began: Instant::now() }
    }

    /// Reads both clocks.
    #[must_use]
    pub fn now(&self) -> Now {
        Now { elapsed: self.began.elapsed(), wall: wall() }
    }

    /// Gives the moment at which the monotonic clock shows `elapsed`.
    #[must_use]
    pub fn instant(&self, elapsed: Duration) -> Instant {
        self.began + elapsed
    }
}

/// Reads the wall clock.
#[expect(clippy::disallowed_types, reason = "this is the clock module")]
#[must_use]
pub fn wall() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_unix_us(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}
