//! Resumable uploads, as Google documents them: an address is asked for, the bytes go there, and after any doubt that
//! address says how many have arrived. The library's own are not used: they take Google's answer `Range: bytes=0-42` for
//! a mistake and panic, and leave no time to write the address down before the first byte.

use bytes::Bytes;
use google_drive3::api::File;
use google_drive3::common::{self, to_body};
use http::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, LOCATION, RANGE};
use http::{Method, Request, Response, StatusCode};
use http_body_util::BodyExt as _;

use super::api::{Api, TIMEOUT, known};
use super::fault;
use crate::google::{GoogleError, Kind, innermost};
use crate::store::DocumentFile;

const DOCX: &str = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";
/// Breaks that are gone on from within one attempt, while bytes arrive.
const RESUMPTIONS: usize = 3;
const WHAT: &str = "send the document to Drive";

/// How far an upload has come.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// The file is there. It may be in the trash.
    Done { file: DocumentFile, trashed: bool },
    /// So many bytes have arrived.
    Arrived(u64),
    /// Nobody knows that address any more.
    Unknown,
}

impl Api {
    /// Asks for an address to send a new file's bytes to.
    pub(super) async fn open_upload(&self, file: &File, bytes: usize) -> Result<String, GoogleError> {
        self.open(Method::POST, "", serde_json::to_vec(file).expect("a file is JSON"), bytes).await
    }

    /// Asks for an address to send a file's new bytes to.
    pub(super) async fn open_update(&self, id: &str, bytes: usize) -> Result<String, GoogleError> {
        self.open(Method::PATCH, &format!("/{id}"), b"{}".to_vec(), bytes).await
    }

    async fn open(&self, method: Method, path: &str, about: Vec<u8>, bytes: usize) -> Result<String, GoogleError> {
        let query = "uploadType=resumable&supportsAllDrives=true&fields=id,webViewLink,trashed";
        let url = format!("{}/upload/drive/v3/files{path}?{query}", self.root());
        let request = Request::builder()
            .method(method)
            .uri(url)
            .header(CONTENT_TYPE, "application/json; charset=UTF-8")
            .header("x-upload-content-type", DOCX)
            .header("x-upload-content-length", bytes);
        let (answer, body) = self.ask(request, about.into()).await?;
        let address = answer.headers().get(LOCATION).and_then(|value| value.to_str().ok());
        match address {
            Some(address) if answer.status().is_success() => Ok(address.to_owned()),
            None if answer.status().is_success() => {
                Err(GoogleError::new(Kind::Outage, WHAT, "the answer names no address"))
            }
            Some(_) | None => Err(self.noted(fault::of_answer(WHAT, answer.status(), &body)).await),
        }
    }

    /// Sends what has not arrived yet, from `from` on.
    pub(super) async fn send(&self, url: &str, document: &Bytes, from: u64) -> Result<Progress, GoogleError> {
        let mut from = from;
        for _ in 0..RESUMPTIONS {
            let sent = self.send_rest(url, document, from).await;
            let arrived = match sent {
                Ok(Progress::Arrived(arrived)) => arrived,
                // The answer may have been lost on the way: the address knows.
                Err(error) if error.kind == Kind::Outage => match self.progress(url, document.len() as u64).await {
                    Ok(Progress::Arrived(arrived)) => arrived,
                    Ok(known) => return Ok(known),
                    Err(_) => return Err(error),
                },
                done => return done,
            };
            if arrived <= from && from > 0 {
                break;
            }
            from = arrived;
        }
        Ok(Progress::Arrived(from))
    }

    async fn send_rest(&self, url: &str, document: &Bytes, from: u64) -> Result<Progress, GoogleError> {
        let all = document.len();
        let at = usize::try_from(from).unwrap_or(all).min(all);
        let rest = document.slice(at..);
        let range = if rest.is_empty() { format!("bytes */{all}") } else { format!("bytes {at}-{}/{all}", all - 1) };
        let request = Request::builder().method(Method::PUT).uri(url).header(CONTENT_RANGE, range);
        self.take(request.header(CONTENT_TYPE, DOCX), rest).await
    }

    /// Asks an address how much has arrived there.
    pub(super) async fn progress(&self, url: &str, all: u64) -> Result<Progress, GoogleError> {
        let request = Request::builder().method(Method::PUT).uri(url).header(CONTENT_RANGE, format!("bytes */{all}"));
        self.take(request, Bytes::new()).await
    }

    async fn take(&self, request: http::request::Builder, body: Bytes) -> Result<Progress, GoogleError> {
        let (answer, body) = self.ask(request, body).await?;
        match answer.status() {
            status if status.is_success() => {
                let half = |error| GoogleError::new(Kind::Outage, WHAT, error);
                let file: File = serde_json::from_slice(&body).map_err(half)?;
                let trashed = file.trashed == Some(true);
                Ok(Progress::Done { file: known(WHAT, file)?, trashed })
            }
            StatusCode::PERMANENT_REDIRECT => Ok(Progress::Arrived(arrived(&answer))),
            StatusCode::NOT_FOUND | StatusCode::GONE => Ok(Progress::Unknown),
            status => Err(self.noted(fault::of_answer(WHAT, status, &body)).await),
        }
    }

    /// Asks once.
    async fn ask(&self, request: http::request::Builder, body: Bytes) -> Result<(Response<()>, Bytes), GoogleError> {
        let token = self.token().await?;
        let request = request.header(AUTHORIZATION, format!("Bearer {token}")).header(CONTENT_LENGTH, body.len());
        let request: Request<common::Body> =
            request.body(to_body(Some(body))).map_err(|error| GoogleError::new(Kind::Invalid, WHAT, error))?;
        let outage = |error: &(dyn std::error::Error + 'static)| GoogleError::new(Kind::Outage, WHAT, innermost(error));
        let asked = async {
            let answer = self.http.request(request).await.map_err(|error| outage(&error))?;
            let (parts, body) = answer.into_parts();
            let body = body.collect().await.map_err(|error| outage(&error))?.to_bytes();
            Ok((Response::from_parts(parts, ()), body))
        };
        let late = GoogleError::new(Kind::Outage, WHAT, "no answer within a minute");
        tokio::time::timeout(TIMEOUT, asked).await.unwrap_or(Err(late))
    }
}

/// Gives how many bytes an answer says have arrived: `Range: bytes=0-42` for 43, none of it for none.
fn arrived(answer: &Response<()>) -> u64 {
    let range = answer.headers().get(RANGE).and_then(|value| value.to_str().ok());
    let last = range.and_then(|range| range.rsplit('-').next()).and_then(|last| last.trim().parse::<u64>().ok());
    last.map_or(0, |last| last + 1)
}
