//! How one document comes about, never twice: what was begun is asked first, then the folder is searched, and only then
//! is a file made. An upload's address is durable before the first byte goes there.

use std::time::Duration;

use bytes::Bytes;
use cnc_model::Timestamp;
use thiserror::Error;

use super::Drive;
use super::api::{Removal, metadata};
use super::upload::Progress;
use crate::google::GoogleError;
use crate::store::{Document, DocumentFile, DocumentNote, Store, StoreError, Upload};

/// How long an upload that nobody can say anything of may still bring forth a file: connections that are cut linger, and
/// the search learns of new files late.
pub(super) const UNSURE: Duration = Duration::from_mins(10);

/// Why a document is not there yet.
#[derive(Debug, Error)]
pub(crate) enum DocumentError {
    #[error(transparent)]
    Google(#[from] GoogleError),
    #[error("the record cannot be used: {0}")]
    Store(#[from] StoreError),
    #[error("the document cannot be kept while it is sent: {0}")]
    Spool(#[from] std::io::Error),
    #[error("{0}")]
    Drawing(String),
    #[error(
        "it is not known yet whether the upload that broke off has made a file; that is settled within ten minutes"
    )]
    Unsure,
    #[error("the upload broke off after {0} bytes; it goes on from there")]
    BrokenOff(u64),
}

/// A document to be sent.
pub(crate) struct Draft {
    /// What it is called.
    pub(crate) name: String,
    /// Its bytes.
    pub(crate) bytes: Vec<u8>,
}

/// What an attempt works with.
pub(crate) struct Maker<'a> {
    pub(crate) drive: &'a Drive,
    pub(crate) store: &'a Store,
    pub(crate) now: Timestamp,
}

impl Maker<'_> {
    /// Brings a document up to date; gives its file.
    pub(crate) async fn make<F>(&self, document: &Document, draw: F) -> Result<DocumentFile, DocumentError>
    where
        F: AsyncFnOnce() -> Result<Draft, DocumentError>,
    {
        let api = &self.drive.api;
        let begun = self.finish_upload(document, true).await?;
        if let Some(file) = &begun
            && document.upload.as_ref().is_some_and(|upload| upload.wanted == document.wanted)
        {
            return Ok(file.clone());
        }
        let folder = api.folder().await?;
        let known = match begun.or_else(|| document.file.clone()) {
            Some(file) => Some(file),
            None => api.find(document.session, folder.drive.as_deref()).await?,
        };
        let Draft { name, bytes } = draw().await?;
        if let Some(file) = known
            && let Some(file) = self.update(document, &file, &bytes).await?
        {
            return Ok(file);
        }
        // Whoever removed it from Drive meanwhile wanted it gone; what came late since is in a new one.
        self.create(document, &name, bytes).await
    }

    /// Removes a document whose session is gone; tells how, where there was one.
    pub(crate) async fn remove(&self, document: &Document) -> Result<Option<(DocumentFile, Removal)>, DocumentError> {
        let file = match &document.file {
            Some(file) => Some(file.clone()),
            None => self.finish_upload(document, false).await?,
        };
        let removed = match file {
            Some(file) => {
                let how = self.drive.api.remove(&file.id).await?;
                Some((file, how))
            }
            None => None,
        };
        self.drive.spool.let_go(document.session).await;
        Ok(removed)
    }

    /// Asks what became of the upload that was begun, and sends the rest where it is `wanted`; gives the file that came
    /// of it, if one did.
    async fn finish_upload(&self, document: &Document, wanted: bool) -> Result<Option<DocumentFile>, DocumentError> {
        let Some(upload) = &document.upload else { return Ok(None) };
        let api = &self.drive.api;
        let settled = self.now.since(upload.begun) >= UNSURE;
        let mut progress = api.progress(&upload.url, upload.bytes).await?;
        if let Progress::Arrived(arrived) = progress {
            match self.drive.spool.kept(document.session, upload.bytes).await.filter(|_| wanted) {
                Some(kept) => progress = api.send(&upload.url, &Bytes::from(kept), arrived).await?,
                None if settled => progress = Progress::Unknown,
                None => return Err(DocumentError::Unsure),
            }
        }
        match progress {
            Progress::Done { file, .. } => {
                self.note(DocumentNote::Known(document.session, file.clone())).await?;
                self.drive.spool.let_go(document.session).await;
                Ok(Some(file))
            }
            Progress::Arrived(arrived) => Err(DocumentError::BrokenOff(arrived)),
            Progress::Unknown => {
                let folder = api.folder().await?;
                let found = api.find(document.session, folder.drive.as_deref()).await?;
                if found.is_none() && !settled {
                    return Err(DocumentError::Unsure);
                }
                let note = found.clone().map(|file| DocumentNote::Known(document.session, file));
                self.note(note.unwrap_or(DocumentNote::Lost(document.session))).await?;
                Ok(found)
            }
        }
    }

    /// Sends new contents for a file; `None` when it is gone or in the trash. Doing so twice does no harm.
    async fn update(
        &self,
        document: &Document,
        file: &DocumentFile,
        bytes: &[u8],
    ) -> Result<Option<DocumentFile>, DocumentError> {
        let api = &self.drive.api;
        let url = match api.open_update(&file.id, bytes.len()).await {
            Ok(url) => url,
            Err(error) if error.kind == crate::google::Kind::Folder => {
                self.note(DocumentNote::Lost(document.session)).await?;
                return Ok(None);
            }
            Err(error) => return Err(error.into()),
        };
        match api.send(&url, &Bytes::copy_from_slice(bytes), 0).await? {
            Progress::Done { file, trashed: false } => {
                self.note(DocumentNote::Known(document.session, file.clone())).await?;
                Ok(Some(file))
            }
            Progress::Done { trashed: true, .. } | Progress::Unknown => {
                self.note(DocumentNote::Lost(document.session)).await?;
                Ok(None)
            }
            Progress::Arrived(arrived) => Err(DocumentError::BrokenOff(arrived)),
        }
    }

    async fn create(&self, document: &Document, name: &str, bytes: Vec<u8>) -> Result<DocumentFile, DocumentError> {
        let (api, spool) = (&self.drive.api, &self.drive.spool);
        let session = document.session;
        spool.keep(session, &bytes).await?;
        let url = api.open_upload(&metadata(&api.folder, session, name), bytes.len()).await?;
        let upload = Upload { url: url.clone(), bytes: bytes.len() as u64, wanted: document.wanted, begun: self.now };
        if !self.note(DocumentNote::Begun(session, upload)).await? {
            // The session was deleted meanwhile; nothing has been sent.
            spool.let_go(session).await;
            return Err(StoreError::UnknownSession.into());
        }
        match api.send(&url, &Bytes::from(bytes), 0).await? {
            Progress::Done { file, .. } => {
                self.note(DocumentNote::Known(session, file.clone())).await?;
                spool.let_go(session).await;
                Ok(file)
            }
            Progress::Arrived(arrived) => Err(DocumentError::BrokenOff(arrived)),
            Progress::Unknown => Err(DocumentError::Unsure),
        }
    }

    async fn note(&self, note: DocumentNote) -> Result<bool, StoreError> {
        self.store.note_document(note).await
    }
}
