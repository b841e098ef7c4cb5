//! How a test ended. A failed measurement is a result like any other.

use std::fmt;

/// How a test ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It ran as it should; loss and silence included.
    Completed,
    /// It could not be measured, or not to its end.
    Failed(Failure),
    /// Staff or the user stopped it.
    Cancelled,
}

/// Why a test failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The kind, for programs.
    pub reason: Reason,
    /// What happened, in plain words.
    pub message: String,
    /// What would help, where that is known.
    pub hint: Option<String>,
}

/// The kinds of failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reason {
    /// The name has no address.
    NameNotFound,
    /// No address of the wanted family, or no route to it.
    NoRoute,
    /// The system does not let this program measure so.
    NoPermission,
    /// There is no such thing here: no default gateway, no DNS server.
    NotPresent,
    /// The peer could not be connected to, or broke off.
    Unreachable,
    /// The client's policy forbids it.
    RefusedByPolicy,
    /// This client does not know that test.
    Unsupported,
    /// More samples waited to be sent than the client keeps.
    BacklogFull,
    /// The listener has no room for a throughput test now.
    Busy,
    /// The client went away before the test ended.
    Abandoned,
    /// A fault of cnc's own.
    Internal,
}

impl Reason {
    /// Every reason.
    pub const ALL: [Self; 11] = [
        Self::NameNotFound,
        Self::NoRoute,
        Self::NoPermission,
        Self::NotPresent,
        Self::Unreachable,
        Self::RefusedByPolicy,
        Self::Unsupported,
        Self::BacklogFull,
        Self::Busy,
        Self::Abandoned,
        Self::Internal,
    ];

    /// Gives the word for it in JSON and in columns.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::NameNotFound => "name_not_found",
            Self::NoRoute => "no_route",
            Self::NoPermission => "no_permission",
            Self::NotPresent => "not_present",
            Self::Unreachable => "unreachable",
            Self::RefusedByPolicy => "refused_by_policy",
            Self::Unsupported => "unsupported",
            Self::BacklogFull => "backlog_full",
            Self::Busy => "busy",
            Self::Abandoned => "abandoned",
            Self::Internal => "internal",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl Outcome {
    /// Gives the word for it in JSON and in columns.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Failed(_) => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

impl Failure {
    /// A failure without a hint.
    #[must_use]
    pub fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self { reason, message: message.into(), hint: None }
    }

    /// Adds what would help.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}
