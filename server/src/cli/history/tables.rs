//! History as tables for people. Figures are worded as in the report.

use std::time::Duration;

use cnc_model::{BitRate, Timestamp};
use cnc_proto::support::{
    History, HistoryFigures, HistoryKind, HistoryOrigin, HistorySeries, HistorySession, HistorySessions,
    HistorySubjects,
};

use crate::cli::text::{moment, shown};
use crate::report::words;

/// The word for BigQuery as the one that answered.
const BIGQUERY: &str = "bigquery";

/// Names a kind.
pub(super) const fn heading(kind: HistoryKind) -> &'static str {
    match kind {
        HistoryKind::PingIcmp => "Pings by ICMP",
        HistoryKind::PingTcp => "Pings by TCP",
        HistoryKind::PingUdp => "Pings by UDP",
        HistoryKind::Download => "Downloads, steady rate",
        HistoryKind::Upload => "Uploads, steady rate",
    }
}

pub(super) fn subjects(subjects: &HistorySubjects) -> Vec<Vec<String>> {
    let mut rows = vec![texts(["DESTINATION OR PROVIDER", "MEASURED"])];
    rows.extend(subjects.destinations.iter().map(|of| vec![shown(&of.name), words::count(of.count)]));
    rows.extend(subjects.providers.iter().map(|of| {
        let name = of.name.as_deref().map(|name| format!("  {}", shown(name))).unwrap_or_default();
        let number = if of.asn == 0 { "provider unknown".into() } else { format!("AS{}", of.asn) };
        vec![format!("{number}{name}"), words::count(of.count)]
    }));
    rows
}

pub(super) fn days(series: &HistorySeries, utc_offset: i16) -> Vec<Vec<String>> {
    let mut rows = vec![head("DAY", series.kind)];
    let day = |from: Timestamp| {
        let ahead = i64::from(utc_offset) * 60_000_000;
        Timestamp::from_unix_us(from.unix_us().saturating_add(ahead)).to_string().chars().take(10).collect()
    };
    rows.extend(series.days.iter().map(|point| line(day(point.from), series.kind, point.figures)));
    rows.push(line("all days".into(), series.kind, series.whole));
    rows
}

pub(super) fn hours(series: &HistorySeries) -> Vec<Vec<String>> {
    let mut rows = vec![head("HOUR", series.kind)];
    rows.extend(series.hours.iter().map(|at| line(format!("{:02}:00", at.hour), series.kind, at.figures)));
    rows
}

pub(super) fn sessions(kind: HistoryKind, page: &HistorySessions) -> Vec<Vec<String>> {
    let mut rows = vec![head("SESSION", kind)];
    if let Some(head) = rows.first_mut() {
        head.extend(texts(["MADE", "LABEL"]));
    }
    rows.extend(page.sessions.iter().map(|HistorySession { session, figures }| {
        let mut row = line(session.id.to_string(), kind, *figures);
        row.extend([moment(session.created), shown(&session.label)]);
        row
    }));
    rows
}

/// Says how the figures are made, and what is not in them.
pub(super) fn foot(history: &History) -> Vec<String> {
    let History { series: _, method, error_ratio, sessions_behind, origin: from } = history;
    let source = if from.source == BIGQUERY { "BigQuery" } else { "the listener's own record" };
    let mut lines = vec![if *error_ratio == 0.0 {
        format!("By {method} from {source}; percentiles are exact.")
    } else {
        format!("By {method} from {source}; percentiles are off by {} % at most.", error_ratio * 100.0)
    }];
    lines.extend(origin(from, *sessions_behind));
    lines
}

/// Says what an answer cost, and what is not in it.
pub(super) fn origin(origin: &HistoryOrigin, sessions_behind: u32) -> Vec<String> {
    let HistoryOrigin {
        source,
        billed_bytes,
        billed_total_bytes,
        complete_until,
        sessions_left_out,
        samples_since,
        probes_left_out,
    } = origin;
    let mut lines = vec![];
    if source == BIGQUERY {
        let data = |bytes: Option<u64>| bytes.map_or_else(|| "not told".to_owned(), |bytes| shown(&words::data(bytes)));
        let (this, all) = (data(*billed_bytes), data(*billed_total_bytes));
        lines.push(format!("Answered by BigQuery; billed: {this}, and {all} since the listener's start."));
    }
    lines.extend(
        complete_until.map(|at| format!("Complete up to {}; what was measured later may be missing.", moment(at))),
    );
    lines.extend(behind(sessions_behind));
    if *sessions_left_out > 0 {
        let sessions = counted(*sessions_left_out);
        lines.push(format!(
            "Not, or not wholly, in BigQuery: {sessions} that no staff took up, or of which it refused rows."
        ));
    }
    if *probes_left_out > 0 {
        let probes = words::count(*probes_left_out);
        lines.push(format!(
            "Left out: {probes} probes that went to BigQuery before it was noted there how they were sent."
        ));
    }
    lines.extend(
        samples_since.map(|at| format!("Pings of sessions that ended before {} are no longer kept there.", moment(at))),
    );
    lines
}

fn counted(sessions: u32) -> String {
    match sessions {
        1 => "1 session".into(),
        1_000.. => "1,000 sessions or more".into(),
        more => format!("{more} sessions"),
    }
}

/// Says that something is not in the figures yet.
fn behind(sessions: u32) -> Option<String> {
    match sessions {
        0 => None,
        1 => Some("The newest of 1 session is not in these figures yet.".into()),
        more => Some(format!("The newest of {more} sessions is not in these figures yet.")),
    }
}

fn head(first: &str, kind: HistoryKind) -> Vec<String> {
    if kind.is_ping() {
        texts([first, "PROBES", "LOST", "P5", "MEDIAN", "P95"])
    } else {
        texts([first, "TESTS", "P5", "MEDIAN", "P95"])
    }
}

fn line(first: String, kind: HistoryKind, figures: HistoryFigures) -> Vec<String> {
    let value = |value: Option<u64>| {
        let worded = value.map(|value| {
            if kind.is_ping() {
                words::ms(Duration::from_micros(value))
            } else {
                #[expect(clippy::cast_precision_loss, reason = "rates are far below 2^53")]
                words::rate(BitRate::from_bps(value as f64).unwrap_or(BitRate::ZERO))
            }
        });
        worded.map_or_else(|| words::NOT_MEASURED.to_owned(), |worded| shown(&worded))
    };
    let mut row = vec![first, words::count(figures.count)];
    if kind.is_ping() {
        let lost =
            figures.loss_ratio().map_or_else(|| words::NOT_MEASURED.to_owned(), |ratio| shown(&words::percent(ratio)));
        row.push(lost);
    }
    row.extend([figures.p05, figures.p50, figures.p95].map(value));
    row
}

fn texts<const N: usize>(texts: [&str; N]) -> Vec<String> {
    texts.map(str::to_owned).to_vec()
}
