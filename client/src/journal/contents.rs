//! What a journal's records amount to, and when its file is to be trimmed. Pure.

use std::collections::BTreeSet;

use cnc_model::message::Batch;
use cnc_model::{Item, Sequence, TestId};

use super::frame::Record;

/// Dead bytes that are left alone: rewriting a small file gains nothing.
const FEW_BYTES: u64 = 64 << 10;
/// Dead bytes that are left alone as long as something waits behind them: rewriting costs as much as what waits.
const MANY_BYTES: u64 = 4 << 20;

/// What the records so far amount to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Contents {
    /// The last sequence that the listener has durably.
    pub acknowledged: Sequence,
    /// The last sequence of all.
    pub last: Sequence,
    /// Tests that have begun and not ended.
    pub running: BTreeSet<TestId>,
    /// Tests that have ended, as far as the records go back: all that the listener may not know to have ended.
    pub ended: BTreeSet<TestId>,
    /// Whether the user's consent waits to be sent.
    pub consent_waits: bool,
    /// Whether the client has said goodbye: its session is over.
    pub left: bool,
}

/// What to do with the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trim {
    /// Let it grow.
    Not,
    /// Write what is still needed to a new one.
    Rewrite,
}

impl Contents {
    /// Takes in the next record; false where it cannot follow those before, and nothing is changed then.
    pub(super) fn take(&mut self, record: &Record) -> bool {
        match record {
            Record::Items(batch) => {
                // Until something is known the first record says where the file begins.
                if self.last == Sequence::NONE {
                    self.acknowledged = Sequence::new(batch.first.get() - 1);
                } else if batch.first != self.last.plus(1) {
                    return false;
                }
                self.take_items(batch);
            }
            Record::Through(through) => self.acknowledge(*through),
            Record::Running(tests) => self.running.extend(tests),
        }
        true
    }

    fn take_items(&mut self, batch: &Batch) {
        for item in &batch.items {
            match item {
                Item::Consent { .. } => self.consent_waits = true,
                // Such a test ran before the session did.
                Item::TestStarted { test, .. } | Item::TestEnded { test, .. } if test.is_own() => {}
                Item::TestStarted { test, .. } => {
                    self.running.insert(*test);
                }
                Item::TestEnded { test, .. } => {
                    self.running.remove(test);
                    self.ended.insert(*test);
                }
                Item::Goodbye { .. } => self.left = true,
                Item::OwnTest { .. } | Item::Sample { .. } | Item::Unknown => {}
            }
        }
        self.last = batch.last();
    }

    pub(super) fn acknowledge(&mut self, through: Sequence) {
        self.acknowledged = self.acknowledged.max(through);
        self.last = self.last.max(through);
        if self.is_delivered() {
            self.consent_waits = false;
            self.ended.clear();
        }
    }

    /// Tells whether the listener has everything.
    #[must_use]
    pub fn is_delivered(&self) -> bool {
        self.acknowledged == self.last
    }

    /// Says whether so many dead bytes beside so many that are needed are worth a new file.
    pub(super) fn trim(&self, dead: u64, needed: u64) -> Trim {
        let enough = if self.is_delivered() { dead > FEW_BYTES } else { dead > MANY_BYTES && dead > needed };
        if enough { Trim::Rewrite } else { Trim::Not }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use cnc_model::{Goodbye, Outcome};

    use super::*;

    const AT: Duration = Duration::ZERO;

    fn id(n: u32) -> TestId {
        TestId::try_from(n).expect("not 0")
    }

    fn items(first: u64, items: Vec<Item>) -> Record {
        Record::Items(Batch { first: Sequence::new(first), items })
    }

    fn story() -> Vec<Record> {
        let ended = |test| Item::TestEnded { test, at: AT, outcome: Outcome::Completed, summary: None };
        vec![
            items(1, vec![Item::Consent { at: AT, names: false }, Item::TestStarted { test: id(1), at: AT }]),
            items(3, vec![Item::TestStarted { test: id(2), at: AT }, ended(id(1))]),
        ]
    }

    fn contents(records: &[Record]) -> Contents {
        let mut contents = Contents::default();
        assert!(records.iter().all(|record| contents.take(record)));
        contents
    }

    #[test]
    fn it_knows_what_ran_what_ended_and_what_waits() {
        let mut records = story();
        let found = contents(&records);
        assert_eq!((found.acknowledged.get(), found.last.get()), (0, 4));
        assert_eq!((found.running, found.ended), ([id(2)].into(), [id(1)].into()));
        assert!(found.consent_waits && !found.left);
        records.push(Record::Through(Sequence::new(4)));
        let found = contents(&records);
        assert!(found.is_delivered() && !found.consent_waits);
        assert_eq!(found.running, [id(2)].into(), "that a test runs is remembered as long as it does");
        records.push(items(5, vec![Item::Goodbye { at: AT, reason: Goodbye::UserEnded }]));
        assert!(contents(&records).left && !contents(&records).is_delivered());
    }

    #[test]
    fn what_does_not_follow_is_refused() {
        let mut found = contents(&story());
        let before = found.clone();
        for first in [4, 6] {
            assert!(!found.take(&items(first, vec![Item::Unknown])));
        }
        assert_eq!(found, before);
    }

    #[test]
    fn a_trimmed_file_goes_on_where_it_was() {
        let begun = [Record::Running(vec![id(2)]), Record::Through(Sequence::new(4))];
        let found = contents(&begun);
        assert_eq!((found.last.get(), found.is_delivered()), (4, true));
        assert_eq!(found.running, [id(2)].into());
    }

    #[test]
    fn files_are_rewritten_when_that_is_worth_it() {
        let waiting = contents(&story());
        let mut delivered = waiting.clone();
        delivered.acknowledge(Sequence::new(4));
        for (contents, dead, needed, trim) in [
            (&delivered, 1_000, 0, Trim::Not),
            (&delivered, 100_000, 0, Trim::Rewrite),
            (&waiting, 100_000, 1_000, Trim::Not),
            (&waiting, 5 << 20, 1 << 20, Trim::Rewrite),
            (&waiting, 5 << 20, 6 << 20, Trim::Not),
        ] {
            assert_eq!(contents.trim(dead, needed), trim, "{dead} {needed}");
        }
    }
}
