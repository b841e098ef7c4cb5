//! What this computer measured by itself while its listener was out of reach: kept for a week, until a session with
//! that listener takes it.
//!
//! A run without the listener has a file and a journal of its own, as a session has. A session takes it only behind the
//! user's consent, and only one does: before the first of its items enters that session's outbox, its file says which
//! session that is, and at which sequence it begins there. So a program that is killed in between neither loses nor
//! repeats anything: the end of the session's own journal tells how much of the run is in it.

use std::collections::BTreeMap;
use std::io;

use cnc_model::{ClientKey, Item, Sequence, TestId, Timestamp};

use crate::journal::Journal;
use crate::session::interrupted;
use crate::state::SavedKey;

/// A run without the listener that no session has taken to its end.
#[derive(Debug)]
pub struct Alone {
    key: SavedKey,
    /// Its items in their order, each of a test that was declared before, and every test with an end.
    items: Vec<Item>,
    /// Whether all of it is in the outbox of this program's session.
    handed: bool,
}

impl Alone {
    /// Reads what a run left behind; `None` where it left nothing.
    ///
    /// # Errors
    /// Fails when its journal cannot be read.
    pub fn open(key: SavedKey) -> io::Result<Option<Self>> {
        let Some(path) = key.journal() else { return Ok(None) };
        let items = whole(Journal::open(&path)?.waiting()?.items);
        Ok((!items.is_empty()).then_some(Self { key, items, handed: false }))
    }

    /// Tells when it began, by this computer's clock.
    #[must_use]
    pub const fn began(&self) -> Timestamp {
        self.key.began
    }

    /// Counts its tests.
    #[must_use]
    pub fn tests(&self) -> u32 {
        let tests = self.items.iter().filter(|item| matches!(item, Item::OwnTest { .. })).count();
        u32::try_from(tests).unwrap_or(u32::MAX)
    }

    /// Tells whether it is another session's, or all of it is this one's already.
    #[must_use]
    pub const fn is_taken(&self) -> bool {
        self.handed || self.key.given.is_some()
    }

    /// Gives all of it to a session whose next item is `first`; `None` where that cannot be noted, and nothing is given.
    pub fn give(&mut self, to: &ClientKey, first: Sequence) -> Option<Vec<Item>> {
        self.key.give(to, first).ok()?;
        self.handed = true;
        Some(self.items_from(first))
    }

    /// Gives what a session that was stopped while it took this is still to take. `last` is the last item that it made.
    pub fn rest(&mut self, of: &ClientKey, last: Sequence) -> Vec<Item> {
        match &self.key.given {
            Some((key, first)) if key == of && !self.handed => {
                self.handed = true;
                let there = usize::try_from((last.get() + 1).saturating_sub(first.get())).unwrap_or(usize::MAX);
                self.items_from(*first).split_off(there.min(self.items.len()))
            }
            Some(_) | None => Vec::new(),
        }
    }

    /// Tells whether a session whose last item is `last` has all of it, a part, or nothing; `None` where it is not that
    /// session's.
    #[must_use]
    pub fn in_session(&self, key: &ClientKey, last: Sequence) -> Option<Part> {
        let (_, first) = self.key.given.as_ref().filter(|(to, _)| to == key)?;
        Some(match (last.get() + 1).saturating_sub(first.get()) {
            0 => Part::Nothing,
            some if some < self.items.len() as u64 => Part::Some,
            _ => Part::All,
        })
    }

    /// Takes it back: it is free for another session.
    pub fn take_back(&mut self) {
        self.key.take_back();
        self.handed = false;
    }

    /// Gives the session that it was given to.
    #[must_use]
    pub fn given(&self) -> Option<&(ClientKey, Sequence)> {
        self.key.given.as_ref()
    }

    /// Removes it: a session has it.
    pub fn forget(self) {
        self.key.forget();
    }

    /// Gives the items as a session's whose next item is `first`. The tests are named after the places of their
    /// declarations, so that no two of a session ever have one name.
    fn items_from(&self, first: Sequence) -> Vec<Item> {
        let mut names = BTreeMap::<TestId, TestId>::new();
        let mut renamed = self.items.clone();
        for (number, item) in (first.get()..).zip(&mut renamed) {
            match item {
                Item::OwnTest { test, .. } => {
                    let name = TestId::own(u32::try_from(number).unwrap_or(u32::MAX));
                    names.insert(*test, name);
                    *test = name;
                }
                Item::TestStarted { test, .. } | Item::Sample { test, .. } | Item::TestEnded { test, .. } => {
                    if let Some(name) = names.get(test) {
                        *test = *name;
                    }
                }
                Item::Consent { .. } | Item::Goodbye { .. } | Item::Unknown => {}
            }
        }
        renamed
    }
}

/// How much of a run is in a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// None of it.
    Nothing,
    /// Its beginning.
    Some,
    /// All of it.
    All,
}

/// Leaves only what belongs to tests that were declared, and ends those that a program's end cut short.
fn whole(items: Vec<Item>) -> Vec<Item> {
    let mut open = BTreeMap::new();
    let mut kept = Vec::with_capacity(items.len());
    for item in items {
        let known = match &item {
            Item::OwnTest { test, .. } => {
                open.insert(*test, std::time::Duration::ZERO);
                true
            }
            Item::TestStarted { test, at } => open.get_mut(test).map(|last| *last = *at).is_some(),
            Item::Sample { test, .. } => open.contains_key(test),
            Item::TestEnded { test, .. } => open.remove(test).is_some(),
            Item::Consent { .. } | Item::Goodbye { .. } | Item::Unknown => false,
        };
        if known {
            kept.push(item);
        }
    }
    kept.extend(open.into_iter().map(|(test, at)| {
        let ended = interrupted();
        Item::TestEnded { test, at, outcome: ended.outcome, summary: None }
    }));
    kept
}

#[cfg(test)]
mod tests;
