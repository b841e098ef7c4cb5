//! What is asked of the record about staff: their tokens, the reports that they share, their notes, and what they did.

use std::num::NonZeroU64;

use cnc_model::{SessionId, Timestamp};
use cnc_proto::support::Note;

use super::{MAX_PAGE, Store, Write, Written};
use crate::store::audit::{self, AuditEntry, StoredAudit};
use crate::store::links::{self, ReportLink};
use crate::store::tokens::{self, TokenRow};
use crate::store::{StoreError, notes};

impl Store {
    /// Stores a staff token's row.
    ///
    /// # Errors
    /// Says what keeps it from being stored.
    pub async fn insert_token(&self, token: TokenRow) -> Result<(), StoreError> {
        self.write(Write::InsertToken(token)).await.map(drop)
    }

    /// Makes a staff token worthless; tells whether it was worth something.
    ///
    /// # Errors
    /// Says what keeps it from being stored.
    pub async fn revoke_token(&self, id: String, at: Timestamp) -> Result<bool, StoreError> {
        self.write(Write::RevokeToken { id, at }).await.map(|written| written == Written::Changed(true))
    }

    /// Notes that a staff token was used.
    ///
    /// # Errors
    /// Says what keeps it from being stored.
    pub async fn token_used(&self, id: String, at: Timestamp) -> Result<(), StoreError> {
        self.write(Write::TokenUsed { id, at }).await.map(drop)
    }

    /// Reads all staff tokens in the order of creation, the revoked ones too.
    ///
    /// # Errors
    /// Says what keeps them from being read.
    pub async fn tokens(&self) -> Result<Vec<TokenRow>, StoreError> {
        self.read(tokens::all).await
    }

    /// Stores a link to a report.
    ///
    /// # Errors
    /// Says what keeps it from being stored.
    pub async fn insert_report_link(&self, link: ReportLink) -> Result<(), StoreError> {
        self.write(Write::InsertLink(link)).await.map(drop)
    }

    /// Finds the session whose report a link's token opens.
    ///
    /// # Errors
    /// Says what keeps it from being read.
    pub async fn report_link(&self, hash: [u8; 32]) -> Result<Option<SessionId>, StoreError> {
        self.read(move |connection| links::session(connection, &hash)).await
    }

    /// Makes all links worthless by which staff share a session's report; tells whether there were any.
    ///
    /// # Errors
    /// Says what keeps it from being stored.
    pub async fn unshare(&self, session: SessionId, at: Timestamp) -> Result<bool, StoreError> {
        self.write(Write::Unshare { session, at }).await.map(|written| written == Written::Changed(true))
    }

    /// Counts the links by which staff share a session's report.
    ///
    /// # Errors
    /// Says what keeps it from being read.
    pub async fn shared(&self, session: SessionId) -> Result<u32, StoreError> {
        self.read(move |connection| Ok(links::shared(connection, session)?)).await
    }

    /// Stores what staff note about a session.
    ///
    /// # Errors
    /// Says what keeps it from being stored.
    pub async fn add_note(&self, session: SessionId, note: Note) -> Result<(), StoreError> {
        self.write(Write::AddNote(session, note)).await.map(drop)
    }

    /// Reads the latest notes of a session, the oldest of them first: at most `limit` (and [`MAX_PAGE`]).
    ///
    /// # Errors
    /// Says what keeps them from being read.
    pub async fn notes(&self, session: SessionId, limit: u32) -> Result<Vec<Note>, StoreError> {
        let limit = limit.min(MAX_PAGE);
        self.read(move |connection| notes::of(connection, session, limit)).await
    }

    /// Notes what staff did.
    ///
    /// # Errors
    /// Says what keeps it from being stored.
    pub async fn audit(&self, entry: AuditEntry) -> Result<(), StoreError> {
        self.write(Write::Audit(entry)).await.map(drop)
    }

    /// Lists what staff did, the newest first: at most `limit` (and [`MAX_PAGE`]), to one session or all, from before
    /// an entry on.
    ///
    /// # Errors
    /// Says what keeps it from being read.
    pub async fn audited(
        &self,
        session: Option<SessionId>,
        before: Option<NonZeroU64>,
        limit: u32,
    ) -> Result<Vec<StoredAudit>, StoreError> {
        let limit = limit.min(MAX_PAGE);
        self.read(move |connection| audit::page(connection, session, before, limit)).await
    }
}
