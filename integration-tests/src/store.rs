//! The store as anyone with SQL sees it.

use std::path::Path;

use rusqlite::{Connection, OpenFlags};

/// Counts a session's stored samples.
///
/// # Panics
/// When the store cannot be read.
#[must_use]
pub fn samples(file: &Path, session: &str) -> usize {
    let sql = "SELECT count(*) FROM samples WHERE session_id = ?1";
    let count: i64 = open(file).query_row(sql, [session], |row| row.get(0)).expect("the samples can be counted");
    usize::try_from(count).expect("a count is not negative")
}

/// Gives the last sequence of a session's stored samples; 0 without any.
///
/// # Panics
/// When the store cannot be read.
#[must_use]
pub fn last_sample(file: &Path, session: &str) -> u64 {
    let sql = "SELECT coalesce(max(sequence), 0) FROM samples WHERE session_id = ?1";
    let last: i64 = open(file).query_row(sql, [session], |row| row.get(0)).expect("the samples can be read");
    last.unsigned_abs()
}

/// Gives what SQLite says of the file as a whole: `ok`, or what is wrong.
///
/// # Panics
/// When the store cannot be opened.
#[must_use]
pub fn integrity(file: &Path) -> String {
    open(file).query_row("PRAGMA integrity_check", (), |row| row.get(0)).expect("the store can be checked")
}

/// Lists a session's tests as kind and outcome, in the order of issue.
///
/// # Panics
/// When the store cannot be read.
#[must_use]
pub fn outcomes(file: &Path, session: &str) -> Vec<(String, Option<String>)> {
    let store = open(file);
    let sql = "SELECT kind, outcome FROM tests WHERE session_id = ?1 ORDER BY test_id";
    let mut statement = store.prepare(sql).expect("the tests can be asked for");
    let rows = statement.query_map([session], |row| Ok((row.get(0)?, row.get(1)?))).expect("the tests can be read");
    rows.collect::<Result<_, _>>().expect("each test can be read")
}

/// A throughput test as its row tells it, and what its stored samples come to.
#[derive(Debug)]
pub struct Load {
    /// What ended it.
    pub stopped_by: String,
    /// The row's bytes and time, in microseconds.
    pub told: (i64, i64),
    /// The samples' bytes and time, in microseconds.
    pub summed: (i64, i64),
    /// How many samples there are.
    pub samples: i64,
}

/// Lists a session's throughput tests in the order of issue.
///
/// # Panics
/// When the store cannot be read.
#[must_use]
pub fn loads(file: &Path, session: &str) -> Vec<Load> {
    let store = open(file);
    let sql = "SELECT t.stopped_by, t.bytes, t.duration_us, sum(s.bytes), sum(s.interval_us), count(*)
               FROM tests t JOIN samples s USING (session_id, test_id)
               WHERE t.session_id = ?1 AND t.kind IN ('download', 'upload') GROUP BY t.test_id ORDER BY t.test_id";
    let mut statement = store.prepare(sql).expect("the loads can be asked for");
    let load = |row: &rusqlite::Row<'_>| {
        Ok(Load {
            stopped_by: row.get(0)?,
            told: (row.get(1)?, row.get(2)?),
            summed: (row.get(3)?, row.get(4)?),
            samples: row.get(5)?,
        })
    };
    let rows = statement.query_map([session], load).expect("the loads can be read");
    rows.collect::<Result<_, _>>().expect("each load can be read")
}

/// Lists the sessions' ids, the oldest first.
///
/// # Panics
/// When the store cannot be read.
#[must_use]
pub fn sessions(file: &Path) -> Vec<String> {
    let store = open(file);
    let mut statement = store.prepare("SELECT session_id FROM sessions ORDER BY 1").expect("sessions can be asked for");
    let rows = statement.query_map([], |row| row.get(0)).expect("the sessions can be read");
    rows.collect::<Result<_, _>>().expect("each session can be read")
}

/// Gives a figure of a session's only test of a kind, by its column.
///
/// # Panics
/// When there is no such test, or the figure was not measured.
#[must_use]
pub fn figure(file: &Path, session: &str, kind: &str, column: &str) -> f64 {
    let sql = format!("SELECT CAST({column} AS REAL) FROM tests WHERE session_id = ?1 AND kind = ?2");
    open(file).query_row(&sql, [session, kind], |row| row.get(0)).expect("the figure was measured")
}

fn open(file: &Path) -> Connection {
    Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY).expect("the store can be opened")
}
