//! Traces.

use std::net::IpAddr;

use cnc_model::summary::Measured;
use cnc_model::trace::{HopAddress, HopOutcome, HopReply, HopSample, HopSummary, TraceSummary};
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
    /// Which network the hop lies in: not looked up, so `null`.
    segment: Option<&'a str>,
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
    /// The autonomous system's number: not looked up, so `null`.
    asn: Option<u32>,
    /// Its name: not looked up, so `null`.
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
        let HopSummary { ttl, addresses, sent, received, loss_ratio, loss_persists, rtt } = hop;
        let address = |HopAddress { address, name }: &'a HopAddress| Answerer {
            address: *address,
            name: name.as_deref(),
            asn: None,
            as_name: None,
        };
        Self {
            ttl: ttl.get(),
            addresses: addresses.iter().map(address).collect(),
            segment: None,
            sent: *sent,
            received: *received,
            loss_ratio: *loss_ratio,
            loss_persists: *loss_persists,
            rtt_ms: rtt.map(Into::into),
        }
    }
}
