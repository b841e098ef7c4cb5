//! Where an answer of history comes from, what it costs, and what cannot be in it.

use cnc_model::Timestamp;

use crate::scalar::{MAX_NAME_BYTES, count, text, timestamp};
use crate::{Invalid, v1};

/// Where an answer comes from, what it costs, and what cannot be in it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HistoryOrigin {
    /// What answered: `store` for the listener's own record, `bigquery` for BigQuery.
    pub source: String,
    /// What this answer is charged as; `None` where nobody charges, and where that could not be told.
    pub billed_bytes: Option<u64>,
    /// What all answers since the listener's start are charged as; `None` where nobody charges.
    pub billed_total_bytes: Option<u64>,
    /// What was measured before this time is in the answer; `None` where that is all that is stored.
    pub complete_until: Option<Timestamp>,
    /// Sessions that never come to where the answer is from, as nobody of staff took them up, or not wholly, as rows
    /// were refused; a thousand for that many or more.
    pub sessions_left_out: u32,
    /// Samples of sessions that ended before this time are no longer where the answer is from.
    pub samples_since: Option<Timestamp>,
    /// Probes that are left out, as it is not known where the answer is from how they were sent.
    pub probes_left_out: u64,
}

impl From<HistoryOrigin> for v1::HistoryOrigin {
    fn from(origin: HistoryOrigin) -> Self {
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
            billed_bytes,
            billed_total_bytes,
            complete_until_unix_us: complete_until.map(Timestamp::unix_us),
            sessions_left_out,
            samples_since_unix_us: samples_since.map(Timestamp::unix_us),
            probes_left_out,
        }
    }
}

impl TryFrom<v1::HistoryOrigin> for HistoryOrigin {
    type Error = Invalid;

    fn try_from(wire: v1::HistoryOrigin) -> Result<Self, Invalid> {
        let v1::HistoryOrigin {
            source,
            billed_bytes,
            billed_total_bytes,
            complete_until_unix_us,
            sessions_left_out,
            samples_since_unix_us,
            probes_left_out,
        } = wire;
        let bytes = |field, bytes: Option<u64>| bytes.map(|bytes| count(field, bytes)).transpose();
        let time = |field, us: Option<i64>| us.map(|us| timestamp(field, us)).transpose();
        Ok(Self {
            source: text("HistoryOrigin.source", source, MAX_NAME_BYTES)?,
            billed_bytes: bytes("HistoryOrigin.billed_bytes", billed_bytes)?,
            billed_total_bytes: bytes("HistoryOrigin.billed_total_bytes", billed_total_bytes)?,
            complete_until: time("HistoryOrigin.complete_until_unix_us", complete_until_unix_us)?,
            sessions_left_out,
            samples_since: time("HistoryOrigin.samples_since_unix_us", samples_since_unix_us)?,
            probes_left_out: count("HistoryOrigin.probes_left_out", probes_left_out)?,
        })
    }
}

/// Reads where an answer comes from; listeners of earlier versions do not say.
pub(super) fn read(wire: Option<v1::HistoryOrigin>) -> Result<HistoryOrigin, Invalid> {
    wire.map(TryInto::try_into).transpose().map(Option::unwrap_or_default)
}
