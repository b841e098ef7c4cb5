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
}

pub(super) fn insert(connection: &Connection, link: &ReportLink) -> Result<(), rusqlite::Error> {
    let ReportLink { session, hash, created } = link;
    connection.execute(
        "INSERT OR IGNORE INTO report_links (token_hash, session_id, created_us) VALUES (?1, ?2, ?3)",
        (hash, session.to_string(), created.unix_us()),
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
