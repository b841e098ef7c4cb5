//! Samples as rows, and back. Times are kept in whole microseconds.

use std::net::IpAddr;
use std::time::Duration;

use cnc_model::ping::{PingOutcome, PingReply, PingSample};
use cnc_model::session::SequencedSample;
use cnc_model::throughput::ThroughputSample;
use cnc_model::trace::{HopOutcome, HopReply, HopSample};
use cnc_model::{Sample, Sequence, SessionId, TestId, Ttl};
use rusqlite::{Connection, Row, Statement, params};

use super::error::{Fault, StoreError};
use super::figures::{count, micros};
use super::words;

const PING: &str = "INSERT OR IGNORE INTO samples (session_id, sequence, test_id, kind, at_us, outcome, number, address, \
                    rtt_us, reply_ttl, clock) VALUES (?1, ?2, ?3, 'ping', ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
const HOP: &str = "INSERT OR IGNORE INTO samples (session_id, sequence, test_id, kind, at_us, outcome, number, hop, \
                   address, rtt_us) VALUES (?1, ?2, ?3, 'hop', ?4, ?5, ?6, ?7, ?8, ?9)";
const THROUGHPUT: &str = "INSERT OR IGNORE INTO samples (session_id, sequence, test_id, kind, at_us, rtt_us, direction, \
                          interval_us, flow_count, bytes, phase) \
                          VALUES (?1, ?2, ?3, 'throughput', ?4, ?5, ?6, ?7, ?8, ?9, ?10)";

/// Inserts samples; those whose sequence is stored already are left as they are.
pub(super) fn insert_samples(
    connection: &Connection,
    session: &str,
    samples: &[SequencedSample],
) -> Result<(), rusqlite::Error> {
    for SequencedSample { sequence, test, sample } in samples {
        let key = (count(sequence.get()), test.get());
        match sample {
            Sample::Ping(ping) => insert_ping(&mut *connection.prepare_cached(PING)?, session, key, ping)?,
            Sample::Hop(hop) => insert_hop(&mut *connection.prepare_cached(HOP)?, session, key, hop)?,
            Sample::Throughput(throughput) => {
                insert_throughput(&mut *connection.prepare_cached(THROUGHPUT)?, session, key, throughput)?;
            }
        }
    }
    Ok(())
}

fn insert_ping(
    statement: &mut Statement<'_>,
    session: &str,
    (sequence, test): (i64, u32),
    sample: &PingSample,
) -> Result<(), rusqlite::Error> {
    let PingSample { seq, at, outcome } = sample;
    let (reply, from) = match outcome {
        PingOutcome::Reply(reply) | PingOutcome::Late(reply) => (Some(reply), Some(reply.from)),
        PingOutcome::Unreachable { from } => (None, *from),
        PingOutcome::Lost | PingOutcome::NotSent => (None, None),
    };
    statement.execute(params![
        session,
        sequence,
        test,
        micros(*at),
        ping_word(outcome),
        seq,
        from.map(|address| address.to_string()),
        reply.map(|reply| micros(reply.rtt)),
        reply.and_then(|reply| reply.ttl).map(Ttl::get),
        reply.map(|reply| words::clock(reply.clock)),
    ])?;
    Ok(())
}

const fn ping_word(outcome: &PingOutcome) -> &'static str {
    match outcome {
        PingOutcome::Reply(_) => "reply",
        PingOutcome::Lost => "lost",
        PingOutcome::Late(_) => "late",
        PingOutcome::Unreachable { .. } => "unreachable",
        PingOutcome::NotSent => "error",
    }
}

fn insert_hop(
    statement: &mut Statement<'_>,
    session: &str,
    (sequence, test): (i64, u32),
    sample: &HopSample,
) -> Result<(), rusqlite::Error> {
    let HopSample { round, ttl, at, outcome } = sample;
    let (word, reply) = match outcome {
        HopOutcome::Hop(reply) => ("hop", Some(reply)),
        HopOutcome::Silent => ("silent", None),
        HopOutcome::Destination(reply) => ("destination", Some(reply)),
        HopOutcome::Unreachable(reply) => ("unreachable", Some(reply)),
    };
    statement.execute(params![
        session,
        sequence,
        test,
        micros(*at),
        word,
        round,
        ttl.get(),
        reply.map(|reply| reply.address.to_string()),
        reply.map(|reply| micros(reply.rtt)),
    ])?;
    Ok(())
}

fn insert_throughput(
    statement: &mut Statement<'_>,
    session: &str,
    (sequence, test): (i64, u32),
    sample: &ThroughputSample,
) -> Result<(), rusqlite::Error> {
    let ThroughputSample { direction, at, interval, flow_count, bytes, phase, rtt } = sample;
    statement.execute(params![
        session,
        sequence,
        test,
        micros(*at),
        rtt.map(micros),
        words::direction(*direction),
        micros(*interval),
        flow_count,
        count(*bytes),
        words::phase(*phase),
    ])?;
    Ok(())
}

/// Reads a page of samples back in the order of their sequences.
pub(super) fn page(
    connection: &Connection,
    session: SessionId,
    test: Option<TestId>,
    after: Sequence,
    limit: u32,
) -> Result<Vec<SequencedSample>, Fault> {
    let mut statement = connection.prepare_cached(
        "SELECT * FROM samples WHERE session_id = ?1 AND sequence > ?2 AND (?3 IS NULL OR test_id = ?3)
         ORDER BY sequence LIMIT ?4",
    )?;
    let mut rows = statement.query((session.to_string(), count(after.get()), test.map(TestId::get), limit))?;
    let mut samples = vec![];
    while let Some(row) = rows.next()? {
        samples.push(read(row)?);
    }
    Ok(samples)
}

fn read(row: &Row<'_>) -> Result<SequencedSample, StoreError> {
    let cells = Cells(row);
    let kind: String = cells.get("kind")?;
    let sample = match kind.as_str() {
        "ping" => Sample::Ping(read_ping(&cells)?),
        "hop" => Sample::Hop(read_hop(&cells)?),
        "throughput" => Sample::Throughput(read_throughput(&cells)?),
        other => return Err(unreadable(format!("kind is {other:?}"))),
    };
    let test = TestId::try_from(cells.get::<u32>("test_id")?).map_err(|error| unreadable(error.to_string()))?;
    Ok(SequencedSample { sequence: Sequence::new(cells.number("sequence")?), test, sample })
}

fn read_ping(cells: &Cells<'_, '_>) -> Result<PingSample, StoreError> {
    let outcome: String = cells.get("outcome")?;
    let outcome = match outcome.as_str() {
        "reply" => PingOutcome::Reply(read_reply(cells)?),
        "late" => PingOutcome::Late(read_reply(cells)?),
        "lost" => PingOutcome::Lost,
        "unreachable" => PingOutcome::Unreachable { from: cells.address()? },
        "error" => PingOutcome::NotSent,
        other => return Err(unreadable(format!("outcome is {other:?}"))),
    };
    Ok(PingSample { seq: cells.get("number")?, at: cells.duration("at_us")?, outcome })
}

fn read_reply(cells: &Cells<'_, '_>) -> Result<PingReply, StoreError> {
    let ttl = cells.get::<Option<u32>>("reply_ttl")?.map(Ttl::try_from).transpose();
    Ok(PingReply {
        rtt: cells.duration("rtt_us")?,
        from: cells.address()?.ok_or_else(|| unreadable("address is missing".into()))?,
        ttl: ttl.map_err(|error| unreadable(error.to_string()))?,
        clock: cells.word("clock", words::to_clock)?,
    })
}

fn read_hop(cells: &Cells<'_, '_>) -> Result<HopSample, StoreError> {
    let reply = || {
        let address = cells.address()?.ok_or_else(|| unreadable("address is missing".into()))?;
        Ok::<_, StoreError>(HopReply { address, rtt: cells.duration("rtt_us")? })
    };
    let outcome: String = cells.get("outcome")?;
    let outcome = match outcome.as_str() {
        "hop" => HopOutcome::Hop(reply()?),
        "silent" => HopOutcome::Silent,
        "destination" => HopOutcome::Destination(reply()?),
        "unreachable" => HopOutcome::Unreachable(reply()?),
        other => return Err(unreadable(format!("outcome is {other:?}"))),
    };
    let ttl = Ttl::try_from(cells.get::<u32>("hop")?).map_err(|error| unreadable(error.to_string()))?;
    Ok(HopSample { round: cells.get("number")?, ttl, at: cells.duration("at_us")?, outcome })
}

fn read_throughput(cells: &Cells<'_, '_>) -> Result<ThroughputSample, StoreError> {
    Ok(ThroughputSample {
        direction: cells.word("direction", words::to_direction)?,
        at: cells.duration("at_us")?,
        interval: cells.duration("interval_us")?,
        flow_count: cells.get("flow_count")?,
        bytes: cells.number("bytes")?,
        phase: cells.word("phase", words::to_phase)?,
        rtt: cells.optional_duration("rtt_us")?,
    })
}

fn unreadable(detail: String) -> StoreError {
    StoreError::Unreadable { table: "samples", detail }
}

/// A row whose cells are checked as they are taken.
struct Cells<'r, 's>(&'r Row<'s>);

impl Cells<'_, '_> {
    fn get<T: rusqlite::types::FromSql>(&self, column: &str) -> Result<T, StoreError> {
        self.0.get(column).map_err(|error| unreadable(error.to_string()))
    }

    fn number(&self, column: &str) -> Result<u64, StoreError> {
        u64::try_from(self.get::<i64>(column)?).map_err(|_| unreadable(format!("{column} is negative")))
    }

    fn duration(&self, column: &str) -> Result<Duration, StoreError> {
        self.number(column).map(Duration::from_micros)
    }

    fn optional_duration(&self, column: &str) -> Result<Option<Duration>, StoreError> {
        self.get::<Option<i64>>(column)?.map(|_| self.duration(column)).transpose()
    }

    fn address(&self) -> Result<Option<IpAddr>, StoreError> {
        self.get::<Option<String>>("address")?
            .map(|text| text.parse().map_err(|_| unreadable(format!("address is {text:?}"))))
            .transpose()
    }

    fn word<T>(&self, column: &str, read: fn(&str) -> Option<T>) -> Result<T, StoreError> {
        let word: String = self.get(column)?;
        read(&word).ok_or_else(|| unreadable(format!("{column} is {word:?}")))
    }
}
