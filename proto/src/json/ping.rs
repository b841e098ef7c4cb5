//! Pings.

use std::net::IpAddr;

use cnc_model::ping::{Clock, PingOutcome, PingReply, PingSample, PingSummary};
use cnc_model::summary::Measured;
use serde::Serialize;

use super::{Rtt, ms};

#[derive(Serialize)]
pub(super) struct SampleBody {
    seq: u32,
    at_ms: f64,
    outcome: &'static str,
    rtt_ms: Option<f64>,
    from: Option<IpAddr>,
    ttl: Option<u8>,
    clock: Option<&'static str>,
}

impl From<&PingSample> for SampleBody {
    fn from(sample: &PingSample) -> Self {
        let PingSample { seq, at, outcome } = *sample;
        let (word, reply, sender) = match outcome {
            PingOutcome::Reply(reply) => ("reply", Some(reply), Some(reply.from)),
            PingOutcome::Lost => ("lost", None, None),
            PingOutcome::Late(reply) => ("late", Some(reply), Some(reply.from)),
            PingOutcome::Unreachable { from } => ("unreachable", None, from),
            PingOutcome::NotSent => ("error", None, None),
        };
        Self {
            seq,
            at_ms: ms(at),
            outcome: word,
            rtt_ms: reply.map(|PingReply { rtt, .. }| ms(rtt)),
            from: sender,
            ttl: reply.and_then(|PingReply { ttl, .. }| ttl).map(cnc_model::Ttl::get),
            clock: reply.map(|PingReply { clock, .. }| match clock {
                Clock::Kernel => "kernel",
                Clock::User => "user",
            }),
        }
    }
}

#[derive(Serialize)]
pub(super) struct SummaryBody<'a> {
    host: &'a str,
    address: Option<IpAddr>,
    method: &'a str,
    engine: &'a str,
    sent: u64,
    received: u64,
    loss_ratio: Option<f64>,
    late: u64,
    duplicates: u64,
    reordered: u64,
    unreachable: u64,
    not_sent: u64,
    rtt_ms: Option<Rtt>,
    jitter_ms: Option<f64>,
    pdv_ms: Option<f64>,
    shed: u64,
}

impl<'a> From<&'a PingSummary> for SummaryBody<'a> {
    fn from(summary: &'a PingSummary) -> Self {
        let PingSummary {
            measured: Measured { host, address, method, engine, shed },
            sent,
            received,
            loss_ratio,
            late,
            duplicates,
            reordered,
            unreachable,
            not_sent,
            rtt,
            jitter,
            pdv,
        } = summary;
        Self {
            host,
            address: *address,
            method,
            engine,
            sent: *sent,
            received: *received,
            loss_ratio: *loss_ratio,
            late: *late,
            duplicates: *duplicates,
            reordered: *reordered,
            unreachable: *unreachable,
            not_sent: *not_sent,
            rtt_ms: rtt.map(Into::into),
            jitter_ms: jitter.map(ms),
            pdv_ms: pdv.map(ms),
            shed: *shed,
        }
    }
}
