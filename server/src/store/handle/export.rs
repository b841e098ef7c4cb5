//! The exporter's side of the handle.

use cnc_model::{Sequence, SessionId, Timestamp};
use tokio::sync::watch;

use super::super::StoreError;
use super::super::export::{
    self, Begin, Encode, End, ExportNote, ExportStanding, Gathered, Kind, Most, Position, Range, Reach, SetAside,
};
use super::super::figures::count;
use super::super::removals::{self, Removal, Tried, What};
use super::super::writer::Write;
use super::Store;

impl Store {
    /// Says where everything is exported to. In another place than before everything is new.
    ///
    /// # Errors
    /// Says what keeps it from being stored.
    pub async fn export_to(&self, place: String) -> Result<(), StoreError> {
        self.note(ExportNote::Adopt(place)).await
    }

    /// Tells where a table's export stands.
    ///
    /// # Errors
    /// Says what keeps it from being read.
    pub async fn export_position(&self, kind: Kind) -> Result<Position, StoreError> {
        self.read(move |connection| export::in_flight(connection, kind)).await
    }

    /// Reads what is left to export of a table, up to a bound.
    ///
    /// # Errors
    /// Says what keeps it from being read.
    pub async fn export_gather(&self, kind: Kind, most: Most, encode: Encode) -> Result<Gathered, StoreError> {
        self.read(move |connection| export::gather(connection, kind, most, encode)).await
    }

    /// Reads again what a batch on its way holds, as far as it is still there.
    ///
    /// # Errors
    /// Says what keeps it from being read.
    pub async fn export_again(&self, kind: Kind, ranges: Vec<Range>, encode: Encode) -> Result<Gathered, StoreError> {
        self.read(move |connection| export::read_again(connection, kind, &ranges, encode)).await
    }

    /// Notes a table's new stream.
    ///
    /// # Errors
    /// Says what keeps it from being stored.
    pub async fn export_stream(&self, kind: Kind, stream: String) -> Result<(), StoreError> {
        self.note(ExportNote::Stream(kind, stream)).await
    }

    /// Notes that a batch is about to be sent.
    ///
    /// # Errors
    /// Says what keeps it from being stored.
    pub async fn export_begin(&self, begin: Begin) -> Result<(), StoreError> {
        self.note(ExportNote::Begin(begin)).await
    }

    /// Notes that a batch has arrived.
    ///
    /// # Errors
    /// Says what keeps it from being stored.
    pub async fn export_end(&self, end: End) -> Result<(), StoreError> {
        self.note(ExportNote::End(end)).await
    }

    /// Notes that a batch was refused, with the rows that are to blame; the others are put together anew.
    ///
    /// # Errors
    /// Says what keeps it from being stored.
    pub async fn export_refused(
        &self,
        kind: Kind,
        ranges: Vec<Range>,
        set_aside: Vec<SetAside>,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        self.note(ExportNote::Refused { kind, ranges, set_aside, at }).await
    }

    /// Notes that a batch which did not arrive goes to another stream, as its first.
    ///
    /// # Errors
    /// Says what keeps it from being stored.
    pub async fn export_move(&self, kind: Kind, stream: String) -> Result<(), StoreError> {
        self.note(ExportNote::Move { kind, stream }).await
    }

    /// Tells whether BigQuery has all of a session up to an item, or never gets it.
    ///
    /// # Errors
    /// Says what keeps it from being read.
    pub async fn is_exported(&self, session: SessionId, through: Sequence) -> Result<bool, StoreError> {
        self.read(move |connection| export::is_exported(connection, &session.to_string(), count(through.get()))).await
    }

    /// Tells how the export stands.
    ///
    /// # Errors
    /// Says what keeps it from being read.
    pub async fn export_standing(&self) -> Result<ExportStanding, StoreError> {
        self.read(export::standing).await
    }

    /// Sees whether BigQuery lacks something, and notes since when, or that it does not: where no batch begins nothing
    /// else would.
    ///
    /// # Errors
    /// Says what keeps it from being read or stored.
    pub async fn export_looked(&self, at: Timestamp) -> Result<bool, StoreError> {
        let (lacks, is_noted) = self.read(export::look).await?;
        if lacks != is_noted {
            self.note(ExportNote::Looked(at)).await?;
        }
        Ok(lacks)
    }

    /// Tells how far BigQuery's copy reaches.
    ///
    /// # Errors
    /// Says what keeps it from being read.
    pub(crate) async fn export_reach(&self, now: Timestamp) -> Result<Reach, StoreError> {
        self.read(move |connection| export::reach(connection, now)).await
    }

    /// Reads what is to be removed at BigQuery and due, of one dataset.
    ///
    /// # Errors
    /// Says what keeps it from being read.
    pub async fn due_removals(&self, what: What, now: Timestamp, limit: u32) -> Result<Vec<Removal>, StoreError> {
        self.read(move |connection| removals::due(connection, what, now, limit)).await
    }

    /// Tells when the next removal at BigQuery is due.
    ///
    /// # Errors
    /// Says what keeps it from being read.
    pub async fn next_removal_due(&self) -> Result<Option<Timestamp>, StoreError> {
        self.read(removals::next_due).await
    }

    /// Notes how an attempt at removals went.
    ///
    /// # Errors
    /// Says what keeps it from being stored.
    pub async fn removals_tried(&self, tried: Tried) -> Result<(), StoreError> {
        self.note(ExportNote::RemovalsTried(tried)).await
    }

    /// Changes with every transaction that became durable.
    #[must_use]
    pub fn commits(&self) -> watch::Receiver<u64> {
        self.inner.commits.clone()
    }

    /// Changes with every batch that was noted as arrived.
    #[must_use]
    pub fn exports(&self) -> watch::Receiver<u64> {
        self.inner.exports.clone()
    }

    async fn note(&self, note: ExportNote) -> Result<(), StoreError> {
        self.write(Write::Export(Box::new(note))).await.map(drop)
    }
}
