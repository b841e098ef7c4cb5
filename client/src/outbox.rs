//! Where running tests put their items and the link takes them from: the backlog, shared, with bells.
//!
//! Putting an item in never waits. Where items are written down, the scribe takes them from here too, and the link
//! gets them after it.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use cnc_model::message::Batch;
use cnc_model::{Item, Sequence};
use tokio::sync::Notify;

use crate::backlog::{Backlog, BacklogFull, NeverSent};
use crate::record::Recorder;

/// The shared backlog.
#[derive(Debug, Default)]
pub struct Outbox {
    inner: Mutex<Inner>,
    gathered: Notify,
    acknowledged: Notify,
    /// Rings for the scribe.
    work: Condvar,
}

#[derive(Debug, Default)]
struct Inner {
    backlog: Backlog,
    /// A file that is to be written from now on.
    recorder: Option<Recorder>,
    /// The last acknowledgement that the scribe was given.
    told: Sequence,
    closing: bool,
}

/// What the scribe has to do next.
#[derive(Debug, Default)]
pub(crate) struct Work {
    /// A file to write from now on; what waits goes into it first.
    pub(crate) recorder: Option<Recorder>,
    /// Items to write down.
    pub(crate) items: Option<(Sequence, Vec<Item>)>,
    /// Items to read back: the first, and how many.
    pub(crate) wanted: Option<(Sequence, usize)>,
    /// Up to where the listener has everything.
    pub(crate) through: Sequence,
}

impl Outbox {
    /// Makes one around a backlog.
    #[must_use]
    pub fn new(backlog: Backlog) -> Self {
        let told = backlog.acknowledged();
        let inner = Inner { backlog, told, ..Inner::default() };
        Self { inner: Mutex::new(inner), gathered: Notify::new(), acknowledged: Notify::new(), work: Condvar::new() }
    }

    /// Puts an item in.
    ///
    /// # Errors
    /// Fails when too many wait.
    pub fn push(&self, item: Item) -> Result<(), BacklogFull> {
        self.lock().backlog.push(item)?;
        self.work.notify_one();
        self.gathered.notify_one();
        Ok(())
    }

    /// Begins a new connection whose listener has all items up to `through`.
    ///
    /// # Errors
    /// Fails when the listener claims what cannot be.
    pub fn reconnect(&self, through: Sequence) -> Result<(), NeverSent> {
        self.lock().backlog.reconnect(through)?;
        self.ring_acknowledged();
        Ok(())
    }

    /// Takes what has gathered, waiting until there is something.
    pub async fn next_batch(&self) -> Batch {
        loop {
            if let Some(batch) = self.lock().backlog.next_batch() {
                return batch;
            }
            // Liveness: `push`, `reconnect` and the scribe ring; a ring before this wait is kept.
            self.gathered.notified().await;
        }
    }

    /// Forgets what the listener has durably.
    ///
    /// # Errors
    /// Fails when the listener claims what cannot be.
    pub fn acknowledge(&self, through: Sequence) -> Result<(), NeverSent> {
        self.lock().backlog.acknowledge(through)?;
        self.ring_acknowledged();
        Ok(())
    }

    fn ring_acknowledged(&self) {
        self.work.notify_one();
        // What an acknowledgement moves up may be sent.
        self.gathered.notify_one();
        self.acknowledged.notify_waiters();
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
        self.lock().backlog.len() as u64
    }

    /// Gives the last item's sequence.
    #[must_use]
    pub fn last(&self) -> Sequence {
        self.lock().backlog.pushed()
    }

    /// Begins to write a file, with everything that the listener does not have yet first. A scribe must be at work.
    pub fn record_to(&self, recorder: Recorder) {
        let mut inner = self.lock();
        inner.recorder = Some(recorder);
        drop(inner);
        self.work.notify_one();
    }

    /// Begins to hold items back until they are written down; see [`Backlog::write_down`].
    pub(crate) fn write_down(&self, spools: bool) {
        self.lock().backlog.write_down(spools);
    }

    /// Keeps in memory what comes from now on; see [`Backlog::spool_no_more`].
    pub(crate) fn spool_no_more(&self) {
        self.lock().backlog.spool_no_more();
    }

    /// Stops holding back; see [`Backlog::write_no_more`].
    pub(crate) fn write_no_more(&self) {
        self.lock().backlog.write_no_more();
        self.gathered.notify_one();
    }

    /// Waits for the scribe's next work; `None` when all is done and none will come. This blocks its thread.
    pub(crate) fn next_work(&self) -> Option<Work> {
        let mut inner = self.lock();
        loop {
            let items = inner.backlog.unwritten();
            let wanted = inner.backlog.wanted();
            let through = inner.backlog.acknowledged();
            let recorder = inner.recorder.take();
            if items.is_some() || wanted.is_some() || recorder.is_some() || through > inner.told {
                inner.told = through;
                return Some(Work { recorder, items, wanted, through });
            }
            if inner.closing {
                return None;
            }
            // Liveness: `push`, acknowledgements and `close` ring.
            inner = self.work.wait(inner).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Notes that all items up to `through` are written down.
    pub(crate) fn wrote(&self, through: Sequence) {
        self.lock().backlog.wrote(through);
        self.gathered.notify_one();
    }

    /// Takes in items that were read back.
    pub(crate) fn read_back(&self, first: Sequence, items: Vec<Item>) {
        self.lock().backlog.read_back(first, items);
        self.gathered.notify_one();
    }

    /// Gives an item that is in memory, and the one behind the last.
    pub(crate) fn get(&self, sequence: Sequence) -> (Option<Item>, Sequence) {
        let inner = self.lock();
        (inner.backlog.get(sequence).cloned(), inner.backlog.pushed().plus(1))
    }

    /// Gives the last sequence that the listener has durably.
    pub(crate) fn acknowledged_through(&self) -> Sequence {
        self.lock().backlog.acknowledged()
    }

    /// Lets the scribe go once its work is done.
    pub(crate) fn close(&self) {
        self.lock().closing = true;
        self.work.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Nothing panics between two halves of a change.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
