//! The client's clocks: the only place that reads wall time.

use std::time::{Duration, UNIX_EPOCH};

use cnc_model::Timestamp;
use tokio::time::Instant;

/// Reads wall time.
#[must_use]
#[expect(clippy::disallowed_types, reason = "this is the clock module")]
pub fn wall() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_unix_us(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}

/// Time since a session began, monotonic while this program runs.
#[derive(Debug, Clone, Copy)]
pub struct SessionClock {
    began: Timestamp,
    /// What it showed at `read`.
    shown: Duration,
    read: Instant,
}

impl SessionClock {
    /// Starts the clock of a session that began now or in an earlier run of this program.
    #[must_use]
    pub fn of(began: Timestamp) -> Self {
        Self { began, shown: wall().since(began), read: Instant::now() }
    }

    /// Gives the wall time at which it began.
    #[must_use]
    pub const fn began(&self) -> Timestamp {
        self.began
    }

    /// Gives the time since then.
    #[must_use]
    pub fn at(&self) -> Duration {
        self.shown + self.read.elapsed()
    }
}
