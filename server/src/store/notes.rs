//! What staff note about a session. Notes are added, never changed, and go with their session.

use cnc_model::{SessionId, Timestamp};
use cnc_proto::support::Note;
use rusqlite::Connection;

use super::error::Fault;

pub(super) fn insert(connection: &Connection, session: SessionId, note: &Note) -> Result<(), rusqlite::Error> {
    let Note { at, who, text } = note;
    connection
        .prepare_cached("INSERT INTO notes (session_id, at_us, who, note) VALUES (?1, ?2, ?3, ?4)")?
        .execute((session.to_string(), at.unix_us(), who, text))?;
    Ok(())
}

/// Gives the latest notes of a session, the oldest of them first.
pub(super) fn of(connection: &Connection, session: SessionId, limit: u32) -> Result<Vec<Note>, Fault> {
    let mut statement = connection.prepare_cached(
        "SELECT * FROM (SELECT * FROM notes WHERE session_id = ?1 ORDER BY note_id DESC LIMIT ?2) ORDER BY note_id",
    )?;
    let read = |row: &rusqlite::Row<'_>| {
        Ok(Note { at: Timestamp::from_unix_us(row.get("at_us")?), who: row.get("who")?, text: row.get("note")? })
    };
    let rows = statement.query_map((session.to_string(), limit), read)?;
    Ok(rows.collect::<Result<_, _>>()?)
}
