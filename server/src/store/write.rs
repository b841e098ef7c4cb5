//! Changes as SQL. Storing a change twice is storing it once: rows are replaced whole, samples keep the first.

use cnc_model::session::{SessionState, TestRecord};
use cnc_model::{Outcome, Test, TestId, Timestamp};
use rusqlite::{Connection, named_params};

use super::figures::{Figures, count, micros};
use super::sample::insert_samples;
use super::{Change, Commit, SessionRow, absences, blob, jobs, words};

/// What applying a commit brought about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Applied {
    /// A document must be made, or made again.
    pub(super) job_wanted: bool,
}

/// Applies a commit inside the transaction that is open.
pub(super) fn apply(connection: &Connection, commit: &Commit) -> Result<Applied, rusqlite::Error> {
    let id = commit.session.to_string();
    let mut applied = Applied::default();
    for change in &commit.changes {
        applied.job_wanted |= match change {
            Change::Session(row) => store_session(connection, &id, row)?,
            Change::Test(test) => store_test(connection, &id, test)?,
            Change::Samples(samples) => {
                insert_samples(connection, &id, samples)?;
                false
            }
            Change::Absence(absence) => {
                absences::store(connection, &id, *absence)?;
                false
            }
        };
    }
    if let Some(through) = commit.through {
        connection
            .prepare_cached("UPDATE sessions SET stored_sequence = max(stored_sequence, ?2) WHERE session_id = ?1")?
            .execute((&id, count(through.get())))?;
    }
    Ok(applied)
}

const SESSION: &str = "
    INSERT INTO sessions (session_id, label, plan, walk_in, state, end_reason, created_us, joined_us, consented_us, ended_us,
        client_version, public_address, asn, as_name, clock_offset_us, code_hash, key_hash)
    VALUES (:id, :label, :plan, :walk_in, :state, :end_reason, :created, :joined, :consented, :ended,
        :version, :address, :asn, :as_name, :offset, :code_hash, :key_hash)
    ON CONFLICT (session_id) DO UPDATE SET label = :label, plan = :plan, walk_in = :walk_in, state = :state, end_reason = :end_reason,
        joined_us = :joined, consented_us = :consented, ended_us = :ended, client_version = :version,
        public_address = :address, asn = :asn, as_name = :as_name, clock_offset_us = :offset, code_hash = :code_hash, key_hash = :key_hash";

fn store_session(connection: &Connection, id: &str, row: &SessionRow) -> Result<bool, rusqlite::Error> {
    let SessionRow { overview, consented, code_hash, key_hash } = row;
    connection.prepare_cached(SESSION)?.execute(named_params! {
        ":id": id,
        ":label": overview.label,
        ":plan": overview.plan,
        ":walk_in": overview.walk_in,
        ":state": overview.state.word(),
        ":end_reason": words::end_reason(overview.state),
        ":created": overview.created.unix_us(),
        ":joined": overview.joined.map(Timestamp::unix_us),
        ":consented": consented.map(Timestamp::unix_us),
        ":ended": overview.ended.map(Timestamp::unix_us),
        ":version": overview.client_version,
        ":address": overview.public_address.map(|address| address.to_string()),
        ":asn": overview.network.as_ref().map(|network| network.number),
        ":as_name": overview.network.as_ref().and_then(|network| network.name.as_deref()),
        ":offset": overview.clock_offset_us,
        ":code_hash": code_hash,
        ":key_hash": key_hash,
    })?;
    match overview.state {
        // Nobody came: there is nothing to report.
        SessionState::Ended(_) if overview.joined.is_some() => {
            jobs::want_report(connection, id, overview.ended.unwrap_or(overview.created))?;
            Ok(true)
        }
        SessionState::Waiting
        | SessionState::Joined
        | SessionState::Active
        | SessionState::Ending
        | SessionState::Ended(_) => Ok(false),
    }
}

const TEST: &str = "
    INSERT OR REPLACE INTO tests (session_id, test_id, kind, destination, params, stage, issued_by, issued_us,
        started_us, ended_us, outcome, failure_reason, failure_message, failure_hint, summary, host, address, method,
        engine, shed, sent, received, loss_ratio, late, duplicates, reordered, unreachable, not_sent, rtt_min_us,
        rtt_mean_us, rtt_median_us, rtt_p90_us, rtt_p95_us, rtt_p99_us, rtt_max_us, rtt_stddev_us, jitter_us, pdv_us,
        reached, rounds, hop_count, goodput_bps, steady_bps, bytes, duration_us, flows, confidence, stopped_by,
        sender_bytes, idle_rtt_us, loaded_rtt_us, added_rtt_us, bufferbloat_grade)
    VALUES (:session, :test, :kind, :destination, :params, :stage, :issued_by, :issued,
        :started, :ended, :outcome, :reason, :message, :hint, :summary, :host, :address, :method,
        :engine, :shed, :sent, :received, :loss_ratio, :late, :duplicates, :reordered, :unreachable, :not_sent, :min,
        :mean, :median, :p90, :p95, :p99, :max, :stddev, :jitter, :pdv,
        :reached, :rounds, :hop_count, :goodput, :steady, :bytes, :duration, :flows, :confidence, :stopped_by,
        :sender_bytes, :idle_rtt, :loaded_rtt, :added_rtt, :bufferbloat)";

fn store_test(connection: &Connection, session: &str, test: &TestRecord) -> Result<bool, rusqlite::Error> {
    let TestRecord { id, what, when, issued_by, issued, started, ended, outcome, summary, samples: _ } = test;
    let figures = Figures::of(summary.as_ref());
    let rtt = figures.rtt;
    let failure = outcome.as_ref().and_then(|outcome| match outcome {
        Outcome::Failed(failure) => Some(failure),
        Outcome::Completed | Outcome::Cancelled => None,
    });
    connection.prepare_cached(TEST)?.execute(named_params! {
        ":session": session,
        ":test": id.get(),
        ":kind": what.kind().word(),
        ":destination": destination(what),
        ":params": blob::test(what),
        ":stage": blob::stage(*when),
        ":issued_by": issued_by,
        ":issued": issued.unix_us(),
        ":started": started.map(Timestamp::unix_us),
        ":ended": ended.map(Timestamp::unix_us),
        ":outcome": outcome.as_ref().map(Outcome::word),
        ":reason": failure.map(|failure| failure.reason.word()),
        ":message": failure.map(|failure| &failure.message),
        ":hint": failure.and_then(|failure| failure.hint.as_ref()),
        ":summary": summary.as_ref().map(blob::summary),
        ":host": figures.host,
        ":address": figures.address,
        ":method": figures.method,
        ":engine": figures.engine,
        ":shed": figures.shed,
        ":sent": figures.sent,
        ":received": figures.received,
        ":loss_ratio": figures.loss_ratio,
        ":late": figures.late,
        ":duplicates": figures.duplicates,
        ":reordered": figures.reordered,
        ":unreachable": figures.unreachable,
        ":not_sent": figures.not_sent,
        ":min": rtt.map(|rtt| micros(rtt.min)),
        ":mean": rtt.map(|rtt| micros(rtt.mean)),
        ":median": rtt.map(|rtt| micros(rtt.median)),
        ":p90": rtt.map(|rtt| micros(rtt.p90)),
        ":p95": rtt.map(|rtt| micros(rtt.p95)),
        ":p99": rtt.map(|rtt| micros(rtt.p99)),
        ":max": rtt.map(|rtt| micros(rtt.max)),
        ":stddev": rtt.map(|rtt| micros(rtt.stddev)),
        ":jitter": figures.jitter_us,
        ":pdv": figures.pdv_us,
        ":reached": figures.reached,
        ":rounds": figures.rounds,
        ":hop_count": figures.hop_count,
        ":goodput": figures.goodput_bps,
        ":steady": figures.steady_bps,
        ":bytes": figures.bytes,
        ":duration": figures.duration_us,
        ":flows": figures.flows,
        ":confidence": figures.confidence,
        ":stopped_by": figures.stopped_by,
        ":sender_bytes": figures.sender_bytes,
        ":idle_rtt": figures.idle_rtt_us,
        ":loaded_rtt": figures.loaded_rtt_us,
        ":added_rtt": figures.added_rtt_us,
        ":bufferbloat": figures.bufferbloat_grade,
    })?;
    if matches!(what, Test::Mtu(_) | Test::Dns(_) | Test::Http(_)) {
        store_reach(connection, session, *id, &figures)?;
    }
    if matches!(what, Test::Download(_) | Test::Upload(_)) {
        store_load(connection, session, *id, &figures)?;
    }
    // Late data of an ended session: its report is made again.
    jobs::want_report_again(connection, session)
}

const REACH: &str = "
    UPDATE tests SET path_mtu_bytes = :path_mtu, black_hole = :black_hole, http_status = :status, dns_us = :dns,
        tcp_us = :tcp, tls_us = :tls, first_byte_us = :first_byte
    WHERE session_id = :session AND test_id = :test";

/// Stores the columns that only tests of reaching something have.
fn store_reach(connection: &Connection, session: &str, test: TestId, figures: &Figures) -> Result<(), rusqlite::Error> {
    let stored = connection.prepare_cached(REACH)?.execute(named_params! {
        ":session": session,
        ":test": test.get(),
        ":path_mtu": figures.path_mtu_bytes,
        ":black_hole": figures.black_hole,
        ":status": figures.http_status,
        ":dns": figures.dns_us,
        ":tcp": figures.tcp_us,
        ":tls": figures.tls_us,
        ":first_byte": figures.first_byte_us,
    });
    stored.map(drop)
}

const LOAD: &str = "
    UPDATE tests SET rpm = :rpm, contended = :contended, listener_cpu = :listener_cpu, listener_tests = :listener_tests,
        uplink_share = :uplink_share, waited_us = :waited_us, tcp_retransmitted_bytes =
        :tcp_retransmitted_bytes, tcp_min_rtt_us = :tcp_min_rtt_us, tcp_rtt_us = :tcp_rtt_us, tcp_busy_us =
        :tcp_busy_us, tcp_rwnd_limited_us = :tcp_rwnd_limited_us, tcp_sndbuf_limited_us =
        :tcp_sndbuf_limited_us
    WHERE session_id = :session AND test_id = :test";

/// Stores the columns that only downloads and uploads have, beside those that every test's row is made with.
fn store_load(connection: &Connection, session: &str, test: TestId, figures: &Figures) -> Result<(), rusqlite::Error> {
    let stored = connection.prepare_cached(LOAD)?.execute(named_params! {
        ":session": session,
        ":test": test.get(),
        ":rpm": figures.rpm,
        ":contended": figures.contended,
        ":listener_cpu": figures.listener_cpu,
        ":listener_tests": figures.listener_tests,
        ":uplink_share": figures.uplink_share,
        ":waited_us": figures.waited_us,
        ":tcp_retransmitted_bytes": figures.tcp_retransmitted_bytes,
        ":tcp_min_rtt_us": figures.tcp_min_rtt_us,
        ":tcp_rtt_us": figures.tcp_rtt_us,
        ":tcp_busy_us": figures.tcp_busy_us,
        ":tcp_rwnd_limited_us": figures.tcp_rwnd_limited_us,
        ":tcp_sndbuf_limited_us": figures.tcp_sndbuf_limited_us,
    });
    stored.map(drop)
}

/// What a test is aimed at, as it was named.
fn destination(test: &Test) -> Option<String> {
    match test {
        Test::System => None,
        Test::Ping(ping) => Some(ping.destination.to_string()),
        Test::Trace(trace) => Some(trace.destination.to_string()),
        Test::Download(load) | Test::Upload(load) => Some(load.peer.to_string()),
        Test::Mtu(mtu) => Some(mtu.destination.to_string()),
        Test::Dns(dns) => Some(dns.name.to_string()),
        Test::Http(http) => Some(http.url.clone()),
    }
}
