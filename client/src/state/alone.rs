//! What was measured without a listener, as files: beside the keys of sessions, each with a journal of its own.

use std::io;
use std::path::{Path, PathBuf};

use cnc_model::{ClientKey, Sequence, Timestamp};

use super::entry::{Entry, Given, read_entry};
use super::{MAX_KEYS, SavedKey, StateError, draw_key, journal_of, left, lock, remove, slot};
use crate::alone::{Alone, Part};
use crate::config::ListenerUrl;
use crate::journal::Journal;

/// The most runs that are kept, the oldest are removed: a user who tries for a week has better things to do than more.
const MAX_ALONE: usize = 8;

impl SavedKey {
    /// Begins the file of a run without its listener.
    ///
    /// # Errors
    /// Fails when the folder cannot be written.
    pub fn open_alone(folder: &Path, listener: &ListenerUrl, now: Timestamp) -> Result<Self, StateError> {
        let mut entry = Entry::new(listener, None, &draw_key(), now);
        entry.alone = true;
        Self::begin(&folder.join("keys"), &entry, now)
    }

    /// Notes that a session takes it from its item `first` on.
    pub(crate) fn give(&mut self, to: &ClientKey, first: Sequence) -> io::Result<()> {
        self.try_note(|entry| entry.given = Some(Given::new(to, first)))?;
        self.given = Some((to.clone(), first));
        Ok(())
    }

    /// Notes that no session has it. Where that cannot be written the next run finds it out again.
    pub(crate) fn take_back(&mut self) {
        self.given = None;
        self.try_note(|entry| entry.given = None).ok();
    }
}

/// Gives the runs without this listener that a session is still to take, the oldest first. What is delivered, too old
/// or too much is removed, whichever listener it was for.
#[must_use]
pub fn alone(folder: &Path, listener: &ListenerUrl, now: Timestamp) -> Vec<Alone> {
    let keys = folder.join("keys");
    let (mut found, mut held) = (Vec::new(), Vec::new());
    for path in (0..MAX_KEYS).map(|number| slot(&keys, number)).filter(|path| path.exists()) {
        let Ok(Some(mut file)) = lock(&path) else { continue };
        let Some(entry) = read_entry(&mut file).filter(|entry| entry.alone) else { continue };
        let here = entry.listener == listener.to_string();
        let key = SavedKey::of(&entry, file, path.clone()).filter(|_| left::waits(&entry, &path, now));
        match key.map(Alone::open) {
            Some(Ok(Some(run))) => {
                found.push((here, run));
                held.push(path);
            }
            // A journal that cannot be read now may be later.
            Some(Err(_)) => {}
            Some(Ok(None)) | None => {
                // What cannot be removed now is tried again by the next run.
                remove(&journal_of(&path)).and_then(|()| remove(&path)).ok();
            }
        }
    }
    let settled = |(here, run)| Some((here, settle(&keys, &held, run)?));
    let mut kept: Vec<(bool, Alone)> = found.into_iter().filter_map(settled).collect();
    kept.sort_by_key(|(_, run)| run.began());
    // With room for the one that this run may become.
    let too_many = (kept.len() + 1).saturating_sub(MAX_ALONE);
    for (_, run) in kept.drain(..too_many) {
        run.forget();
    }
    kept.into_iter().filter(|(here, _)| *here).map(|(_, run)| run).collect()
}

/// Finds out what became of a run that was given to a session before the program ended; `None` when that session has
/// it, or has been done with. `held` are the files of runs, which no session's is among.
fn settle(keys: &Path, held: &[PathBuf], mut run: Alone) -> Option<Alone> {
    let Some((to, _)) = run.given().cloned() else { return Some(run) };
    match find(keys, held, &to) {
        Found::Here(path) => {
            let journal = journal_of(&path);
            let last = if journal.exists() { Journal::open(&journal).ok()?.contents().last } else { Sequence::NONE };
            match run.in_session(&to, last)? {
                Part::Nothing => run.take_back(),
                Part::Some => {}
                Part::All => {
                    run.forget();
                    return None;
                }
            }
            Some(run)
        }
        Found::Busy => None,
        // A session's file is removed when all of it is delivered, and not before.
        Found::Gone => {
            run.forget();
            None
        }
    }
}

enum Found {
    Here(PathBuf),
    /// Another program holds one that may be it.
    Busy,
    Gone,
}

fn find(keys: &Path, held: &[PathBuf], key: &ClientKey) -> Found {
    let mut busy = false;
    let paths = (0..MAX_KEYS).map(|number| slot(keys, number));
    for path in paths.filter(|path| path.exists() && !held.contains(path)) {
        match lock(&path) {
            Ok(Some(mut file)) => {
                if read_entry(&mut file).and_then(|entry| entry.key()).is_some_and(|found| found == *key) {
                    return Found::Here(path);
                }
            }
            Ok(None) | Err(_) => busy = true,
        }
    }
    if busy { Found::Busy } else { Found::Gone }
}
