//! Links by which users read their own reports: hashes of 256-bit tokens.

use cnc_model::{SessionId, Timestamp};
use rusqlite::{Connection, OptionalExtension};

use super::error::{Fault, StoreError};

/// A link to a session's report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportLink {
    /// The session.
    pub session: SessionId,
    /// SHA-256 of the token in the link.
    pub hash: [u8; 32],
    /// When it was made.
    pub created: Timestamp,
    /// The member of staff who made it; `None` for the user's own.
    pub shared_by: Option<String>,
}

pub(super) fn insert(connection: &Connection, link: &ReportLink) -> Result<(), rusqlite::Error> {
    let ReportLink { session, hash, created, shared_by } = link;
    connection.execute(
        "INSERT OR IGNORE INTO report_links (token_hash, session_id, created_us, shared_by) VALUES (?1, ?2, ?3, ?4)",
        (hash, session.to_string(), created.unix_us(), shared_by),
    )?;
    Ok(())
}

/// Gives the session whose report a token opens.
pub(super) fn session(connection: &Connection, hash: &[u8; 32]) -> Result<Option<SessionId>, Fault> {
    let id: Option<String> = connection
        .prepare_cached("SELECT session_id FROM report_links WHERE token_hash = ?1 AND revoked_us IS NULL")?
        .query_row([hash], |row| row.get(0))
        .optional()?;
    let unreadable = |_| StoreError::Unreadable { table: "report_links", detail: "session_id".into() };
    Ok(id.map(|id| id.parse().map_err(unreadable)).transpose()?)
}

/// Makes all links worthless by which staff share a session's report; tells whether there were any.
pub(super) fn unshare(connection: &Connection, session: SessionId, at: Timestamp) -> Result<bool, rusqlite::Error> {
    let changed = connection.execute(
        "UPDATE report_links SET revoked_us = ?2
         WHERE session_id = ?1 AND revoked_us IS NULL AND shared_by IS NOT NULL",
        (session.to_string(), at.unix_us()),
    )?;
    Ok(changed > 0)
}

/// Counts the links by which staff share a session's report.
pub(super) fn shared(connection: &Connection, session: SessionId) -> Result<u32, rusqlite::Error> {
    let sql =
        "SELECT count(*) FROM report_links WHERE session_id = ?1 AND revoked_us IS NULL AND shared_by IS NOT NULL";
    connection.prepare_cached(sql)?.query_row([session.to_string()], |row| row.get(0))
}
