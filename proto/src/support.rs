//! What staff ask and are answered: plain types for the calls of `cnc.v1.Support`, so that no handler and no command
//! touches a generated field.

mod audit;
mod sessions;
mod tokens;

pub use audit::{AuditEntry, ListAudit};
pub use sessions::{
    CancelTest, CreateSession, CreatedSession, DeletedSession, IssuePlan, IssueTest, ListSamples, ListSessions,
    SamplePage,
};
pub use tokens::{CreateToken, CreatedToken, RevokeToken, Role, Token};
