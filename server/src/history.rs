//! History (`history/1`): how destinations and providers fared over days, from sums that are kept as samples come.
//!
//! - **Pings**: the probes of all ping tests that were aimed at a destination as it was named, by the hour of UTC in
//!   which each was sent. A probe is *sent* and *received* as in `ping/1`: one without a reply within the timeout, or
//!   answered by an ICMP error, is lost; late replies, duplicates and probes that could not be sent count for nothing.
//!   Of two replies to one probe the one that was told first counts. Loss is exact.
//! - **Downloads and uploads**: the steady rate of each test that has one and that nobody else is known to have
//!   disturbed, by the hour in which it began; the destination is whom it ran against.
//! - **Percentiles** are by nearest rank on an HDR histogram with three significant digits, whose classes' middles are
//!   told: they are off by at most [`ERROR_RATIO`]. BigQuery finds them among the values themselves: they are exact.
//! - **A provider** is the network of the session's client when its samples were summed up; what was summed up before
//!   the network was known moves to it. ICMP, TCP and UDP, and methods' versions, are never added together: each has
//!   a series of its own. The method of a test that still runs is the one that this build knows.
//!
//! Sums follow their sessions: a session that is deleted takes its part with it. Samples that are merely kept no
//! longer do not: what they said stays. BigQuery has no sums, and answers from the samples that are there.
//!
//! Here are the pure parts, the seam behind which answers come from, and the task that keeps the sums. The tables are
//! the store's.

use cnc_model::Timestamp;
use cnc_proto::support::HistoryPeriod;

pub(crate) mod answer;
mod bigquery;
mod costs;
pub(crate) mod fold;
mod probes;
mod rolling;
mod source;
pub(crate) mod tally;

pub use bigquery::{BigQueryHistory, BigQuerySettings};
pub use costs::HistoryCosts;
pub use rolling::catch_up;
pub(crate) use rolling::run;
pub use source::{HistoryError, HistorySource};

/// The name and version of this method, told with every answer.
pub const METHOD: &str = "history/1";
/// The version in [`METHOD`], as sums carry it: those of another version are never added to these.
pub(crate) const VERSION: u32 = 1;
/// By how much a percentile may be off, as a share of itself: half a class of a histogram that has 1,024 classes from
/// each power of two to the next. Below 2,048 µs it is exact.
pub const ERROR_RATIO: f64 = 0.0005;
/// An hour in microseconds.
pub(crate) const HOUR_US: i64 = 3_600_000_000;

/// Gives the hour of UTC, counted from 1970, that a time lies in.
pub(crate) const fn hour_of(unix_us: i64) -> i64 {
    unix_us.div_euclid(HOUR_US)
}

/// Gives the hours of UTC that begin in a period, as the first of them and the first behind them.
pub(crate) fn hours_of(period: HistoryPeriod) -> (i64, i64) {
    let first = |at: Timestamp| hour_of(at.unix_us().saturating_add(HOUR_US - 1));
    (first(period.from), first(period.until))
}
