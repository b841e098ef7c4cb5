//! When a session's client was away. An absence is stored when it begins and again when it ends.

use cnc_model::Timestamp;
use cnc_model::session::Absence;
use rusqlite::Connection;

use super::error::Fault;

pub(super) fn store(connection: &Connection, session: &str, absence: Absence) -> Result<(), rusqlite::Error> {
    let Absence { from, until } = absence;
    connection
        .prepare_cached("INSERT OR REPLACE INTO absences (session_id, from_us, until_us) VALUES (?1, ?2, ?3)")?
        .execute((session, from.unix_us(), until.map(Timestamp::unix_us)))?;
    Ok(())
}

/// Gives a session's, the first first.
pub(super) fn of(connection: &Connection, session: &str) -> Result<Vec<Absence>, Fault> {
    let mut statement =
        connection.prepare_cached("SELECT from_us, until_us FROM absences WHERE session_id = ?1 ORDER BY from_us")?;
    let read = |row: &rusqlite::Row<'_>| {
        let until: Option<i64> = row.get("until_us")?;
        Ok(Absence { from: Timestamp::from_unix_us(row.get("from_us")?), until: until.map(Timestamp::from_unix_us) })
    };
    let rows = statement.query_map([session], read)?;
    Ok(rows.collect::<Result<_, _>>()?)
}
