//! What BigQuery has not yet: the cursor over the record, and what is on its way.
//!
//! Samples never change and have a place in their session, so a session's last exported item says which are left. Rows
//! that change are noted by triggers, a version with each change. What is sent is noted before it is sent; what is read
//! again after a doubt is the same rows at the same offset.

mod columns;
mod notes;
mod protocol;
mod reach;
mod read;
mod standing;

use rusqlite::Row;

pub use columns::{Column, Holds, Kind, Table};
pub use notes::{Begin, End, SetAside};
pub(super) use notes::{ExportNote, apply, look, removed};
pub(crate) use protocol::protocol;
pub use reach::Reach;
pub(super) use reach::read as reach;
pub(super) use read::{gather, in_flight, is_exported, read_again};
pub use standing::ExportStanding;
pub(super) use standing::read as standing;

/// Rows of one session that lie together: samples by their sequences, or one row at one version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Range {
    /// The session's id.
    pub session: String,
    /// The row within it; 0 for samples and for the session itself.
    pub item: i64,
    /// The first sequence; else the version.
    pub first: i64,
    /// The last sequence; else the version.
    pub last: i64,
}

/// A row as it goes out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadRow {
    /// Its message on the wire.
    pub bytes: Vec<u8>,
    /// Which of the ranges it belongs to.
    pub range: usize,
    /// Its sequence; else its version.
    pub number: i64,
}

/// Rows with the ranges that they were read from. A range may hold none: its items were no samples, or are gone.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Gathered {
    /// Where they are from, in order.
    pub ranges: Vec<Range>,
    /// The rows, in order.
    pub rows: Vec<ReadRow>,
    /// Rows that cannot be written as a message, with the reason.
    pub unreadable: Vec<SetAside>,
}

/// How much is read at the most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Most {
    /// Rows.
    pub rows: usize,
    /// Bytes of their messages.
    pub bytes: usize,
}

/// A batch that was noted as on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InFlight {
    /// The stream that it was noted for.
    pub stream: String,
    /// The offset of its first row.
    pub offset: i64,
    /// How many rows it had.
    pub rows: i64,
    /// Where they are from.
    pub ranges: Vec<Range>,
}

/// How far a table has got, and what is on its way.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Position {
    /// The stream that it is written by, with the rows that are in it.
    pub stream: Option<(String, i64)>,
    /// The batch that may or may not have arrived.
    pub in_flight: Option<InFlight>,
}

/// Writes a row's cells as a message, or tells why it cannot be.
pub type Encode = fn(&Table, &Row<'_>) -> Result<Vec<u8>, String>;
