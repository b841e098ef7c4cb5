//! Reads what is not summed up yet, and folds it. Nothing is changed here.

use std::num::NonZeroU32;

use cnc_proto::support::HistoryKind;
use rusqlite::{Connection, OptionalExtension as _, Row};

use super::{TO_ROLL, unreadable, view};
use crate::history::fold::{Fate, Fold, Folded, PieceKey, PingAbout, Probe, ping_kind};
use crate::history::hour_of;
use crate::store::blob;
use crate::store::error::Fault;

/// What a step read of a session, and from where to where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::store) struct Rolled {
    pub(super) session: String,
    pub(super) from: Cursor,
    pub(super) to: Cursor,
    pub(super) folded: Folded,
}

/// How far a session is summed up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cursor {
    pub(super) sequence: i64,
    /// The network that it counts for; 0 where that is not known.
    pub(super) asn: i64,
}

impl Rolled {
    /// Tells how many rows it changes, roughly.
    pub(in crate::store) fn rows(&self) -> usize {
        1 + 4 * self.folded.pieces.len() + self.folded.tests.len()
    }
}

/// What a step read.
pub(super) struct Gathered {
    pub(super) rolled: Vec<Rolled>,
    /// The last session that nothing is left of.
    pub(super) after: Option<String>,
}

/// Reads at most so many samples of at most so many sessions behind one.
pub(super) fn gather(
    connection: &Connection,
    mut after: Option<String>,
    samples: usize,
    sessions: usize,
) -> Result<Gathered, Fault> {
    let view = view(connection)?;
    let mut left = samples;
    let mut rolled = vec![];
    for (session, from, to) in due(&view, after.as_deref(), sessions)? {
        if left == 0 {
            break;
        }
        let mut reading = Reading { connection: &view, session: &session, fold: Fold::default(), read: 0 };
        let last = reading.samples(from.sequence, to.sequence, left)?;
        left -= reading.read;
        let is_through = last.is_none();
        if is_through {
            reading.loads()?;
        }
        let folded = reading.fold.finish();
        let to = Cursor { sequence: last.unwrap_or(to.sequence), ..to };
        if is_through {
            after = Some(session.clone());
        }
        rolled.push(Rolled { session, from, to, folded });
    }
    Ok(Gathered { rolled, after })
}

fn due(
    connection: &Connection,
    after: Option<&str>,
    limit: usize,
) -> Result<Vec<(String, Cursor, Cursor)>, rusqlite::Error> {
    let sql = format!(
        "SELECT session_id, rolled_sequence, rolled_asn, stored_sequence, coalesce(asn, 0) FROM sessions
         WHERE {TO_ROLL} AND session_id > ?1 ORDER BY session_id LIMIT ?2"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let cursor = |row: &Row<'_>, at| Ok::<_, rusqlite::Error>(Cursor { sequence: row.get(at)?, asn: row.get(at + 1)? });
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows =
        statement.query_map((after.unwrap_or(""), limit), |row| Ok((row.get(0)?, cursor(row, 1)?, cursor(row, 3)?)))?;
    rows.collect()
}

/// One session being read.
struct Reading<'a> {
    connection: &'a Connection,
    session: &'a str,
    fold: Fold,
    read: usize,
}

impl Reading<'_> {
    /// Reads samples behind one and up to another, at most so many; gives the last one where there may be more.
    fn samples(&mut self, after: i64, through: i64, limit: usize) -> Result<Option<i64>, Fault> {
        let mut statement = self.connection.prepare_cached(
            "SELECT sequence, test_id, kind = 'ping', at_us, outcome, number, rtt_us FROM samples
             WHERE session_id = ?1 AND sequence > ?2 AND sequence <= ?3 ORDER BY sequence LIMIT ?4",
        )?;
        let most = i64::try_from(limit).unwrap_or(i64::MAX);
        let mut rows = statement.query((self.session, after, through, most))?;
        let mut last = None;
        while let Some(row) = rows.next()? {
            self.read += 1;
            last = Some(row.get(0)?);
            if row.get(2)? {
                self.probe(row)?;
            }
        }
        Ok(last.filter(|_| self.read == limit))
    }

    fn probe(&mut self, row: &Row<'_>) -> Result<(), Fault> {
        let test: u32 = row.get(1)?;
        if !self.fold.knows(test) {
            self.meet(test)?;
        }
        let rtt_us = || row.get::<_, Option<i64>>(6);
        let outcome = row.get_ref(4)?;
        let fate = match outcome.as_str().unwrap_or_default() {
            "reply" => Fate::Replied { rtt_us: rtt_us()?.map_or(0, i64::unsigned_abs) },
            "lost" | "unreachable" => Fate::Lost,
            "error" => Fate::NotSent,
            "late" => Fate::Late,
            // Somebody meddled with it; who reads the samples is told.
            _ => return Ok(()),
        };
        let number: Option<u32> = row.get(5)?;
        if let Some(number) = number {
            self.fold.probe(test, Probe { number, at_us: row.get(3)?, fate });
        }
        Ok(())
    }

    /// Reads what is to be known of a ping test. What cannot be read, as somebody meddled with it, counts for nothing.
    fn meet(&mut self, test: u32) -> Result<(), Fault> {
        let about = self
            .connection
            .prepare_cached(
                "SELECT params, destination, method, coalesce(started_us, issued_us) FROM tests
                 WHERE session_id = ?1 AND test_id = ?2",
            )?
            .query_row((self.session, test), |row| {
                let (params, destination): (Vec<u8>, Option<String>) = (row.get(0)?, row.get(1)?);
                let method: Option<String> = row.get(2)?;
                let kind = blob::to_test(&params).ok().and_then(|what| ping_kind(&what));
                let about = kind.zip(destination).map(|(kind, destination)| (kind, destination, method));
                Ok(about.map(|about| (about, row.get::<_, i64>(3))))
            })
            .optional()?
            .flatten();
        let Some(((kind, destination, method), began)) = about else { return Ok(()) };
        let method = method.unwrap_or_else(|| cnc_model::ping::METHOD.to_owned());
        let about = PingAbout { destination, kind, method, began_us: began? };
        let remembered: Option<Vec<u8>> = self
            .connection
            .prepare_cached("SELECT probes FROM history_tests WHERE session_id = ?1 AND test_id = ?2")?
            .query_row((self.session, test), |row| row.get(0))
            .optional()?;
        let met = self.fold.meet(test, about, remembered.as_deref());
        met.map_err(|_| unreadable("history_tests", &format!("probes of test {test} of {}", self.session)))
    }

    /// Reads steady rates that were not counted before.
    fn loads(&mut self) -> Result<(), Fault> {
        let mut statement = self.connection.prepare_cached(
            "SELECT test_id, kind, destination, method, coalesce(started_us, issued_us), steady_bps FROM tests
             WHERE session_id = ?1 AND steady_bps IS NOT NULL AND contended IS NOT 1 AND destination IS NOT NULL
                AND NOT EXISTS (SELECT 1 FROM history_tests AS counted
                    WHERE counted.session_id = tests.session_id AND counted.test_id = tests.test_id)",
        )?;
        let mut rows = statement.query([self.session])?;
        while let Some(row) = rows.next()? {
            let (test, began): (NonZeroU32, i64) = (row.get(0)?, row.get(4)?);
            let kind = match row.get_ref(1)?.as_str().unwrap_or_default() {
                "download" => HistoryKind::Download,
                "upload" => HistoryKind::Upload,
                _ => continue,
            };
            let (destination, method): (String, Option<String>) = (row.get(2)?, row.get(3)?);
            let method = method.unwrap_or_else(|| cnc_model::throughput::METHOD.to_owned());
            let key = PieceKey { hour: hour_of(began), destination, kind, method };
            let bps: f64 = row.get(5)?;
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "held at the type's range")]
            self.fold.load(test.get(), key, bps.round() as u64);
        }
        Ok(())
    }
}
