//! Which uploads belong together: the flows of one test and the reader of their counts meet under a run's id.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};
use std::time::Duration;

use thiserror::Error;
use tokio::time::Instant;

use super::{Count, millis};

/// The most runs at once: far more tests than any listener's uplink has room for. Further ones are refused.
pub const MAX_RUNS: usize = 1_024;
/// The longest id of a run.
pub const MAX_RUN_ID_BYTES: usize = 64;

/// The runs under way. A run lives as long as someone holds it; nothing needs to be cleaned up.
#[derive(Debug, Default)]
pub struct Runs {
    by_id: Mutex<HashMap<String, Weak<Arrived>>>,
}

/// One test's uploads.
#[derive(Debug, Clone)]
pub struct Run {
    arrived: Arc<Arrived>,
}

/// Why a run cannot be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum RunError {
    /// There are [`MAX_RUNS`] already.
    #[error("too many uploads at once")]
    Full,
    /// The id is empty, too long, or not of letters, digits and hyphens.
    #[error("a run's id has 1 to {MAX_RUN_ID_BYTES} letters, digits and hyphens")]
    InvalidId,
}

#[derive(Debug, Default)]
struct Arrived {
    began: OnceLock<Instant>,
    bytes: AtomicU64,
    /// Nanoseconds from `began` to the last arrival.
    last: AtomicU64,
}

impl Runs {
    /// Gives the run of this id, a new one when nobody holds it.
    ///
    /// # Errors
    /// Fails when the id is none or when there are too many runs.
    pub fn open(&self, id: &str) -> Result<Run, RunError> {
        let is_id = (1..=MAX_RUN_ID_BYTES).contains(&id.len())
            && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        if !is_id {
            return Err(RunError::InvalidId);
        }
        let mut by_id = self.by_id.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(arrived) = by_id.get(id).and_then(Weak::upgrade) {
            return Ok(Run { arrived });
        }
        if by_id.len() >= MAX_RUNS {
            by_id.retain(|_, arrived| arrived.strong_count() > 0);
        }
        if by_id.len() >= MAX_RUNS {
            return Err(RunError::Full);
        }
        let arrived = Arc::<Arrived>::default();
        by_id.insert(id.to_owned(), Arc::downgrade(&arrived));
        Ok(Run { arrived })
    }
}

impl Run {
    /// Starts the run's clock, unless an earlier request did.
    pub(super) fn begin(&self, now: Instant) {
        self.arrived.began.get_or_init(|| now);
    }

    pub(super) fn count(&self, bytes: u64, now: Instant) {
        let since = now.duration_since(*self.arrived.began.get_or_init(|| now));
        self.arrived.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.arrived.last.fetch_max(u64::try_from(since.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// Gives when the last bytes arrived; `None` before the first request.
    pub(super) fn last(&self) -> Option<Instant> {
        let began = *self.arrived.began.get()?;
        began.checked_add(Duration::from_nanos(self.arrived.last.load(Ordering::Relaxed)))
    }

    /// Gives the counts so far; `None` before the first request.
    pub(super) fn now(&self, now: Instant) -> Option<Count> {
        let began = *self.arrived.began.get()?;
        // What arrives between the two reads is counted next time, with its time.
        let last = Duration::from_nanos(self.arrived.last.load(Ordering::Relaxed));
        let bytes = self.arrived.bytes.load(Ordering::Relaxed);
        let at = now.duration_since(began).max(last);
        Some(Count { at_ms: millis(at), bytes, last_ms: millis(last) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_shared_by_id_and_end_with_their_last_holder() {
        let runs = Runs::default();
        let (one, same) = (runs.open("a-1").expect("room"), runs.open("a-1").expect("the same"));
        one.count(5, Instant::now());
        same.count(6, Instant::now());
        assert_eq!(one.now(Instant::now()).expect("begun").bytes, 11);
        drop((one, same));
        assert!(runs.open("a-1").expect("a new one").now(Instant::now()).is_none());
    }

    #[test]
    fn there_is_a_bound_and_it_frees_itself() {
        let runs = Runs::default();
        let held: Vec<_> = (0..MAX_RUNS).map(|n| runs.open(&n.to_string()).expect("room")).collect();
        assert_eq!(runs.open("x").expect_err("full"), RunError::Full);
        assert!(runs.open("7").is_ok());
        drop(held);
        assert!(runs.open("x").is_ok());
    }

    #[test]
    fn odd_ids_are_refused() {
        let long = "a".repeat(MAX_RUN_ID_BYTES + 1);
        for id in ["", "a b", "ä", "../x", &long] {
            assert_eq!(Runs::default().open(id).expect_err(id), RunError::InvalidId);
        }
    }
}
