//! Tests: what was asked, and what became of it.

use std::num::NonZeroU16;

use cnc_model::message::When;
use cnc_model::session::TestRecord;
use cnc_model::test::{
    DnsTest, HttpTest, MtuTest, Multipath, PingProtocol, PingTest, ThroughputTest, TraceProtocol, TraceTest,
};
use cnc_model::{Failure, Family, Outcome, Test};
use serde::Serialize;

use super::{SummaryBody, Typed, ms};

/// Gives `{"type":"test",…}` for a test of a session.
#[must_use]
pub fn test(record: &TestRecord) -> impl Serialize {
    Typed { kind: "test", body: RecordBody::from(record) }
}

#[derive(Serialize)]
pub(super) struct RecordBody<'a> {
    id: u32,
    kind: &'static str,
    title: String,
    parameters: Parameters,
    /// The stage, or `null` for a test that began at once.
    stage: Option<u32>,
    issued_by: &'a str,
    /// Whether the client ran it by itself while the listener was out of reach.
    own: bool,
    issued_at: String,
    started_at: Option<String>,
    ended_at: Option<String>,
    outcome: Option<&'static str>,
    failure: Option<FailureBody<'a>>,
    samples: u64,
    summary: Option<SummaryBody<'a>>,
}

#[derive(Serialize)]
struct FailureBody<'a> {
    reason: &'static str,
    message: &'a str,
    hint: Option<&'a str>,
}

impl<'a> From<&'a TestRecord> for RecordBody<'a> {
    fn from(record: &'a TestRecord) -> Self {
        let TestRecord { id, what, when, issued_by, issued, started, ended, outcome, summary, samples } = record;
        Self {
            id: id.get(),
            kind: what.kind().word(),
            title: what.title(),
            parameters: what.into(),
            stage: match when {
                When::Now => None,
                When::Stage(stage) => Some(*stage),
            },
            issued_by,
            own: id.is_own(),
            issued_at: issued.to_string(),
            started_at: started.map(|at| at.to_string()),
            ended_at: ended.map(|at| at.to_string()),
            outcome: outcome.as_ref().map(Outcome::word),
            failure: outcome.as_ref().and_then(|outcome| match outcome {
                Outcome::Failed(Failure { reason, message, hint }) => {
                    Some(FailureBody { reason: reason.word(), message, hint: hint.as_deref() })
                }
                Outcome::Completed | Outcome::Cancelled => None,
            }),
            samples: *samples,
            summary: summary.as_ref().map(Into::into),
        }
    }
}

/// What was asked, with the kind's own keys.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Parameters {
    System {},
    Ping(PingParameters),
    Trace(TraceParameters),
    Throughput(ThroughputParameters),
    Mtu(MtuParameters),
    Dns(DnsParameters),
    Http(HttpParameters),
}

#[derive(Serialize)]
pub(super) struct PingParameters {
    destination: String,
    family: &'static str,
    protocol: &'static str,
    port: Option<NonZeroU16>,
    count: u32,
    interval_ms: f64,
    pacing: &'static str,
    timeout_ms: f64,
    payload_bytes: u16,
}

#[derive(Serialize)]
pub(super) struct TraceParameters {
    destination: String,
    family: &'static str,
    protocol: &'static str,
    port: Option<NonZeroU16>,
    strategy: &'static str,
    rounds: u32,
    interval_ms: f64,
    max_hops: u8,
    names: bool,
}

#[derive(Serialize)]
pub(super) struct ThroughputParameters {
    peer: String,
    flows: u8,
    most_flows: u8,
    duration_ms: f64,
    max_bytes: u64,
    stops_early: bool,
}

#[derive(Serialize)]
pub(super) struct MtuParameters {
    destination: String,
    family: &'static str,
}

#[derive(Serialize)]
pub(super) struct DnsParameters {
    name: String,
    /// `null`: each of the system's, and the system's own.
    server: Option<String>,
}

#[derive(Serialize)]
pub(super) struct HttpParameters {
    url: String,
    family: &'static str,
}

impl From<&Test> for Parameters {
    fn from(test: &Test) -> Self {
        match test {
            Test::System => Self::System {},
            Test::Ping(ping) => Self::Ping(ping.into()),
            Test::Trace(trace) => Self::Trace(trace.into()),
            Test::Download(load) | Test::Upload(load) => Self::Throughput(load.into()),
            Test::Mtu(MtuTest { destination, family }) => {
                Self::Mtu(MtuParameters { destination: destination.to_string(), family: word(*family) })
            }
            Test::Dns(DnsTest { name, server }) => {
                Self::Dns(DnsParameters { name: name.to_string(), server: server.as_ref().map(ToString::to_string) })
            }
            Test::Http(HttpTest { url, family }) => {
                Self::Http(HttpParameters { url: url.clone(), family: word(*family) })
            }
        }
    }
}

impl From<&PingTest> for PingParameters {
    fn from(ping: &PingTest) -> Self {
        let PingTest { destination, family, protocol, count, interval, pacing, timeout, payload_bytes } = ping;
        let (protocol, port) = match *protocol {
            PingProtocol::Icmp => ("icmp", None),
            PingProtocol::Tcp(port) => ("tcp", Some(port)),
            PingProtocol::Udp(port) => ("udp", Some(port)),
        };
        Self {
            destination: destination.to_string(),
            family: word(*family),
            protocol,
            port,
            count: *count,
            interval_ms: ms(*interval),
            pacing: pacing.word(),
            timeout_ms: ms(*timeout),
            payload_bytes: *payload_bytes,
        }
    }
}

impl From<&TraceTest> for TraceParameters {
    fn from(trace: &TraceTest) -> Self {
        let TraceTest { destination, family, protocol, strategy, rounds, interval, max_hops, names } = trace;
        let (protocol, port) = match *protocol {
            TraceProtocol::Icmp => ("icmp", None),
            TraceProtocol::Udp(port) => ("udp", port),
            TraceProtocol::Tcp(port) => ("tcp", Some(port)),
        };
        Self {
            destination: destination.to_string(),
            family: word(*family),
            protocol,
            port,
            strategy: match strategy {
                Multipath::Classic => "classic",
                Multipath::Paris => "paris",
                Multipath::Dublin => "dublin",
            },
            rounds: *rounds,
            interval_ms: ms(*interval),
            max_hops: max_hops.get(),
            names: *names,
        }
    }
}

impl From<&ThroughputTest> for ThroughputParameters {
    fn from(load: &ThroughputTest) -> Self {
        let ThroughputTest { peer, flows, most_flows, duration, max_bytes, stops_early } = load;
        Self {
            peer: peer.to_string(),
            flows: *flows,
            most_flows: *most_flows,
            duration_ms: ms(*duration),
            max_bytes: *max_bytes,
            stops_early: *stops_early,
        }
    }
}

pub(super) const fn word(family: Family) -> &'static str {
    match family {
        Family::Any => "any",
        Family::V4 => "v4",
        Family::V6 => "v6",
    }
}
