//! What is asked of the record about documents in Drive.

use cnc_model::{SessionId, Timestamp};

use super::{Store, Write, Written};
use crate::store::StoreError;
use crate::store::documents::standing::DocumentsStanding;
use crate::store::documents::{self, Document, DocumentNote};

impl Store {
    /// Notes what became of a document in Drive; tells whether there still is a row of it.
    ///
    /// # Errors
    /// Says what keeps it from being stored.
    pub async fn note_document(&self, note: DocumentNote) -> Result<bool, StoreError> {
        self.write(Write::Document(Box::new(note))).await.map(|written| written == Written::Changed(true))
    }

    /// Reads how documents stand.
    ///
    /// # Errors
    /// Says what keeps it from being read.
    pub async fn documents_standing(&self) -> Result<DocumentsStanding, StoreError> {
        self.read(|connection| Ok(documents::standing::read(connection)?)).await
    }

    /// Reads the documents that are to be made or removed now, at most `limit`.
    ///
    /// # Errors
    /// Says what keeps them from being read.
    pub async fn due_documents(&self, now: Timestamp, limit: u32) -> Result<Vec<Document>, StoreError> {
        self.read(move |connection| documents::due(connection, now, limit)).await
    }

    /// Reads when the next document is due.
    ///
    /// # Errors
    /// Says what keeps it from being read.
    pub async fn next_document_due(&self) -> Result<Option<Timestamp>, StoreError> {
        self.read(|connection| Ok(documents::next_due(connection)?)).await
    }

    /// Reads a session's document in Drive.
    ///
    /// # Errors
    /// Says what keeps it from being read.
    pub async fn document(&self, session: SessionId) -> Result<Option<Document>, StoreError> {
        self.read(move |connection| documents::of(connection, session)).await
    }
}
