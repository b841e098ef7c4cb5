//! Reports: for staff by session, for users by the link that only they were given.

use axum::extract::{Path, State};
use axum::response::{Html, IntoResponse, Response};
use cnc_model::SessionId;
use http::{HeaderMap, StatusCode, header};

use super::Web;
use crate::roles::Call;
use crate::secret;

/// What a report may load and do: its own styles and pictures, nothing else.
const REPORT_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; \
     frame-ancestors 'none'";

/// A session's report for staff.
pub(super) async fn for_staff(State(web): State<Web>, Path(id): Path<String>, headers: HeaderMap) -> Response {
    let who = match web.may(&headers, Call::Report).await {
        Ok(who) => who,
        Err(refused) => return refused,
    };
    match id.parse() {
        Ok(id) => match web.services.note(&who, Call::Report, Some(id), String::new()).await {
            Ok(()) => report(&web, id).await,
            Err(error) => unusable(&error),
        },
        Err(error) => (StatusCode::BAD_REQUEST, format!("{error}\n")).into_response(),
    }
}

/// A user's own report. A wrong link tells nothing of what there is.
pub(super) async fn for_user(State(web): State<Web>, Path(token): Path<String>) -> Response {
    match web.services.store.report_link(secret::hash(token.as_bytes())).await {
        Ok(Some(session)) => report(&web, session).await,
        Ok(None) => (StatusCode::NOT_FOUND, "there is no report behind this link, or not any more\n").into_response(),
        Err(error) => unusable(&error),
    }
}

async fn report(web: &Web, id: SessionId) -> Response {
    match tokio::fs::read_to_string(web.services.reports.join(format!("{id}.html"))).await {
        Ok(html) => secured(Html(html).into_response(), REPORT_POLICY),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => missing(web, id).await,
        Err(error) => {
            tracing::warn!(%error, session = %id, "a report cannot be read");
            (StatusCode::INTERNAL_SERVER_ERROR, "the report cannot be read: the log says more\n").into_response()
        }
    }
}

async fn missing(web: &Web, id: SessionId) -> Response {
    match web.services.store.session(id).await {
        Ok(Some(_)) => {
            (StatusCode::NOT_FOUND, format!("session {id} has no report yet: it is made when the session has ended\n"))
                .into_response()
        }
        Ok(None) => (StatusCode::NOT_FOUND, format!("there is no session {id}\n")).into_response(),
        Err(error) => unusable(&error),
    }
}

pub(super) fn unusable(error: &crate::store::StoreError) -> Response {
    tracing::warn!(%error, "a report could not be looked up");
    (StatusCode::SERVICE_UNAVAILABLE, "the record cannot be used now: try again\n").into_response()
}

/// Adds the headers that keep a page to itself.
pub(super) fn secured(mut response: Response, policy: &'static str) -> Response {
    let headers = [
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    for (name, value) in headers {
        response.headers_mut().insert(name, http::HeaderValue::from_static(value));
    }
    response
}
