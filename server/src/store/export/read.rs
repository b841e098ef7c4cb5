//! Reading what is left to export, in bounded pieces.

use std::collections::HashSet;

use rusqlite::{Connection, OptionalExtension, Row};

use super::{Column, Encode, Gathered, InFlight, Kind, Most, Position, Range, ReadRow, SetAside, Table};
use crate::store::error::Fault;

/// Reads what BigQuery does not have yet, up to a bound.
pub(crate) fn gather(connection: &Connection, kind: Kind, most: Most, encode: Encode) -> Result<Gathered, Fault> {
    let mut reading = Reading { kind, most, encode, bytes: 0, gathered: Gathered::default() };
    match kind {
        Kind::Samples => reading.new_samples(connection)?,
        Kind::Sessions | Kind::Tests | Kind::Findings => reading.new_versions(connection)?,
    }
    Ok(reading.gathered)
}

/// Reads again what a batch on its way holds. Rows that changed meanwhile come as they are now, under their new version;
/// those that were removed do not come.
pub(crate) fn read_again(
    connection: &Connection,
    kind: Kind,
    ranges: &[Range],
    encode: Encode,
) -> Result<Gathered, Fault> {
    let most = Most { rows: usize::MAX, bytes: usize::MAX };
    let mut reading = Reading { kind, most, encode, bytes: 0, gathered: Gathered::default() };
    for range in ranges {
        match kind {
            Kind::Samples => {
                reading.samples(connection, range.clone())?;
            }
            Kind::Sessions | Kind::Tests | Kind::Findings => reading.version(connection, range)?,
        }
    }
    Ok(reading.gathered)
}

/// Reads where a table stands.
pub(crate) fn in_flight(connection: &Connection, kind: Kind) -> Result<Position, Fault> {
    let stream = connection
        .prepare_cached("SELECT stream, next_offset FROM export_streams WHERE kind = ?1")?
        .query_row([kind.word()], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let batch = connection
        .prepare_cached("SELECT stream, first_offset, row_count FROM export_batches WHERE kind = ?1")?
        .query_row([kind.word()], |row| {
            Ok(InFlight { stream: row.get(0)?, offset: row.get(1)?, rows: row.get(2)?, ranges: Vec::new() })
        })
        .optional()?;
    let in_flight = match batch {
        None => None,
        Some(batch) => Some(InFlight { ranges: ranges(connection, kind)?, ..batch }),
    };
    Ok(Position { stream, in_flight })
}

fn ranges(connection: &Connection, kind: Kind) -> Result<Vec<Range>, Fault> {
    let sql = "SELECT session_id, item_id, first, last FROM export_ranges WHERE kind = ?1 ORDER BY ordinal";
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map([kind.word()], |row| {
        Ok(Range { session: row.get(0)?, item: row.get(1)?, first: row.get(2)?, last: row.get(3)? })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Tells whether BigQuery has all of a session up to an item, or never gets it.
pub(crate) fn is_exported(connection: &Connection, session: &str, through: i64) -> Result<bool, Fault> {
    let left: Option<bool> = connection
        .prepare_cached(
            "SELECT claimed = 1 AND (exported_sequence < ?2 OR EXISTS
                (SELECT 1 FROM export_rows r WHERE r.session_id = s.session_id AND version > exported_version))
             FROM sessions s WHERE session_id = ?1",
        )?
        .query_row((session, through), |row| row.get(0))
        .optional()?;
    Ok(!left.unwrap_or(false))
}

struct Reading {
    kind: Kind,
    most: Most,
    encode: Encode,
    bytes: usize,
    gathered: Gathered,
}

impl Reading {
    fn is_full(&self) -> bool {
        self.gathered.rows.len() >= self.most.rows || self.bytes >= self.most.bytes
    }

    /// Takes up sessions, the oldest first, until there is enough.
    fn new_samples(&mut self, connection: &Connection) -> Result<(), Fault> {
        let mut sessions = connection.prepare_cached(
            "SELECT session_id, exported_sequence, stored_sequence FROM sessions INDEXED BY sessions_unexported
             WHERE claimed = 1 AND stored_sequence > exported_sequence ORDER BY session_id",
        )?;
        let mut sessions = sessions.query(())?;
        while !self.is_full()
            && let Some(row) = sessions.next()?
        {
            let exported: i64 = row.get(1)?;
            let range = Range { session: row.get(0)?, item: 0, first: exported + 1, last: row.get(2)? };
            let last = self.samples(connection, range)?;
            if let Some(range) = self.gathered.ranges.last_mut() {
                range.last = last;
            }
        }
        Ok(())
    }

    /// Takes up a session's samples; gives the last item that is covered.
    fn samples(&mut self, connection: &Connection, range: Range) -> Result<i64, Fault> {
        let set_aside = set_aside(connection, self.kind, &range.session)?;
        let sql = select(self.kind, "x.session_id = ?1 AND x.sequence BETWEEN ?2 AND ?3 ORDER BY x.sequence");
        let mut statement = connection.prepare_cached(&sql)?;
        let mut rows = statement.query((&range.session, range.first, range.last))?;
        let mut covered = range.last;
        self.gathered.ranges.push(range);
        while let Some(row) = rows.next()? {
            let number: i64 = row.get("number_of_row")?;
            if self.is_full() {
                covered = number - 1;
                break;
            }
            if !set_aside.contains(&number) {
                self.take(row, number);
            }
        }
        Ok(covered)
    }

    fn new_versions(&mut self, connection: &Connection) -> Result<(), Fault> {
        // By its own index: what has been exported is most of the table.
        let sql = select(self.kind, "r.version > r.exported_version ORDER BY r.session_id, r.item_id");
        let sql = sql.replace("FROM export_rows r", "FROM export_rows r INDEXED BY export_rows_waiting");
        let mut statement = connection.prepare_cached(&sql)?;
        let mut rows = statement.query(())?;
        while !self.is_full()
            && let Some(row) = rows.next()?
        {
            self.take_version(connection, row)?;
        }
        Ok(())
    }

    fn version(&mut self, connection: &Connection, range: &Range) -> Result<(), Fault> {
        let sql = select(self.kind, "r.session_id = ?1 AND r.item_id = ?2");
        let mut statement = connection.prepare_cached(&sql)?;
        let mut rows = statement.query((&range.session, range.item))?;
        match rows.next()? {
            Some(row) => self.take_version(connection, row)?,
            None => self.gathered.ranges.push(range.clone()),
        }
        Ok(())
    }

    fn take_version(&mut self, connection: &Connection, row: &Row<'_>) -> Result<(), Fault> {
        let number: i64 = row.get("number_of_row")?;
        let range =
            Range { session: row.get("session_of_row")?, item: row.get("item_of_row")?, first: number, last: number };
        let is_set_aside = connection
            .prepare_cached(
                "SELECT 1 FROM export_set_aside WHERE kind = ?1 AND session_id = ?2 AND item_id = ?3 AND number = ?4",
            )?
            .exists((self.kind.word(), &range.session, range.item, number))?;
        self.gathered.ranges.push(range);
        if !is_set_aside {
            self.take(row, number);
        }
        Ok(())
    }

    fn take(&mut self, row: &Row<'_>, number: i64) {
        let range = self.gathered.ranges.len().saturating_sub(1);
        match (self.encode)(self.kind.table(), row) {
            Ok(bytes) => {
                self.bytes += bytes.len();
                self.gathered.rows.push(ReadRow { bytes, range, number });
            }
            Err(reason) => self.gathered.unreadable.push(SetAside { range, number, reason }),
        }
    }
}

fn set_aside(connection: &Connection, kind: Kind, session: &str) -> Result<HashSet<i64>, Fault> {
    let sql = "SELECT number FROM export_set_aside WHERE kind = ?1 AND session_id = ?2";
    let mut statement = connection.prepare_cached(sql)?;
    let numbers = statement.query_map((kind.word(), session), |row| row.get(0))?;
    Ok(numbers.collect::<Result<_, _>>()?)
}

/// Gives the statement that reads rows as they go out: the columns in their order, then what they are found by.
fn select(kind: Kind, which: &str) -> String {
    let Table { columns, item, .. } = kind.table();
    let sources = columns.iter().map(|Column { source, .. }| *source).collect::<Vec<_>>().join(", ");
    let name = kind.word();
    match kind {
        Kind::Samples => format!(
            "SELECT {sources}, x.sequence AS number_of_row FROM samples x JOIN sessions s USING (session_id)
             LEFT JOIN tests t ON t.session_id = x.session_id AND t.test_id = x.test_id WHERE {which}"
        ),
        Kind::Sessions | Kind::Tests | Kind::Findings => format!(
            "SELECT {sources}, r.version AS number_of_row, r.session_id AS session_of_row, r.item_id AS item_of_row
             FROM export_rows r JOIN sessions s USING (session_id)
             JOIN {name} x ON x.session_id = r.session_id AND {item} = r.item_id
             WHERE r.kind = '{name}' AND {which}"
        ),
    }
}
