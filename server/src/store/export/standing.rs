//! How far the export has got, for people who look after a listener.

use cnc_model::Timestamp;
use rusqlite::{Connection, OptionalExtension};

use crate::store::error::Fault;

/// How the export stands.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ExportStanding {
    /// Items and rows that BigQuery does not have yet. Items that are no samples are among them.
    pub lag_rows: u64,
    /// Since when it has not had everything.
    pub behind_since: Option<Timestamp>,
    /// Rows that it was given.
    pub exported_rows: u64,
    /// Rows that it does not take.
    pub set_aside: u64,
    /// Why it did not take the last of them.
    pub last_set_aside: Option<String>,
    /// Sessions that are to be removed there.
    pub removals_waiting: u64,
    /// Those of them that were tried in vain.
    pub removals_failing: u64,
}

pub(crate) fn read(connection: &Connection) -> Result<ExportStanding, Fault> {
    let count = |sql: &str| {
        let counted = connection.prepare_cached(sql)?.query_row((), |row| row.get::<_, Option<i64>>(0));
        counted.map(|count| count.unwrap_or(0).unsigned_abs())
    };
    let items = count(
        "SELECT sum(stored_sequence - exported_sequence) FROM sessions INDEXED BY sessions_unexported
         WHERE claimed = 1 AND stored_sequence > exported_sequence",
    )?;
    let versions = "SELECT count(*) FROM export_rows INDEXED BY export_rows_waiting WHERE version > exported_version";
    let state = connection
        .prepare_cached("SELECT exported_rows, behind_since_us FROM export_state")?
        .query_row((), |row| Ok((row.get::<_, i64>(0)?, row.get::<_, Option<i64>>(1)?)))
        .optional()?;
    let (exported, behind) = state.unwrap_or_default();
    let last = "SELECT reason FROM export_set_aside ORDER BY set_aside_id DESC LIMIT 1";
    Ok(ExportStanding {
        lag_rows: items + count(versions)?,
        behind_since: behind.map(Timestamp::from_unix_us),
        exported_rows: exported.unsigned_abs(),
        set_aside: count("SELECT count(*) FROM export_set_aside")?,
        last_set_aside: connection.prepare_cached(last)?.query_row((), |row| row.get(0)).optional()?,
        removals_waiting: count("SELECT count(*) FROM removals WHERE place = 'bigquery' AND state = 'waiting'")?,
        removals_failing: count(
            "SELECT count(*) FROM removals WHERE place = 'bigquery' AND state = 'waiting' AND attempts > 0",
        )?,
    })
}
