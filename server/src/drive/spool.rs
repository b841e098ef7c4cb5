//! A document lies here, durable, from before its upload is opened until that is known to have ended: after a crash the
//! rest of the very same bytes is sent. It knows nothing of what they are.

use std::io;
use std::path::PathBuf;

use cnc_model::SessionId;
use tokio::io::AsyncWriteExt as _;

/// The folder.
#[derive(Debug, Clone)]
pub(super) struct Spool {
    folder: PathBuf,
}

impl Spool {
    pub(super) const fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    fn path(&self, session: SessionId) -> PathBuf {
        self.folder.join(format!("{session}.docx"))
    }

    /// Keeps a document, whole and on the disk.
    pub(super) async fn keep(&self, session: SessionId, document: &[u8]) -> io::Result<()> {
        tokio::fs::create_dir_all(&self.folder).await?;
        let path = self.path(session);
        let unfinished = path.with_extension("part");
        let mut file = tokio::fs::File::create(&unfinished).await?;
        file.write_all(document).await?;
        file.sync_all().await?;
        tokio::fs::rename(&unfinished, &path).await
    }

    /// Gives a document that is kept, if it is the one of so many bytes.
    pub(super) async fn kept(&self, session: SessionId, bytes: u64) -> Option<Vec<u8>> {
        let document = tokio::fs::read(self.path(session)).await.ok()?;
        (document.len() as u64 == bytes).then_some(document)
    }

    /// Lets a document go, where there is one.
    pub(super) async fn let_go(&self, session: SessionId) {
        match tokio::fs::remove_file(self.path(session)).await {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::warn!(%session, %error, "a sent document's file could not be removed");
            }
            Ok(()) | Err(_) => {}
        }
    }
}
