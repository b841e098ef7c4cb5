//! What is answered over plain HTTP beside gRPC: health, metrics, the speed endpoints, reports, the user's page,
//! programs to download and the console.

mod console;
mod downloads;
mod exports;
mod join;
mod login;
mod pages;
mod plain;
mod reports;
mod speed;
mod system;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use http::{HeaderMap, StatusCode, header};
use tokio::time::timeout;
use tonic_web::GrpcWebLayer;

use cnc_probe::respond::Runs;

pub use plain::plain;

use crate::grpc::Services;
use crate::history::HistoryCosts;
use crate::metrics::Gauges;
use crate::roles::Call;
use crate::staff::bearer;
use crate::turns::Turns;

/// How long the record may take to say that it works: longer, and a balancer had better ask elsewhere.
const READY_WITHIN: Duration = Duration::from_secs(3);

/// All that the routes work with.
#[derive(Debug, Clone)]
pub struct Web {
    /// What the services have too.
    pub services: Services,
    /// Whether the speed endpoints want no token.
    pub public_speed: bool,
    /// The uploads under way.
    pub runs: Arc<Runs>,
    /// The throughput tests that wait or run.
    pub turns: Arc<Turns>,
    /// The name that users see.
    pub operator: Arc<str>,
    /// Whether browsers reach it by TLS, so that cookies are for TLS alone.
    pub secure: bool,
    /// Where programs for users lie.
    pub downloads: Arc<Path>,
}

/// Makes the routes.
pub fn routes(web: Web) -> Router {
    Router::new()
        .route("/", get(pages::front))
        .route("/page.css", get(pages::style))
        .route("/j/{code}", get(join::join))
        .route("/downloads/{name}", get(downloads::download))
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .route("/generate_204", get(|| async { StatusCode::NO_CONTENT }))
        .route("/speed/download", get(speed::download))
        .route("/speed/upload", post(speed::upload))
        .route("/speed/counts", get(speed::counts))
        .route("/speed/probe", get(speed::probe))
        .route("/speed/turn", get(speed::turn))
        .route("/login", get(login::form).post(login::login))
        .route("/logout", post(login::logout))
        .route("/console", get(console::at_folder))
        .route("/console/", get(console::index))
        .route("/console/{*path}", get(console::asset))
        .route("/sessions/{id}/report", get(reports::for_staff))
        .route("/sessions/{id}/export", get(exports::export))
        .route("/r/{token}", get(reports::for_user))
        .fallback(pages::unknown)
        .with_state(web)
}

/// Lets pages of this listener call its services: by gRPC-Web, and with the login's cookie instead of a token.
pub fn for_pages(calls: Router, web: Web) -> Router {
    // The last layer is the first to see a request.
    calls.route_layer(GrpcWebLayer::new()).route_layer(axum::middleware::from_fn_with_state(web, login::of_browser))
}

/// Makes the routes of the address that is for metrics alone, where no token is asked for.
pub fn metrics_routes(web: Web) -> Router {
    Router::new()
        .route("/metrics", get(|State(web): State<Web>| async move { figures(&web).await }))
        .route("/healthz", get(|| async { "ok\n" }))
        .with_state(web)
}

async fn ready(State(web): State<Web>) -> Response {
    match timeout(READY_WITHIN, web.services.store.check()).await {
        Ok(Ok(())) => return "ready\n".into_response(),
        Ok(Err(error)) => tracing::warn!(%error, "not ready"),
        Err(_) => tracing::warn!("not ready: the record does not answer"),
    }
    (StatusCode::SERVICE_UNAVAILABLE, "the record cannot be used: the log says more\n").into_response()
}

async fn metrics(State(web): State<Web>, headers: HeaderMap) -> Response {
    match web.may(&headers, Call::Metrics).await {
        Ok(_) => figures(&web).await,
        Err(refused) => refused,
    }
}

async fn figures(web: &Web) -> Response {
    let sessions = web.services.sessions.overviews();
    let counts = web.services.store.counts();
    let mut text = web.services.metrics.text(Gauges {
        sessions: sessions.len(),
        connected: sessions.iter().filter(|overview| overview.connected).count(),
        commits: counts.commits,
        samples: counts.samples,
        store_failures: counts.failures,
    });
    match web.services.export_gauges().await {
        Ok(gauges) => text.push_str(&gauges.map(|gauges| gauges.text()).unwrap_or_default()),
        // The other figures are worth having all the same.
        Err(error) => tracing::warn!(%error, "how the export stands cannot be read"),
    }
    match web.services.document_gauges().await {
        Ok(gauges) => text.push_str(&gauges.map(|gauges| gauges.text()).unwrap_or_default()),
        Err(error) => tracing::warn!(%error, "how documents stand cannot be read"),
    }
    text.push_str(&web.services.history.costs().map(HistoryCosts::text).unwrap_or_default());
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response()
}

fn token(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).and_then(bearer)
}
