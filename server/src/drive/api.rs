//! The calls of Drive's that are needed, by the library where it does them right. Its resumable uploads are not used
//! (see `upload`). It retries nothing and decides nothing.

use std::collections::HashMap;
use std::pin::Pin;
use std::time::Duration;

use cnc_model::SessionId;
use google_drive3::api::{File, Scope};
use google_drive3::{DriveHub, common};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::sync::Mutex;

use super::fault;
use crate::google::{Google, GoogleError, Kind, Tokens};
use crate::store::DocumentFile;

/// The right to a folder that somebody else made; the lesser `drive.file` does not reach it.
pub(super) const SCOPE: &str = "https://www.googleapis.com/auth/drive";
/// What carries the session's id in a file, so that it is found again.
const PROPERTY: &str = "cncSession";
/// A Google Doc: what is uploaded as this is converted.
pub(super) const DOCUMENT: &str = "application/vnd.google-apps.document";
/// A folder.
const FOLDER: &str = "application/vnd.google-apps.folder";
/// Answers come within seconds, conversions of large documents within some ten; what takes longer is asked for again.
pub(super) const TIMEOUT: Duration = Duration::from_mins(1);

pub(super) type Http = Client<HttpsConnector<HttpConnector>, common::Body>;
type Hub = DriveHub<HttpsConnector<HttpConnector>>;

/// Drive's calls.
pub(super) struct Api {
    google: Google,
    /// The folder that documents go to.
    pub(super) folder: String,
    pub(super) http: Http,
    /// Opened when they are first needed, and anew after Google took one for invalid.
    tokens: Mutex<Option<Tokens>>,
}

impl std::fmt::Debug for Api {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Api").field("google", &self.google).field("folder", &self.folder).finish_non_exhaustive()
    }
}

/// The folder as Drive tells of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Folder {
    /// Its name.
    pub(super) name: String,
    /// The shared drive that it is in.
    pub(super) drive: Option<String>,
}

/// What the library waits for when it asks for a token.
type GettingToken<'a> =
    Pin<Box<dyn Future<Output = Result<Option<String>, Box<dyn std::error::Error + Send + Sync>>> + Send + 'a>>;

/// The library asks for tokens by itself.
#[derive(Clone)]
struct Bearer(Tokens);

impl common::GetToken for Bearer {
    fn get_token<'a>(&'a self, _scopes: &'a [&str]) -> GettingToken<'a> {
        Box::pin(async { self.0.token().await.map(Some).map_err(Into::into) })
    }
}

impl Api {
    /// Gets ready; nothing is asked for yet.
    pub(super) fn new(google: Google, folder: String) -> Self {
        let roots =
            HttpsConnectorBuilder::new().with_provider_and_webpki_roots(rustls::crypto::ring::default_provider());
        let connector = roots.expect("ring speaks TLS 1.2 and 1.3").https_or_http().enable_http1().build();
        let http = Client::builder(TokioExecutor::new()).build(connector);
        Self { google, folder, http, tokens: Mutex::new(None) }
    }

    /// Gives the address of the service.
    pub(super) fn root(&self) -> &str {
        &self.google.endpoints.drive
    }

    /// Gives a token.
    pub(super) async fn token(&self) -> Result<String, GoogleError> {
        self.tokens().await?.token().await
    }

    async fn tokens(&self) -> Result<Tokens, GoogleError> {
        // Liveness: opening has a time limit of its own.
        let mut tokens = self.tokens.lock().await;
        if let Some(tokens) = &*tokens {
            return Ok(tokens.clone());
        }
        let opened = Tokens::open(&self.google, &[SCOPE]).await?;
        *tokens = Some(opened.clone());
        Ok(opened)
    }

    /// Takes note of an error: a token that is not accepted is not used again.
    pub(super) async fn noted(&self, error: GoogleError) -> GoogleError {
        if error.kind == Kind::Key {
            *self.tokens.lock().await = None;
        }
        error
    }

    async fn hub(&self) -> Result<Hub, GoogleError> {
        let mut hub = DriveHub::new(self.http.clone(), Bearer(self.tokens().await?));
        hub.base_url(format!("{}/drive/v3/", self.root()));
        hub.root_url(format!("{}/", self.root()));
        Ok(hub)
    }

    /// Waits for an answer no longer than one takes.
    async fn timed<T>(&self, what: &str, call: impl Future<Output = common::Result<T>>) -> Result<T, GoogleError> {
        let error = match tokio::time::timeout(TIMEOUT, call).await {
            Ok(Ok(answer)) => return Ok(answer),
            Ok(Err(error)) => fault::of_call(what, error),
            Err(_) => GoogleError::new(Kind::Outage, what, "no answer within a minute"),
        };
        Err(self.noted(error).await)
    }

    /// Looks at the folder: whether it is there, and is one.
    pub(super) async fn folder(&self) -> Result<Folder, GoogleError> {
        let what = "see the folder in Drive";
        let hub = self.hub().await?;
        let get = hub.files().get(&self.folder).supports_all_drives(true).add_scope(Scope::Full);
        let (_, file) = self.timed(what, get.param("fields", "id,name,mimeType,trashed,driveId").doit()).await?;
        if file.trashed == Some(true) {
            return Err(GoogleError::new(Kind::Folder, what, "the folder is in the trash"));
        }
        if file.mime_type.as_deref() != Some(FOLDER) {
            return Err(GoogleError::new(Kind::Folder, what, "google.folder names something that is no folder"));
        }
        Ok(Folder { name: file.name.unwrap_or_default(), drive: file.drive_id })
    }

    /// Looks whether a file can be read.
    pub(super) async fn look_at(&self, id: &str) -> Result<(), GoogleError> {
        let hub = self.hub().await?;
        let get = hub.files().get(id).supports_all_drives(true).add_scope(Scope::Full);
        self.timed("read the document in Drive", get.param("fields", "id").doit()).await.map(|_| ())
    }

    /// Searches the folder for a session's document: the oldest, should there be several. What was made a moment ago may
    /// not be found yet.
    pub(super) async fn find(
        &self,
        session: SessionId,
        drive: Option<&str>,
    ) -> Result<Option<DocumentFile>, GoogleError> {
        let what = "search the folder in Drive";
        // An id is of letters and digits, and so is a folder's: nothing in them ends a quotation.
        let q = format!(
            "appProperties has {{ key='{PROPERTY}' and value='{session}' }} and '{}' in parents and trashed = false",
            self.folder
        );
        let hub = self.hub().await?;
        let mut list = hub.files().list().q(&q).order_by("createdTime").supports_all_drives(true);
        list = list.include_items_from_all_drives(true).param("fields", "files(id,webViewLink)").add_scope(Scope::Full);
        if let Some(drive) = drive {
            list = list.corpora("drive").drive_id(drive);
        }
        let (_, found) = self.timed(what, list.doit()).await?;
        let files = found.files.unwrap_or_default();
        if files.len() > 1 {
            tracing::warn!(%session, files = files.len(), "the folder holds several documents: the oldest is kept up to date");
        }
        files.into_iter().next().map(|file| known(what, file)).transpose()
    }

    /// Removes a file; one that is not there is removed. Whoever may not remove for good moves it to the trash.
    pub(super) async fn remove(&self, id: &str) -> Result<Removal, GoogleError> {
        let what = "remove the document from Drive";
        let hub = self.hub().await?;
        let delete = hub.files().delete(id).supports_all_drives(true).add_scope(Scope::Full);
        match self.timed(what, delete.doit()).await {
            Ok(_) => Ok(Removal::Gone),
            Err(error) if error.kind == Kind::Folder => Ok(Removal::Gone),
            Err(error) if error.kind == Kind::Permission => {
                let trashed = File { trashed: Some(true), ..File::default() };
                let update = hub.files().update(trashed, id).supports_all_drives(true).add_scope(Scope::Full);
                self.timed(what, update.doit_without_upload()).await.map(|_| Removal::Trashed)
            }
            Err(error) => Err(error),
        }
    }
}

/// How a file was removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Removal {
    /// For good.
    Gone,
    /// To the trash, which empties itself after 30 days.
    Trashed,
}

/// Gives what a new document says of itself.
pub(super) fn metadata(folder: &str, session: SessionId, name: &str) -> File {
    File {
        name: Some(name.to_owned()),
        parents: Some(vec![folder.to_owned()]),
        mime_type: Some(DOCUMENT.into()),
        app_properties: Some(HashMap::from([(PROPERTY.to_owned(), session.to_string())])),
        ..File::default()
    }
}

/// Takes what Drive tells of a file.
pub(super) fn known(what: &str, file: File) -> Result<DocumentFile, GoogleError> {
    let id = file.id.ok_or_else(|| GoogleError::new(Kind::Outage, what, "the answer names no file"))?;
    let link = file.web_view_link.unwrap_or_else(|| format!("https://docs.google.com/document/d/{id}/edit"));
    Ok(DocumentFile { id, link })
}
