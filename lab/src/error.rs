//! Why a lab could not be built or asked.

use std::io;

use crate::scenario::ScenarioError;

/// Why a lab could not be built or asked.
#[derive(Debug, thiserror::Error)]
pub enum LabError {
    /// The process may not make network namespaces.
    #[error("the lab needs root (CAP_NET_ADMIN, CAP_NET_RAW and CAP_SYS_ADMIN): run it with sudo")]
    NeedsRoot,
    /// A program that the lab runs is not installed.
    #[error("`{program}` is not installed: apt-get install {package}")]
    Missing {
        /// The program's name.
        program: &'static str,
        /// The Debian package that has it.
        package: &'static str,
    },
    /// The scenario is unknown or wrong.
    #[error(transparent)]
    Scenario(#[from] ScenarioError),
    /// A program refused what the lab asked.
    #[error("`{command}` failed{}: {message}", space.as_ref().map(|space| format!(" in {space}")).unwrap_or_default())]
    Command {
        /// The program with its arguments.
        command: String,
        /// The namespace it ran in.
        space: Option<String>,
        /// What it wrote to standard error.
        message: String,
    },
    /// The system refused something else.
    #[error("{action}")]
    System {
        /// What was tried.
        action: String,
        /// Why it failed.
        source: io::Error,
    },
    /// The scenario has no such host or router.
    #[error("there is no `{name}` in this lab; there are: {known}")]
    UnknownNode {
        /// The name asked for.
        name: String,
        /// Those there are.
        known: String,
    },
    /// The two nodes are not linked.
    #[error("`{from}` and `{to}` are not linked directly")]
    NotLinked {
        /// One end asked for.
        from: String,
        /// The other.
        to: String,
    },
}

impl LabError {
    pub(crate) fn system(action: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::System { action: action.into(), source }
    }
}
