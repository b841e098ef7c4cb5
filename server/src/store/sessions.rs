//! Sessions and their tests as rows, read back into the model; and their removal.

use std::net::IpAddr;

use cnc_model::message::When;
use cnc_model::network::AutonomousSystem;
use cnc_model::outcome::Failure;
use cnc_model::session::{SessionOverview, TestRecord};
use cnc_model::{Outcome, Sequence, SessionId, TestId, Timestamp};
use cnc_proto::support::SessionFilter;
use rusqlite::{Connection, Row};

use super::error::{Fault, StoreError};
use super::removals::What;
use super::{Removed, SessionRow, StoredSession, absences, blob, documents, export, history, words};

mod filter;

/// Which sessions to read.
pub(super) enum Which<'a> {
    Id(SessionId),
    KeyHash(&'a [u8; 32]),
    /// Those that have not ended.
    Open,
    /// The newest first, from before an id on, of those that are looked for.
    Newest {
        filter: &'a SessionFilter,
        before: Option<SessionId>,
        limit: u32,
    },
}

/// Reads session rows.
pub(super) fn rows(connection: &Connection, which: &Which<'_>) -> Result<Vec<SessionRow>, Fault> {
    let (clause, parameters): (String, Vec<rusqlite::types::Value>) = match which {
        Which::Id(id) => ("session_id = ?1".into(), vec![id.to_string().into()]),
        Which::KeyHash(hash) => ("key_hash = ?1".into(), vec![hash.to_vec().into()]),
        Which::Open => ("state <> 'ended'".into(), vec![]),
        Which::Newest { filter, before, limit } => filter::newest(filter, *before, *limit),
    };
    let mut statement = connection.prepare_cached(&format!("SELECT * FROM sessions WHERE {clause}"))?;
    let mut rows = statement.query(rusqlite::params_from_iter(parameters))?;
    let mut read = vec![];
    while let Some(row) = rows.next()? {
        read.push(read_session(row)?);
    }
    Ok(read)
}

/// Adds to a session's row its tests, with the samples counted, and when its client was away.
pub(super) fn with_tests(connection: &Connection, row: SessionRow) -> Result<StoredSession, Fault> {
    let mut statement = connection.prepare_cached(
        "SELECT tests.*, coalesce(counted.samples, 0) AS samples FROM tests
         LEFT JOIN (SELECT test_id, count(*) AS samples FROM samples WHERE session_id = ?1 GROUP BY test_id) AS counted
            USING (test_id)
         WHERE tests.session_id = ?1 ORDER BY tests.test_id",
    )?;
    let id = row.overview.id.to_string();
    let mut rows = statement.query([&id])?;
    let mut tests = vec![];
    while let Some(row) = rows.next()? {
        tests.push(read_test(row)?);
    }
    let absences = absences::of(connection, &id)?;
    let exported = exported(connection, &row)?;
    Ok(StoredSession { stored: row.overview.stored, exported, row, tests, absences })
}

fn exported(connection: &Connection, row: &SessionRow) -> Result<Sequence, rusqlite::Error> {
    connection
        .prepare_cached(
            "SELECT iif(claimed = 1, exported_sequence, stored_sequence) FROM sessions WHERE session_id = ?1",
        )?
        .query_row([row.overview.id.to_string()], |row| row.get::<_, i64>(0))
        .map(|sequence| Sequence::new(sequence.unsigned_abs()))
}

/// Removes a session with all that refers to it; `None` when there is none.
pub(super) fn remove(connection: &Connection, session: SessionId, at: Timestamp) -> Result<Option<Removed>, Fault> {
    let id = session.to_string();
    let count = |sql: &str| connection.query_row(sql, [&id], |row| row.get::<_, i64>(0)).map(i64::unsigned_abs);
    let removed = Removed {
        is_exported: export::removed(connection, &id, What::Session, at)?,
        tests: count("SELECT count(*) FROM tests WHERE session_id = ?1")?,
        samples: count("SELECT count(*) FROM samples WHERE session_id = ?1")?,
        history_hours: history::remove(connection, session)?,
        document: documents::remove(connection, &id, at)?,
    };
    let existed = connection.execute("DELETE FROM sessions WHERE session_id = ?1", [&id])? > 0;
    Ok(existed.then_some(removed))
}

fn bad_session(detail: impl Into<String>) -> StoreError {
    StoreError::Unreadable { table: "sessions", detail: detail.into() }
}

fn bad_test(detail: impl Into<String>) -> StoreError {
    StoreError::Unreadable { table: "tests", detail: detail.into() }
}

fn time(row: &Row<'_>, column: &str) -> Result<Option<Timestamp>, rusqlite::Error> {
    Ok(row.get::<_, Option<i64>>(column)?.map(Timestamp::from_unix_us))
}

fn read_session(row: &Row<'_>) -> Result<SessionRow, Fault> {
    let id: String = row.get("session_id")?;
    let state: String = row.get("state")?;
    let end_reason: Option<String> = row.get("end_reason")?;
    let address: Option<String> = row.get("public_address")?;
    let stored: i64 = row.get("stored_sequence")?;
    let overview = SessionOverview {
        id: id.parse().map_err(|_| bad_session(format!("session_id is {id:?}")))?,
        label: row.get("label")?,
        plan: row.get("plan")?,
        walk_in: row.get("walk_in")?,
        code: None,
        state: words::to_state(&state, end_reason.as_deref())
            .ok_or_else(|| bad_session(format!("state is {state:?} with end_reason {end_reason:?}")))?,
        connected: false,
        created: Timestamp::from_unix_us(row.get("created_us")?),
        joined: time(row, "joined_us")?,
        ended: time(row, "ended_us")?,
        client_version: row.get("client_version")?,
        public_address: address
            .map(|text| text.parse::<IpAddr>().map_err(|_| bad_session(format!("public_address is {text:?}"))))
            .transpose()?,
        network: row
            .get::<_, Option<u32>>("asn")?
            .map(|number| Ok::<_, rusqlite::Error>(AutonomousSystem { number, name: row.get("as_name")? }))
            .transpose()?,
        clock_offset_us: row.get("clock_offset_us")?,
        stored: Sequence::new(u64::try_from(stored).map_err(|_| bad_session("stored_sequence is negative"))?),
    };
    Ok(SessionRow {
        overview,
        consented: time(row, "consented_us")?,
        code_hash: row.get("code_hash")?,
        key_hash: row.get("key_hash")?,
    })
}

fn read_test(row: &Row<'_>) -> Result<TestRecord, Fault> {
    let id = TestId::try_from(row.get::<_, u32>("test_id")?).map_err(|error| bad_test(error.to_string()))?;
    let params: Vec<u8> = row.get("params")?;
    let summary: Option<Vec<u8>> = row.get("summary")?;
    Ok(TestRecord {
        id,
        what: blob::to_test(&params)?,
        when: row.get::<_, Option<u32>>("stage")?.map_or(When::Now, When::Stage),
        issued_by: row.get("issued_by")?,
        issued: Timestamp::from_unix_us(row.get("issued_us")?),
        started: time(row, "started_us")?,
        ended: time(row, "ended_us")?,
        outcome: read_outcome(row)?,
        summary: summary.map(|bytes| blob::to_summary(&bytes)).transpose()?,
        samples: row.get::<_, i64>("samples")?.unsigned_abs(),
    })
}

fn read_outcome(row: &Row<'_>) -> Result<Option<Outcome>, Fault> {
    let word: Option<String> = row.get("outcome")?;
    Ok(match word.as_deref() {
        None => None,
        Some("completed") => Some(Outcome::Completed),
        Some("cancelled") => Some(Outcome::Cancelled),
        Some("failed") => {
            let reason: String = row.get("failure_reason")?;
            Some(Outcome::Failed(Failure {
                reason: words::to_reason(&reason).ok_or_else(|| bad_test(format!("failure_reason is {reason:?}")))?,
                message: row.get("failure_message")?,
                hint: row.get("failure_hint")?,
            }))
        }
        Some(other) => return Err(bad_test(format!("outcome is {other:?}")).into()),
    })
}
