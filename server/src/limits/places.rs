//! Places that are held while something lasts, bounded in all and for each holder.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The places of one kind.
#[derive(Debug)]
pub(super) struct Places<K: Hash + Eq> {
    held: Arc<Mutex<Held<K>>>,
    most: usize,
    each: usize,
}

#[derive(Debug)]
struct Held<K> {
    all: usize,
    by: HashMap<K, usize>,
}

/// Which bound was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Full {
    All,
    Each,
}

impl Full {
    pub(super) fn which<T>(self, all: T, each: T) -> T {
        match self {
            Self::All => all,
            Self::Each => each,
        }
    }
}

/// A place; dropping it gives it back.
#[derive(Debug)]
pub struct Place<K: Hash + Eq> {
    held: Arc<Mutex<Held<K>>>,
    holder: K,
}

impl<K: Hash + Eq + Copy> Places<K> {
    pub(super) fn new(most: usize, each: usize) -> Self {
        Self { held: Arc::new(Mutex::new(Held { all: 0, by: HashMap::new() })), most, each }
    }

    /// Takes a place; where `bounded` is false, only the bound on all holds.
    pub(super) fn take(&self, holder: K, bounded: bool) -> Result<Place<K>, Full> {
        let mut held = lock(&self.held);
        if held.all >= self.most {
            return Err(Full::All);
        }
        let count = held.by.entry(holder).or_default();
        // A new entry is at 0, below every bound, so none is left behind here.
        if bounded && *count >= self.each {
            return Err(Full::Each);
        }
        *count += 1;
        held.all += 1;
        drop(held);
        Ok(Place { held: Arc::clone(&self.held), holder })
    }
}

impl<K: Hash + Eq> Drop for Place<K> {
    fn drop(&mut self) {
        let mut held = lock(&self.held);
        held.all -= 1;
        if let Some(count) = held.by.get_mut(&self.holder) {
            *count -= 1;
            if *count == 0 {
                held.by.remove(&self.holder);
            }
        }
    }
}

fn lock<K>(held: &Mutex<Held<K>>) -> MutexGuard<'_, Held<K>> {
    // Nothing in between can panic, so what is there is whole.
    held.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_bounded_and_come_back() {
        let places = Places::new(3, 2);
        let first = places.take(1, true).expect("room");
        let second = places.take(1, true).expect("room");
        assert_eq!(places.take(1, true).err(), Some(Full::Each));
        let third = places.take(2, true).expect("room");
        assert_eq!(places.take(3, true).err(), Some(Full::All));
        drop((first, third));
        assert!(places.take(1, true).is_ok());
        drop(second);
        assert!(lock(&places.held).by.is_empty(), "nobody is remembered who holds nothing");
    }

    #[test]
    fn who_is_not_bounded_counts_in_all() {
        let places = Places::new(3, 1);
        let held: Vec<_> = (0..3).map(|_| places.take(1, false).expect("room")).collect();
        assert_eq!(places.take(1, false).err(), Some(Full::All));
        drop(held);
    }
}
