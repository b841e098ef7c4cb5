//! JSON for scripts: the objects that CONTRACT.md promises, made of model values. One way only; nothing is read here.
//!
//! Durations end in `_ms` (fractions kept), sizes in `_bytes`, rates in `_bps`, wall times in `_at` (RFC 3339, UTC).
//! What was not measured is `null`. Each public function gives one object with its `type` first.

mod history;
mod ping;
mod reach;
mod score;
mod session;
mod speed;
mod staff;
mod system;
mod test;
mod trace;

use std::time::Duration;

use cnc_model::ping::PingSummary;
use cnc_model::session::SequencedSample;
use cnc_model::stats::RttSummary;
use cnc_model::system::SystemInfo;
use cnc_model::throughput::{Direction, ThroughputSummary};
use cnc_model::trace::TraceSummary;
use cnc_model::{Failure, Sample, Summary};
use serde::Serialize;

pub use history::{history_lines, history_session_lines, history_subject_lines};
pub use session::{event_lines, record, session};
pub use staff::{audit_entry, created_session, created_token, deleted_session, document, plan, token};
pub use test::test;

/// Writes an object as one line, without the line's end.
///
/// # Panics
/// Never with what this module makes: its keys are all texts.
#[must_use]
pub fn line(object: &impl Serialize) -> String {
    serde_json::to_string(object).expect("objects with text keys always have a JSON form")
}

/// Gives `{"type":"sample",…}` for a sample of any kind.
#[must_use]
pub fn sample(sample: &Sample) -> impl Serialize + use<> {
    Typed { kind: "sample", body: SampleBody::from(sample) }
}

/// Gives `{"type":"sample","sequence":…,"test":…,…}` for a sample with its place in its session.
#[must_use]
pub fn sequenced_sample(sequenced: &SequencedSample) -> impl Serialize + use<> {
    Typed { kind: "sample", body: SequencedBody::from(sequenced) }
}

/// Gives `{"type":"summary",…}` for a summary of any kind.
#[must_use]
pub fn summary(summary: &Summary) -> impl Serialize {
    Typed { kind: "summary", body: SummaryBody::from(summary) }
}

/// Gives a ping's `{"type":"summary",…}`.
#[must_use]
pub fn ping_summary(summary: &PingSummary) -> impl Serialize {
    Typed { kind: "summary", body: ping::SummaryBody::from(summary) }
}

/// Gives a trace's `{"type":"summary",…}`.
#[must_use]
pub fn trace_summary(summary: &TraceSummary) -> impl Serialize {
    Typed { kind: "summary", body: trace::SummaryBody::from(summary) }
}

/// Gives the `{"type":"summary",…}` of a download, an upload, or both; the direction not run is `null`.
#[must_use]
pub fn speed_summary<'a>(
    download: Option<&'a ThroughputSummary>,
    upload: Option<&'a ThroughputSummary>,
) -> impl Serialize + use<'a> {
    Typed { kind: "summary", body: speed::SummaryBody::new(download, upload) }
}

/// Gives the machine's `{"type":"summary",…}`.
#[must_use]
pub fn info_summary(system: &SystemInfo) -> impl Serialize {
    Typed { kind: "summary", body: system::SystemBody::from(system) }
}

/// Gives `{"type":"error","kind":…,"message":…,"hint":…}`.
#[must_use]
pub fn error<'a>(kind: &'a str, message: &'a str, hint: Option<&'a str>) -> impl Serialize + use<'a> {
    Typed { kind: "error", body: ErrorBody { kind, message, hint } }
}

/// Gives the error line of a failed measurement; its kind is the reason's word.
#[must_use]
pub fn failure(failure: &Failure) -> impl Serialize {
    let Failure { reason, message, hint } = failure;
    error(reason.word(), message, hint.as_deref())
}

/// An object that says what it is.
#[derive(Serialize)]
struct Typed<T> {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(flatten)]
    body: T,
}

#[derive(Serialize)]
struct ErrorBody<'a> {
    kind: &'a str,
    message: &'a str,
    hint: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum SampleBody {
    Ping(ping::SampleBody),
    Hop(trace::SampleBody),
    Throughput(speed::SampleBody),
}

impl From<&Sample> for SampleBody {
    fn from(sample: &Sample) -> Self {
        match sample {
            Sample::Ping(ping) => Self::Ping(ping.into()),
            Sample::Hop(hop) => Self::Hop(hop.into()),
            Sample::Throughput(throughput) => Self::Throughput(throughput.into()),
        }
    }
}

#[derive(Serialize)]
struct SequencedBody {
    sequence: u64,
    test: u32,
    #[serde(flatten)]
    sample: SampleBody,
}

impl From<&SequencedSample> for SequencedBody {
    fn from(sequenced: &SequencedSample) -> Self {
        let SequencedSample { sequence, test, sample } = sequenced;
        Self { sequence: sequence.get(), test: test.get(), sample: sample.into() }
    }
}

#[derive(Serialize)]
#[serde(untagged)]
enum SummaryBody<'a> {
    Ping(ping::SummaryBody<'a>),
    Trace(trace::SummaryBody<'a>),
    Speed(Box<speed::SummaryBody<'a>>),
    System(system::SystemBody<'a>),
    Mtu(reach::MtuBody<'a>),
    Dns(reach::DnsBody<'a>),
    Http(reach::HttpBody<'a>),
}

impl<'a> From<&'a Summary> for SummaryBody<'a> {
    fn from(summary: &'a Summary) -> Self {
        match summary {
            Summary::Ping(ping) => Self::Ping(ping.into()),
            Summary::Trace(trace) => Self::Trace(trace.into()),
            Summary::Throughput(one) => Self::Speed(Box::new(match one.direction {
                Direction::Download => speed::SummaryBody::new(Some(one), None),
                Direction::Upload => speed::SummaryBody::new(None, Some(one)),
            })),
            Summary::System(system) => Self::System(system.into()),
            Summary::Mtu(mtu) => Self::Mtu(mtu.into()),
            Summary::Dns(dns) => Self::Dns(dns.into()),
            Summary::Http(http) => Self::Http(http.into()),
        }
    }
}

#[derive(Serialize)]
struct Rtt {
    min: f64,
    mean: f64,
    median: f64,
    p90: f64,
    p95: f64,
    p99: f64,
    max: f64,
    stddev: f64,
}

impl From<RttSummary> for Rtt {
    fn from(rtt: RttSummary) -> Self {
        let RttSummary { min, mean, median, p90, p95, p99, max, stddev } = rtt;
        Self {
            min: ms(min),
            mean: ms(mean),
            median: ms(median),
            p90: ms(p90),
            p95: ms(p95),
            p99: ms(p99),
            max: ms(max),
            stddev: ms(stddev),
        }
    }
}

/// Gives milliseconds. One division of exact numbers, so that 17 µs shows as 0.017 and not with a tail of digits.
#[expect(clippy::cast_precision_loss, reason = "2^53 ns are 104 days, beyond which a nanosecond does not count")]
fn ms(duration: Duration) -> f64 {
    duration.as_nanos() as f64 / 1e6
}

#[cfg(test)]
mod tests;
