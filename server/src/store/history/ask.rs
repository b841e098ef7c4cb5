//! Answers from the sums, and from the pieces where sessions are asked for.

use std::collections::BTreeMap;

use cnc_proto::support::{
    HistoryDestination, HistoryKind, HistoryOrigin, HistoryPeriod, HistoryProvider, HistoryScope, HistorySeries,
    HistorySession, HistorySessions, HistorySubject, HistorySubjects, ListHistorySessions,
};
use rusqlite::{Connection, OptionalExtension as _};

use super::sums::{ALL_DESTINATIONS, ALL_NETWORKS, kind_of, tally};
use super::{TO_ROLL, unreadable};
use crate::history::answer::{Answer, Clock, SumRow, of_tally};
use crate::history::tally::Tally;
use crate::history::{VERSION, hours_of};
use crate::store::error::Fault;
use crate::store::sessions::{self, Which};

/// Up to how many sessions that are behind are counted.
const MOST_BEHIND: u32 = 1_000;

/// Gives a subject's figures, and how many sessions are not in them yet.
pub(super) fn figures(connection: &Connection, scope: &HistoryScope) -> Result<(Vec<HistorySeries>, u32), Fault> {
    let (destination, asn) = match &scope.subject {
        HistorySubject::Destination(destination) => (destination.as_str(), ALL_NETWORKS),
        HistorySubject::Provider(asn) => (ALL_DESTINATIONS, i64::from(*asn)),
        HistorySubject::Both(destination, asn) => (destination.as_str(), i64::from(*asn)),
    };
    let (from, until) = hours_of(scope.period);
    let mut answer = Answer::new(Clock::ahead(scope.utc_offset_minutes));
    let mut statement = connection.prepare_cached(
        "SELECT hour, kind, method, sent, received, spread FROM history_sums
         WHERE destination = ?1 AND asn = ?2 AND version = ?3 AND hour >= ?4 AND hour < ?5 ORDER BY hour",
    )?;
    let mut rows = statement.query((destination, asn, VERSION, from, until))?;
    let damaged = |_| unreadable("history_sums", "spread");
    while let Some(row) = rows.next()? {
        let kind = kind_of(text(row, 1)?, "history_sums")?;
        let values = row.get_ref(5)?.as_blob().map_err(|error| unreadable("history_sums", &error.to_string()))?;
        let sum = SumRow { hour: row.get(0)?, count: row.get(3)?, received: row.get(4)?, values };
        answer.take(kind, text(row, 2)?, sum).map_err(damaged)?;
    }
    Ok((answer.finish(), behind(connection)?))
}

fn text<'a>(row: &'a rusqlite::Row<'_>, at: usize) -> Result<&'a str, Fault> {
    row.get_ref(at)?.as_str().map_err(|error| unreadable("history_sums", &error.to_string()))
}

fn behind(connection: &Connection) -> Result<u32, rusqlite::Error> {
    let sql = format!("SELECT count(*) FROM (SELECT 1 FROM sessions WHERE {TO_ROLL} LIMIT {MOST_BEHIND})");
    connection.prepare_cached(&sql)?.query_row((), |row| row.get(0))
}

/// Gives what there are figures of, the most measured first.
pub(super) fn subjects(connection: &Connection, period: HistoryPeriod, limit: u32) -> Result<HistorySubjects, Fault> {
    let (from, until) = hours_of(period);
    let mut statement = connection.prepare_cached(
        "SELECT destination, sum(sent) AS count FROM history_sums
         WHERE asn = -1 AND version = ?1 AND hour >= ?2 AND hour < ?3
         GROUP BY destination ORDER BY count DESC, destination LIMIT ?4",
    )?;
    let destinations = statement.query_map((VERSION, from, until, limit), |row| {
        Ok(HistoryDestination { name: row.get(0)?, count: row.get::<_, i64>(1)?.unsigned_abs() })
    })?;
    let destinations = destinations.collect::<Result<_, _>>()?;
    let mut statement = connection.prepare_cached(
        "SELECT asn, sum(sent) AS count FROM history_sums
         WHERE destination = '' AND version = ?1 AND hour >= ?2 AND hour < ?3
         GROUP BY asn ORDER BY count DESC, asn LIMIT ?4",
    )?;
    let mut rows = statement.query((VERSION, from, until, limit))?;
    let mut providers = vec![];
    while let Some(row) = rows.next()? {
        let (asn, count): (u32, i64) = (row.get(0)?, row.get(1)?);
        providers.push(HistoryProvider { asn, name: name_of(connection, asn)?, count: count.unsigned_abs() });
    }
    let sessions_behind = behind(connection)?;
    Ok(HistorySubjects { destinations, providers, sessions_behind, origin: HistoryOrigin::default() })
}

/// Gives a network's name as the newest session from it knew it.
fn name_of(connection: &Connection, asn: u32) -> Result<Option<String>, rusqlite::Error> {
    connection
        .prepare_cached(
            "SELECT as_name FROM sessions WHERE asn = ?1 AND asn IS NOT NULL AND as_name IS NOT NULL
             ORDER BY session_id DESC LIMIT 1",
        )?
        .query_row([asn], |row| row.get(0))
        .optional()
}

/// Gives the sessions behind a point, those that fared worst first.
pub(super) fn sessions(
    connection: &Connection,
    point: &ListHistorySessions,
    limit: u32,
) -> Result<HistorySessions, Fault> {
    let mut parts: Vec<_> = parts(connection, point)?.into_iter().map(|(id, part)| (id, of_tally(&part))).collect();
    // Who had no answer at all fared worst; then the slowest.
    if point.kind.is_ping() {
        parts.sort_by_key(|(_, figures)| std::cmp::Reverse(figures.p95.unwrap_or(u64::MAX)));
    } else {
        parts.sort_by_key(|(_, figures)| figures.p50);
    }
    let total = parts.len() as u64;
    let mut sessions = vec![];
    for (id, figures) in parts.into_iter().take(limit as usize) {
        let id = id.parse().map_err(|_| unreadable("history_pieces", &format!("session_id is {id:?}")))?;
        let row = sessions::rows(connection, &Which::Id(id))?.into_iter().next();
        sessions.extend(row.map(|row| HistorySession { session: row.overview, figures }));
    }
    Ok(HistorySessions { sessions, total, origin: HistoryOrigin::default() })
}

/// Adds up each session's pieces of a point.
fn parts(connection: &Connection, point: &ListHistorySessions) -> Result<BTreeMap<String, Tally>, Fault> {
    let ListHistorySessions { scope, hour: wanted, kind, method, limit: _ } = point;
    let (clause, destination, asn) = match &scope.subject {
        HistorySubject::Destination(destination) => ("destination = ?1 AND ?2 IS NULL", Some(destination), None),
        HistorySubject::Provider(asn) => ("asn = ?2 AND ?1 IS NULL", None, Some(asn)),
        HistorySubject::Both(destination, asn) => ("destination = ?1 AND asn = ?2", Some(destination), Some(asn)),
    };
    let (from, until) = hours_of(scope.period);
    let sql = format!(
        "SELECT session_id, hour, sent, received, spread FROM history_pieces
         WHERE {clause} AND kind = ?3 AND hour >= ?4 AND hour < ?5 AND method = ?6 AND version = ?7"
    );
    let clock = Clock::ahead(scope.utc_offset_minutes);
    let mut statement = connection.prepare_cached(&sql)?;
    let kind: HistoryKind = *kind;
    let mut rows = statement.query((destination, asn, kind.word(), from, until, method, VERSION))?;
    let mut parts = BTreeMap::<String, Tally>::new();
    while let Some(row) = rows.next()? {
        let (_, hour) = clock.day_and_hour(row.get(1)?);
        if wanted.is_none_or(|wanted| wanted == hour) {
            parts.entry(row.get(0)?).or_default().add(&tally(row, 2, "history_pieces")?);
        }
    }
    Ok(parts)
}
