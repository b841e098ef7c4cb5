//! Documents in Google Drive: each claimed session's report as a Google Doc in the configured folder, made once, made
//! again in place, and removed with its session.
//!
//! Nothing here is on the way of a sample: it reads the record and its own rows, and whatever fails is tried again.

mod api;
mod check;
mod fault;
mod figures;
mod make;
mod spool;
mod upload;

use std::path::PathBuf;
use std::sync::Arc;

use crate::google::Google;
use api::Api;
pub(crate) use api::Removal;
pub(crate) use check::check;
pub(crate) use figures::DocumentFigures;
pub(crate) use make::{DocumentError, Draft, Maker};
use spool::Spool;

/// What Drive needs to know.
#[derive(Debug, Clone)]
pub struct DriveSettings {
    /// Who the listener is to Google, and where the service is.
    pub google: Google,
    /// The folder that documents go to.
    pub folder: String,
    /// Where documents lie while they are being sent.
    pub spool: PathBuf,
}

/// Drive as the listener uses it. Cloning it gives the same.
#[derive(Debug, Clone)]
pub(crate) struct Drive {
    api: Arc<Api>,
    spool: Spool,
    pub(crate) figures: Arc<DocumentFigures>,
}

impl Drive {
    /// Gets ready; nothing is asked for yet.
    pub(crate) fn new(settings: DriveSettings) -> Self {
        let DriveSettings { google, folder, spool } = settings;
        Self { api: Arc::new(Api::new(google, folder)), spool: Spool::new(spool), figures: Arc::default() }
    }
}
