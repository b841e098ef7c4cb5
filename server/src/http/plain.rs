//! The optional address without TLS: the answer that tells a working connection from a captive portal, and the way
//! to the real address for everything else.

use axum::Router;
use axum::response::Redirect;
use axum::routing::get;
use http::{StatusCode, Uri};

/// Makes the routes; everything but `/generate_204` leads to the listener's address as users reach it.
pub fn plain(address_for_users: String) -> Router {
    let lead = move |uri: Uri| {
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        std::future::ready(Redirect::permanent(&format!("{address_for_users}{path}")))
    };
    Router::new().route("/generate_204", get(|| async { StatusCode::NO_CONTENT })).fallback(lead)
}
