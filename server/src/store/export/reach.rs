//! How far BigQuery's copy reaches, for whoever reads history there: what is not there must not be taken for nothing.

use cnc_model::Timestamp;
use rusqlite::Connection;

use crate::store::error::Fault;

/// Up to how many sessions are counted, and looked at for the oldest sample that is not there.
const MOST_SESSIONS: u32 = 1_000;
/// The most removed sessions that are named, some megabytes of a question. They go within two hours; so many wait only
/// where the right to delete is missing for long, which operators are told.
const MOST_REMOVED: u32 = 100_000;

/// How far the copy reaches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reach {
    /// What was measured before this time is there.
    pub complete_until: Timestamp,
    /// Sessions of which something is still to come; a thousand for that many or more.
    pub sessions_behind: u32,
    /// Sessions that never come, as nobody of staff took them up, or not wholly, as rows were refused; a thousand for
    /// that many or more.
    pub sessions_left_out: u32,
    /// Sessions that are removed here and still there.
    pub removed: Vec<String>,
}

pub(crate) fn read(connection: &Connection, now: Timestamp) -> Result<Reach, Fault> {
    let count = |sql: &str| connection.prepare_cached(sql)?.query_row((), |row| row.get::<_, u32>(0));
    let behind = count(&format!(
        "SELECT count(*) FROM (SELECT session_id FROM sessions INDEXED BY sessions_unexported
            WHERE claimed = 1 AND stored_sequence > exported_sequence
         UNION SELECT session_id FROM export_rows INDEXED BY export_rows_waiting WHERE version > exported_version
         LIMIT {MOST_SESSIONS})"
    ))?;
    let left_out = count(&format!(
        "SELECT count(*) FROM (SELECT session_id FROM sessions WHERE claimed = 0 AND stored_sequence > 0
         UNION SELECT session_id FROM export_set_aside WHERE kind <> 'findings' LIMIT {MOST_SESSIONS})"
    ))?;
    let mut statement = connection.prepare_cached(
        "SELECT session_id FROM removals WHERE place = 'bigquery' AND state = 'waiting' AND what = 'session'
         ORDER BY removal_id DESC LIMIT ?1",
    )?;
    let removed = statement.query_map([MOST_REMOVED], |row| row.get(0))?.collect::<Result<_, _>>()?;
    let oldest = [oldest_sample(connection)?, oldest_test(connection)?].into_iter().flatten().min();
    let complete_until = oldest.map_or(now, |oldest| Timestamp::from_unix_us(oldest).min(now));
    Ok(Reach { complete_until, sessions_behind: behind, sessions_left_out: left_out, removed })
}

/// Gives when the first sample that is not there was observed, of the sessions that were made first.
fn oldest_sample(connection: &Connection) -> Result<Option<i64>, rusqlite::Error> {
    connection
        .prepare_cached(
            "SELECT min(coalesce(t.started_us, t.issued_us, s.created_us) + x.at_us) FROM
                (SELECT session_id, exported_sequence, created_us FROM sessions INDEXED BY sessions_unexported
                 WHERE claimed = 1 AND stored_sequence > exported_sequence ORDER BY session_id LIMIT ?1) s
             JOIN samples x ON x.session_id = s.session_id AND x.sequence = (SELECT min(sequence) FROM samples
                WHERE samples.session_id = s.session_id AND sequence > s.exported_sequence)
             LEFT JOIN tests t ON t.session_id = x.session_id AND t.test_id = x.test_id",
        )?
        .query_row([MOST_SESSIONS], |row| row.get(0))
}

/// Gives when the first test began whose figures are not there as they are now.
fn oldest_test(connection: &Connection) -> Result<Option<i64>, rusqlite::Error> {
    connection
        .prepare_cached(
            "SELECT min(coalesce(t.started_us, t.issued_us)) FROM
                (SELECT session_id, item_id FROM export_rows INDEXED BY export_rows_waiting
                 WHERE version > exported_version AND kind = 'tests' LIMIT ?1) r
             JOIN tests t ON t.session_id = r.session_id AND t.test_id = r.item_id",
        )?
        .query_row([MOST_SESSIONS], |row| row.get(0))
}
