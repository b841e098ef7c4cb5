//! Which transfers belong together: the flows of one test and whoever is told of them meet under a run's id.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};
use std::time::Duration;

use cnc_model::throughput::TcpInfo;
use thiserror::Error;
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::sockets::{Attended, Sockets};
use super::{Count, millis};

/// The most runs at once: far more tests than any listener's uplink has room for. Further ones are refused.
pub const MAX_RUNS: usize = 1_024;
/// The longest id of a run.
pub const MAX_RUN_ID_BYTES: usize = 64;

/// The runs under way. A run lives as long as someone holds it; nothing needs to be cleaned up.
#[derive(Debug, Default)]
pub struct Runs {
    by_id: Mutex<HashMap<String, Weak<Arrived>>>,
    totals: Arc<Totals>,
}

/// Bytes of all transfers since the start.
#[derive(Debug, Default)]
struct Totals {
    sent: AtomicU64,
    arrived: AtomicU64,
}

/// One test's transfers.
#[derive(Debug, Clone)]
pub struct Run {
    arrived: Arc<Arrived>,
    totals: Arc<Totals>,
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
    /// What was handed over to be sent.
    handed: AtomicU64,
    /// What was sent by the last look.
    sent: AtomicU64,
    sockets: Arc<Sockets>,
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
            return Ok(self.run(arrived));
        }
        if by_id.len() >= MAX_RUNS {
            by_id.retain(|_, arrived| arrived.strong_count() > 0);
        }
        if by_id.len() >= MAX_RUNS {
            return Err(RunError::Full);
        }
        let arrived = Arc::<Arrived>::default();
        by_id.insert(id.to_owned(), Arc::downgrade(&arrived));
        Ok(self.run(arrived))
    }

    fn run(&self, arrived: Arc<Arrived>) -> Run {
        Run { arrived, totals: Arc::clone(&self.totals) }
    }

    /// Counts bytes sent that belong to no run.
    pub fn count_sent(&self, bytes: u64) {
        self.totals.sent.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Looks how much each run has sent by now, and gives the bytes that all downloads have sent since the start.
    pub fn look_sent(&self) -> u64 {
        let runs: Vec<_> = {
            let by_id = self.by_id.lock().unwrap_or_else(PoisonError::into_inner);
            by_id.values().filter_map(Weak::upgrade).collect()
        };
        for run in runs {
            // What was handed over comes in large pieces, some of which wait; the kernel knows what has gone out.
            let now = run.sockets.info().map_or_else(|| run.handed.load(Ordering::Relaxed), |info| info.sent_bytes);
            let before = run.sent.fetch_max(now, Ordering::Relaxed);
            self.totals.sent.fetch_add(now.saturating_sub(before), Ordering::Relaxed);
        }
        self.totals.sent.load(Ordering::Relaxed)
    }

    /// Gives the bytes of all runs' uploads that have arrived since the start.
    pub fn arrived(&self) -> u64 {
        self.totals.arrived.load(Ordering::Relaxed)
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
        self.totals.arrived.fetch_add(bytes, Ordering::Relaxed);
        self.arrived.last.fetch_max(u64::try_from(since.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// Counts bytes that were handed over to be sent.
    pub fn count_handed(&self, bytes: u64) {
        self.arrived.handed.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Gives the bytes sent by the last look at all runs.
    #[must_use]
    pub fn sent(&self) -> u64 {
        self.arrived.sent.load(Ordering::Relaxed)
    }

    /// Gives the bytes that have arrived.
    #[must_use]
    pub fn arrived(&self) -> u64 {
        self.arrived.bytes.load(Ordering::Relaxed)
    }

    /// Looks at a connection that serves the run, while it does; `None` stands for one that cannot be looked at.
    #[must_use]
    pub fn attend(&self, socket: Option<Arc<TcpStream>>) -> Attended {
        self.arrived.sockets.attend(socket)
    }

    /// Gives what the kernel knows of the run's connections; `None` where it does not tell.
    #[must_use]
    pub fn tcp(&self) -> Option<TcpInfo> {
        self.arrived.sockets.info()
    }

    /// Gives how many of the run's connections are open.
    #[must_use]
    pub fn open(&self) -> usize {
        self.arrived.sockets.open()
    }

    /// Tells whether the run had a connection.
    #[must_use]
    pub fn has_begun(&self) -> bool {
        self.arrived.sockets.have_begun()
    }

    /// Waits until the run had connections and all have ended.
    // Liveness: the caller bounds it.
    pub fn all_ended(&self) -> impl Future<Output = ()> + Send + use<> {
        let sockets = Arc::clone(&self.arrived.sockets);
        async move { sockets.all_ended().await }
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
    fn what_runs_send_is_counted_once() {
        let runs = Runs::default();
        let (one, other) = (runs.open("a").expect("room"), runs.open("b").expect("room"));
        one.count_handed(5);
        assert_eq!((runs.look_sent(), one.sent()), (5, 5));
        one.count_handed(5);
        other.count_handed(7);
        runs.count_sent(100);
        assert_eq!((runs.look_sent(), one.sent(), other.sent()), (117, 10, 7));
        drop(other);
        assert_eq!(runs.look_sent(), 117);
    }

    #[test]
    fn odd_ids_are_refused() {
        let long = "a".repeat(MAX_RUN_ID_BYTES + 1);
        for id in ["", "a b", "ä", "../x", &long] {
            assert_eq!(Runs::default().open(id).expect_err(id), RunError::InvalidId);
        }
    }
}
