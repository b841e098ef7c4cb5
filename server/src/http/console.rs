//! The console's page and what it loads, as they were built into this program; without them a page that says how.
//!
//! It serves files and nothing of anybody's data: the page asks for that by `cnc.v1.Support`.

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use maud::html;

use super::Web;
use super::pages::page;

/// What the console may load and do: its own files, and calls to this listener. No code or style in the page itself.
const CONSOLE_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
     connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
/// How long a browser may keep a file whose name changes with what it holds, in seconds: a year.
const FOR_GOOD: &str = "private, max-age=31536000, immutable";
/// The page itself is asked for each time: it names the files of the version that serves it.
const EACH_TIME: &str = "no-cache";

/// A file of the console.
struct Asset {
    /// Its path below the console's.
    path: &'static str,
    /// Changes with what it holds.
    etag: &'static str,
    /// As it is.
    plain: &'static [u8],
    /// Compressed by gzip, where that is smaller.
    gzip: Option<&'static [u8]>,
}

include!(concat!(env!("OUT_DIR"), "/console.rs"));

/// Leads to the page: what it loads is named from there.
pub(super) async fn at_folder() -> Redirect {
    Redirect::permanent("/console/")
}

/// The page.
pub(super) async fn index(State(web): State<Web>, headers: HeaderMap) -> Response {
    match find("index.html") {
        Some(asset) => serve(asset, &headers),
        None => not_built(&web),
    }
}

/// A file that the page loads.
pub(super) async fn asset(Path(path): Path<String>, headers: HeaderMap) -> Response {
    match find(&path) {
        Some(asset) => serve(asset, &headers),
        None => (StatusCode::NOT_FOUND, "the console has no such file: open /console/ again\n").into_response(),
    }
}

fn find(path: &str) -> Option<&'static Asset> {
    ASSETS.iter().find(|asset| asset.path == path)
}

fn serve(asset: &Asset, asked: &HeaderMap) -> Response {
    let value = |name| asked.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let is_known = value(header::IF_NONE_MATCH).split(',').any(|tag| tag.trim().trim_start_matches("W/") == asset.etag);
    let takes_gzip = value(header::ACCEPT_ENCODING).split(',').any(|coding| takes(coding, "gzip"));
    let mut response = match asset.gzip {
        _ if is_known => StatusCode::NOT_MODIFIED.into_response(),
        Some(gzip) if takes_gzip => {
            ([(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"))], gzip).into_response()
        }
        Some(_) | None => asset.plain.into_response(),
    };
    let keep = if asset.path.starts_with("assets/") { FOR_GOOD } else { EACH_TIME };
    let headers = [
        (header::CONTENT_TYPE, content_type(asset.path)),
        (header::ETAG, asset.etag),
        (header::CACHE_CONTROL, keep),
        (header::VARY, "accept-encoding"),
        (header::CONTENT_SECURITY_POLICY, CONSOLE_POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "same-origin"),
    ];
    for (name, value) in headers {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

/// Tells whether a part of `accept-encoding` names a coding and does not rule it out.
fn takes(part: &str, coding: &str) -> bool {
    let (name, weight) = part.split_once(';').unwrap_or((part, ""));
    let is_nothing = weight.trim().strip_prefix("q=").is_some_and(|weight| weight.parse() == Ok(0.0));
    name.trim().eq_ignore_ascii_case(coding) && !is_nothing
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map_or("", |(_, extension)| extension) {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        _ => "application/octet-stream",
    }
}

fn not_built(web: &Web) -> Response {
    let address = &web.services.address_for_users;
    let body = html! {
        h1 { "The console is not in this program" }
        p { "It was built without it. Where the program is built, with Node.js 20 or newer at hand:" }
        pre { code { "cargo xtask console" } }
        p { "and then the program again. Sessions can be followed on the command line meanwhile:" }
        pre { code { "cnc-listener session watch ID --listener " (address) } }
    };
    page(StatusCode::OK, "No console", &body)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ASSET: Asset = Asset { path: "assets/a.js", etag: "\"1\"", plain: b"plain", gzip: Some(b"small") };

    fn asked(headers: &[(&'static str, &'static str)]) -> Response {
        let headers = headers
            .iter()
            .map(|&(name, value)| (header::HeaderName::from_static(name), HeaderValue::from_static(value)));
        serve(&ASSET, &headers.collect())
    }

    #[test]
    fn what_is_asked_for_is_served() {
        let of = |response: &Response, name| {
            response.headers().get(name).map(|value| value.to_str().expect("text").to_owned())
        };
        for (encoding, expected) in
            [("gzip, deflate, br", Some("gzip")), ("br", None), ("gzip;q=0", None), ("GZIP;q=0.5", Some("gzip"))]
        {
            let response = asked(&[("accept-encoding", encoding)]);
            assert_eq!(of(&response, header::CONTENT_ENCODING).as_deref(), expected, "{encoding}");
            assert_eq!(of(&response, header::CACHE_CONTROL).as_deref(), Some(FOR_GOOD));
        }
        assert_eq!(asked(&[("if-none-match", "\"0\", W/\"1\"")]).status(), StatusCode::NOT_MODIFIED);
        assert_eq!(asked(&[("if-none-match", "\"0\"")]).status(), StatusCode::OK);
    }

    #[test]
    fn each_file_has_its_kind() {
        for asset in ASSETS {
            assert_ne!(content_type(asset.path), "application/octet-stream", "{}", asset.path);
        }
    }
}
