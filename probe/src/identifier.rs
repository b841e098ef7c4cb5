//! Numbers that no two measurements of this process use at once: answers would be taken for each other's, and
//! trippy-core panics on such answers.

use std::collections::BTreeSet;
use std::hash::{BuildHasher, RandomState};
use std::ops::Range;
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::ProbeError;

/// ICMP identifiers and UDP source ports. The range is wide enough that two programs seldom draw the same.
static IDENTIFIERS: Pool = Pool::new(2_048..10_240);

/// Windows of source ports for traces that tell their probes apart by source port. Such a trace takes every answer
/// about its destination port for its own, so the windows hold neither [`IDENTIFIERS`] nor the ports that Linux gives
/// away by itself.
static WINDOWS: Pool = Pool::new(10..32);

/// trippy-core takes answers up to this far from a round's first number for that round's.
pub(crate) const ROUND_NUMBERS: u16 = 512;

/// The numbers of one window: a round's, and as many for it to begin elsewhere the next time.
const WINDOW_NUMBERS: u16 = 2 * ROUND_NUMBERS;

/// How far a window's next round begins from the one before, so that a port rests for minutes before it is used
/// again: until then the system may hold on to its last connection.
const STEP: u16 = 32;

/// An identifier of this process's own, given back when dropped. Never zero.
#[derive(Debug)]
pub(crate) struct Identifier(u16);

/// A window of [`WINDOW_NUMBERS`] numbers of this process's own, given back when dropped.
#[derive(Debug)]
pub(crate) struct Window {
    number: u16,
    /// Where in the window the round begins.
    offset: u16,
}

struct Pool {
    range: Range<u16>,
    taken: Mutex<Taken>,
}

struct Taken {
    numbers: BTreeSet<u16>,
    /// Where the search goes on, so that a number rests long before it is used again; `None` before the first.
    next: Option<u16>,
}

impl Identifier {
    pub(crate) fn take() -> Result<Self, ProbeError> {
        IDENTIFIERS.take().map(Self).ok_or(ProbeError::TooMany { what: "measurements" })
    }

    pub(crate) const fn get(&self) -> u16 {
        self.0
    }
}

impl Drop for Identifier {
    fn drop(&mut self) {
        IDENTIFIERS.give_back(self.0);
    }
}

impl Window {
    pub(crate) fn take() -> Result<Self, ProbeError> {
        /// Counts all windows ever taken.
        static TURN: AtomicU16 = AtomicU16::new(0);
        let number = WINDOWS.take().ok_or(ProbeError::TooMany { what: "traces" })?;
        let turn = TURN.fetch_add(1, Ordering::Relaxed) / WINDOWS.range.end.abs_diff(WINDOWS.range.start);
        Ok(Self { number, offset: turn % (ROUND_NUMBERS / STEP) * STEP })
    }

    /// Gives the first number to use; [`ROUND_NUMBERS`] from there are the window's.
    pub(crate) const fn first(&self) -> u16 {
        self.number * WINDOW_NUMBERS + self.offset
    }
}

impl Drop for Window {
    fn drop(&mut self) {
        WINDOWS.give_back(self.number);
    }
}

impl Pool {
    const fn new(range: Range<u16>) -> Self {
        Self { range, taken: Mutex::new(Taken { numbers: BTreeSet::new(), next: None }) }
    }

    fn take(&self) -> Option<u16> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let Range { start, end } = self.range;
        let first = taken.next.unwrap_or_else(|| random_in(&self.range));
        let number = (first..end).chain(start..first).find(|n| !taken.numbers.contains(n))?;
        taken.numbers.insert(number);
        taken.next = Some(if number + 1 < end { number + 1 } else { start });
        Some(number)
    }

    fn give_back(&self, number: u16) {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner).numbers.remove(&number);
    }
}

/// Draws a number that differs between two runs of the program; nothing secret depends on it.
fn random_in(range: &Range<u16>) -> u16 {
    let width = u64::from(range.end - range.start);
    let drawn = RandomState::new().hash_one(std::process::id()) % width;
    range.start + u16::try_from(drawn).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_unique_until_given_back_and_rest_before_they_come_again() {
        let pool = Pool::new(3..6);
        let mut all: Vec<_> = (0..3).map_while(|_| pool.take()).collect();
        assert_eq!(pool.take(), None);
        let last = all[2];
        pool.give_back(last);
        assert_eq!(pool.take(), Some(last));
        all.sort_unstable();
        assert_eq!(all, [3, 4, 5]);
        pool.give_back(3);
        pool.give_back(4);
        let (first, second) = (pool.take(), pool.take());
        assert_ne!(first, second);
    }

    #[test]
    fn windows_overlap_neither_each_other_nor_identifiers_nor_the_systems_ports() {
        for _ in 0..40 {
            let windows: Vec<_> = (0..12).map(|_| Window::take().expect("free")).collect();
            let mut firsts: Vec<_> = windows.iter().map(Window::first).collect();
            firsts.sort_unstable();
            assert!(firsts.windows(2).all(|pair| pair[1] - pair[0] >= ROUND_NUMBERS), "{firsts:?}");
            assert!(firsts[0] >= IDENTIFIERS.range.end && firsts[11] + ROUND_NUMBERS <= 32_768, "{firsts:?}");
        }
    }
}
