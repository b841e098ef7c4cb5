//! What the exporter tells of itself, for metrics and for people who look after a listener.

use std::sync::atomic::{AtomicU64, Ordering};

use cnc_model::Timestamp;
use tokio::sync::watch;

use crate::google::{GoogleError, Kind};

/// The exporter's figures since the start.
#[derive(Debug, Default)]
pub struct ExportFigures {
    batches: AtomicU64,
    rows: AtomicU64,
    failures: [AtomicU64; Kind::ALL.len()],
    failing: watch::Sender<Option<Failing>>,
}

/// Why it does not get on at the moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failing {
    /// The kind of no.
    pub kind: Kind,
    /// What was tried, why it failed, and what to do about it.
    pub message: String,
    /// When it last was so.
    pub at: Timestamp,
}

impl ExportFigures {
    /// Counts a batch that has arrived.
    pub(super) fn arrived(&self, rows: i64) {
        self.batches.fetch_add(1, Ordering::Relaxed);
        self.rows.fetch_add(rows.unsigned_abs(), Ordering::Relaxed);
    }

    /// Counts a failure.
    pub(super) fn failed(&self, error: &GoogleError) {
        let place = Kind::ALL.iter().position(|kind| *kind == error.kind);
        if let Some(counter) = place.and_then(|place| self.failures.get(place)) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Says that it does not get on, or that it does again.
    pub(super) fn stands(&self, failing: Option<Failing>) {
        self.failing.send_replace(failing);
    }

    /// Tells why it does not get on; `None` while it does.
    #[must_use]
    pub fn failing(&self) -> Option<Failing> {
        self.failing.borrow().clone()
    }

    /// Follows why it does not get on, and that it does again.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<Option<Failing>> {
        self.failing.subscribe()
    }

    /// Gives the batches and rows that have arrived.
    #[must_use]
    pub fn arrivals(&self) -> (u64, u64) {
        (self.batches.load(Ordering::Relaxed), self.rows.load(Ordering::Relaxed))
    }

    /// Gives the failures of each kind.
    pub fn failures(&self) -> impl Iterator<Item = (Kind, u64)> {
        Kind::ALL.into_iter().zip(&self.failures).map(|(kind, count)| (kind, count.load(Ordering::Relaxed)))
    }
}
