//! Traces.

use std::net::IpAddr;

use cnc_model::summary::Measured;
use cnc_model::trace::{HopAddress, HopOutcome, HopReply, HopSample, HopSummary, Segment, TraceSummary};
use serde::Serialize;

use super::{Rtt, ms};

#[derive(Serialize)]
pub(super) struct SampleBody {
    round: u32,
    ttl: u8,
    at_ms: f64,
    outcome: &'static str,
    address: Option<IpAddr>,
    rtt_ms: Option<f64>,
}

impl From<&HopSample> for SampleBody {
    fn from(sample: &HopSample) -> Self {
        let HopSample { round, ttl, at, outcome } = *sample;
        let (word, reply) = match outcome {
            HopOutcome::Hop(reply) => ("hop", Some(reply)),
            HopOutcome::Silent => ("silent", None),
            HopOutcome::Destination(reply) => ("destination", Some(reply)),
            HopOutcome::Unreachable(reply) => ("unreachable", Some(reply)),
        };
        let (address, rtt) = reply.map(|HopReply { address, rtt }| (address, rtt)).unzip();
        Self { round, ttl: ttl.get(), at_ms: ms(at), outcome: word, address, rtt_ms: rtt.map(ms) }
    }
}

#[derive(Serialize)]
pub(super) struct SummaryBody<'a> {
    host: &'a str,
    address: Option<IpAddr>,
    method: &'a str,
    engine: &'a str,
    reached: bool,
    rounds: u64,
    hops: Vec<Hop<'a>>,
    shed: u64,
}

#[derive(Serialize)]
struct Hop<'a> {
    ttl: u8,
    addresses: Vec<Answerer<'a>>,
    /// Whose part of the way it is, as far as that is known.
    segment: Option<&'static str>,
    sent: u64,
    received: u64,
    loss_ratio: Option<f64>,
    loss_persists: bool,
    rtt_ms: Option<Rtt>,
}

#[derive(Serialize)]
struct Answerer<'a> {
    address: IpAddr,
    name: Option<&'a str>,
    /// The autonomous system's number, by the listener's database.
    asn: Option<u32>,
    /// Its name.
    as_name: Option<&'a str>,
}

impl<'a> From<&'a TraceSummary> for SummaryBody<'a> {
    fn from(summary: &'a TraceSummary) -> Self {
        let TraceSummary { measured: Measured { host, address, method, engine, shed }, reached, rounds, hops } =
            summary;
        Self {
            host,
            address: *address,
            method,
            engine,
            reached: *reached,
            rounds: *rounds,
            hops: hops.iter().map(Into::into).collect(),
            shed: *shed,
        }
    }
}

impl<'a> From<&'a HopSummary> for Hop<'a> {
    fn from(hop: &'a HopSummary) -> Self {
        let HopSummary { ttl, addresses, sent, received, loss_ratio, loss_persists, rtt, segment } = hop;
        let address = |HopAddress { address, name, network }: &'a HopAddress| Answerer {
            address: *address,
            name: name.as_deref(),
            asn: network.as_ref().map(|network| network.number),
            as_name: network.as_ref().and_then(|network| network.name.as_deref()),
        };
        Self {
            ttl: ttl.get(),
            addresses: addresses.iter().map(address).collect(),
            segment: segment.map(Segment::word),
            sent: *sent,
            received: *received,
            loss_ratio: *loss_ratio,
            loss_persists: *loss_persists,
            rtt_ms: rtt.map(Into::into),
        }
    }
}
