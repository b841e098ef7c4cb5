//! What is in a key's file.

use std::fs::File;
use std::io::{self, Read, Seek, Write};

use cnc_model::{ClientKey, Code, Sequence, SessionId, Timestamp};
use serde::{Deserialize, Serialize};

use super::{DELIVERABLE, KEY_LIVES};
use crate::config::ListenerUrl;

/// Files are filled up to a multiple of this, so that a change is one write of the same length: a program that is
/// killed leaves the entry from before or the one after, and nothing between.
const BLOCK_BYTES: usize = 1_024;

/// What is in a key's file. Fields that came later have defaults.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Entry {
    pub(super) listener: String,
    pub(super) code: Option<String>,
    key: String,
    pub(super) began_unix_us: i64,
    /// When the client last knew that the session lived.
    pub(super) alive_unix_us: i64,
    /// Whether the user has agreed: a listener's word for that is not taken.
    #[serde(default)]
    pub(super) agreed: bool,
    /// The session, once known.
    #[serde(default)]
    pub(super) session: Option<String>,
    /// The code that the listener gave a walk-in.
    #[serde(default)]
    pub(super) shown_code: Option<String>,
    /// Whether the client has said its last word, and only waits to be heard.
    #[serde(default)]
    pub(super) over: bool,
    /// Whether this is no session's, but a run's without its listener.
    #[serde(default)]
    pub(super) alone: bool,
    /// Which session took that run.
    #[serde(default)]
    pub(super) given: Option<Given>,
}

/// Which session took a run without its listener, and where in it that begins.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Given {
    key: String,
    first_sequence: u64,
}

impl Given {
    pub(super) fn new(to: &ClientKey, first: Sequence) -> Self {
        Self { key: hex(to), first_sequence: first.get() }
    }

    pub(super) fn read(&self) -> Option<(ClientKey, Sequence)> {
        Some((unhex(&self.key)?, Sequence::new(self.first_sequence)))
    }
}

fn hex(key: &ClientKey) -> String {
    key.expose().iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"))
}

fn unhex(text: &str) -> Option<ClientKey> {
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    let mut bits = [0; 32];
    for (byte, at) in bits.iter_mut().zip((0..64).step_by(2)) {
        *byte = u8::from_str_radix(&text[at..at + 2], 16).ok()?;
    }
    Some(ClientKey::new(bits))
}

impl Entry {
    pub(super) fn new(listener: &ListenerUrl, code: Option<Code>, key: &ClientKey, now: Timestamp) -> Self {
        let (began_unix_us, alive_unix_us) = (now.unix_us(), now.unix_us());
        Self {
            listener: listener.to_string(),
            code: code.map(|code| code.to_string()),
            key: hex(key),
            began_unix_us,
            alive_unix_us,
            agreed: false,
            session: None,
            shown_code: None,
            over: false,
            alone: false,
            given: None,
        }
    }

    /// Tells whether a run with this listener and code goes on with it.
    pub(super) fn is_gone_on_with(&self, listener: &ListenerUrl, code: Option<Code>, now: Timestamp) -> bool {
        let same = self.listener == listener.to_string() && self.code == code.map(|code| code.to_string());
        let lives = if code.is_some() { self.is_deliverable(now) } else { self.is_fresh(now) };
        same && lives && !self.over && !self.alone
    }

    /// Tells whether somebody may be about to go on with it.
    pub(super) fn is_fresh(&self, now: Timestamp) -> bool {
        !self.over && !self.alone && now.since(Timestamp::from_unix_us(self.alive_unix_us)) < KEY_LIVES
    }

    pub(super) fn is_deliverable(&self, now: Timestamp) -> bool {
        now.since(Timestamp::from_unix_us(self.alive_unix_us)) < DELIVERABLE
    }

    pub(super) const fn began(&self) -> Timestamp {
        Timestamp::from_unix_us(self.began_unix_us)
    }

    pub(super) fn code(&self) -> Option<Code> {
        self.code.as_ref().or(self.shown_code.as_ref())?.parse().ok()
    }

    pub(super) fn session(&self) -> Option<SessionId> {
        self.session.as_ref()?.parse().ok()
    }

    pub(super) fn key(&self) -> Option<ClientKey> {
        unhex(&self.key)
    }
}

pub(super) fn read_entry(file: &mut File) -> Option<Entry> {
    let mut text = String::new();
    file.rewind().ok()?;
    file.read_to_string(&mut text).ok()?;
    serde_json::from_str(&text).ok()
}

pub(super) fn write_entry(file: &mut File, entry: &Entry) -> io::Result<()> {
    let mut text = serde_json::to_vec(entry)?;
    text.resize(text.len().next_multiple_of(BLOCK_BYTES), b' ');
    file.rewind()?;
    file.write_all(&text)?;
    file.set_len(text.len() as u64)?;
    file.sync_all()
}
