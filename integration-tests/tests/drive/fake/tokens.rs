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

fn no_token(error: &str, description: &str) -> Response {
    let said = json!({"error": error, "error_description": description});
    (StatusCode::BAD_REQUEST, axum::Json(said)).into_response()
}

pub(super) async fn metadata(State(world): State<Shared>) -> Response {
    let mut world = locked(&world);
    let scopes = world.machine_scopes.clone();
    token(&mut world, scopes)
}

#[derive(Debug, Deserialize)]
pub(super) struct Grant {
    grant_type: String,
    assertion: String,
}

/// What a service account says of itself, in its assertion's middle part.
#[derive(Debug, Deserialize)]
struct Claims {
    scope: String,
    iat: i64,
    exp: i64,
}

/// How far off the time an assertion may be, in seconds.
const SKEW_S: i64 = 300;
/// The longest that an assertion may be good for, in seconds.
const LONGEST_S: i64 = 3_600;

/// Answers a service account by what it claims. Whether its signature is good the test says, in `knows_key`.
pub(super) async fn grant(State(world): State<Shared>, Form(grant): Form<Grant>) -> Response {
    let mut world = locked(&world);
    let parts: Vec<&str> = grant.assertion.split('.').collect();
    let claims = match parts[..] {
        [_, claims, _] if grant.grant_type == "urn:ietf:params:oauth:grant-type:jwt-bearer" => decoded(claims),
        _ => return no_token("unsupported_grant_type", "Invalid grant_type"),
    };
    let claims: Option<Claims> = claims.and_then(|claims| serde_json::from_slice(&claims).ok());
    let Some(Claims { scope, iat, exp }) = claims else { return no_token("invalid_request", "Bad Request") };
    if !world.knows_key {
        return no_token("invalid_grant", "Invalid JWT Signature.");
    }
    let now = cnc_server::clock::wall().unix_us() / 1_000_000 - world.clock_ahead_s;
    if exp - iat > LONGEST_S || (iat - now).abs() > SKEW_S || exp < now {
        let description = "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. \
                           Check your iat and exp values in the JWT claim.";
        return no_token("invalid_grant", description);
    }
    token(&mut world, scope)
}

/// Decodes base64 in the form that is made for addresses, without padding.
fn decoded(text: &str) -> Option<Vec<u8>> {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut bytes = Vec::new();
    let (mut held, mut bits) = (0_u32, 0);
    for digit in text.bytes() {
        let value = DIGITS.iter().position(|known| *known == digit)?;
        held = held << 6 | u32::try_from(value).ok()?;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from(held >> bits).ok()?);
            held &= (1 << bits) - 1;
        }
    }
    Some(bytes)
}
