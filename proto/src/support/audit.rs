//! Calls about what staff did.

use std::num::{NonZeroU32, NonZeroU64};

use cnc_model::{SessionId, Timestamp};

use crate::scalar::{MAX_NAME_BYTES, MAX_SENTENCE_BYTES, count, session_id, text, timestamp};
use crate::{Invalid, v1};

/// Which of staff's doings to list, the newest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ListAudit {
    /// Only those to this session; `None` for all.
    pub session: Option<SessionId>,
    /// The last entry of the page before.
    pub before: Option<NonZeroU64>,
    /// The most to give; `None` for as many as the listener gives at once.
    pub limit: Option<NonZeroU32>,
}

/// One thing that staff did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// Counts up.
    pub id: u64,
    /// When.
    pub at: Timestamp,
    /// The token's name and id.
    pub who: String,
    /// What, like `issue_test`.
    pub action: String,
    /// To which session, where it was to one.
    pub session: Option<SessionId>,
    /// More about it.
    pub detail: String,
}

/// Reads a session's id that may be left out.
fn optional_session(field: &'static str, text: &str) -> Result<Option<SessionId>, Invalid> {
    if text.is_empty() { Ok(None) } else { session_id(field, text).map(Some) }
}

fn session_out(session: Option<SessionId>) -> String {
    session.map(|id| id.to_string()).unwrap_or_default()
}

impl From<ListAudit> for v1::ListAuditRequest {
    fn from(request: ListAudit) -> Self {
        let ListAudit { session, before, limit } = request;
        Self {
            session: session_out(session),
            before: before.map_or(0, NonZeroU64::get),
            limit: limit.map_or(0, NonZeroU32::get),
        }
    }
}

impl TryFrom<v1::ListAuditRequest> for ListAudit {
    type Error = Invalid;

    fn try_from(wire: v1::ListAuditRequest) -> Result<Self, Invalid> {
        let v1::ListAuditRequest { session, before, limit } = wire;
        Ok(Self {
            session: optional_session("ListAuditRequest.session", &session)?,
            before: NonZeroU64::new(count("ListAuditRequest.before", before)?),
            limit: NonZeroU32::new(limit),
        })
    }
}

impl From<AuditEntry> for v1::AuditEntry {
    fn from(entry: AuditEntry) -> Self {
        let AuditEntry { id, at, who, action, session, detail } = entry;
        Self { id, at_unix_us: at.unix_us(), who, action, session: session_out(session), detail }
    }
}

impl TryFrom<v1::AuditEntry> for AuditEntry {
    type Error = Invalid;

    fn try_from(wire: v1::AuditEntry) -> Result<Self, Invalid> {
        let v1::AuditEntry { id, at_unix_us, who, action, session, detail } = wire;
        Ok(Self {
            id: count("AuditEntry.id", id)?,
            at: timestamp("AuditEntry.at_unix_us", at_unix_us)?,
            who: text("AuditEntry.who", who, 2 * MAX_NAME_BYTES)?,
            action: text("AuditEntry.action", action, MAX_NAME_BYTES)?,
            session: optional_session("AuditEntry.session", &session)?,
            detail: text("AuditEntry.detail", detail, MAX_SENTENCE_BYTES)?,
        })
    }
}

impl From<Vec<AuditEntry>> for v1::ListAuditResponse {
    fn from(entries: Vec<AuditEntry>) -> Self {
        Self { entries: entries.into_iter().map(Into::into).collect() }
    }
}

impl TryFrom<v1::ListAuditResponse> for Vec<AuditEntry> {
    type Error = Invalid;

    fn try_from(wire: v1::ListAuditResponse) -> Result<Self, Invalid> {
        let v1::ListAuditResponse { entries } = wire;
        entries.into_iter().map(TryInto::try_into).collect()
    }
}
