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
    /// How the export to BigQuery stands; `None` where there is none.
    pub export: Option<ExportStatus>,
    /// How documents in Drive stand; `None` where there are none.
    pub documents: Option<DocumentsStatus>,
}

/// How the export to BigQuery stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportStatus {
    /// Items and rows that BigQuery does not have yet.
    pub lag_rows: u64,
    /// For how long it has not had everything; 0 when it has.
    pub lag_seconds: u64,
    /// Rows that it was given.
    pub exported_rows: u64,
    /// Rows that it does not take, set aside so that the others go on.
    pub set_aside: u64,
    /// Why it did not take the last of them.
    pub last_set_aside: Option<String>,
    /// Sessions that were removed here and are to be removed there.
    pub removals_waiting: u64,
    /// Those of them that were tried in vain.
    pub removals_failing: u64,
    /// The kind of failure that the export waits after; `None` while it gets on.
    pub failing_kind: Option<String>,
    /// What was tried, why it failed, and what to do about it.
    pub failing_message: Option<String>,
}

impl From<ExportStatus> for v1::ExportStatus {
    fn from(status: ExportStatus) -> Self {
        let ExportStatus {
            lag_rows,
            lag_seconds,
            exported_rows,
            set_aside,
            last_set_aside,
            removals_waiting,
            removals_failing,
            failing_kind,
            failing_message,
        } = status;
        Self {
            lag_rows,
            lag_seconds,
            exported_rows,
            set_aside,
            last_set_aside,
            removals_waiting,
            removals_failing,
            failing_kind,
            failing_message,
        }
    }
}

/// How documents in Drive stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentsStatus {
    /// Documents that are to be made, or made again.
    pub waiting: u64,
    /// Documents of deleted sessions that are to be removed.
    pub removals_waiting: u64,
    /// For how long the oldest of both has waited; 0 when there is none.
    pub oldest_seconds: u64,
    /// Those of both that were tried in vain, by the kind of the last failure.
    pub failing: Vec<(String, u64)>,
    /// Why the last attempt in vain failed, and what to do about it.
    pub failing_message: Option<String>,
}

impl From<DocumentsStatus> for v1::DocumentsStatus {
    fn from(status: DocumentsStatus) -> Self {
        let DocumentsStatus { waiting, removals_waiting, oldest_seconds, failing, failing_message } = status;
        let failing = failing.into_iter().map(|(kind, documents)| v1::DocumentsFailing { kind, documents }).collect();
        Self { waiting, removals_waiting, oldest_seconds, failing, failing_message }
    }
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
            export,
            documents,
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
            export: export.map(Into::into),
            documents: documents.map(Into::into),
        }
    }
}
