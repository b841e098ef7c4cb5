//! Which test runs when. Pure: it is told what was asked and what ended, and says what may begin.
//!
//! Tests of one stage run side by side; a stage begins when all tests of earlier stages have ended. `Now` begins at
//! once, beside whatever runs. At most one throughput test runs at a time: two would measure each other.

use std::collections::{BTreeMap, BTreeSet};

use cnc_model::message::When;
use cnc_model::{Test, TestId};
use thiserror::Error;

/// The most tests that wait or run at a time; further ones are refused. Plans have a dozen.
pub const MAX_OPEN_TESTS: usize = 1_000;

/// The most tests of one session, whatever became of them: a listener issues a tenth. Further ones are passed over, so
/// that a listener that never stops asking does not fill this computer's memory.
pub const MAX_TESTS: usize = 10_000;

/// What was asked and has not ended.
#[derive(Debug, Default)]
pub struct Schedule {
    /// In the order of their ids, which is the order of issue.
    open: BTreeMap<TestId, Entry>,
    ended: BTreeSet<TestId>,
    closed: bool,
}

#[derive(Debug)]
struct Entry {
    when: When,
    what: Test,
    running: bool,
}

/// What an instruction to run a test changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Added {
    /// It waits for its turn.
    Waiting,
    /// It was known already, or all is over, or there were too many: nothing changed.
    Ignored,
}

/// More tests are open than a client takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("more than {MAX_OPEN_TESTS} tests wait already")]
pub struct TooMany;

/// What an order to cancel a test found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cancelled {
    /// It had not begun; it is over now.
    Waiting,
    /// It runs and must be stopped.
    Running,
    /// There is no such test, or it has ended.
    NotOpen,
}

impl Schedule {
    /// Takes a test in.
    ///
    /// # Errors
    /// Fails when too many are open; the test counts as ended then, so that its repetition is ignored.
    pub fn add(&mut self, id: TestId, when: When, what: Test) -> Result<Added, TooMany> {
        if self.closed || self.open.contains_key(&id) || self.ended.contains(&id) || self.is_full() {
            return Ok(Added::Ignored);
        }
        if self.open.len() >= MAX_OPEN_TESTS {
            self.ended.insert(id);
            return Err(TooMany);
        }
        self.open.insert(id, Entry { when, what, running: false });
        Ok(Added::Waiting)
    }

    /// Notes a test that will never run here, and tells whether it was unknown until now.
    pub fn pass_over(&mut self, id: TestId) -> bool {
        !self.closed && !self.is_full() && !self.open.contains_key(&id) && self.ended.insert(id)
    }

    fn is_full(&self) -> bool {
        self.open.len() + self.ended.len() >= MAX_TESTS
    }

    /// Gives the tests that may begin now, in order. A throughput test is among them only when none runs, and then
    /// only the first.
    #[must_use]
    pub fn ready(&self) -> Vec<(TestId, Test)> {
        let mut loading = self.open.values().any(|entry| entry.running && is_load(&entry.what));
        let stage = self.stage();
        let mut ready = Vec::new();
        for (&id, entry) in self.open.iter().filter(|(_, entry)| !entry.running) {
            let turn = match entry.when {
                When::Now => true,
                When::Stage(of) => Some(of) == stage,
            };
            let load = is_load(&entry.what);
            if turn && !(load && loading) {
                loading |= load;
                ready.push((id, entry.what.clone()));
            }
        }
        ready
    }

    /// Notes that a test has begun.
    pub fn started(&mut self, id: TestId) {
        if let Some(entry) = self.open.get_mut(&id) {
            entry.running = true;
        }
    }

    /// Notes that a test is over, whether it ever began or not.
    pub fn ended(&mut self, id: TestId) {
        self.open.remove(&id);
        self.ended.insert(id);
    }

    /// Finds out what cancelling a test means; one that waits is over with this.
    pub fn cancel(&mut self, id: TestId) -> Cancelled {
        match self.open.get(&id) {
            None => Cancelled::NotOpen,
            Some(entry) if entry.running => Cancelled::Running,
            Some(_) => {
                self.ended(id);
                Cancelled::Waiting
            }
        }
    }

    /// Ends everything: tests that wait are over and given back, running ones must be stopped, new ones are ignored.
    pub fn close(&mut self) -> Vec<TestId> {
        self.closed = true;
        let waiting: Vec<_> = self.open.iter().filter(|(_, entry)| !entry.running).map(|(&id, _)| id).collect();
        for &id in &waiting {
            self.ended(id);
        }
        waiting
    }

    /// Tells whether nothing waits or runs.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.open.is_empty()
    }

    /// Gives the earliest stage that has a test that has not ended.
    fn stage(&self) -> Option<u32> {
        self.open
            .values()
            .filter_map(|entry| match entry.when {
                When::Now => None,
                When::Stage(stage) => Some(stage),
            })
            .min()
    }
}

const fn is_load(test: &Test) -> bool {
    match test {
        Test::Download(_) | Test::Upload(_) => true,
        Test::System | Test::Ping(_) | Test::Trace(_) | Test::Mtu(_) | Test::Dns(_) | Test::Http(_) => false,
    }
}

#[cfg(test)]
mod tests;
