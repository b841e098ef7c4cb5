//! The record: one SQLite file, one writer that commits whatever has gathered, readers apart.
//!
//! It owns the tables and their migrations. It decides nothing: what is to be stored comes as [`Commit`]s from the
//! sessions, and an answer means that it is durable.

mod absences;
mod audit;
mod blob;
mod check;
mod counters;
mod documents;
mod error;
mod export;
mod figures;
mod handle;
mod history;
mod jobs;
mod links;
mod notes;
mod open;
mod removals;
mod retention;
mod sample;
mod sessions;
mod standing;
#[cfg(test)]
mod tests;
mod tokens;
mod words;
mod write;
mod writer;

pub use audit::{AuditEntry, StoredAudit};
pub use check::{Checked, check};
pub use counters::Counts;
pub use documents::standing::DocumentsStanding;
pub use documents::{Document, DocumentFile, DocumentNote, DocumentState, Upload};
use error::Fault;
pub use error::StoreError;
pub(crate) use export::protocol;
pub use export::{
    Begin, Column, Encode, End, ExportStanding, Gathered, Holds, InFlight, Kind as ExportKind, Most, Position, Range,
    Reach, ReadRow, SetAside, Table,
};
pub use handle::{MAX_PAGE, Store};
pub use jobs::{Job, JobEnd, JobKind};
pub use links::ReportLink;
pub use removals::{Removal, Tried, What};
pub use standing::Standing;
pub use tokens::TokenRow;
pub(crate) use words::to_state;

use cnc_model::session::{Absence, SequencedSample, SessionOverview, TestRecord};
use cnc_model::{Sequence, SessionId, Timestamp};

/// Changes of one session that become durable together or not at all.
#[derive(Debug, Clone, PartialEq)]
pub struct Commit {
    /// The session.
    pub session: SessionId,
    /// What changes, in order.
    pub changes: Vec<Change>,
    /// The last item that these changes cover, where they come from the client.
    pub through: Option<Sequence>,
}

/// One change of the record. Each is idempotent: storing it twice is storing it once.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// The session's row, whole.
    Session(Box<SessionRow>),
    /// A test's row, whole.
    Test(Box<TestRecord>),
    /// Samples, by their sequences.
    Samples(Vec<SequencedSample>),
    /// A time in which the client was away, by its beginning.
    Absence(Absence),
}

/// A session as it is stored: what staff see, and the secrets' hashes.
#[derive(Debug, Clone, PartialEq)]
pub struct SessionRow {
    /// What staff see. Its `stored` and `code` are not taken from here: the first is [`Commit::through`]'s, the
    /// second is kept as a hash.
    pub overview: SessionOverview,
    /// When the user agreed.
    pub consented: Option<Timestamp>,
    /// SHA-256 of the code, until it has joined a key or is no longer valid.
    pub code_hash: Option<[u8; 32]>,
    /// SHA-256 of the key of the client that joined.
    pub key_hash: Option<[u8; 32]>,
}

/// A session read back whole, to go on with after a restart.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredSession {
    /// Its row.
    pub row: SessionRow,
    /// Its tests in the order of issue, with the samples counted.
    pub tests: Vec<TestRecord>,
    /// When its client was away.
    pub absences: Vec<Absence>,
    /// The last item that is durable.
    pub stored: Sequence,
    /// The last item that BigQuery has, too; for a session that never goes there the last that is durable.
    pub exported: Sequence,
}

/// What the removal of a session took away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Removed {
    /// Tests.
    pub tests: u64,
    /// Samples.
    pub samples: u64,
    /// Hours of history that it had a part in.
    pub history_hours: u64,
    /// Whether BigQuery may have some of it, which is removed there later.
    pub is_exported: bool,
    /// Whether a document in Drive is to go as well.
    pub document: bool,
}
