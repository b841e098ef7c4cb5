//! History as tables for people. Figures are worded as in the report.

use std::time::Duration;

use cnc_model::{BitRate, Timestamp};
use cnc_proto::support::{
    History, HistoryFigures, HistoryKind, HistorySeries, HistorySession, HistorySessions, HistorySubjects,
};

use crate::cli::text::{moment, shown};
use crate::report::words;

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
    let History { series: _, method, error_ratio, source, billed_bytes, sessions_behind } = history;
    let error = error_ratio * 100.0;
    let mut lines = vec![format!("By {method} from the {source}; percentiles are off by {error} % at most.")];
    lines.extend(billed_bytes.map(|bytes| format!("Billed: {}.", shown(&words::data(bytes)))));
    lines.extend(behind(*sessions_behind));
    lines
}

/// Says that something is not in the figures yet.
pub(super) fn behind(sessions: u32) -> Option<String> {
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
