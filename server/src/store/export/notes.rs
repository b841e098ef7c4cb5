//! What is noted of the export, each in one transaction of the writer's.

use cnc_model::Timestamp;
use rusqlite::{Connection, OptionalExtension, named_params};

use super::{Kind, Range};
use crate::store::error::Fault;
use crate::store::removals::{self, Tried, What};

/// A batch that is about to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Begin {
    /// Its table.
    pub kind: Kind,
    /// The stream.
    pub stream: String,
    /// The offset of its first row.
    pub offset: i64,
    /// How many rows it has.
    pub rows: i64,
    /// Where they are from.
    pub ranges: Vec<Range>,
    /// Rows that cannot be sent.
    pub set_aside: Vec<SetAside>,
    /// When.
    pub at: Timestamp,
}

/// A batch that has arrived, or that had nothing to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct End {
    /// Its table.
    pub kind: Kind,
    /// What BigQuery has now.
    pub ranges: Vec<Range>,
    /// How many rows of it were sent.
    pub rows: i64,
    /// How many rows the stream has now; `None` where it is not to be gone on with.
    pub next_offset: Option<i64>,
    /// Rows that cannot be sent.
    pub set_aside: Vec<SetAside>,
    /// When.
    pub at: Timestamp,
}

/// A row that BigQuery does not take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetAside {
    /// Which of the batch's ranges it belongs to.
    pub range: usize,
    /// Its sequence; else its version.
    pub number: i64,
    /// Why.
    pub reason: String,
}

/// What the writer is asked to note.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ExportNote {
    /// Where everything goes. Another place than before gets everything again.
    Adopt(String),
    /// A table has a new stream.
    Stream(Kind, String),
    Begin(Begin),
    End(End),
    /// The batch on its way was refused as a whole, or only some of its rows were: it is put together anew.
    Refused {
        kind: Kind,
        ranges: Vec<Range>,
        set_aside: Vec<SetAside>,
        at: Timestamp,
    },
    /// A batch that did not arrive goes to another stream.
    Move {
        kind: Kind,
        stream: String,
    },
    /// Whether BigQuery lacks something may have changed without a batch.
    Looked(Timestamp),
    /// What is to be removed at BigQuery was tried.
    RemovalsTried(Tried),
}

impl ExportNote {
    /// Tells whether something is at BigQuery that was not, or needs not be any more.
    pub(crate) const fn is_arrival(&self) -> bool {
        match self {
            Self::End(_) => true,
            Self::Adopt(_)
            | Self::Stream(..)
            | Self::Begin(_)
            | Self::Refused { .. }
            | Self::Move { .. }
            | Self::Looked(_)
            | Self::RemovalsTried(_) => false,
        }
    }
}

/// Notes it.
pub(crate) fn apply(connection: &Connection, note: &ExportNote) -> Result<(), rusqlite::Error> {
    match note {
        ExportNote::Adopt(place) => adopt(connection, place),
        ExportNote::Stream(kind, stream) => new_stream(connection, *kind, stream),
        ExportNote::Begin(begin) => begun(connection, begin),
        ExportNote::End(end) => ended(connection, end),
        ExportNote::Refused { kind, ranges, set_aside, at } => {
            put_aside(connection, *kind, ranges, set_aside, *at)?;
            drop_batch(connection, *kind)
        }
        ExportNote::Move { kind, stream } => {
            new_stream(connection, *kind, stream)?;
            connection
                .prepare_cached("UPDATE export_batches SET stream = ?2, first_offset = 0 WHERE kind = ?1")?
                .execute((kind.word(), stream))
                .map(drop)
        }
        ExportNote::Looked(at) => looked(connection, *at),
        ExportNote::RemovalsTried(tried) => removals::tried(connection, tried),
    }
}

fn adopt(connection: &Connection, place: &str) -> Result<(), rusqlite::Error> {
    let before: Option<String> =
        connection.query_row("SELECT place FROM export_state", (), |row| row.get(0)).optional()?;
    if before.as_deref() == Some(place) {
        return Ok(());
    }
    connection.execute("DELETE FROM export_batches", ())?;
    connection.execute("DELETE FROM export_streams", ())?;
    if before.is_some() {
        connection.execute("UPDATE sessions SET exported_sequence = 0 WHERE exported_sequence > 0", ())?;
        connection.execute("UPDATE export_rows SET exported_version = 0 WHERE exported_version > 0", ())?;
        connection.execute("DELETE FROM export_set_aside", ())?;
    }
    let sql = "INSERT OR REPLACE INTO export_state (one, place) VALUES (1, ?1)";
    connection.execute(sql, [place]).map(drop)
}

fn new_stream(connection: &Connection, kind: Kind, stream: &str) -> Result<(), rusqlite::Error> {
    let sql = "INSERT OR REPLACE INTO export_streams (kind, stream, next_offset) VALUES (?1, ?2, 0)";
    connection.prepare_cached(sql)?.execute((kind.word(), stream)).map(drop)
}

fn begun(connection: &Connection, begin: &Begin) -> Result<(), rusqlite::Error> {
    let Begin { kind, stream, offset, rows, ranges, set_aside, at } = begin;
    drop_batch(connection, *kind)?;
    connection
        .prepare_cached(
            "INSERT INTO export_batches (kind, stream, first_offset, row_count, begun_us) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute((kind.word(), stream, offset, rows, at.unix_us()))?;
    let mut insert = connection.prepare_cached(
        "INSERT INTO export_ranges (kind, ordinal, session_id, item_id, first, last) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    for (ordinal, Range { session, item, first, last }) in (0_i64..).zip(ranges) {
        insert.execute((kind.word(), ordinal, session, item, first, last))?;
    }
    put_aside(connection, *kind, ranges, set_aside, *at)?;
    connection
        .prepare_cached("UPDATE export_state SET behind_since_us = coalesce(behind_since_us, ?1)")?
        .execute([at.unix_us()])
        .map(drop)
}

fn drop_batch(connection: &Connection, kind: Kind) -> Result<(), rusqlite::Error> {
    connection.prepare_cached("DELETE FROM export_batches WHERE kind = ?1")?.execute([kind.word()]).map(drop)
}

fn ended(connection: &Connection, end: &End) -> Result<(), rusqlite::Error> {
    let End { kind, ranges, rows, next_offset, set_aside, at } = end;
    put_aside(connection, *kind, ranges, set_aside, *at)?;
    for range in ranges {
        match kind {
            Kind::Samples => connection
                .prepare_cached(
                    "UPDATE sessions SET exported_sequence = max(exported_sequence, ?2) WHERE session_id = ?1",
                )?
                .execute((&range.session, range.last))?,
            Kind::Sessions | Kind::Tests | Kind::Findings => connection
                .prepare_cached(
                    "UPDATE export_rows SET exported_version = max(exported_version, :version)
                     WHERE kind = :kind AND session_id = :session AND item_id = :item",
                )?
                .execute(named_params! {
                    ":version": range.last, ":kind": kind.word(), ":session": range.session, ":item": range.item,
                })?,
        };
    }
    match next_offset {
        Some(next) => connection
            .prepare_cached("UPDATE export_streams SET next_offset = ?2 WHERE kind = ?1")?
            .execute((kind.word(), next))?,
        None => connection.prepare_cached("DELETE FROM export_streams WHERE kind = ?1")?.execute([kind.word()])?,
    };
    drop_batch(connection, *kind)?;
    connection.prepare_cached("UPDATE export_state SET exported_rows = exported_rows + ?1")?.execute([rows])?;
    let sql = format!("UPDATE export_state SET behind_since_us = CASE WHEN {LACKS} THEN behind_since_us END");
    connection.prepare_cached(&sql)?.execute(()).map(drop)
}

/// Whether BigQuery lacks something, in SQL.
const LACKS: &str = "(EXISTS (SELECT 1 FROM sessions INDEXED BY sessions_unexported
        WHERE claimed = 1 AND stored_sequence > exported_sequence)
    OR EXISTS (SELECT 1 FROM export_rows INDEXED BY export_rows_waiting WHERE version > exported_version))";

/// Tells whether BigQuery lacks something, and whether it is noted since when.
pub(crate) fn look(connection: &Connection) -> Result<(bool, bool), Fault> {
    let sql = format!("SELECT {LACKS}, behind_since_us IS NOT NULL FROM export_state");
    let found = connection.prepare_cached(&sql)?.query_row((), |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    // Before there is an exporter nothing is to go anywhere.
    Ok(found.unwrap_or_default())
}

fn looked(connection: &Connection, at: Timestamp) -> Result<(), rusqlite::Error> {
    let sql =
        format!("UPDATE export_state SET behind_since_us = CASE WHEN {LACKS} THEN coalesce(behind_since_us, ?1) END");
    connection.prepare_cached(&sql)?.execute([at.unix_us()]).map(drop)
}

fn put_aside(
    connection: &Connection,
    kind: Kind,
    ranges: &[Range],
    set_aside: &[SetAside],
    at: Timestamp,
) -> Result<(), rusqlite::Error> {
    for SetAside { range, number, reason } in set_aside {
        let Some(Range { session, item, .. }) = ranges.get(*range) else { continue };
        // A session that was removed meanwhile has nothing to be set aside.
        connection
            .prepare_cached(
                "INSERT OR IGNORE INTO export_set_aside (kind, session_id, item_id, number, reason, at_us)
                 SELECT ?1, session_id, ?3, ?4, ?5, ?6 FROM sessions WHERE session_id = ?2",
            )?
            .execute((kind.word(), session, item, number, reason, at.unix_us()))?;
    }
    Ok(())
}

/// Notes that a session, or its samples, are gone here and must go there, where there is an exporter that may have sent
/// something of it; tells whether there is.
pub(crate) fn removed(
    connection: &Connection,
    session: &str,
    what: What,
    at: Timestamp,
) -> Result<bool, rusqlite::Error> {
    connection
        .prepare_cached(
            "INSERT INTO removals (place, dataset, session_id, what, asked_us, due_us)
             SELECT 'bigquery', export_state.place, session_id, ?2, ?3, ?3 FROM sessions, export_state
             WHERE session_id = ?1 AND claimed = 1 ON CONFLICT DO NOTHING",
        )?
        .execute((session, what.word(), at.unix_us()))
        .map(|noted| noted > 0)
}
