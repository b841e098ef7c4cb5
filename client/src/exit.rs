//! How the program ends: the exit codes that scripts rely on.

use cnc_model::{Failure, Reason};

/// An exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// It was measured, loss included.
    Measured = 0,
    /// The destination never answered.
    NoAnswer = 1,
    /// The command line makes no sense.
    Usage = 2,
    /// It cannot be measured here; the message says what to do.
    CannotMeasure = 3,
    /// The listener cannot be reached, or refused.
    NoListener = 4,
    /// The user stopped it.
    Interrupted = 130,
}

impl From<&Failure> for Exit {
    fn from(failure: &Failure) -> Self {
        match failure.reason {
            Reason::Unreachable => Self::NoAnswer,
            Reason::NameNotFound
            | Reason::NoRoute
            | Reason::NoPermission
            | Reason::NotPresent
            | Reason::RefusedByPolicy
            | Reason::Unsupported
            | Reason::BacklogFull
            | Reason::Busy
            | Reason::Abandoned
            | Reason::Internal => Self::CannotMeasure,
        }
    }
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
