//! Who did what to which session. Entries are added, never changed, and outlive their sessions.

use std::num::NonZeroU64;

use cnc_model::{SessionId, Timestamp};
use rusqlite::{Connection, Row};

use super::StoreError;
use super::error::Fault;

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

/// An entry as it was stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredAudit {
    /// Counts up.
    pub id: u64,
    /// When.
    pub at: Timestamp,
    /// The staff token's name and id.
    pub who: String,
    /// What; an earlier or later version may know other words.
    pub action: String,
    /// To which session, where it was to one.
    pub session: Option<SessionId>,
    /// More about it.
    pub detail: String,
}

/// Gives entries, the newest first, of one session or all, from before an entry on.
pub(super) fn page(
    connection: &Connection,
    session: Option<SessionId>,
    before: Option<NonZeroU64>,
    limit: u32,
) -> Result<Vec<StoredAudit>, Fault> {
    let before = before.and_then(|id| i64::try_from(id.get()).ok()).unwrap_or(i64::MAX);
    let clause = if session.is_some() { "session_id = ?3" } else { "?3 IS NULL" };
    let sql = format!("SELECT * FROM audit WHERE audit_id < ?1 AND {clause} ORDER BY audit_id DESC LIMIT ?2");
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query((before, limit, session.map(|id| id.to_string())))?;
    let mut entries = vec![];
    while let Some(row) = rows.next()? {
        entries.push(read(row)?);
    }
    Ok(entries)
}

fn read(row: &Row<'_>) -> Result<StoredAudit, Fault> {
    let session: Option<String> = row.get("session_id")?;
    let unreadable = |id: &str| StoreError::Unreadable { table: "audit", detail: format!("session_id is {id:?}") };
    Ok(StoredAudit {
        id: row.get::<_, i64>("audit_id")?.unsigned_abs(),
        at: Timestamp::from_unix_us(row.get("at_us")?),
        who: row.get("who")?,
        action: row.get("action")?,
        session: session.map(|id| id.parse().map_err(|_| unreadable(&id))).transpose()?,
        detail: row.get("detail")?,
    })
}
