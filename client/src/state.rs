//! The client's folder on disk: keys of sessions that are not over, what of them could not be delivered yet, and
//! results.
//!
//! A key is saved before hello, so that a client that is started again within the listener's grace time goes on with
//! its session instead of beginning another. Beside it lies the session's journal. What cannot be gone on with is
//! left over: [`leftovers`] finds it for late delivery, and removes what is too old.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use cnc_model::{ClientKey, Code, Sequence, SessionId, Timestamp};
use thiserror::Error;

use crate::config::ListenerUrl;

mod alone;
mod entry;
mod left;

pub use self::alone::alone;
use self::entry::{Entry, Given, read_entry, write_entry};
pub use self::left::leftovers;

/// How old a walk-in's key may be for its session to be gone on with: the listener's grace time. A code's session is
/// gone on with at any age, since the code joins no other.
const KEY_LIVES: Duration = Duration::from_mins(2);
/// How long the listener takes what an ended session left behind.
const DELIVERABLE: Duration = Duration::from_hours(7 * 24);
/// How many clients of one user may hold a session with one listener at a time, left over ones included.
const MAX_KEYS: u32 = 64;

/// Why the folder cannot be used.
#[derive(Debug, Error)]
#[error("cannot use {}", path.display())]
pub struct StateError {
    path: PathBuf,
    source: io::Error,
}

/// A session's key, held under a lock as long as this value lives.
#[derive(Debug)]
pub struct SavedKey {
    /// The key.
    pub key: ClientKey,
    /// When its session's clock began, in this run of the program or in an earlier one.
    pub began: Timestamp,
    /// Whether the user has agreed in this session, in this run of the program or in an earlier one.
    pub agreed: bool,
    /// Whether an earlier run of the program left it.
    pub resumed: bool,
    /// The code that names the session beside the key: the one that joined it, or the one that a walk-in was given.
    pub code: Option<Code>,
    /// The session, once the listener has said which.
    pub session: Option<SessionId>,
    /// For a run without its listener: the session that takes it, and where in it that begins.
    pub(crate) given: Option<(ClientKey, Sequence)>,
    file: Option<(File, PathBuf)>,
}

/// Gives the folder for this user's state; `None` where the system has no place for it.
#[must_use]
pub fn folder() -> Option<PathBuf> {
    let var = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let base = if cfg!(windows) {
        var("LOCALAPPDATA")
    } else if cfg!(target_os = "macos") {
        var("HOME").map(|home| home.join("Library/Application Support"))
    } else {
        var("XDG_STATE_HOME").or_else(|| var("HOME").map(|home| home.join(".local/state")))
    };
    base.map(|base| base.join("cnc"))
}

impl SavedKey {
    /// Takes the key of a session with this listener and code that another run left behind, or draws a new one and
    /// saves it.
    ///
    /// # Errors
    /// Fails when the folder cannot be written.
    pub fn open(folder: &Path, listener: &ListenerUrl, code: Option<Code>, now: Timestamp) -> Result<Self, StateError> {
        let keys = folder.join("keys");
        let found = (0..MAX_KEYS).map(|number| slot(&keys, number)).filter(|path| path.exists()).find_map(|path| {
            let mut file = lock(&path).ok()??;
            let entry = read_entry(&mut file).filter(|entry| entry.is_gone_on_with(listener, code, now))?;
            Self::of(&entry, file, path)
        });
        if let Some(found) = found {
            return Ok(found);
        }
        let entry = Entry::new(listener, code, &draw_key(), now);
        Self::begin(&keys, &entry, now)
    }

    /// Saves a new key in the first place that is free.
    fn begin(keys: &Path, entry: &Entry, now: Timestamp) -> Result<Self, StateError> {
        create_private(keys).map_err(|source| StateError { path: keys.to_owned(), source })?;
        for number in 0..MAX_KEYS {
            let path = slot(keys, number);
            let at = |source| StateError { path: path.clone(), source };
            let Some(mut file) = lock(&path).map_err(at)? else { continue };
            // Another session's: its user may still come back for it, or what it holds waits to be delivered.
            if read_entry(&mut file).is_some_and(|entry| entry.is_fresh(now) || left::waits(&entry, &path, now)) {
                continue;
            }
            remove(&journal_of(&path)).map_err(at)?;
            write_entry(&mut file, entry).map_err(at)?;
            let made = Self::of(entry, file, path).expect("a key that was written here can be read");
            return Ok(Self { resumed: false, ..made });
        }
        Err(StateError { path: keys.to_owned(), source: io::Error::other("too many sessions at a time") })
    }

    fn of(entry: &Entry, file: File, path: PathBuf) -> Option<Self> {
        Some(Self {
            key: entry.key()?,
            began: entry.began(),
            agreed: entry.agreed,
            resumed: true,
            code: entry.code(),
            session: entry.session(),
            given: entry.given.as_ref().and_then(Given::read),
            file: Some((file, path)),
        })
    }

    /// Draws a key that is kept in memory only.
    #[must_use]
    pub fn unsaved(code: Option<Code>, now: Timestamp) -> Self {
        Self {
            key: draw_key(),
            began: now,
            agreed: false,
            resumed: false,
            code,
            session: None,
            given: None,
            file: None,
        }
    }

    /// Gives the place for the session's journal; `None` where the key is in memory only.
    #[must_use]
    pub fn journal(&self) -> Option<PathBuf> {
        self.file.as_ref().map(|(_, path)| journal_of(path))
    }

    /// Notes that the session lives, so that its key stays good for a restart.
    pub fn touch(&mut self, began: Timestamp, now: Timestamp) {
        self.note(|entry| (entry.began_unix_us, entry.alive_unix_us) = (began.unix_us(), now.unix_us()));
    }

    /// Notes that the user has agreed, so that a restart need not ask again.
    pub fn agree(&mut self) {
        self.agreed = true;
        self.note(|entry| entry.agreed = true);
    }

    /// Notes which session the key has joined, so that late data is for that one alone.
    pub fn join(&mut self, session: SessionId, code: Option<Code>) {
        self.session = Some(session);
        self.code = self.code.or(code);
        let shown = self.code.map(|code| code.to_string());
        self.note(|entry| (entry.session, entry.shown_code) = (Some(session.to_string()), shown));
    }

    /// Notes that the session is over for this client and only waits to be delivered.
    pub fn leave(mut self) {
        self.note(|entry| entry.over = true);
    }

    /// Losing this write costs a restart something, but not this run its session.
    fn note(&mut self, change: impl FnOnce(&mut Entry)) {
        self.try_note(change).ok();
    }

    fn try_note(&mut self, change: impl FnOnce(&mut Entry)) -> io::Result<()> {
        let Some((file, _)) = &mut self.file else { return Ok(()) };
        let mut entry = read_entry(file).ok_or(io::ErrorKind::InvalidData)?;
        change(&mut entry);
        write_entry(file, &entry)
    }

    /// Forgets the key and its journal: its session is over and delivered.
    pub fn forget(self) {
        if let Some((file, path)) = self.file {
            // A file that stays behind is only an old key.
            remove(&journal_of(&path)).ok();
            remove(&path).ok();
            drop(file);
        }
    }
}

fn slot(keys: &Path, number: u32) -> PathBuf {
    keys.join(format!("{number}.json"))
}

fn journal_of(key: &Path) -> PathBuf {
    key.with_extension("journal")
}

fn remove(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Opens a key's file for this program alone; `None` where another holds it.
fn lock(path: &Path) -> io::Result<Option<File>> {
    let file = open_private(path)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

fn draw_key() -> ClientKey {
    let mut bits = [0; 32];
    getrandom::fill(&mut bits).expect("a system without random numbers runs nothing that is safe");
    ClientKey::new(bits)
}

#[cfg(unix)]
fn create_private(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

#[cfg(not(unix))]
fn create_private(folder: &Path) -> io::Result<()> {
    std::fs::create_dir_all(folder)
}

fn open_private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    options.open(path)
}

#[cfg(test)]
mod tests;
