//! Downloads and uploads.

use std::net::IpAddr;

use cnc_model::BitRate;
use cnc_model::responsiveness::{METHOD, Responsiveness, Rpm};
use cnc_model::score::BufferbloatGrade;
use cnc_model::summary::Measured;
use cnc_model::throughput::{
    Confidence, Direction, Phase, StoppedBy, TcpInfo, ThroughputSample, ThroughputSummary, Witness,
};
use serde::Serialize;

use super::ms;

#[derive(Serialize)]
pub(super) struct SampleBody {
    direction: &'static str,
    at_ms: f64,
    interval_ms: f64,
    flow_count: u16,
    bytes: u64,
    goodput_bps: f64,
    phase: &'static str,
    rtt_ms: Option<f64>,
}

impl From<&ThroughputSample> for SampleBody {
    fn from(sample: &ThroughputSample) -> Self {
        let ThroughputSample { direction, at, interval, flow_count, bytes, phase, rtt } = *sample;
        Self {
            direction: match direction {
                Direction::Download => "download",
                Direction::Upload => "upload",
            },
            at_ms: ms(at),
            interval_ms: ms(interval),
            flow_count,
            bytes,
            goodput_bps: sample.goodput().bps(),
            phase: match phase {
                Phase::Ramp => "ramp",
                Phase::Steady => "steady",
            },
            rtt_ms: rtt.map(ms),
        }
    }
}

#[derive(Serialize)]
pub(super) struct SummaryBody<'a> {
    url: Option<&'a str>,
    address: Option<IpAddr>,
    method: Option<&'a str>,
    engine: Option<&'a str>,
    download: Option<OneWay>,
    upload: Option<OneWay>,
    idle_rtt_ms: Option<f64>,
    loaded_rtt_ms: Loaded,
    /// Of the direction in which the load adds more.
    added_rtt_ms: Option<f64>,
    bufferbloat_grade: Option<&'a str>,
    /// Of the direction in which the load leaves less.
    rpm: Option<f64>,
    /// `poor`, `fair`, `good` or `excellent`.
    rpm_word: Option<&'static str>,
    /// Whether others measured meanwhile so that either direction's figures may be theirs.
    contended: Option<bool>,
    shed: u64,
}

#[derive(Serialize)]
struct Loaded {
    download: Option<f64>,
    upload: Option<f64>,
}

#[derive(Serialize)]
struct OneWay {
    goodput_bps: f64,
    steady_bps: Option<f64>,
    bytes: u64,
    duration_ms: f64,
    flows: u16,
    confidence: &'static str,
    stopped_by: &'static str,
    sender_bytes: Option<u64>,
    ends_disagree: Option<bool>,
    responsiveness: Option<ResponsivenessBody>,
    listener: Option<WitnessBody>,
}

/// Joins what the directions tell: one that was contended is enough, one that cannot tell leaves it open.
fn contended(mut each: impl Iterator<Item = Option<bool>> + Clone) -> Option<bool> {
    if each.clone().any(|one| one == Some(true)) {
        return Some(true);
    }
    each.clone().next()?;
    each.all(|one| one == Some(false)).then_some(false)
}

/// What the listener saw.
#[derive(Serialize)]
struct WitnessBody {
    tests: u32,
    cpu_load: Option<f64>,
    uplink_share: Option<f64>,
    contended: Option<bool>,
    waited_ms: f64,
    tcp_info: Option<TcpBody>,
}

/// `TCP_INFO` in ndt7's words.
#[derive(Serialize)]
struct TcpBody {
    sent_bytes: u64,
    retrans_bytes: u64,
    min_rtt_ms: Option<f64>,
    rtt_ms: Option<f64>,
    busy_ms: f64,
    rwnd_limited_ms: f64,
    sndbuf_limited_ms: f64,
}

impl From<&Witness> for WitnessBody {
    fn from(witness: &Witness) -> Self {
        let Witness { tcp, cpu_load, tests, uplink_share, contended, waited } = *witness;
        let tcp_info = tcp.map(|info| {
            let TcpInfo { sent_bytes, retransmitted_bytes, min_rtt, rtt, busy, rwnd_limited, sndbuf_limited } = info;
            TcpBody {
                sent_bytes,
                retrans_bytes: retransmitted_bytes,
                min_rtt_ms: min_rtt.map(ms),
                rtt_ms: rtt.map(ms),
                busy_ms: ms(busy),
                rwnd_limited_ms: ms(rwnd_limited),
                sndbuf_limited_ms: ms(sndbuf_limited),
            }
        });
        Self { tests, cpu_load, uplink_share, contended, waited_ms: ms(waited), tcp_info }
    }
}

#[derive(Serialize)]
struct ResponsivenessBody {
    method: &'static str,
    rpm: f64,
    rpm_word: &'static str,
    /// Since the bytes began to flow: from then on probes went beside the load.
    began_ms: f64,
    tcp_ms: f64,
    tls_ms: Option<f64>,
    http_new_ms: f64,
    http_loaded_ms: f64,
    new_probes: u32,
    loaded_probes: u32,
}

impl From<&Responsiveness> for ResponsivenessBody {
    fn from(found: &Responsiveness) -> Self {
        let Responsiveness { rpm, began, tcp, tls, http_new, http_loaded, new_probes, loaded_probes } = *found;
        Self {
            method: METHOD,
            rpm: rpm.per_minute(),
            rpm_word: rpm.word(),
            began_ms: ms(began),
            tcp_ms: ms(tcp),
            tls_ms: tls.map(ms),
            http_new_ms: ms(http_new),
            http_loaded_ms: ms(http_loaded),
            new_probes,
            loaded_probes,
        }
    }
}

impl<'a> SummaryBody<'a> {
    /// Joins what was run of the two directions; what they share is the first one's.
    pub(super) fn new(download: Option<&'a ThroughputSummary>, upload: Option<&'a ThroughputSummary>) -> Self {
        let runs = || download.into_iter().chain(upload);
        let measured = runs().map(|run| &run.measured).next();
        let loaded = |run: Option<&ThroughputSummary>| run.and_then(|run| run.loaded_rtt).map(ms);
        let added = runs().filter_map(|run| run.added_rtt).max();
        let rpms = runs().filter_map(|run| run.responsiveness.map(|found| found.rpm));
        let rpm = rpms.min_by(|one, other| one.per_minute().total_cmp(&other.per_minute()));
        Self {
            url: measured.map(|measured| measured.host.as_str()),
            address: measured.and_then(|measured| measured.address),
            method: measured.map(|measured| measured.method.as_str()),
            engine: measured.map(|measured| measured.engine.as_str()),
            download: download.map(Into::into),
            upload: upload.map(Into::into),
            idle_rtt_ms: runs().find_map(|run| run.idle_rtt).map(ms),
            loaded_rtt_ms: Loaded { download: loaded(download), upload: loaded(upload) },
            added_rtt_ms: added.map(ms),
            bufferbloat_grade: added.map(|added| BufferbloatGrade::of(added).word()),
            rpm: rpm.map(Rpm::per_minute),
            rpm_word: rpm.map(Rpm::word),
            contended: contended(runs().map(|run| run.listener.and_then(|listener| listener.contended))),
            shed: runs().map(|run| run.measured.shed).sum(),
        }
    }
}

impl From<&ThroughputSummary> for OneWay {
    fn from(summary: &ThroughputSummary) -> Self {
        let ThroughputSummary {
            measured: Measured { host: _, address: _, method: _, engine: _, shed: _ },
            direction: _,
            goodput,
            steady,
            bytes,
            duration,
            flows,
            confidence,
            stopped_by,
            sender_bytes,
            idle_rtt: _,
            loaded_rtt: _,
            added_rtt: _,
            responsiveness,
            listener,
        } = summary;
        Self {
            goodput_bps: goodput.bps(),
            steady_bps: steady.map(BitRate::bps),
            bytes: *bytes,
            duration_ms: ms(*duration),
            flows: *flows,
            confidence: match confidence {
                Confidence::Low => "low",
                Confidence::Medium => "medium",
                Confidence::High => "high",
            },
            stopped_by: match stopped_by {
                StoppedBy::Duration => "duration",
                StoppedBy::Bytes => "bytes",
                StoppedBy::End => "end",
                StoppedBy::Cancelled => "cancelled",
                StoppedBy::Broken => "broken",
                StoppedBy::Stable => "stable",
            },
            sender_bytes: *sender_bytes,
            ends_disagree: summary.ends_disagree(),
            responsiveness: responsiveness.as_ref().map(Into::into),
            listener: listener.as_ref().map(Into::into),
        }
    }
}
