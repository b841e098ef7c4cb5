//! The client's backlog: every item from its making until the listener has it durably. Pure; it does no IO.
//!
//! Items get their sequences here, in order and without gaps. What is not acknowledged when a stream breaks is sent
//! again on the next one. The oldest items are in memory, to be sent; of many more the middle is on disk alone, and
//! the newest are in memory until they are written down.

use std::collections::VecDeque;

use cnc_model::message::{Batch, MAX_BATCH_ITEMS};
use cnc_model::{Item, Sequence};
use thiserror::Error;

/// The most samples that wait to be acknowledged: a quarter of an hour at the policy's highest rate. When it is full
/// the test that has one more fails loudly, and events still find room.
pub const MAX_WAITING_SAMPLES: usize = 100_000;
/// Room for events beyond the samples: a session has far fewer tests.
const MAX_WAITING_EVENTS: usize = 10_000;
/// How many items are held in memory, about 1 MB, where there is a file for the rest: far more than a listener in
/// touch ever leaves unacknowledged. Beyond it what is written down leaves the memory.
pub const MAX_IN_MEMORY: usize = 10_000;
/// The most items written down, or read back, at a time.
pub const MAX_WORK_ITEMS: usize = 1_024;

/// The backlog.
#[derive(Debug)]
pub struct Backlog {
    /// The oldest items, contiguous from `acknowledged` + 1.
    front: VecDeque<Item>,
    /// How many after those are on disk alone.
    spooled: usize,
    /// The newest items, after those.
    back: VecDeque<Item>,
    acknowledged: Sequence,
    /// How many of `front` this connection need not send: it has already.
    sent: usize,
    /// The last item that any connection has sent.
    ever_sent: Sequence,
    /// The last item that is written down, where items are; later ones are not sent.
    written: Option<Sequence>,
    /// Whether what is written down can be read back.
    spools: bool,
    /// Whether no connection was made since this was restored.
    resuming: bool,
    bound: usize,
    in_memory: usize,
}

/// What an earlier run of the program left behind.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Waiting {
    /// The last sequence that the listener had durably.
    pub acknowledged: Sequence,
    /// The first items after it, at most [`MAX_IN_MEMORY`].
    pub items: Vec<Item>,
    /// How many more there are on disk.
    pub more: usize,
}

/// More items wait than the client keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("more samples wait to be sent than this program keeps ({0})")]
pub struct BacklogFull(usize);

/// An acknowledgement of something that was never sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the listener says that it has all items up to {claimed}, but {known} is known")]
pub struct NeverSent {
    claimed: u64,
    known: u64,
}

impl Default for Backlog {
    fn default() -> Self {
        Self::with_bound(MAX_WAITING_SAMPLES)
    }
}

impl Backlog {
    /// Makes an empty backlog that holds so many items before it refuses samples.
    #[must_use]
    pub const fn with_bound(bound: usize) -> Self {
        Self {
            front: VecDeque::new(),
            spooled: 0,
            back: VecDeque::new(),
            acknowledged: Sequence::NONE,
            sent: 0,
            ever_sent: Sequence::NONE,
            written: None,
            spools: false,
            resuming: false,
            bound,
            in_memory: MAX_IN_MEMORY,
        }
    }

    /// Goes on with what an earlier run left behind; any of it may have been sent.
    #[must_use]
    pub fn restore(waiting: Waiting) -> Self {
        let Waiting { acknowledged, items, more } = waiting;
        let mut backlog = Self { acknowledged, front: items.into(), spooled: more, resuming: true, ..Self::default() };
        backlog.ever_sent = backlog.pushed();
        backlog.write_down(true);
        backlog
    }

    /// Begins to wait, before an item is sent, until it is written down; everything so far is. What `spools` can
    /// leave the memory.
    pub fn write_down(&mut self, spools: bool) {
        self.written = Some(self.pushed());
        self.spools = spools;
    }

    /// Keeps in memory what comes from now on. What is on disk alone can still be read back.
    pub const fn spool_no_more(&mut self) {
        self.spools = false;
    }

    /// Stops waiting for anything to be written.
    pub const fn write_no_more(&mut self) {
        self.written = None;
        self.spools = false;
    }

    /// Takes an item in and gives it the next sequence.
    ///
    /// # Errors
    /// Fails when no more samples, or not even events, are kept; nothing is changed then.
    pub fn push(&mut self, item: Item) -> Result<Sequence, BacklogFull> {
        let bound = match item {
            Item::Sample { .. } => self.bound,
            Item::Consent { .. }
            | Item::OwnTest { .. }
            | Item::TestStarted { .. }
            | Item::TestEnded { .. }
            | Item::Goodbye { .. }
            | Item::Unknown => self.bound + MAX_WAITING_EVENTS,
        };
        if self.len() >= bound {
            return Err(BacklogFull(bound));
        }
        self.back.push_back(item);
        self.settle();
        Ok(self.pushed())
    }

    /// Gives the items that are to be written down next, at most [`MAX_WORK_ITEMS`], and the first one's sequence.
    #[must_use]
    pub fn unwritten(&self) -> Option<(Sequence, Vec<Item>)> {
        let first = self.written?.max(self.acknowledged).plus(1);
        let items: Vec<Item> = (0..MAX_WORK_ITEMS as u64).map_while(|n| self.get(first.plus(n))).cloned().collect();
        (!items.is_empty()).then_some((first, items))
    }

    /// Notes that all items up to `through` are written down.
    pub fn wrote(&mut self, through: Sequence) {
        if self.written.is_none() {
            return;
        }
        self.written = self.written.max(Some(through));
        if self.spools {
            let first = self.acknowledged.plus((self.front.len() + self.spooled) as u64);
            let count = usize::try_from(through.get().saturating_sub(first.get())).unwrap_or(usize::MAX);
            let count = count.min(self.back.len());
            self.back.drain(..count);
            self.spooled += count;
        }
    }

    /// Tells which items are to be read back from disk next: the first, and how many.
    #[must_use]
    pub fn wanted(&self) -> Option<(Sequence, usize)> {
        let count = self.spooled.min(MAX_WORK_ITEMS);
        (count > 0 && self.front.len() + MAX_WORK_ITEMS <= self.in_memory.max(MAX_WORK_ITEMS))
            .then(|| (self.acknowledged.plus(self.front.len() as u64 + 1), count))
    }

    /// Takes in items that were read back. Those that are not the next, since an acknowledgement came meanwhile, are
    /// passed over.
    pub fn read_back(&mut self, first: Sequence, items: Vec<Item>) {
        let next = self.acknowledged.plus(self.front.len() as u64 + 1);
        let known = usize::try_from(next.get().saturating_sub(first.get())).unwrap_or(usize::MAX);
        if first > next {
            return;
        }
        for item in items.into_iter().skip(known).take(self.spooled) {
            self.front.push_back(item);
            self.spooled -= 1;
        }
        self.settle();
    }

    /// Gives the next items to send on this connection, if there are any, and counts them as sent.
    pub fn next_batch(&mut self) -> Option<Batch> {
        let may = self.written.map_or(u64::MAX, |written| written.get().saturating_sub(self.acknowledged.get()));
        let may = usize::try_from(may).unwrap_or(usize::MAX);
        let end = self.front.len().min(self.sent + MAX_BATCH_ITEMS).min(may);
        if end <= self.sent {
            return None;
        }
        let items: Vec<Item> = self.front.range(self.sent..end).cloned().collect();
        let first = self.acknowledged.plus(self.sent as u64 + 1);
        self.sent = end;
        let batch = Batch { first, items };
        self.ever_sent = self.ever_sent.max(batch.last());
        Some(batch)
    }

    /// Forgets what the listener has durably. An older acknowledgement than the last changes nothing; one of items
    /// that an earlier connection had sent spares this one from sending them.
    ///
    /// # Errors
    /// Fails when it names an item that was never sent: such a listener cannot be trusted with the rest.
    pub fn acknowledge(&mut self, through: Sequence) -> Result<(), NeverSent> {
        if through > self.ever_sent.max(self.acknowledged) {
            return Err(self.never_sent(through));
        }
        let count = self.forget(through);
        self.sent = self.sent.saturating_sub(count);
        Ok(())
    }

    /// Begins a new connection whose listener has all items up to `through`: sending goes on after it.
    ///
    /// A client that was started again with its old key goes on after what the listener has, where that is more than
    /// it knows of itself: a power cut may have cost it its latest items, and none is made before this.
    ///
    /// # Errors
    /// Fails when the listener claims items that were never sent, or has lost some that it had acknowledged.
    pub fn reconnect(&mut self, through: Sequence) -> Result<(), NeverSent> {
        let anew = self.resuming || self.pushed() == Sequence::NONE;
        let too_much = through > self.ever_sent.max(self.acknowledged) && !anew;
        if through < self.acknowledged || too_much {
            return Err(self.never_sent(through));
        }
        self.resuming = false;
        self.forget(through);
        self.ever_sent = self.ever_sent.max(through);
        self.sent = 0;
        Ok(())
    }

    /// Gives the last item's sequence.
    #[must_use]
    pub fn pushed(&self) -> Sequence {
        self.acknowledged.plus(self.len() as u64)
    }

    /// Gives the last sequence that the listener has durably.
    #[must_use]
    pub const fn acknowledged(&self) -> Sequence {
        self.acknowledged
    }

    /// Gives how many items the listener does not have.
    #[must_use]
    pub fn len(&self) -> usize {
        self.front.len() + self.spooled + self.back.len()
    }

    /// Tells whether the listener has everything.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Gives an item that is in memory.
    #[must_use]
    pub fn get(&self, sequence: Sequence) -> Option<&Item> {
        let place = usize::try_from(sequence.get().checked_sub(self.acknowledged.get() + 1)?).ok()?;
        match place.checked_sub(self.front.len()) {
            None => self.front.get(place),
            Some(after) => self.back.get(after.checked_sub(self.spooled)?),
        }
    }

    /// Drops the items up to `through` and says how many those were.
    fn forget(&mut self, through: Sequence) -> usize {
        let count = through.get().saturating_sub(self.acknowledged.get());
        let count = usize::try_from(count).map_or(self.len(), |count| count.min(self.len()));
        let in_front = count.min(self.front.len());
        self.front.drain(..in_front);
        let on_disk = (count - in_front).min(self.spooled);
        self.spooled -= on_disk;
        self.back.drain(..count - in_front - on_disk);
        self.acknowledged = self.acknowledged.max(through);
        if self.written.is_some_and(|written| written < self.acknowledged) {
            self.written = Some(self.acknowledged);
        }
        self.settle();
        count
    }

    /// Moves the newest items to the front where nothing is between, as far as there is room.
    fn settle(&mut self) {
        if self.spooled == 0 {
            let room = self.in_memory.saturating_sub(self.front.len()).min(self.back.len());
            self.front.extend(self.back.drain(..room));
        }
    }

    fn never_sent(&self, through: Sequence) -> NeverSent {
        NeverSent { claimed: through.get(), known: self.ever_sent.max(self.acknowledged).get() }
    }
}

#[cfg(test)]
mod tests;
