//! How destinations and providers fared over days: what is asked of many sessions at once, and the answer.

use std::num::NonZeroU32;

use cnc_model::session::SessionOverview;
use cnc_model::{SessionId, Timestamp};

mod origin;
mod wire;

pub use origin::HistoryOrigin;

/// The longest period that is asked about at once, in days: a year and a month.
pub const MAX_HISTORY_DAYS: u16 = 400;
/// How far clocks are ahead of or behind UTC at most, in minutes.
pub const MAX_UTC_OFFSET_MINUTES: i16 = 14 * 60;

/// What figures are of, and over which time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryScope {
    /// Of what.
    pub subject: HistorySubject,
    /// Over which time.
    pub period: HistoryPeriod,
    /// How far the asker's clock is ahead of UTC, in minutes: days and hours of day are told by it.
    pub utc_offset_minutes: i16,
}

/// What figures are of.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum HistorySubject {
    /// A destination as tests named it, reached from everywhere.
    Destination(String),
    /// A provider's clients, whatever they reached: its autonomous system, 0 where that is not known.
    Provider(u32),
    /// A destination, reached from a provider's clients.
    Both(String, u32),
}

/// The hours of UTC that begin in a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HistoryPeriod {
    /// Those that begin at this time or later.
    pub from: Timestamp,
    /// And before this time.
    pub until: Timestamp,
}

/// What was measured. Kinds are never mixed: a TCP handshake is no ICMP echo.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum HistoryKind {
    /// Pings by ICMP echo.
    PingIcmp,
    /// Pings by TCP connections.
    PingTcp,
    /// Pings by UDP.
    PingUdp,
    /// Downloads with a steady rate that nobody else disturbed.
    Download,
    /// The same of uploads.
    Upload,
}

impl HistoryKind {
    /// Every kind.
    pub const ALL: [Self; 5] = [Self::PingIcmp, Self::PingTcp, Self::PingUdp, Self::Download, Self::Upload];

    /// Gives the word for it in JSON, in columns and on the command line.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::PingIcmp => "ping_icmp",
            Self::PingTcp => "ping_tcp",
            Self::PingUdp => "ping_udp",
            Self::Download => "download",
            Self::Upload => "upload",
        }
    }

    /// Tells whether its values are round trips; else they are rates.
    #[must_use]
    pub const fn is_ping(self) -> bool {
        match self {
            Self::PingIcmp | Self::PingTcp | Self::PingUdp => true,
            Self::Download | Self::Upload => false,
        }
    }
}

/// The figures of one hour, day or period. The values are microseconds where it is of pings, else bits a second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct HistoryFigures {
    /// Pings: probes sent. Downloads, uploads: tests.
    pub count: u64,
    /// Pings: probes with a reply in time. Downloads, uploads: as `count`.
    pub received: u64,
    /// The 5th percentile of the values, nearest rank; `None` where there are none.
    pub p05: Option<u64>,
    /// Their median.
    pub p50: Option<u64>,
    /// Their 95th percentile.
    pub p95: Option<u64>,
}

impl HistoryFigures {
    /// Gives the probes without a reply in time over those sent; `None` where none was sent.
    #[must_use]
    pub fn loss_ratio(&self) -> Option<f64> {
        cnc_model::stats::ratio(self.count.saturating_sub(self.received), self.count)
    }
}

/// A day's figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HistoryDay {
    /// When the day begins by the asker's clock.
    pub from: Timestamp,
    /// Its figures.
    pub figures: HistoryFigures,
}

/// The figures of an hour of day over all days of the period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HistoryHour {
    /// From 0 to 23, by the asker's clock.
    pub hour: u8,
    /// Its figures.
    pub figures: HistoryFigures,
}

/// The figures of one kind by one method.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistorySeries {
    /// What was measured.
    pub kind: HistoryKind,
    /// By which method, like `ping/1`.
    pub method: String,
    /// Over the whole period.
    pub whole: HistoryFigures,
    /// By day, those in which something was measured, in order.
    pub days: Vec<HistoryDay>,
    /// By hour of day, those in which something was measured, in order.
    pub hours: Vec<HistoryHour>,
}

/// The answer to a scope.
#[derive(Debug, Clone, PartialEq)]
pub struct History {
    /// One for each kind and method; figures of different ones are never mixed.
    pub series: Vec<HistorySeries>,
    /// How they are made, like `history/1`.
    pub method: String,
    /// By how much a percentile may be off, as a share of itself.
    pub error_ratio: f64,
    /// Sessions of which something is not in the figures yet; a thousand for that many or more.
    pub sessions_behind: u32,
    /// Where it comes from.
    pub origin: HistoryOrigin,
}

/// What there may be figures of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListHistorySubjects {
    /// Over which time.
    pub period: HistoryPeriod,
    /// The most destinations, and the most providers, to give; `None` for as many as the listener gives at once.
    pub limit: Option<NonZeroU32>,
}

/// What there are figures of, the most measured first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HistorySubjects {
    /// Destinations.
    pub destinations: Vec<HistoryDestination>,
    /// Providers that clients came from.
    pub providers: Vec<HistoryProvider>,
    /// Sessions of which something is not in the figures yet; a thousand for that many or more.
    pub sessions_behind: u32,
    /// Where it comes from.
    pub origin: HistoryOrigin,
}

/// A destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryDestination {
    /// As it was named.
    pub name: String,
    /// Probes and tests aimed at it.
    pub count: u64,
}

/// A provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryProvider {
    /// Its autonomous system; 0 for clients of which it is not known.
    pub asn: u32,
    /// Its name, where it is known.
    pub name: Option<String>,
    /// Probes and tests by its clients.
    pub count: u64,
}

/// A point whose sessions are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListHistorySessions {
    /// Of what, and over which time.
    pub scope: HistoryScope,
    /// Only this hour of day, from 0 to 23 by the asker's clock.
    pub hour: Option<u8>,
    /// What was measured.
    pub kind: HistoryKind,
    /// By which method.
    pub method: String,
    /// The most to give; `None` for as many as the listener gives at once.
    pub limit: Option<NonZeroU32>,
}

/// The sessions behind a point, those that fared worst first.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct HistorySessions {
    /// The sessions.
    pub sessions: Vec<HistorySession>,
    /// How many there are in all.
    pub total: u64,
    /// Where it comes from.
    pub origin: HistoryOrigin,
}

/// A session, and its part in a point.
#[derive(Debug, Clone, PartialEq)]
pub struct HistorySession {
    /// The session.
    pub session: SessionOverview,
    /// What it contributed.
    pub figures: HistoryFigures,
}

impl HistorySession {
    /// Gives its session's id.
    #[must_use]
    pub const fn id(&self) -> SessionId {
        self.session.id
    }
}
