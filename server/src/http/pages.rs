//! Two small pages: what this address is, and how a user joins with a code.

use axum::extract::{Path, State};
use axum::response::{Html, IntoResponse, Response};
use cnc_model::Code;
use http::StatusCode;
use maud::{DOCTYPE, Markup, html};

use super::Web;
use super::reports::secured;

/// What these pages may load and do: nothing but their own styles.
const PAGE_POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const STYLE: &str = "body{font:1rem/1.5 system-ui,sans-serif;max-width:40rem;margin:3rem auto;padding:0 1rem;\
                     color:#1d2733;background:#fff}code{background:#eef1f4;padding:.15rem .35rem;border-radius:.25rem;\
                     overflow-wrap:anywhere}@media(prefers-color-scheme:dark){body{color:#dde4ec;background:#12171d}\
                     code{background:#222b35}}";

/// What this address is.
pub(super) async fn front(State(web): State<Web>) -> Response {
    let address = &web.services.address_for_users;
    let body = html! {
        h1 { "Client Network Checker" }
        p { "This is the listener of " (web.operator) "." }
        p { "If you were given a code, start the client with it:" }
        p { code { "cnc run --listener " (address) " --code CODE" } }
        p { "Staff follow sessions on the command line; the console is not built yet:" }
        p { code { "cnc-listener session watch ID --listener " (address) } }
    };
    page(StatusCode::OK, "Client Network Checker", &body)
}

/// How to join with a code. It looks nothing up and consumes nothing: previews of links come here too.
pub(super) async fn join(State(web): State<Web>, Path(code): Path<String>) -> Response {
    let Ok(code) = code.parse::<Code>() else {
        let body = html! {
            h1 { "This is no code" }
            p { "A code has eight letters or digits, like " code { "K7QX-M2PA" } ". Please ask for it again." }
        };
        return page(StatusCode::NOT_FOUND, "No code", &body);
    };
    let body = html! {
        h1 { "Check your connection" }
        p { (web.operator) " asks you to check your network. Start the client like this:" }
        p { code { "cnc run --listener " (web.services.address_for_users) " --code " (code) } }
        p { "Before anything is sent you will see what is measured and where it goes, and can say no." }
    };
    page(StatusCode::OK, "Check your connection", &body)
}

fn page(status: StatusCode, title: &str, body: &Markup) -> Response {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width,initial-scale=1";
                title { (title) }
                style { (maud::PreEscaped(STYLE)) }
            }
            body { (body) }
        }
    };
    secured((status, Html(page.into_string())).into_response(), PAGE_POLICY)
}
