//! Why Google says no, in the few kinds that differ in what is to be done about them. Pure.

use std::fmt;

use thiserror::Error;

/// What was tried, why it failed, and what Google said.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("cannot {what}: {kind}. {}. (What was said: {said})", kind.advice())]
pub struct GoogleError {
    /// Which kind of no it is.
    pub kind: Kind,
    /// What was tried, as it stands after *cannot*.
    pub what: String,
    /// What Google, or the way there, said.
    pub said: String,
}

/// The kinds of no.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The key, or whatever else says who the listener is, is not accepted.
    Key,
    /// This machine's clock is too far off for a token.
    Clock,
    /// The account may not do it.
    Permission,
    /// The tokens are for less than is needed, whatever the account may do.
    Scope,
    /// The interface is not switched on for the project.
    Disabled,
    /// The project, dataset or table is not there.
    NotFound,
    /// The folder in Drive is not there, or the account may not see it.
    Folder,
    /// There is no room in Drive.
    Storage,
    /// As much was used as may be.
    Quota,
    /// An answer would be charged as more than the settings permit.
    Cap,
    /// What is there has another shape than what was sent.
    Schema,
    /// What was sent is not accepted, and would not be the next time.
    Invalid,
    /// Rows that were appended of late cannot be changed yet.
    Buffered,
    /// Nothing there answered, or it answered that it cannot now.
    Outage,
}

impl Kind {
    /// Every kind, in the order of the metrics.
    pub const ALL: [Self; 14] = [
        Self::Key,
        Self::Clock,
        Self::Permission,
        Self::Scope,
        Self::Disabled,
        Self::NotFound,
        Self::Folder,
        Self::Storage,
        Self::Quota,
        Self::Cap,
        Self::Schema,
        Self::Invalid,
        Self::Buffered,
        Self::Outage,
    ];

    /// Gives the word for it in metrics and columns.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::Clock => "clock",
            Self::Permission => "permission",
            Self::Scope => "scope",
            Self::Disabled => "disabled",
            Self::NotFound => "not_found",
            Self::Folder => "folder",
            Self::Storage => "storage",
            Self::Quota => "quota",
            Self::Cap => "cap",
            Self::Schema => "schema",
            Self::Invalid => "invalid",
            Self::Buffered => "buffered",
            Self::Outage => "outage",
        }
    }

    /// Says in one sentence what to do about it.
    #[must_use]
    pub const fn advice(self) -> &'static str {
        match self {
            Self::Key => {
                "Make a new key for the service account, or sign in again by `gcloud auth application-default login`, and \
                 name it in google.credentials"
            }
            Self::Clock => {
                "Set this machine's clock, best by NTP: tokens are only given within some minutes of the time"
            }
            Self::Permission => {
                "Give the listener's account the role that is missing: `cnc-listener google check` tells which in BigQuery; in \
                 Drive it is Content manager of the shared drive"
            }
            Self::Scope => {
                "Give the machine the access scopes https://www.googleapis.com/auth/cloud-platform and, for Drive, \
                 https://www.googleapis.com/auth/drive, or name a service account's key in google.credentials"
            }
            Self::Disabled => {
                "Switch it on in the Google Cloud console, under APIs & Services; it takes a few minutes until that is \
                 known everywhere"
            }
            Self::NotFound => {
                "Look at project and dataset in [google], and run `cnc-listener bigquery setup --create-dataset`, which makes \
                 what is missing"
            }
            Self::Folder => {
                "Look at folder in [google], take it out of the trash if it lies there, and make the listener's account a \
                 Content manager of the shared drive that it is in"
            }
            Self::Storage => {
                "Take a folder in a shared drive, for service accounts have no room of their own, or make room there"
            }
            Self::Quota => {
                "Nothing is lost and it is tried again by itself; raise the project's quota if it stays so, and see that \
                 billing is on"
            }
            Self::Cap => "Ask for fewer days, or raise history_max_bytes in [google]",
            Self::Schema => "Run `cnc-listener bigquery setup`, which adds the columns that are missing",
            Self::Invalid => "This is a fault of cnc, or of what is in between: please report it",
            Self::Buffered => "It is tried again by itself until it can be, which takes up to two hours",
            Self::Outage => "Nothing is lost and it is tried again by itself; look at the way to Google if it stays so",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Key => "Google does not accept who this listener says it is",
            Self::Clock => "this machine's clock is wrong",
            Self::Permission => "the account may not do that",
            Self::Scope => "this machine's tokens are not for that",
            Self::Disabled => "the interface is not switched on for the project",
            Self::NotFound => "there is no such thing at Google",
            Self::Folder => "the folder is not there, or this account may not see it",
            Self::Storage => "there is no room in Drive",
            Self::Quota => "the quota is used up",
            Self::Cap => "the answer would cost more than may be",
            Self::Schema => "the table has another shape",
            Self::Invalid => "Google does not accept what was sent",
            Self::Buffered => "rows that came of late cannot be changed yet",
            Self::Outage => "Google cannot be reached, or cannot answer now",
        })
    }
}

impl GoogleError {
    /// Words it for somebody who asked and waits, for whom nothing is tried again.
    #[must_use]
    pub fn told_to_asker(&self) -> String {
        let Self { kind, what, said } = self;
        let advice = match kind {
            Kind::Quota => "Ask again later; raise the project's quota if it stays so, and see that billing is on",
            Kind::Buffered | Kind::Outage => "Ask again in a minute; look at the way to Google if it stays so",
            Kind::Key
            | Kind::Clock
            | Kind::Permission
            | Kind::Scope
            | Kind::Disabled
            | Kind::NotFound
            | Kind::Folder
            | Kind::Storage
            | Kind::Cap
            | Kind::Schema
            | Kind::Invalid => kind.advice(),
        };
        format!("cannot {what}: {kind}. {advice}. (What was said: {said})")
    }

    /// Tells what was tried and why it failed.
    #[must_use]
    pub fn new(kind: Kind, what: impl Into<String>, said: impl fmt::Display) -> Self {
        Self { kind, what: what.into(), said: first_line(&said.to_string()) }
    }
}

/// Tells which kind of *forbidden* it is, by Google's words: they are the same for all of its services, by REST and by
/// gRPC, where reasons and codes are not.
pub(crate) fn forbidden(message: &str) -> Kind {
    if message.contains("insufficient authentication scopes") {
        Kind::Scope
    } else if message.contains("has not been used in project") || message.contains("it is disabled") {
        Kind::Disabled
    } else {
        Kind::Permission
    }
}

/// The longest that is told of what Google says: its answers may be whole pages.
const MOST_SAID: usize = 400;

fn first_line(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(MOST_SAID) {
        Some((end, _)) => format!("{}…", line.get(..end).unwrap_or_default()),
        None => line,
    }
}

/// Gives what lies under all that wraps it: `Connection refused` says more than `Connection failure`.
pub(crate) fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text = cause.to_string();
        next = cause.source();
    }
    text
}
