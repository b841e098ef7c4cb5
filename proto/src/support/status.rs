//! How a listener does, as it tells staff: out only, for a page shows it as it comes.

use cnc_model::Timestamp;

use crate::v1;

/// How a listener does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// Its version.
    pub version: String,
    /// When it was started.
    pub started: Timestamp,
    /// Its time.
    pub now: Timestamp,
    /// Sessions that have not ended.
    pub sessions_live: u64,
    /// Those of them whose client is connected.
    pub clients_connected: u64,
    /// Sessions in the record.
    pub sessions_stored: u64,
    /// The record's size.
    pub store_bytes: u64,
    /// Writes that failed since the start.
    pub store_failures: u64,
    /// Reports and other documents that wait.
    pub jobs_waiting: u64,
    /// Those of them that have failed at least once.
    pub jobs_failing: u64,
    /// Why the last of those failed.
    pub last_error: Option<String>,
    /// The bounds that were reached since the start.
    pub limits: Vec<LimitReached>,
}

/// A bound that was reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LimitReached {
    /// Its name, as in the metrics.
    pub name: String,
    /// What is said when it is reached.
    pub message: String,
    /// How often.
    pub times: u64,
}

impl From<Status> for v1::GetStatusResponse {
    fn from(status: Status) -> Self {
        let Status {
            version,
            started,
            now,
            sessions_live,
            clients_connected,
            sessions_stored,
            store_bytes,
            store_failures,
            jobs_waiting,
            jobs_failing,
            last_error,
            limits,
        } = status;
        let limit = |LimitReached { name, message, times }| v1::LimitReached { name, message, times };
        Self {
            version,
            started_unix_us: started.unix_us(),
            now_unix_us: now.unix_us(),
            sessions_live,
            clients_connected,
            sessions_stored,
            store_bytes,
            store_failures,
            jobs_waiting,
            jobs_failing,
            last_error,
            limits: limits.into_iter().map(limit).collect(),
        }
    }
}
