//! Who did what to which session. Entries are added, never changed, and outlive their sessions.

use cnc_model::{SessionId, Timestamp};
use rusqlite::Connection;

/// One thing that staff did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// When.
    pub at: Timestamp,
    /// The staff token's name and id.
    pub who: String,
    /// What, like `issue_test`.
    pub action: &'static str,
    /// To which session, where it was to one.
    pub session: Option<SessionId>,
    /// More about it; no secrets.
    pub detail: String,
}

pub(super) fn insert(connection: &Connection, entry: &AuditEntry) -> Result<(), rusqlite::Error> {
    let AuditEntry { at, who, action, session, detail } = entry;
    connection
        .prepare_cached("INSERT INTO audit (at_us, who, action, session_id, detail) VALUES (?1, ?2, ?3, ?4, ?5)")?
        .execute((at.unix_us(), who, action, session.map(|id| id.to_string()), detail))?;
    Ok(())
}
