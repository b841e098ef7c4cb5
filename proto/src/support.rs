//! What staff ask and are answered: plain types for the calls of `cnc.v1.Support`, so that no handler and no command
//! touches a generated field.

mod activity;
mod audit;
mod history;
mod orders;
mod papers;
mod sessions;
mod status;
mod tokens;

pub use activity::{Activity, ListActivity, MAX_LOOKED_INTO, MAX_ROUND_TRIPS, WhoAmI};
pub use audit::{AuditEntry, ListAudit};
pub use history::{
    History, HistoryDay, HistoryDestination, HistoryFigures, HistoryHour, HistoryKind, HistoryOrigin, HistoryPeriod,
    HistoryProvider, HistoryScope, HistorySeries, HistorySession, HistorySessions, HistorySubject, HistorySubjects,
    ListHistorySessions, ListHistorySubjects, MAX_HISTORY_DAYS, MAX_UTC_OFFSET_MINUTES,
};
pub use orders::{CancelTest, IssuePlan, IssueTest};
pub use papers::{AddNote, Document, Note};
pub use sessions::{
    CreateSession, CreatedSession, DeletedSession, ListSamples, ListSessions, SamplePage, SessionFilter,
};
pub use status::{DocumentsStatus, ExportStatus, LimitReached, Status};
pub use tokens::{CreateToken, CreatedToken, RevokeToken, Role, Token};
