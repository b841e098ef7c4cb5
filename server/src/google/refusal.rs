//! What BigQuery's answers mean, by REST and by gRPC. Pure.

use gcp_bigquery_client::error::{BQError, NestedResponseError};
use tonic::{Code, Status};

use super::error::{forbidden, innermost};
use super::{GoogleError, Kind, auth};

impl GoogleError {
    /// Tells what a REST answer means.
    #[must_use]
    pub fn of_rest(what: &str, error: &BQError) -> Self {
        match error {
            BQError::ResponseError { error } => Self::new(of_answer(&error.error), what, &error.error.message),
            BQError::YupAuthError(error) => Self { what: what.into(), ..auth::told(error) },
            BQError::AuthError(_)
            | BQError::NoToken
            | BQError::InvalidServiceAccountKey(_)
            | BQError::InvalidServiceAccountAuthenticator(_)
            | BQError::InvalidInstalledFlowAuthenticator(_)
            | BQError::InvalidApplicationDefaultCredentialsAuthenticator(_)
            | BQError::InvalidAuthorizedUserAuthenticator(_) => Self::new(Kind::Key, what, error),
            BQError::TonicStatusError(status) => Self::of_status(what, status),
            // An answer that is no JSON comes from something in between, or was cut off.
            BQError::RequestError(error) => Self::new(Kind::Outage, what, innermost(error)),
            BQError::NoDataAvailable
            | BQError::InvalidColumnIndex { .. }
            | BQError::InvalidColumnName { .. }
            | BQError::InvalidColumnType { .. }
            | BQError::SerializationError(_) => Self::new(Kind::Invalid, what, error),
            BQError::TonicTransportError(_)
            | BQError::TonicInvalidMetadataValueError(_)
            | BQError::SemaphorePermitError(_)
            | BQError::TokioTaskError(_)
            | BQError::ConnectionPoolError(_) => Self::new(Kind::Outage, what, innermost(error)),
        }
    }

    /// Tells what a query's error means that came within an answer.
    pub(super) fn of_query(what: &str, reason: &str, message: &str) -> Self {
        let kind = match reason {
            _ if message.contains(BUFFERED) => Kind::Buffered,
            _ if message.contains(NO_COLUMN) => Kind::Schema,
            CAP => Kind::Cap,
            "notFound" => Kind::NotFound,
            "accessDenied" => Kind::Permission,
            "quotaExceeded" | "rateLimitExceeded" => Kind::Quota,
            "backendError" | "internalError" | "jobBackendError" | "timeout" => Kind::Outage,
            _ => Kind::Invalid,
        };
        Self::new(kind, what, message)
    }

    /// Tells what a gRPC answer means.
    #[must_use]
    pub fn of_status(what: &str, status: &Status) -> Self {
        let kind = of_code(status.code(), status.message());
        // A connection that broke has its cause beneath; an answer of Google's has none.
        let said = match std::error::Error::source(status) {
            Some(cause) => innermost(cause),
            None => status.message().to_owned(),
        };
        Self::new(kind, what, said)
    }
}

/// Google's words for rows that are too fresh to be changed.
const BUFFERED: &str = "streaming buffer";
/// Google's words for a column that a table does not have.
const NO_COLUMN: &str = "Unrecognized name";
/// Google's reason for a query that would be charged as more than was permitted.
const CAP: &str = "bytesBilledLimitExceeded";

fn of_answer(error: &NestedResponseError) -> Kind {
    let reasons: Vec<_> = error.errors.iter().filter_map(|one| one.get("reason").map(String::as_str)).collect();
    let says = |word: &str| reasons.contains(&word);
    match error.code {
        _ if error.message.contains(BUFFERED) => Kind::Buffered,
        _ if error.message.contains(NO_COLUMN) => Kind::Schema,
        _ if says(CAP) => Kind::Cap,
        _ if says("quotaExceeded") || says("rateLimitExceeded") || says("jobRateLimitExceeded") => Kind::Quota,
        _ if says("backendError") || says("internalError") || says("jobBackendError") => Kind::Outage,
        401 => Kind::Key,
        403 => forbidden(&error.message),
        404 => Kind::NotFound,
        429 => Kind::Quota,
        400 | 409 | 412 if says("invalidSchema") || says("duplicate") => Kind::Schema,
        408 | 500..=599 => Kind::Outage,
        _ => Kind::Invalid,
    }
}

/// Tells which kind a code of gRPC's is, as it comes with a call or within an answer.
pub(crate) fn of_code(code: Code, message: &str) -> Kind {
    match code {
        Code::Unauthenticated => Kind::Key,
        Code::PermissionDenied => forbidden(message),
        Code::NotFound => Kind::NotFound,
        Code::ResourceExhausted => Kind::Quota,
        Code::InvalidArgument if message.to_lowercase().contains("schema") => Kind::Schema,
        Code::InvalidArgument | Code::Unimplemented | Code::Ok => Kind::Invalid,
        Code::AlreadyExists
        | Code::FailedPrecondition
        | Code::OutOfRange
        | Code::Aborted
        | Code::Cancelled
        | Code::DataLoss
        | Code::DeadlineExceeded
        | Code::Internal
        | Code::Unavailable
        | Code::Unknown => Kind::Outage,
    }
}
