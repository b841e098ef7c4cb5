//! The frame of the small pages, their one style sheet, and the page that says what this address is.

use axum::extract::State;
use axum::response::{Html, IntoResponse, Response};
use http::{HeaderMap, StatusCode, header};
use maud::{DOCTYPE, Markup, html};

use super::Web;
use super::reports::secured;
use crate::limits::Over;

/// What these pages may load and do: their style sheet, nothing else.
const PAGE_POLICY: &str =
    "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// What this address is.
pub(super) async fn front(State(web): State<Web>) -> Response {
    let address = &web.services.address_for_users;
    let body = html! {
        h1 { "Client Network Checker" }
        p { "This is the listener of " (web.operator) "." }
        p { "If you were given a link, open it. If you were given a code, start the client with it:" }
        pre { code { "cnc run --listener " (address) " --code CODE" } }
        h2 { "For staff" }
        p { a href="/console/" { "Open the console" } " to make and follow calls." }
    };
    page(StatusCode::OK, "Client Network Checker", &body)
}

/// Says that nothing lies at an address: to people on a page, to programs in a line.
pub(super) async fn unknown(State(web): State<Web>, headers: HeaderMap) -> Response {
    let accepted = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !accepted.contains("text/html") {
        return (StatusCode::NOT_FOUND, "there is nothing at this address\n").into_response();
    }
    let body = html! {
        p class="kind" { "Network check by " (web.operator) }
        h1 { "There is nothing here" }
        p { "The address may be mistyped, or what it led to is gone." }
        p { "If you were given a link, please ask the person who gave it to you for a new one." }
        p { "For staff: " a href="/console/" { "open the console" } "." }
    };
    page(StatusCode::NOT_FOUND, "Nothing here", &body)
}

/// The style sheet of all small pages.
pub(super) async fn style() -> Response {
    let headers = [(header::CONTENT_TYPE, "text/css; charset=utf-8"), (header::CACHE_CONTROL, "max-age=3600")];
    (headers, include_str!("page.css")).into_response()
}

/// Says that a bound was reached, and when to try again.
pub(super) fn over(over: Over) -> Response {
    let body = html! {
        h1 { "Not now" }
        p { (crate::report::words::stopped(&crate::report::words::capitalised(&over.to_string()))) }
    };
    with_retry(page(over_status(over), "Not now", &body), over)
}

/// Says the same to a program.
pub(super) fn over_plain(over: Over) -> Response {
    with_retry((over_status(over), format!("{over}\n")).into_response(), over)
}

fn over_status(over: Over) -> StatusCode {
    if over.is_the_peers() { StatusCode::TOO_MANY_REQUESTS } else { StatusCode::SERVICE_UNAVAILABLE }
}

fn with_retry(mut response: Response, over: Over) -> Response {
    response.headers_mut().insert(header::RETRY_AFTER, over.retry_after().as_secs().max(1).into());
    response
}

pub(super) fn page(status: StatusCode, title: &str, body: &Markup) -> Response {
    page_with(status, title, body, PAGE_POLICY)
}

pub(super) fn page_with(status: StatusCode, title: &str, body: &Markup, policy: &'static str) -> Response {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="robots" content="noindex";
                meta name="color-scheme" content="light dark";
                title { (title) }
                link rel="stylesheet" href="/page.css";
            }
            body { (body) }
        }
    };
    secured((status, Html(page.into_string())).into_response(), policy)
}
