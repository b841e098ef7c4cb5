//! What is kept no longer, in steps that are small enough not to hold up what is being stored.

use cnc_model::{SessionId, Timestamp};
use rusqlite::{Connection, OptionalExtension};

use super::error::Fault;
use super::removals::What;
use super::{StoreError, export};

/// Removes samples of one session that ended before a time, at most so many; tells how many. 0 when there are none
/// of any session. What history has not summed up yet stays until it has.
pub(super) fn thin_out(
    connection: &Connection,
    before: Timestamp,
    limit: u32,
    at: Timestamp,
) -> Result<u64, rusqlite::Error> {
    let session: Option<String> = connection
        .prepare_cached(
            "SELECT session_id FROM sessions WHERE state = 'ended' AND ended_us < ?1
                AND rolled_sequence >= stored_sequence
                AND EXISTS (SELECT 1 FROM samples WHERE samples.session_id = sessions.session_id)
             ORDER BY session_id LIMIT 1",
        )?
        .query_row([before.unix_us()], |row| row.get(0))
        .optional()?;
    let Some(session) = session else { return Ok(0) };
    export::removed(connection, &session, What::Samples, at)?;
    let removed = connection
        .prepare_cached(
            "DELETE FROM samples WHERE session_id = ?1 AND sequence <= (SELECT max(sequence) FROM
                (SELECT sequence FROM samples WHERE session_id = ?1 ORDER BY sequence LIMIT ?2))",
        )?
        .execute((session, limit))?;
    Ok(removed as u64)
}

/// Gives sessions that ended before a time, the oldest first.
pub(super) fn ended_before(connection: &Connection, before: Timestamp, limit: u32) -> Result<Vec<SessionId>, Fault> {
    let mut statement = connection.prepare_cached(
        "SELECT session_id FROM sessions WHERE state = 'ended' AND ended_us < ?1 ORDER BY session_id LIMIT ?2",
    )?;
    let mut rows = statement.query((before.unix_us(), limit))?;
    let mut sessions = vec![];
    while let Some(row) = rows.next()? {
        let id: String = row.get(0)?;
        let unreadable = || StoreError::Unreadable { table: "sessions", detail: format!("session_id is {id:?}") };
        sessions.push(id.parse().map_err(|_| unreadable())?);
    }
    Ok(sessions)
}
