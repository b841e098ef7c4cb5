//! What earlier sessions left behind: delivered late, or removed.

use std::path::Path;

use cnc_model::{Code, Timestamp};

use super::{Entry, MAX_KEYS, SavedKey, journal_of, lock, read_entry, remove, slot};
use crate::config::ListenerUrl;
use crate::journal::Journal;

/// The most sessions that wait to be delivered, the oldest are removed: together they hold 100 MB at the worst.
const MAX_LEFT: usize = 16;

/// Tells whether something waits to be delivered.
pub(super) fn waits(entry: &Entry, key: &Path, now: Timestamp) -> bool {
    let path = journal_of(key);
    entry.is_deliverable(now)
        && path.exists()
        && Journal::open(&path).is_ok_and(|journal| !journal.contents().is_delivered())
}

/// Gives the keys of sessions with this listener that have something to deliver and are not gone on with, the oldest
/// first. What is delivered, too old or too much is removed, whichever listener it was for.
#[must_use]
pub fn leftovers(folder: &Path, listener: &ListenerUrl, code: Option<Code>, now: Timestamp) -> Vec<SavedKey> {
    let keys = folder.join("keys");
    let mut left = Vec::new();
    for path in (0..MAX_KEYS).map(|number| slot(&keys, number)).filter(|path| path.exists()) {
        let Ok(Some(mut file)) = lock(&path) else { continue };
        let Some(entry) = read_entry(&mut file) else { continue };
        if entry.alone || entry.is_gone_on_with(listener, code, now) || entry.is_fresh(now) {
            continue;
        }
        match SavedKey::of(&entry, file, path.clone()).filter(|_| waits(&entry, &path, now)) {
            Some(key) => left.push((entry.alive_unix_us, entry.listener == listener.to_string(), key)),
            None => {
                // What cannot be removed now is tried again by the next run.
                remove(&journal_of(&path)).and_then(|()| remove(&path)).ok();
            }
        }
    }
    left.sort_by_key(|(alive, ..)| *alive);
    let too_many = left.len().saturating_sub(MAX_LEFT);
    for (_, _, key) in left.drain(..too_many) {
        key.forget();
    }
    left.into_iter().filter(|(_, here, _)| *here).map(|(.., key)| key).collect()
}
