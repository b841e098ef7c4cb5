//! Tokens: the machine's own, and those for a service account's key.

use axum::Form;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use serde::Deserialize;
use serde_json::json;

use super::{Shared, World, locked};

fn token(world: &mut World, scopes: String) -> Response {
    let token = world.new_id("token");
    world.tokens.insert(token.clone(), scopes);
    axum::Json(json!({"access_token": token, "expires_in": 3600, "token_type": "Bearer"})).into_response()
}

fn no_token(world: &World) -> Option<Response> {
    let (error, description) = world.refuse_tokens?;
    let said = json!({"error": error, "error_description": description});
    Some((StatusCode::BAD_REQUEST, axum::Json(said)).into_response())
}

pub(super) async fn metadata(State(world): State<Shared>) -> Response {
    let mut world = locked(&world);
    let scopes = world.machine_scopes.clone();
    no_token(&world).unwrap_or_else(|| token(&mut world, scopes))
}

#[derive(Debug, Deserialize)]
pub(super) struct Grant {
    grant_type: String,
    assertion: String,
}

/// Answers a service account: its assertion's middle part says which scopes it asks for. Whether it is signed well is
/// said by the test.
pub(super) async fn grant(State(world): State<Shared>, Form(grant): Form<Grant>) -> Response {
    let mut world = locked(&world);
    if let Some(refused) = no_token(&world) {
        return refused;
    }
    let is_asked =
        grant.grant_type == "urn:ietf:params:oauth:grant-type:jwt-bearer" && grant.assertion.split('.').count() == 3;
    if !is_asked {
        return (StatusCode::BAD_REQUEST, axum::Json(json!({"error": "unsupported_grant_type"}))).into_response();
    }
    token(&mut world, "https://www.googleapis.com/auth/drive".into())
}
