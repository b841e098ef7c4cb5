//! The client's backlog: every item from its making until the listener has it durably. Pure; it does no IO.
//!
//! Items get their sequences here, in order and without gaps. What is not acknowledged when a stream breaks is sent
//! again on the next one.

use std::collections::VecDeque;

use cnc_model::message::{Batch, MAX_BATCH_ITEMS};
use cnc_model::{Item, Sequence};
use thiserror::Error;

/// The most samples that wait to be acknowledged: a quarter of an hour at the policy's highest rate, about 10 MB. When
/// it is full the test that has one more fails loudly, and events still find room.
pub const MAX_WAITING_SAMPLES: usize = 100_000;
/// Room for events beyond the samples: a session has far fewer tests.
const MAX_WAITING_EVENTS: usize = 10_000;

/// The backlog.
#[derive(Debug)]
pub struct Backlog {
    /// Items that are not acknowledged, contiguous from `acknowledged` + 1.
    items: VecDeque<Item>,
    acknowledged: Sequence,
    /// How many of `items` this connection need not send: it has already.
    sent: usize,
    /// The last item that any connection has sent.
    ever_sent: Sequence,
    bound: usize,
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
        Self { items: VecDeque::new(), acknowledged: Sequence::NONE, sent: 0, ever_sent: Sequence::NONE, bound }
    }

    /// Takes an item in and gives it the next sequence.
    ///
    /// # Errors
    /// Fails when no more samples, or not even events, are kept; nothing is changed then.
    pub fn push(&mut self, item: Item) -> Result<Sequence, BacklogFull> {
        let bound = match item {
            Item::Sample { .. } => self.bound,
            Item::Consent { .. }
            | Item::TestStarted { .. }
            | Item::TestEnded { .. }
            | Item::Goodbye { .. }
            | Item::Unknown => self.bound + MAX_WAITING_EVENTS,
        };
        if self.items.len() >= bound {
            return Err(BacklogFull(bound));
        }
        self.items.push_back(item);
        Ok(self.pushed())
    }

    /// Gives the next items to send on this connection, if there are any, and counts them as sent.
    pub fn next_batch(&mut self) -> Option<Batch> {
        let end = self.items.len().min(self.sent + MAX_BATCH_ITEMS);
        let items: Vec<Item> = self.items.range(self.sent..end).cloned().collect();
        if items.is_empty() {
            return None;
        }
        let first = self.acknowledged.plus(self.sent as u64 + 1);
        self.sent += items.len();
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
    /// A client that was started again with its old key has made no items yet, so its numbers go on from there.
    ///
    /// # Errors
    /// Fails when the listener claims items that were never sent, or has lost some that it had acknowledged.
    pub fn reconnect(&mut self, through: Sequence) -> Result<(), NeverSent> {
        if self.pushed() == Sequence::NONE {
            self.acknowledged = through;
            return Ok(());
        }
        if through < self.acknowledged || through > self.ever_sent.max(self.acknowledged) {
            return Err(self.never_sent(through));
        }
        self.forget(through);
        self.sent = 0;
        Ok(())
    }

    /// Gives the last item's sequence.
    #[must_use]
    pub fn pushed(&self) -> Sequence {
        self.acknowledged.plus(self.items.len() as u64)
    }

    /// Gives the last sequence that the listener has durably.
    #[must_use]
    pub const fn acknowledged(&self) -> Sequence {
        self.acknowledged
    }

    /// Gives the items that the listener does not have, with their sequences, in order.
    #[must_use]
    pub fn unacknowledged(&self) -> impl DoubleEndedIterator<Item = (Sequence, &Item)> {
        let first = self.acknowledged.plus(1);
        self.items.iter().enumerate().map(move |(n, item)| (first.plus(n as u64), item))
    }

    /// Drops the items up to `through` and says how many those were.
    fn forget(&mut self, through: Sequence) -> usize {
        let count = through.get().saturating_sub(self.acknowledged.get());
        let count = usize::try_from(count).map_or(self.items.len(), |count| count.min(self.items.len()));
        self.items.drain(..count);
        self.acknowledged = self.acknowledged.max(through);
        count
    }

    fn never_sent(&self, through: Sequence) -> NeverSent {
        NeverSent { claimed: through.get(), known: self.ever_sent.max(self.acknowledged).get() }
    }
}

#[cfg(test)]
mod tests;
