//! The one place where a `tonic::Status` is made of what went wrong.

use cnc_proto::Invalid;
use tonic::{Code, Status};

use crate::google::Kind;
use crate::history::HistoryError;
use crate::limits::Over;
use crate::session::{Refusal, Violation};
use crate::sessions::{AttachError, Closing, SessionsError};
use crate::staff::Denied;
use crate::store::StoreError;

/// What a peer sent is not what it may be.
pub(super) fn invalid(error: &Invalid) -> Status {
    let code = match error {
        Invalid::Unknown { .. } => Code::Unimplemented,
        Invalid::Missing { .. }
        | Invalid::TooLong { .. }
        | Invalid::TooMany { .. }
        | Invalid::Malformed { .. }
        | Invalid::Item { .. } => Code::InvalidArgument,
    };
    Status::new(code, error.to_string())
}

/// The first message was no hello, or did not come.
pub(super) fn no_hello(why: &str) -> Status {
    Status::invalid_argument(format!("the first message must be hello: {why}"))
}

/// What was asked of history has no answer.
pub(super) fn history(error: &HistoryError) -> Status {
    match error {
        HistoryError::Store(error) => store(error),
        HistoryError::Google(refused) => {
            let code = match refused.kind {
                Kind::Quota | Kind::Cap => Code::ResourceExhausted,
                Kind::Outage | Kind::Buffered => Code::Unavailable,
                Kind::Invalid => Code::Internal,
                Kind::Key
                | Kind::Clock
                | Kind::Permission
                | Kind::Scope
                | Kind::Disabled
                | Kind::NotFound
                | Kind::Folder
                | Kind::Storage
                | Kind::Schema => Code::FailedPrecondition,
            };
            Status::new(code, error.to_string())
        }
    }
}

/// A bound was reached.
pub(super) fn over(over: Over) -> Status {
    Status::resource_exhausted(over.to_string())
}

/// Staff may not.
pub(super) fn denied(error: Denied) -> Status {
    let code = match error {
        Denied::NoToken | Denied::UnknownToken | Denied::LoggedOut => Code::Unauthenticated,
        Denied::Role { .. } | Denied::ForeignSite => Code::PermissionDenied,
    };
    Status::new(code, error.to_string())
}

/// A client is not let in.
pub(super) fn not_attached(error: &AttachError) -> Status {
    match error {
        AttachError::UnknownCode(_) => Status::not_found(error.to_string()),
        AttachError::CodeNeeded => Status::permission_denied(error.to_string()),
        AttachError::Over(over) => self::over(*over),
        AttachError::Store(error) => store(error),
        AttachError::Stopping => Status::unavailable(error.to_string()),
    }
}

/// The listener closes a client's stream.
pub(super) fn closing(closing: &Closing) -> Status {
    let code = match closing {
        Closing::Violation(Violation::TooManyItems) | Closing::TooMuch(_) => Code::ResourceExhausted,
        Closing::Violation(_) | Closing::Invalid(_) => Code::InvalidArgument,
        Closing::Replaced => Code::Aborted,
        Closing::StoreFailed => Code::Unavailable,
    };
    Status::new(code, closing.to_string())
}

/// What staff asked of sessions cannot be had.
pub(super) fn sessions(error: &SessionsError) -> Status {
    match error {
        SessionsError::NotFound(_) | SessionsError::UnknownPlan { .. } => Status::not_found(error.to_string()),
        SessionsError::Ended(_) => Status::failed_precondition(error.to_string()),
        SessionsError::Refused(refusal) => refused(*refusal),
        SessionsError::Store(error) => store(error),
        SessionsError::Over(over) => self::over(*over),
        SessionsError::Stopping => Status::unavailable(error.to_string()),
    }
}

fn refused(refusal: Refusal) -> Status {
    let code = match refusal {
        Refusal::Ended | Refusal::TestEnded | Refusal::OwnTest | Refusal::Incapable(_) => Code::FailedPrecondition,
        Refusal::NoSuchTest => Code::NotFound,
        Refusal::TooManyTests => Code::ResourceExhausted,
    };
    Status::new(code, refusal.to_string())
}

/// The record cannot be read or written. Where the file lies is the operator's to know, and in the log.
pub(super) fn store(error: &StoreError) -> Status {
    tracing::warn!(%error, "a call failed at the store");
    match error {
        StoreError::DiskFull { .. } => Status::unavailable("the listener's disk is full: its operator must make room"),
        StoreError::ReadOnly { .. }
        | StoreError::InUse { .. }
        | StoreError::Io { .. }
        | StoreError::Newer { .. }
        | StoreError::Stopped => Status::unavailable("the listener's record cannot be used now: try again"),
        StoreError::Corrupt { .. } | StoreError::Unreadable { .. } => {
            Status::data_loss("the listener's record is damaged: its log says more")
        }
        StoreError::UnknownSession => Status::not_found(error.to_string()),
        StoreError::Conflict { .. } => Status::internal("the listener's record refused this: its log says more"),
    }
}

/// A token's id that names none.
pub(super) fn no_token(id: &str) -> Status {
    Status::not_found(format!("there is no token {id}, or it was revoked already"))
}

/// A report that is not made yet, or of no session.
pub(super) fn no_report(id: cnc_model::SessionId) -> Status {
    Status::failed_precondition(format!("session {id} has no report yet: it is made when the session has ended"))
}
