//! Adds to pieces and sums, and takes away: within the writer's transaction.

use std::collections::BTreeMap;

use cnc_model::SessionId;
use cnc_proto::support::HistoryKind;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::gather::{Cursor, Rolled};
use super::unreadable;
use crate::history::VERSION;
use crate::history::fold::PieceKey;
use crate::history::tally::{Tally, Values};
use crate::store::error::Fault;

/// Stands for all destinations.
pub(super) const ALL_DESTINATIONS: &str = "";
/// Stands for all networks.
pub(super) const ALL_NETWORKS: i64 = -1;

/// What sums are to change by.
#[derive(Default)]
struct Changes(BTreeMap<(String, i64, PieceKey), Tally>);

impl Changes {
    /// Adds a piece to the sums that it belongs to.
    fn add(&mut self, key: &PieceKey, asn: i64, tally: &Tally) {
        let mut of = |destination: &str, asn| {
            let key = PieceKey { destination: String::new(), ..key.clone() };
            self.0.entry((destination.to_owned(), asn, key)).or_default().add(tally);
        };
        of(&key.destination, asn);
        of(&key.destination, ALL_NETWORKS);
        of(ALL_DESTINATIONS, asn);
    }

    fn write(self, connection: &Connection) -> Result<(), Fault> {
        for ((destination, asn, PieceKey { hour, destination: _, kind, method }), change) in self.0 {
            if change.is_empty() {
                continue;
            }
            let key = (&destination, asn, VERSION, hour, kind.word(), &method);
            let before = connection
                .prepare_cached(
                    "SELECT sent, received, spread FROM history_sums WHERE destination = ?1 AND asn = ?2
                        AND version = ?3 AND hour = ?4 AND kind = ?5 AND method = ?6",
                )?
                .query_row(key, |row| Ok(tally(row, 0, "history_sums")))
                .optional()?
                .transpose()?;
            let mut sum = before.unwrap_or_default();
            sum.add(&change);
            if sum.is_empty() {
                connection
                    .prepare_cached(
                        "DELETE FROM history_sums WHERE destination = ?1 AND asn = ?2 AND version = ?3 AND hour = ?4
                            AND kind = ?5 AND method = ?6",
                    )?
                    .execute(key)?;
                continue;
            }
            connection
                .prepare_cached(
                    "INSERT INTO history_sums (destination, asn, version, hour, kind, method, sent, received, spread)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
                     ON CONFLICT DO UPDATE SET sent = ?7, received = ?8, spread = ?9",
                )?
                .execute(params![
                    destination,
                    asn,
                    VERSION,
                    hour,
                    kind.word(),
                    method,
                    sum.count,
                    sum.received,
                    sum.values.encode(),
                ])?;
        }
        Ok(())
    }
}

/// Adds what a step came to. A session whose cursor is not where the step began, or that is gone, is passed over.
pub(in crate::store) fn apply(connection: &Connection, step: &[Rolled]) -> Result<(), Fault> {
    let mut changes = Changes::default();
    for Rolled { session, from, to, folded } in step {
        if !advance(connection, session, *from, *to)? {
            continue;
        }
        if from.asn == 0 && to.asn != 0 {
            move_to_network(connection, session, to.asn, &mut changes)?;
        }
        for (key, tally) in &folded.pieces {
            add_piece(connection, session, key, to.asn, tally)?;
            changes.add(key, to.asn, tally);
        }
        for (test, probes) in &folded.tests {
            connection
                .prepare_cached(
                    "INSERT INTO history_tests (session_id, test_id, probes) VALUES (?1, ?2, ?3)
                     ON CONFLICT DO UPDATE SET probes = ?3",
                )?
                .execute(params![session, test, probes])?;
        }
    }
    changes.write(connection)
}

/// Takes a session's part away from the sums; tells in how many hours it had one. Its rows go with the session's own.
pub(in crate::store) fn remove(connection: &Connection, session: SessionId) -> Result<u64, Fault> {
    let session = session.to_string();
    let pieces = pieces(connection, &session, None)?;
    let mut changes = Changes::default();
    for (key, asn, tally) in &pieces {
        changes.add(key, *asn, &tally.negated());
    }
    changes.write(connection)?;
    connection.prepare_cached("DELETE FROM history_pieces WHERE session_id = ?1")?.execute([&session])?;
    let mut hours: Vec<_> = pieces.iter().map(|(key, ..)| key.hour).collect();
    // They come in the order of their hours.
    hours.dedup();
    Ok(hours.len() as u64)
}

/// Moves a session's cursor, if it is where it should be.
fn advance(connection: &Connection, session: &str, from: Cursor, to: Cursor) -> Result<bool, rusqlite::Error> {
    let moved = connection
        .prepare_cached(
            "UPDATE sessions SET rolled_sequence = ?4, rolled_asn = ?5
             WHERE session_id = ?1 AND rolled_sequence = ?2 AND rolled_asn = ?3",
        )?
        .execute((session, from.sequence, from.asn, to.sequence, to.asn))?;
    Ok(moved > 0)
}

/// Moves what was summed up before a session's network was known.
fn move_to_network(connection: &Connection, session: &str, asn: i64, changes: &mut Changes) -> Result<(), Fault> {
    for (key, unknown, tally) in pieces(connection, session, Some(0))? {
        connection
            .prepare_cached(
                "DELETE FROM history_pieces WHERE session_id = ?1 AND hour = ?2 AND destination = ?3 AND kind = ?4
                    AND method = ?5 AND asn = ?6 AND version = ?7",
            )?
            .execute((session, key.hour, &key.destination, key.kind.word(), &key.method, unknown, VERSION))?;
        add_piece(connection, session, &key, asn, &tally)?;
        changes.add(&key, unknown, &tally.negated());
        changes.add(&key, asn, &tally);
    }
    Ok(())
}

fn add_piece(connection: &Connection, session: &str, key: &PieceKey, asn: i64, change: &Tally) -> Result<(), Fault> {
    let PieceKey { hour, destination, kind, method } = key;
    let before = connection
        .prepare_cached(
            "SELECT sent, received, spread FROM history_pieces WHERE session_id = ?1 AND hour = ?2
                AND destination = ?3 AND kind = ?4 AND method = ?5 AND asn = ?6 AND version = ?7",
        )?
        .query_row((session, hour, destination, kind.word(), method, asn, VERSION), |row| {
            Ok(tally(row, 0, "history_pieces"))
        })
        .optional()?
        .transpose()?;
    let mut piece = before.unwrap_or_default();
    piece.add(change);
    connection
        .prepare_cached(
            "INSERT INTO history_pieces (session_id, hour, destination, kind, method, asn, version, sent, received,
                spread)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
             ON CONFLICT DO UPDATE SET sent = ?8, received = ?9, spread = ?10",
        )?
        .execute(params![
            session,
            hour,
            destination,
            kind.word(),
            method,
            asn,
            VERSION,
            piece.count,
            piece.received,
            piece.values.encode(),
        ])?;
    Ok(())
}

/// Reads a session's pieces, of all networks or of one, in the order of their hours.
fn pieces(connection: &Connection, session: &str, asn: Option<i64>) -> Result<Vec<(PieceKey, i64, Tally)>, Fault> {
    let mut statement = connection.prepare_cached(
        "SELECT hour, destination, kind, method, asn, sent, received, spread FROM history_pieces
         WHERE session_id = ?1 AND version = ?2 AND (?3 IS NULL OR asn = ?3) ORDER BY hour",
    )?;
    let mut rows = statement.query((session, VERSION, asn))?;
    let mut pieces = vec![];
    while let Some(row) = rows.next()? {
        let kind = kind_of(&row.get::<_, String>(2)?, "history_pieces")?;
        let key = PieceKey { hour: row.get(0)?, destination: row.get(1)?, kind, method: row.get(3)? };
        pieces.push((key, row.get(4)?, tally(row, 5, "history_pieces")?));
    }
    Ok(pieces)
}

/// Reads `sent, received, spread` from a column on.
pub(super) fn tally(row: &Row<'_>, at: usize, table: &'static str) -> Result<Tally, Fault> {
    let bytes = row.get_ref(at + 2)?.as_blob().map_err(|error| unreadable(table, &error.to_string()))?;
    let values = Values::decode(bytes).map_err(|_| unreadable(table, "spread"))?;
    Ok(Tally { count: row.get(at)?, received: row.get(at + 1)?, values })
}

pub(super) fn kind_of(word: &str, table: &'static str) -> Result<HistoryKind, Fault> {
    let kind = HistoryKind::ALL.into_iter().find(|kind| kind.word() == word);
    kind.ok_or_else(|| unreadable(table, &format!("kind is {word:?}")))
}
