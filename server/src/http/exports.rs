//! `GET /sessions/ID/export`: all that a session measured, for programs, as lines of JSON or rows of CSV; and its report
//! for word processors.

use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use cnc_model::session::SequencedSample;
use cnc_model::{Sequence, SessionId};
use cnc_proto::json;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::Deserialize;

use super::Web;
use crate::roles::Call;
use crate::sessions::ReportError;
use crate::sheet::{COLUMNS, row};
use crate::store::{MAX_PAGE, Store, StoreError};

/// The form that is wanted.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Form {
    /// The record in the first line, a sample in each further one.
    Json,
    /// The columns' names in the first line, a sample in each further one.
    Csv,
    /// The report as a document.
    Docx,
}

const DOCX: &str = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";

#[derive(Debug, Deserialize)]
pub(super) struct Wanted {
    format: Form,
}

/// Sends a session's measurements as a file.
pub(super) async fn export(
    State(web): State<Web>,
    Path(id): Path<String>,
    Query(Wanted { format }): Query<Wanted>,
    headers: HeaderMap,
) -> Response {
    let who = match web.may(&headers, Call::Report).await {
        Ok(who) => who,
        Err(refused) => return refused,
    };
    let id: SessionId = match id.parse() {
        Ok(id) => id,
        Err(error) => return (StatusCode::BAD_REQUEST, format!("{error}\n")).into_response(),
    };
    if let Err(error) = web.services.note(&who, Call::Report, Some(id), format!("{format:?}")).await {
        return super::reports::unusable(&error);
    }
    let Ok(record) = web.services.sessions.record(id).await else {
        return (StatusCode::NOT_FOUND, format!("there is no session {id}\n")).into_response();
    };
    let store = || web.services.store.clone();
    let (body, kind, extension) = match format {
        Form::Json => {
            let head = json::line(&json::record(&record)) + "\n";
            let line = |sample: &SequencedSample| json::line(&json::sequenced_sample(sample));
            (Body::from_stream(lines(store(), id, head, line)), "application/x-ndjson", "jsonl")
        }
        Form::Csv => {
            let head = COLUMNS.join(",") + "\n";
            (Body::from_stream(lines(store(), id, head, row)), "text/csv; charset=utf-8", "csv")
        }
        Form::Docx => match web.services.sessions.document(id).await {
            Ok(document) => (Body::from(document), DOCX, "docx"),
            Err(error) => return undrawn(id, &error),
        },
    };
    let name = HeaderValue::try_from(format!("attachment; filename=\"{id}.{extension}\"")).expect("plain characters");
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
        (header::CONTENT_DISPOSITION, name),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    ];
    (headers, body).into_response()
}

fn undrawn(id: SessionId, error: &ReportError) -> Response {
    tracing::warn!(session = %id, %error, "the document could not be made");
    (StatusCode::INTERNAL_SERVER_ERROR, "the document could not be made: the log says more\n").into_response()
}

/// Gives the head, then page after page of samples; a page is read when the one before it has been taken.
fn lines(
    store: Store,
    id: SessionId,
    head: String,
    line: impl Fn(&SequencedSample) -> String,
) -> impl futures_util::Stream<Item = Result<String, StoreError>> {
    async_stream::try_stream! {
        yield head;
        let mut after = Sequence::NONE;
        loop {
            let page = store.samples(id, None, after, MAX_PAGE).await?;
            let Some(last) = page.last() else { return };
            after = last.sequence;
            yield page.iter().map(|sample| line(sample) + "\n").collect::<String>();
        }
    }
}
