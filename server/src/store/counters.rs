//! What the writer has done since it was opened, for the listener's own figures.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::StoreError;

/// What the writer has done since it was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Transactions that became durable.
    pub commits: u64,
    /// Samples in them, repeated ones included.
    pub samples: u64,
    /// Transactions that failed.
    pub failures: u64,
}

#[derive(Debug, Default)]
pub(super) struct Counters {
    commits: AtomicU64,
    samples: AtomicU64,
    failures: AtomicU64,
    /// Whether the last transaction that wrote anything failed by the store's own fault.
    at_fault: AtomicBool,
}

impl Counters {
    pub(super) fn committed(&self, samples: u64) {
        self.at_fault.store(false, Ordering::Relaxed);
        self.commits.fetch_add(1, Ordering::Relaxed);
        self.samples.fetch_add(samples, Ordering::Relaxed);
    }

    pub(super) fn failed(&self, error: &StoreError) {
        self.failures.fetch_add(1, Ordering::Relaxed);
        if error.is_fault() {
            self.at_fault.store(true, Ordering::Relaxed);
        }
    }

    /// Tells whether the last transaction that wrote anything failed by the store's own fault.
    pub(super) fn is_at_fault(&self) -> bool {
        self.at_fault.load(Ordering::Relaxed)
    }

    pub(super) fn read(&self) -> Counts {
        Counts {
            commits: self.commits.load(Ordering::Relaxed),
            samples: self.samples.load(Ordering::Relaxed),
            failures: self.failures.load(Ordering::Relaxed),
        }
    }
}
