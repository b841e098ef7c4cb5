//! What can go wrong with the record, each with what to do about it.

use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;
use thiserror::Error;

/// Why the record could not be opened, written or read. It can be cloned because one failed commit answers many.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum StoreError {
    /// No room is left. What was acknowledged is safe; nothing more can be until there is room.
    #[error("the disk that holds {path} is full: make room, the listener goes on by itself")]
    DiskFull {
        /// The database file.
        path: PathBuf,
    },
    /// The file or its folder cannot be written.
    #[error("{path} cannot be written ({detail}): let the listener's user write to the file and its folder")]
    ReadOnly {
        /// The database file.
        path: PathBuf,
        /// What the system said.
        detail: String,
    },
    /// The file is no intact database.
    #[error(
        "{path} is damaged ({detail}): stop the listener, keep a copy, then restore a backup or try \
         `sqlite3 {path} .recover`"
    )]
    Corrupt {
        /// The database file.
        path: PathBuf,
        /// What is wrong with it.
        detail: String,
    },
    /// Another process holds it.
    #[error("{path} is in use by another process: stop the other listener, or use another data folder")]
    InUse {
        /// The database file.
        path: PathBuf,
    },
    /// A later version of this program wrote it.
    #[error("{path} has schema {found}, this program knows up to {known}: use the newer cnc-listener")]
    Newer {
        /// The database file.
        path: PathBuf,
        /// The file's schema.
        found: i64,
        /// The latest schema known here.
        known: i64,
    },
    /// The disk or the file system failed.
    #[error("reading or writing {path} failed ({detail}): look at the disk and the system's log")]
    Io {
        /// The database file.
        path: PathBuf,
        /// What the system said.
        detail: String,
    },
    /// Something was to be stored for a session that is not, or no longer, in the record.
    #[error("the session is not in the record: it was deleted, or never stored")]
    UnknownSession,
    /// A change breaks a rule of the tables.
    #[error("the change does not fit the record ({detail}): this is a fault of cnc, please report it")]
    Conflict {
        /// The rule.
        detail: String,
    },
    /// A stored row is not what this program writes.
    #[error("a row of {table} cannot be read ({detail}): it was changed by hand, or is damaged")]
    Unreadable {
        /// The table.
        table: &'static str,
        /// What is wrong with it.
        detail: String,
    },
    /// The store is shutting down.
    #[error("the store has shut down")]
    Stopped,
}

impl StoreError {
    /// Tells whether the whole store is at fault, not the one change: what else waits would fail as well.
    #[must_use]
    pub const fn is_fault(&self) -> bool {
        match self {
            Self::DiskFull { .. }
            | Self::ReadOnly { .. }
            | Self::Corrupt { .. }
            | Self::InUse { .. }
            | Self::Newer { .. }
            | Self::Io { .. }
            | Self::Stopped => true,
            Self::UnknownSession | Self::Conflict { .. } | Self::Unreadable { .. } => false,
        }
    }

    /// Tells what `SQLite` reported about the file at `path`.
    pub(super) fn of(path: &Path, error: &rusqlite::Error) -> Self {
        let detail = error.to_string();
        let path = path.to_owned();
        let rusqlite::Error::SqliteFailure(failure, _) = error else {
            return Self::Conflict { detail };
        };
        #[expect(
            clippy::wildcard_enum_match_arm,
            reason = "SQLite's codes are many and may grow; the rest is told as it is"
        )]
        match failure.code {
            ErrorCode::DiskFull => Self::DiskFull { path },
            ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::CannotOpen => {
                Self::ReadOnly { path, detail }
            }
            ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => Self::Corrupt { path, detail },
            ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::FileLockingProtocolFailed => {
                Self::InUse { path }
            }
            ErrorCode::SystemIoFailure | ErrorCode::OutOfMemory | ErrorCode::NoLargeFileSupport => {
                Self::Io { path, detail }
            }
            ErrorCode::ConstraintViolation if failure.extended_code == rusqlite::ffi::SQLITE_CONSTRAINT_FOREIGNKEY => {
                Self::UnknownSession
            }
            _ => Self::Conflict { detail },
        }
    }
}

/// What the inside of the store fails with: `SQLite` does not know the file's name, which the outside adds.
#[derive(Debug)]
pub(super) enum Fault {
    Sqlite(rusqlite::Error),
    Told(StoreError),
}

impl Fault {
    pub(super) fn told(self, path: &Path) -> StoreError {
        match self {
            Self::Sqlite(error) => StoreError::of(path, &error),
            Self::Told(error) => error,
        }
    }
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        Self::Told(error)
    }
}
