//! `history …`: how destinations and providers fared over days, as a running listener tells it.

use std::num::NonZeroU32;

use clap::{Args, Subcommand, ValueEnum};
use cnc_model::{Timestamp, ping, throughput};
use cnc_proto::support::{
    History, HistoryKind, HistoryPeriod, HistoryScope, HistorySessions, HistorySubject, HistorySubjects,
    ListHistorySessions, ListHistorySubjects, MAX_HISTORY_DAYS, MAX_UTC_OFFSET_MINUTES,
};
use cnc_proto::{json, v1};

use super::connect::ConnectArguments;
use super::{CliError, output};
use crate::clock;

mod tables;

const DAY_US: i64 = 86_400_000_000;

#[derive(Debug, Subcommand)]
pub(super) enum HistoryCommand {
    /// List the destinations and providers that there are figures of, the most measured first
    #[command(after_help = "Example: cnc-listener history list --days 7")]
    List(ListArguments),
    /// Show round trips, loss and steady rates of a destination, a provider or both, by day and hour of day
    #[command(after_help = "Examples:\n  cnc-listener history show --destination example.com\n  cnc-listener history \
                            show --provider AS64500 --days 90 --utc-offset +02:00\n  cnc-listener history show \
                            --destination listener --provider AS64500 --json")]
    Show(ShowArguments),
    /// List the sessions behind a day or an hour of day, those that fared worst first
    #[command(after_help = "Examples:\n  cnc-listener history sessions --destination example.com --from 2026-11-20 \
                            --until 2026-11-20\n  cnc-listener history sessions --provider AS64500 --kind download \
                            --hour 20")]
    Sessions(SessionsArguments),
}

#[derive(Debug, Args)]
pub(super) struct ListArguments {
    #[command(flatten)]
    period: PeriodArguments,
    /// The most destinations, and the most providers, to list
    #[arg(long, default_value = "50")]
    limit: NonZeroU32,
    #[command(flatten)]
    connect: ConnectArguments,
}

#[derive(Debug, Args)]
pub(super) struct ShowArguments {
    #[command(flatten)]
    subject: SubjectArguments,
    #[command(flatten)]
    period: PeriodArguments,
    #[command(flatten)]
    connect: ConnectArguments,
}

#[derive(Debug, Args)]
pub(super) struct SessionsArguments {
    #[command(flatten)]
    subject: SubjectArguments,
    #[command(flatten)]
    period: PeriodArguments,
    /// What was measured
    #[arg(long, value_enum, default_value = "ping-icmp")]
    kind: Kind,
    /// By which method [default: the present one]
    #[arg(long, value_name = "NAME/N")]
    method: Option<String>,
    /// Only this hour of day, from 0 to 23
    #[arg(long, value_parser = clap::value_parser!(u8).range(0..24))]
    hour: Option<u8>,
    /// The most to list
    #[arg(long, default_value = "50")]
    limit: NonZeroU32,
    #[command(flatten)]
    connect: ConnectArguments,
}

/// Of what.
#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
struct SubjectArguments {
    /// What tests were aimed at, as they named it
    #[arg(long, value_name = "NAME")]
    destination: Option<String>,
    /// The network that clients came from, like AS64500; "unknown" for those of which it is not known
    #[arg(long, value_name = "AS", value_parser = provider)]
    provider: Option<u32>,
}

/// Over which time.
#[derive(Debug, Args)]
struct PeriodArguments {
    /// So many days, today included
    #[arg(long, default_value = "30", conflicts_with = "from", value_parser = clap::value_parser!(u16).range(1..=i64::from(MAX_HISTORY_DAYS)))]
    days: u16,
    /// The first day, like 2026-11-01
    #[arg(long, value_name = "DATE")]
    from: Option<jiff::civil::Date>,
    /// The last day [default: today]
    #[arg(long, value_name = "DATE")]
    until: Option<jiff::civil::Date>,
    /// How far days and hours are ahead of UTC, like +02:00 or -5
    #[arg(long, value_name = "TIME", default_value = "+00:00", allow_hyphen_values = true, value_parser = offset)]
    utc_offset: i16,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Kind {
    PingIcmp,
    PingTcp,
    PingUdp,
    Download,
    Upload,
}

impl From<Kind> for HistoryKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::PingIcmp => Self::PingIcmp,
            Kind::PingTcp => Self::PingTcp,
            Kind::PingUdp => Self::PingUdp,
            Kind::Download => Self::Download,
            Kind::Upload => Self::Upload,
        }
    }
}

impl SubjectArguments {
    fn subject(self) -> Result<HistorySubject, CliError> {
        match (self.destination, self.provider) {
            (Some(destination), None) => Ok(HistorySubject::Destination(destination)),
            (None, Some(asn)) => Ok(HistorySubject::Provider(asn)),
            (Some(destination), Some(asn)) => Ok(HistorySubject::Both(destination, asn)),
            (None, None) => Err(CliError::Usage("give --destination, --provider or both".into())),
        }
    }
}

impl PeriodArguments {
    fn period(&self, now: Timestamp) -> Result<HistoryPeriod, CliError> {
        let ahead_us = i64::from(self.utc_offset) * 60_000_000;
        let midnight = |day: i64| Timestamp::from_unix_us(day * DAY_US - ahead_us);
        let day_of = |date: jiff::civil::Date| {
            let at = date.to_zoned(jiff::tz::TimeZone::UTC).map(|at| at.timestamp().as_second().div_euclid(86_400));
            at.map_err(|error| CliError::Usage(error.to_string()))
        };
        let today = (now.unix_us() + ahead_us).div_euclid(DAY_US);
        let last = self.until.map_or(Ok(today), day_of)?;
        let first = self.from.map_or(Ok(last - i64::from(self.days) + 1), day_of)?;
        if first > last || last - first >= i64::from(MAX_HISTORY_DAYS) {
            let wanted = format!("--until must be a day from --from on, at most {MAX_HISTORY_DAYS} days later");
            return Err(CliError::Usage(wanted));
        }
        Ok(HistoryPeriod { from: midnight(first), until: midnight(last + 1) })
    }

    fn scope(&self, subject: HistorySubject) -> Result<HistoryScope, CliError> {
        let period = self.period(clock::wall())?;
        Ok(HistoryScope { subject, period, utc_offset_minutes: self.utc_offset })
    }
}

pub(super) async fn run(command: HistoryCommand) -> Result<(), CliError> {
    match command {
        HistoryCommand::List(arguments) => list(arguments).await,
        HistoryCommand::Show(arguments) => show(arguments).await,
        HistoryCommand::Sessions(arguments) => sessions(arguments).await,
    }
}

async fn list(arguments: ListArguments) -> Result<(), CliError> {
    let ListArguments { period, limit, connect } = arguments;
    let wish = ListHistorySubjects { period: period.period(clock::wall())?, limit: Some(limit) };
    let mut support = connect.connect().await?.support();
    let answer = support.list_history_subjects(v1::ListHistorySubjectsRequest::from(wish)).await?.into_inner();
    let subjects = HistorySubjects::try_from(answer)?;
    if connect.json {
        output::lines(&json::history_subject_lines(&subjects));
        return Ok(());
    }
    output::table(&tables::subjects(&subjects));
    output::lines(&tables::origin(&subjects.origin, subjects.sessions_behind));
    Ok(())
}

async fn show(arguments: ShowArguments) -> Result<(), CliError> {
    let ShowArguments { subject, period, connect } = arguments;
    let scope = period.scope(subject.subject()?)?;
    let mut support = connect.connect().await?.support();
    let answer = support.get_history(v1::GetHistoryRequest::from(scope)).await?.into_inner();
    let history = History::try_from(answer)?;
    if connect.json {
        output::lines(&json::history_lines(&history));
        return Ok(());
    }
    if history.series.is_empty() {
        output::line("nothing was measured in that time: see `cnc-listener history list` for what was");
    }
    for of in &history.series {
        output::line(&format!("{}  ({})", tables::heading(of.kind), of.method));
        output::table(&tables::days(of, period.utc_offset));
        output::line("");
        output::table(&tables::hours(of));
        output::line("");
    }
    output::lines(&tables::foot(&history));
    Ok(())
}

async fn sessions(arguments: SessionsArguments) -> Result<(), CliError> {
    let SessionsArguments { subject, period, kind, method, hour, limit, connect } = arguments;
    let kind = HistoryKind::from(kind);
    let present = if kind.is_ping() { ping::METHOD } else { throughput::METHOD };
    let method = method.unwrap_or_else(|| present.to_owned());
    let scope = period.scope(subject.subject()?)?;
    let wish = ListHistorySessions { scope, hour, kind, method, limit: Some(limit) };
    let mut support = connect.connect().await?.support();
    let answer = support.list_history_sessions(v1::ListHistorySessionsRequest::from(wish)).await?.into_inner();
    let page = HistorySessions::try_from(answer)?;
    if connect.json {
        output::lines(&json::history_session_lines(kind, &page));
        return Ok(());
    }
    output::table(&tables::sessions(kind, &page));
    if page.total > page.sessions.len() as u64 {
        output::line(&format!("{} of {} sessions", page.sessions.len(), page.total));
    }
    output::lines(&tables::origin(&page.origin, 0));
    Ok(())
}

fn provider(text: &str) -> Result<u32, String> {
    if text.eq_ignore_ascii_case("unknown") {
        return Ok(0);
    }
    let digits = text.get(..2).filter(|as_| as_.eq_ignore_ascii_case("as")).map_or(text, |_| &text[2..]);
    digits.parse().map_err(|_| "a provider is like AS64500, or unknown".to_owned())
}

fn offset(text: &str) -> Result<i16, String> {
    let wrong = || "how far clocks are ahead of UTC is like +02:00, -5 or +05:30, at most 14 hours".to_owned();
    let (sign, rest) = match text.split_at_checked(1) {
        Some(("+", rest)) => (1, rest),
        Some(("-", rest)) => (-1, rest),
        _ => (1, text),
    };
    let (hours, minutes) = rest.split_once(':').unwrap_or((rest, "0"));
    let number = |text: &str, most: i16| text.parse().ok().filter(|n| (0..=most).contains(n)).ok_or_else(wrong);
    let minutes = sign * (number(hours, 14)? * 60 + number(minutes, 59)?);
    if minutes.abs() <= MAX_UTC_OFFSET_MINUTES { Ok(minutes) } else { Err(wrong()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_are_read() {
        for (text, minutes) in [("+02:00", 120), ("-5", -300), ("0", 0), ("+05:30", 330), ("-14:00", -840)] {
            assert_eq!(offset(text), Ok(minutes), "{text}");
        }
        for text in ["", "+", "two", "+15", "14:01", "+1:60", "--1"] {
            assert!(offset(text).is_err(), "{text}");
        }
    }

    #[test]
    fn providers_are_read() {
        assert_eq!((provider("as64500"), provider("7"), provider("Unknown")), (Ok(64_500), Ok(7), Ok(0)));
        assert!(provider("example").is_err());
    }

    #[test]
    fn periods_are_whole_days_of_the_asker() {
        // 2027-01-15T08:00Z.
        let now = Timestamp::from_unix_us(1_800_000_000_000_000);
        let arguments = |days, from: Option<&str>, until: Option<&str>, utc_offset| {
            let date = |text: Option<&str>| text.map(|text| text.parse().expect("a date"));
            PeriodArguments { days, from: date(from), until: date(until), utc_offset }
        };
        let period = |arguments: PeriodArguments| {
            let HistoryPeriod { from, until } = arguments.period(now).expect("a period");
            (from.to_string()[..16].to_owned(), until.to_string()[..16].to_owned())
        };
        let told = |from: &str, until: &str| (from.to_owned(), until.to_owned());
        assert_eq!(period(arguments(1, None, None, 0)), told("2027-01-15T00:00", "2027-01-16T00:00"));
        assert_eq!(period(arguments(2, None, None, -600)), told("2027-01-13T10:00", "2027-01-15T10:00"));
        let (first, last) = (Some("2026-12-31"), Some("2027-01-01"));
        assert_eq!(period(arguments(30, first, last, 60)), told("2026-12-30T23:00", "2027-01-01T23:00"));
        assert!(arguments(30, last, first, 0).period(now).is_err());
        assert!(arguments(30, Some("2020-01-01"), None, 0).period(now).is_err());
    }
}
