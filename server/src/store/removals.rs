//! What was removed here and is to be removed at BigQuery: noted with the removal, kept until it is done there.

use std::time::Duration;

use cnc_model::Timestamp;
use rusqlite::Connection;

use super::error::Fault;

/// What is to be removed of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum What {
    /// All of it.
    Session,
    /// Its samples; the tests' figures stay.
    Samples,
}

impl What {
    /// Gives the word for it in columns.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::Samples => "samples",
        }
    }
}

/// Something to remove.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removal {
    /// Its number.
    pub id: i64,
    /// The session's id.
    pub session: String,
    /// The project and dataset that it is to be removed from.
    pub dataset: String,
    /// Failures so far.
    pub attempts: u32,
}

/// How an attempt at some removals went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tried {
    /// Their numbers, each with how many of its session's rows went.
    pub removals: Vec<(i64, u64)>,
    /// When.
    pub at: Timestamp,
    /// What went wrong before all of them were done, and how long to wait.
    pub failed: Option<(String, Duration)>,
}

/// Gives removals of one kind that are due in one dataset: that of the longest due.
pub(super) fn due(connection: &Connection, what: What, now: Timestamp, limit: u32) -> Result<Vec<Removal>, Fault> {
    let mut statement = connection.prepare_cached(
        "WITH due AS (SELECT * FROM removals
            WHERE place = 'bigquery' AND state = 'waiting' AND what = ?1 AND due_us <= ?2)
         SELECT removal_id, session_id, dataset, attempts FROM due
         WHERE dataset = (SELECT dataset FROM due ORDER BY due_us LIMIT 1) ORDER BY due_us LIMIT ?3",
    )?;
    let rows = statement.query_map((what.word(), now.unix_us(), limit), |row| {
        Ok(Removal { id: row.get(0)?, session: row.get(1)?, dataset: row.get(2)?, attempts: row.get(3)? })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Gives the time at which the next removal is due.
pub(super) fn next_due(connection: &Connection) -> Result<Option<Timestamp>, Fault> {
    let due: Option<i64> = connection
        .prepare_cached("SELECT min(due_us) FROM removals WHERE place = 'bigquery' AND state = 'waiting'")?
        .query_row((), |row| row.get(0))?;
    Ok(due.map(Timestamp::from_unix_us))
}

/// Notes how an attempt went. What an earlier one removed before it failed counts, too.
pub(super) fn tried(connection: &Connection, tried: &Tried) -> Result<(), rusqlite::Error> {
    let Tried { removals, at, failed } = tried;
    for (id, rows) in removals {
        let rows = i64::try_from(*rows).unwrap_or(i64::MAX);
        match failed {
            None => connection
                .prepare_cached(
                    "UPDATE removals SET state = 'done', last_error = NULL, finished_us = ?2,
                        removed_rows = coalesce(removed_rows, 0) + ?3 WHERE removal_id = ?1",
                )?
                .execute((id, at.unix_us(), rows))?,
            Some((error, pause)) => connection
                .prepare_cached(
                    "UPDATE removals SET attempts = attempts + 1, last_error = ?2, due_us = ?3,
                        removed_rows = coalesce(removed_rows, 0) + ?4 WHERE removal_id = ?1",
                )?
                .execute((id, error, at.after(*pause).unix_us(), rows))?,
        };
    }
    Ok(())
}
