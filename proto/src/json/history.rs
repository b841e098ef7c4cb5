//! How destinations and providers fared over days.

use std::time::Duration;

use serde::Serialize;

use super::session::OverviewBody;
use super::{Typed, line, ms};
use crate::support::{
    History, HistoryDay, HistoryDestination, HistoryFigures, HistoryHour, HistoryKind, HistoryOrigin, HistoryProvider,
    HistorySession, HistorySessions, HistorySubjects,
};

/// Gives an answer as lines without their ends: `{"type":"history_day",…}` for each day of each kind and method, then
/// `{"type":"history_hour",…}` for each hour of day, last `{"type":"summary",…}` with the figures of the whole period.
#[must_use]
pub fn history_lines(history: &History) -> Vec<String> {
    let History { series, method, error_ratio, sessions_behind, origin } = history;
    let day = |kind, method, &HistoryDay { from, figures }| {
        let body = PointBody::of(kind, method, Some(from.to_string()), None, figures);
        line(&Typed { kind: "history_day", body })
    };
    let hour = |kind, method, &HistoryHour { hour, figures }| {
        let body = PointBody::of(kind, method, None, Some(hour), figures);
        line(&Typed { kind: "history_hour", body })
    };
    let days = series.iter().flat_map(|of| of.days.iter().map(|point| day(of.kind, &of.method, point)));
    let hours = series.iter().flat_map(|of| of.hours.iter().map(|point| hour(of.kind, &of.method, point)));
    let whole = series.iter().map(|of| PointBody::of(of.kind, &of.method, None, None, of.whole)).collect();
    let body = SummaryBody {
        series: whole,
        method,
        error_ratio: *error_ratio,
        sessions_behind: *sessions_behind,
        origin: origin.into(),
    };
    days.chain(hours).chain([line(&Typed { kind: "summary", body })]).collect()
}

/// Gives what there are figures of as lines without their ends: `{"type":"destination",…}`, then
/// `{"type":"provider",…}`, the most measured first, last `{"type":"summary",…}`.
#[must_use]
pub fn history_subject_lines(subjects: &HistorySubjects) -> Vec<String> {
    let HistorySubjects { destinations, providers, sessions_behind, origin } = subjects;
    let destination = |HistoryDestination { name, count }: &HistoryDestination| {
        line(&Typed { kind: "destination", body: DestinationBody { name, count: *count } })
    };
    let provider = |HistoryProvider { asn, name, count }: &HistoryProvider| {
        let body = ProviderBody { asn: (*asn != 0).then_some(*asn), as_name: name.as_deref(), count: *count };
        line(&Typed { kind: "provider", body })
    };
    let body = BehindBody { sessions_behind: *sessions_behind, origin: origin.into() };
    let last = Typed { kind: "summary", body };
    destinations.iter().map(destination).chain(providers.iter().map(provider)).chain([line(&last)]).collect()
}

/// Gives the sessions behind a point as lines without their ends: `{"type":"history_session","session":{…},…}` for
/// each, last `{"type":"summary","total":…}`.
#[must_use]
pub fn history_session_lines(kind: HistoryKind, page: &HistorySessions) -> Vec<String> {
    let HistorySessions { sessions, total, origin } = page;
    let session = |HistorySession { session, figures }: &HistorySession| {
        let body = SessionBody { figures: FiguresBody::of(kind, *figures), session: session.into() };
        line(&Typed { kind: "history_session", body })
    };
    let last = Typed { kind: "summary", body: TotalBody { total: *total, origin: origin.into() } };
    sessions.iter().map(session).chain([line(&last)]).collect()
}

#[derive(Serialize)]
struct PointBody<'a> {
    kind: &'static str,
    method: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    from_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hour: Option<u8>,
    #[serde(flatten)]
    figures: FiguresBody,
}

impl<'a> PointBody<'a> {
    fn of(
        kind: HistoryKind,
        method: &'a str,
        from_at: Option<String>,
        hour: Option<u8>,
        figures: HistoryFigures,
    ) -> Self {
        Self { kind: kind.word(), method, from_at, hour, figures: FiguresBody::of(kind, figures) }
    }
}

#[derive(Serialize)]
#[serde(untagged)]
enum FiguresBody {
    Ping { sent: u64, received: u64, loss_ratio: Option<f64>, rtt_ms: Option<PercentilesBody<f64>> },
    Load { tests: u64, steady_bps: Option<PercentilesBody<u64>> },
}

impl FiguresBody {
    fn of(kind: HistoryKind, figures: HistoryFigures) -> Self {
        let loss_ratio = figures.loss_ratio();
        let HistoryFigures { count, received, p05, p50, p95 } = figures;
        let values = p05.zip(p50).zip(p95).map(|((p05, p50), p95)| [p05, p50, p95]);
        if kind.is_ping() {
            let rtt = |[p05, p50, p95]: [u64; 3]| {
                let [p05, p50, p95] = [p05, p50, p95].map(|us| ms(Duration::from_micros(us)));
                PercentilesBody { p05, p50, p95 }
            };
            Self::Ping { sent: count, received, loss_ratio, rtt_ms: values.map(rtt) }
        } else {
            let steady_bps = values.map(|[p05, p50, p95]| PercentilesBody { p05, p50, p95 });
            Self::Load { tests: count, steady_bps }
        }
    }
}

#[derive(Serialize)]
struct PercentilesBody<T> {
    p05: T,
    p50: T,
    p95: T,
}

#[derive(Serialize)]
struct SummaryBody<'a> {
    series: Vec<PointBody<'a>>,
    method: &'a str,
    error_ratio: f64,
    sessions_behind: u32,
    #[serde(flatten)]
    origin: OriginBody<'a>,
}

#[derive(Serialize)]
struct OriginBody<'a> {
    source: &'a str,
    billed_bytes: Option<u64>,
    billed_total_bytes: Option<u64>,
    complete_until_at: Option<String>,
    sessions_left_out: u32,
    samples_since_at: Option<String>,
    probes_left_out: u64,
}

impl<'a> From<&'a HistoryOrigin> for OriginBody<'a> {
    fn from(origin: &'a HistoryOrigin) -> Self {
        let HistoryOrigin {
            source,
            billed_bytes,
            billed_total_bytes,
            complete_until,
            sessions_left_out,
            samples_since,
            probes_left_out,
        } = origin;
        Self {
            source,
            billed_bytes: *billed_bytes,
            billed_total_bytes: *billed_total_bytes,
            complete_until_at: complete_until.map(|at| at.to_string()),
            sessions_left_out: *sessions_left_out,
            samples_since_at: samples_since.map(|at| at.to_string()),
            probes_left_out: *probes_left_out,
        }
    }
}

#[derive(Serialize)]
struct DestinationBody<'a> {
    name: &'a str,
    count: u64,
}

#[derive(Serialize)]
struct ProviderBody<'a> {
    asn: Option<u32>,
    as_name: Option<&'a str>,
    count: u64,
}

#[derive(Serialize)]
struct BehindBody<'a> {
    sessions_behind: u32,
    #[serde(flatten)]
    origin: OriginBody<'a>,
}

#[derive(Serialize)]
struct SessionBody<'a> {
    #[serde(flatten)]
    figures: FiguresBody,
    session: OverviewBody<'a>,
}

#[derive(Serialize)]
struct TotalBody<'a> {
    total: u64,
    #[serde(flatten)]
    origin: OriginBody<'a>,
}
