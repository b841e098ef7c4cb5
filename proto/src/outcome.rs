//! Outcomes and the reasons of failures.

use cnc_model::{Failure, Outcome, Reason};

use crate::invalid::required;
use crate::scalar::{MAX_SENTENCE_BYTES, cut, optional_text, text};
use crate::{Invalid, v1};

impl From<Outcome> for v1::Outcome {
    fn from(outcome: Outcome) -> Self {
        use v1::outcome::Outcome as Wire;
        let wire = match outcome {
            Outcome::Completed => Wire::Completed(v1::Completed {}),
            Outcome::Failed(failure) => Wire::Failed(failure.into()),
            Outcome::Cancelled => Wire::Cancelled(v1::Cancelled {}),
        };
        Self { outcome: Some(wire) }
    }
}

impl TryFrom<v1::Outcome> for Outcome {
    type Error = Invalid;

    /// An outcome that only a newer peer knows is a failure that says so: the test has ended in any case.
    fn try_from(wire: v1::Outcome) -> Result<Self, Invalid> {
        use v1::outcome::Outcome as Wire;
        let v1::Outcome { outcome } = wire;
        Ok(match outcome {
            Some(Wire::Completed(v1::Completed {})) => Self::Completed,
            Some(Wire::Failed(failure)) => Self::Failed(failure.try_into()?),
            Some(Wire::Cancelled(v1::Cancelled {})) => Self::Cancelled,
            None => Self::Failed(Failure::new(Reason::Internal, "it ended in a way that this version does not know")),
        })
    }
}

impl From<Failure> for v1::Failure {
    fn from(failure: Failure) -> Self {
        let Failure { reason, message, hint } = failure;
        Self {
            reason: v1::Reason::from(reason).into(),
            message: cut(message, MAX_SENTENCE_BYTES),
            hint: hint.map(|hint| cut(hint, MAX_SENTENCE_BYTES)),
        }
    }
}

impl TryFrom<v1::Failure> for Failure {
    type Error = Invalid;

    fn try_from(wire: v1::Failure) -> Result<Self, Invalid> {
        let v1::Failure { reason, message, hint } = wire;
        Ok(Self {
            reason: v1::Reason::try_from(reason).unwrap_or_default().into(),
            message: text("Failure.message", message, MAX_SENTENCE_BYTES)?,
            hint: optional_text("Failure.hint", hint, MAX_SENTENCE_BYTES)?,
        })
    }
}

impl From<Reason> for v1::Reason {
    fn from(reason: Reason) -> Self {
        match reason {
            Reason::NameNotFound => Self::NameNotFound,
            Reason::NoRoute => Self::NoRoute,
            Reason::NoPermission => Self::NoPermission,
            Reason::NotPresent => Self::NotPresent,
            Reason::Unreachable => Self::Unreachable,
            Reason::RefusedByPolicy => Self::RefusedByPolicy,
            Reason::Unsupported => Self::Unsupported,
            Reason::BacklogFull => Self::BacklogFull,
            Reason::Busy => Self::Busy,
            Reason::Abandoned => Self::Abandoned,
            Reason::Internal => Self::Internal,
        }
    }
}

impl From<v1::Reason> for Reason {
    fn from(wire: v1::Reason) -> Self {
        match wire {
            v1::Reason::NameNotFound => Self::NameNotFound,
            v1::Reason::NoRoute => Self::NoRoute,
            v1::Reason::NoPermission => Self::NoPermission,
            v1::Reason::NotPresent => Self::NotPresent,
            v1::Reason::Unreachable => Self::Unreachable,
            v1::Reason::RefusedByPolicy => Self::RefusedByPolicy,
            v1::Reason::Unsupported => Self::Unsupported,
            v1::Reason::BacklogFull => Self::BacklogFull,
            v1::Reason::Busy => Self::Busy,
            v1::Reason::Abandoned => Self::Abandoned,
            // The message still says what happened.
            v1::Reason::Unspecified | v1::Reason::Internal => Self::Internal,
        }
    }
}

/// Reads the outcome of something that has ended.
pub(crate) fn ended(field: &'static str, wire: Option<v1::Outcome>) -> Result<Outcome, Invalid> {
    required(field, wire)?.try_into()
}
