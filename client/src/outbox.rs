//! Where running tests put their items and the link takes them from: the backlog, shared, with a bell.
//!
//! Putting an item in never waits. Everything that is put in is also recorded where the user asked for it.

use std::sync::{Mutex, MutexGuard, PoisonError};

use cnc_model::message::Batch;
use cnc_model::{Item, Sequence};
use tokio::sync::Notify;

use crate::backlog::{Backlog, BacklogFull, MAX_WAITING_SAMPLES, NeverSent};
use crate::record::Recorder;

/// The shared backlog.
#[derive(Debug, Default)]
pub struct Outbox {
    inner: Mutex<Inner>,
    gathered: Notify,
    acknowledged: Notify,
}

#[derive(Debug, Default)]
struct Inner {
    backlog: Backlog,
    recorder: Option<Recorder>,
}

impl Outbox {
    /// Makes an empty one; with a recorder everything that is put in is written down too.
    #[must_use]
    pub fn new(recorder: Option<Recorder>) -> Self {
        Self::bounded(MAX_WAITING_SAMPLES, recorder)
    }

    /// Makes one that refuses samples when so many items wait.
    #[must_use]
    pub fn bounded(bound: usize, recorder: Option<Recorder>) -> Self {
        let inner = Inner { backlog: Backlog::with_bound(bound), recorder };
        Self { inner: Mutex::new(inner), gathered: Notify::new(), acknowledged: Notify::new() }
    }

    /// Puts an item in.
    ///
    /// # Errors
    /// Fails when too many wait.
    pub fn push(&self, item: Item) -> Result<(), BacklogFull> {
        {
            let mut inner = self.lock();
            let Inner { backlog, recorder } = &mut *inner;
            backlog.push(item)?;
            if let (Some(recorder), Some((sequence, item))) = (recorder, backlog.unacknowledged().next_back()) {
                recorder.record(sequence, item);
            }
        }
        self.gathered.notify_one();
        Ok(())
    }

    /// Begins a new connection whose listener has all items up to `through`.
    ///
    /// # Errors
    /// Fails when the listener claims what cannot be.
    pub fn reconnect(&self, through: Sequence) -> Result<(), NeverSent> {
        self.lock().backlog.reconnect(through)?;
        self.gathered.notify_one();
        self.acknowledged.notify_waiters();
        Ok(())
    }

    /// Takes what has gathered, waiting until there is something.
    pub async fn next_batch(&self) -> Batch {
        loop {
            if let Some(batch) = self.lock().backlog.next_batch() {
                return batch;
            }
            // Liveness: `push` and `reconnect` ring; a ring before this wait is kept.
            self.gathered.notified().await;
        }
    }

    /// Forgets what the listener has durably.
    ///
    /// # Errors
    /// Fails when the listener claims what cannot be.
    pub fn acknowledge(&self, through: Sequence) -> Result<(), NeverSent> {
        self.lock().backlog.acknowledge(through)?;
        self.acknowledged.notify_waiters();
        Ok(())
    }

    /// Waits until the listener has everything.
    pub async fn all_acknowledged(&self) {
        loop {
            let heard = self.acknowledged.notified();
            if self.waiting() == 0 {
                return;
            }
            // Liveness: `acknowledge` and `reconnect` ring; the caller sets a time limit.
            heard.await;
        }
    }

    /// Gives how many items the listener does not have.
    #[must_use]
    pub fn waiting(&self) -> u64 {
        let inner = self.lock();
        inner.backlog.pushed().get() - inner.backlog.acknowledged().get()
    }

    /// Writes out what is recorded.
    ///
    /// # Errors
    /// Tells the first fault of the file since it was opened.
    pub fn flush(&self) -> std::io::Result<()> {
        self.lock().recorder.as_mut().map_or(Ok(()), Recorder::flush)
    }

    /// Begins to record, with everything that the listener does not have yet first.
    pub fn record_to(&self, mut recorder: Recorder) {
        let mut inner = self.lock();
        for (sequence, item) in inner.backlog.unacknowledged() {
            recorder.record(sequence, item);
        }
        inner.recorder = Some(recorder);
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Nothing panics between two halves of a change.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
