//! How much the record holds, and which work waits: for people who look after a listener.

use rusqlite::Connection;

/// How the record stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The file's size, in bytes, without its log.
    pub bytes: u64,
    /// Sessions.
    pub sessions: u64,
    /// Reports and other work that wait.
    pub jobs_waiting: u64,
    /// Those of them that have failed at least once.
    pub jobs_failing: u64,
    /// Why the last of those failed.
    pub last_error: Option<String>,
}

pub(super) fn read(connection: &Connection) -> Result<Standing, rusqlite::Error> {
    let count = |sql: &str| connection.query_row(sql, (), |row| row.get::<_, i64>(0)).map(i64::unsigned_abs);
    let all = "(SELECT state, attempts, due_us, last_error FROM jobs WHERE state <> 'done'
        UNION ALL SELECT state, attempts, due_us, last_error FROM documents WHERE state <> 'done')";
    let failing = format!("FROM {all} WHERE attempts > 0");
    let last = format!("SELECT max(due_us), last_error {failing}");
    Ok(Standing {
        bytes: count("PRAGMA page_count")? * count("PRAGMA page_size")?,
        sessions: count("SELECT count(*) FROM sessions")?,
        jobs_waiting: count(&format!("SELECT count(*) FROM {all}"))?,
        jobs_failing: count(&format!("SELECT count(*) {failing}"))?,
        last_error: connection.query_row(&last, (), |row| row.get(1))?,
    })
}
