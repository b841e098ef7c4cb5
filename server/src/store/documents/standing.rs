//! How documents in Drive stand, for people who look after a listener.

use cnc_model::Timestamp;
use rusqlite::{Connection, OptionalExtension};

/// How documents in Drive stand.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DocumentsStanding {
    /// Documents that are to be made, or made again.
    pub waiting: u64,
    /// Documents of deleted sessions that are to be removed.
    pub removals_waiting: u64,
    /// Those of both that were tried in vain, by the kind of the last failure.
    pub failing: Vec<(String, u64)>,
    /// Since when the one has been waiting that has done so for the longest.
    pub oldest: Option<Timestamp>,
    /// Why the last attempt in vain failed.
    pub last_error: Option<String>,
}

pub(in crate::store) fn read(connection: &Connection) -> Result<DocumentsStanding, rusqlite::Error> {
    let mut standing = DocumentsStanding::default();
    let (waiting, removing, oldest) = connection
        .prepare_cached(
            "SELECT count(*) FILTER (WHERE state = 'waiting'), count(*) FILTER (WHERE state = 'removing'),
                min(coalesce(waiting_us, created_us)) FROM documents WHERE state <> 'done'",
        )?
        .query_row((), |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, row.get::<_, Option<i64>>(2)?)))?;
    standing.waiting = waiting.unsigned_abs();
    standing.removals_waiting = removing.unsigned_abs();
    standing.oldest = oldest.map(Timestamp::from_unix_us);
    let mut failing = connection.prepare_cached(
        "SELECT coalesce(failure, 'unknown'), count(*) FROM documents WHERE state <> 'done' AND attempts > 0
         GROUP BY 1 ORDER BY 1",
    )?;
    let counted = failing.query_map((), |row| Ok((row.get(0)?, row.get::<_, i64>(1)?.unsigned_abs())))?;
    standing.failing = counted.collect::<Result<_, _>>()?;
    standing.last_error = connection
        .prepare_cached(
            "SELECT last_error FROM documents WHERE state <> 'done' AND attempts > 0 ORDER BY due_us DESC LIMIT 1",
        )?
        .query_row((), |row| row.get(0))
        .optional()?
        .flatten();
    Ok(standing)
}
