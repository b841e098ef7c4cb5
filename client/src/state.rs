//! The client's folder on disk: keys of sessions that are not over, and results that could not be delivered.
//!
//! A key is saved before hello, so that a client that is started again within the listener's grace time goes on with
//! its session instead of beginning another.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use cnc_model::{ClientKey, Code, Timestamp};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::config::ListenerUrl;

/// How old a key may be for its session to be gone on with: the listener's grace time.
const KEY_LIVES: Duration = Duration::from_mins(2);
/// How many clients of one user may hold a session with one listener at a time.
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
    file: Option<(File, PathBuf)>,
}

/// What is in a key's file.
#[derive(Debug, Serialize, Deserialize)]
struct Entry {
    listener: String,
    code: Option<String>,
    key: String,
    began_unix_us: i64,
    /// When the client last knew that the session lived.
    alive_unix_us: i64,
    /// Whether the user has agreed: a listener's word for that is not taken.
    #[serde(default)]
    agreed: bool,
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
    /// Takes the key of a session with this listener and code that another run left behind a moment ago, or draws a
    /// new one and saves it.
    ///
    /// # Errors
    /// Fails when the folder cannot be written.
    pub fn open(folder: &Path, listener: &ListenerUrl, code: Option<Code>, now: Timestamp) -> Result<Self, StateError> {
        let at = |path: &Path| {
            let path = path.to_owned();
            move |source| StateError { path, source }
        };
        let keys = folder.join("keys");
        create_private(&keys).map_err(at(&keys))?;
        for number in 0..MAX_KEYS {
            let path = keys.join(format!("{number}.json"));
            let mut file = open_private(&path).map_err(at(&path))?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => continue,
                Err(TryLockError::Error(source)) => return Err(at(&path)(source)),
            }
            let known = read_entry(&mut file).filter(|entry| entry.is_fresh(now));
            if let Some(entry) = known {
                let mine = entry.listener == listener.to_string() && entry.code == code.map(|code| code.to_string());
                if let Some(key) = entry.key().filter(|_| mine) {
                    let began = Timestamp::from_unix_us(entry.began_unix_us);
                    return Ok(Self { key, began, agreed: entry.agreed, file: Some((file, path)) });
                }
                // Another session's: its user may still come back for it.
                continue;
            }
            let key = draw_key();
            let entry = Entry::new(listener, code, &key, now);
            write_entry(&mut file, &entry).map_err(at(&path))?;
            return Ok(Self { key, began: now, agreed: false, file: Some((file, path)) });
        }
        Err(at(&keys)(io::Error::other("too many sessions at a time")))
    }

    /// Draws a key that is kept in memory only.
    #[must_use]
    pub fn unsaved(now: Timestamp) -> Self {
        Self { key: draw_key(), began: now, agreed: false, file: None }
    }

    /// Notes that the session lives, so that its key stays good for a restart.
    pub fn touch(&mut self, began: Timestamp, now: Timestamp) {
        let Some((file, _)) = &mut self.file else { return };
        if let Some(mut entry) = read_entry(file) {
            (entry.began_unix_us, entry.alive_unix_us) = (began.unix_us(), now.unix_us());
            // Losing this write costs a restart its session, not this run its own.
            write_entry(file, &entry).ok();
        }
    }

    /// Notes that the user has agreed, so that a restart need not ask again.
    pub fn agree(&mut self) {
        self.agreed = true;
        let Some((file, _)) = &mut self.file else { return };
        if let Some(mut entry) = read_entry(file) {
            entry.agreed = true;
            // Losing this write makes a restart ask once more.
            write_entry(file, &entry).ok();
        }
    }

    /// Forgets the key: its session is over.
    pub fn forget(self) {
        if let Some((file, path)) = self.file {
            // A file that stays behind is only an old key.
            std::fs::remove_file(path).ok();
            drop(file);
        }
    }
}

impl Entry {
    fn new(listener: &ListenerUrl, code: Option<Code>, key: &ClientKey, now: Timestamp) -> Self {
        let key = key.expose().iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
        let (began_unix_us, alive_unix_us) = (now.unix_us(), now.unix_us());
        Self {
            listener: listener.to_string(),
            code: code.map(|code| code.to_string()),
            key,
            began_unix_us,
            alive_unix_us,
            agreed: false,
        }
    }

    fn is_fresh(&self, now: Timestamp) -> bool {
        now.since(Timestamp::from_unix_us(self.alive_unix_us)) < KEY_LIVES
    }

    fn key(&self) -> Option<ClientKey> {
        if self.key.len() != 64 || !self.key.is_ascii() {
            return None;
        }
        let mut bits = [0; 32];
        for (byte, at) in bits.iter_mut().zip((0..64).step_by(2)) {
            *byte = u8::from_str_radix(&self.key[at..at + 2], 16).ok()?;
        }
        Some(ClientKey::new(bits))
    }
}

fn draw_key() -> ClientKey {
    let mut bits = [0; 32];
    getrandom::fill(&mut bits).expect("a system without random numbers runs nothing that is safe");
    ClientKey::new(bits)
}

fn read_entry(file: &mut File) -> Option<Entry> {
    let mut text = String::new();
    file.rewind().ok()?;
    file.read_to_string(&mut text).ok()?;
    serde_json::from_str(&text).ok()
}

fn write_entry(file: &mut File, entry: &Entry) -> io::Result<()> {
    let text = serde_json::to_vec(entry)?;
    file.set_len(0)?;
    file.rewind()?;
    file.write_all(&text)?;
    file.sync_all()
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
mod tests {
    use super::*;

    fn listener(text: &str) -> ListenerUrl {
        text.parse().expect("valid")
    }

    fn later(now: Timestamp, seconds: u64) -> Timestamp {
        now.after(Duration::from_secs(seconds))
    }

    #[test]
    fn a_restart_finds_its_key_and_others_do_not() {
        let folder = tempfile::tempdir().expect("a folder");
        let (one, other) = (listener("https://one.example"), listener("https://other.example"));
        let code = "K7QX-M2PA".parse().ok();
        let now = Timestamp::from_unix_us(1_700_000_000_000_000);
        let open =
            |listener: &ListenerUrl, code, now| SavedKey::open(folder.path(), listener, code, now).expect("opens");

        let first = open(&one, code, now);
        assert_eq!(first.began, now);
        let beside = open(&one, code, now);
        assert!(beside.key != first.key, "a second client at the same time has a session of its own");
        let key = first.key.clone();
        assert!(!first.agreed);
        let mut first = first;
        first.agree();
        drop((first, beside));

        assert!(open(&other, code, now).key != key);
        assert!(open(&one, None, now).key != key);
        let again = open(&one, code, later(now, 60));
        assert!(again.key == key && again.began == now && again.agreed);
        drop(again);
        let too_late = open(&one, code, later(now, 121));
        assert!(too_late.key != key && too_late.began == later(now, 121));
        let fresh = too_late.key.clone();
        too_late.forget();
        assert!(open(&one, code, later(now, 122)).key != fresh);
    }

    #[test]
    fn a_session_that_lives_long_keeps_its_key() {
        let folder = tempfile::tempdir().expect("a folder");
        let one = listener("https://one.example");
        let began = Timestamp::from_unix_us(1_700_000_000_000_000);
        let mut key = SavedKey::open(folder.path(), &one, None, began).expect("opens");
        key.touch(began, later(began, 3_600));
        let bits = key.key.clone();
        drop(key);
        let again = SavedKey::open(folder.path(), &one, None, later(began, 3_660)).expect("opens");
        assert!(again.key == bits && again.began == began);
    }

    #[cfg(unix)]
    #[test]
    fn keys_are_for_their_user_alone() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().expect("a folder");
        let state = folder.path().join("cnc");
        let now = Timestamp::from_unix_us(0);
        let _key = SavedKey::open(&state, &listener("https://one.example"), None, now).expect("opens");
        let mode = |path: &Path| std::fs::metadata(path).expect("there").permissions().mode() & 0o777;
        assert_eq!(mode(&state.join("keys")), 0o700);
        assert_eq!(mode(&state.join("keys/0.json")), 0o600);
    }
}
