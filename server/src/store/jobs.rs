//! Jobs: work that an ended session still asks for, kept until it is done. Wanting one twice is wanting it once.

use std::time::Duration;

use cnc_model::{SessionId, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row};

use super::documents;
use super::error::{Fault, StoreError};

/// No job is due further ahead than this: the longest wait between attempts, twice.
const FURTHEST_DUE: Duration = Duration::from_hours(2);

/// Work to be done for a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Its number.
    pub id: i64,
    /// The session.
    pub session: SessionId,
    /// What is to be made.
    pub kind: JobKind,
    /// Counts up whenever what it is made from changes: only the newest wish can be fulfilled.
    pub wanted: i64,
    /// Failures since it was last wanted.
    pub attempts: u32,
}

/// What a job makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum JobKind {
    /// The session's report as a file.
    Report,
}

impl JobKind {
    const ALL: [Self; 1] = [Self::Report];

    /// Gives the word for it in columns.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Report => "report",
        }
    }
}

/// How an attempt at a job went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobEnd {
    /// The job as it was taken.
    pub job: Job,
    /// When the attempt ended.
    pub at: Timestamp,
    /// `None` when it is done; else what went wrong, and how long to wait before the next attempt.
    pub failure: Option<(String, Duration)>,
    /// Whether a document in Drive is to be made of what was done.
    pub document: bool,
}

/// Asks for a session's report.
pub(super) fn want_report(connection: &Connection, session: &str, at: Timestamp) -> Result<(), rusqlite::Error> {
    connection
        .prepare_cached(
            "INSERT INTO jobs (session_id, kind, state, created_us, due_us) VALUES (?1, 'report', 'waiting', ?2, ?2)
             ON CONFLICT (session_id, kind) DO UPDATE SET state = 'waiting', wanted = wanted + 1, attempts = 0,
                due_us = created_us",
        )?
        .execute((session, at.unix_us()))?;
    Ok(())
}

/// Asks again for a report that was asked for before; tells whether there was one.
pub(super) fn want_report_again(connection: &Connection, session: &str) -> Result<bool, rusqlite::Error> {
    let changed = connection
        .prepare_cached(
            "UPDATE jobs SET state = 'waiting', wanted = wanted + 1, attempts = 0, due_us = created_us
             WHERE session_id = ?1 AND kind = 'report'",
        )?
        .execute([session])?;
    Ok(changed > 0)
}

/// Notes how an attempt went, and wishes for what is to be made of it. A job that was wanted again meanwhile stays
/// waiting.
pub(super) fn end(connection: &Connection, end: &JobEnd) -> Result<(), rusqlite::Error> {
    let JobEnd { job, at, failure, document } = end;
    let changed = match failure {
        None => connection
            .prepare_cached(
                "UPDATE jobs SET state = 'done', last_error = NULL, finished_us = ?3 WHERE job_id = ?1 AND wanted = ?2",
            )?
            .execute((job.id, job.wanted, at.unix_us()))?,
        Some((error, pause)) => connection
            .prepare_cached(
                "UPDATE jobs SET attempts = attempts + 1, last_error = ?3, due_us = ?4
                 WHERE job_id = ?1 AND wanted = ?2",
            )?
            .execute((job.id, job.wanted, error, at.after(*pause).unix_us()))?,
    };
    if *document && changed > 0 {
        documents::want(connection, &job.session.to_string(), *at)?;
    }
    Ok(())
}

/// Gives the jobs that are due, the longest due first. What is due further ahead than any job ever is shows that the
/// clock was set back, and is due now.
pub(super) fn due(connection: &Connection, now: Timestamp, limit: u32) -> Result<Vec<Job>, Fault> {
    let mut statement = connection.prepare_cached(
        "SELECT job_id, session_id, kind, wanted, attempts FROM jobs
         WHERE state = 'waiting' AND (due_us <= ?1 OR due_us > ?2) ORDER BY due_us LIMIT ?3",
    )?;
    let set_back = now.after(FURTHEST_DUE).unix_us();
    let mut rows = statement.query((now.unix_us(), set_back, limit))?;
    let mut jobs = vec![];
    while let Some(row) = rows.next()? {
        jobs.push(read(row)?);
    }
    Ok(jobs)
}

/// Gives the time at which the next waiting job is due.
pub(super) fn next_due(connection: &Connection) -> Result<Option<Timestamp>, rusqlite::Error> {
    connection
        .prepare_cached("SELECT due_us FROM jobs WHERE state = 'waiting' ORDER BY due_us LIMIT 1")?
        .query_row((), |row| row.get(0).map(Timestamp::from_unix_us))
        .optional()
}

fn read(row: &Row<'_>) -> Result<Job, Fault> {
    let unreadable = |detail: String| Fault::Told(StoreError::Unreadable { table: "jobs", detail });
    let session: String = row.get("session_id")?;
    let kind: String = row.get("kind")?;
    Ok(Job {
        id: row.get("job_id")?,
        session: session.parse().map_err(|_| unreadable(format!("session_id is {session:?}")))?,
        kind: JobKind::ALL
            .into_iter()
            .find(|known| known.word() == kind)
            .ok_or_else(|| unreadable(format!("kind is {kind:?}")))?,
        wanted: row.get("wanted")?,
        attempts: row.get("attempts")?,
    })
}
