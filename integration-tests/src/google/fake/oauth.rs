//! Tokens: the metadata server's, which asks nothing, and those for a service account, whose signed claim is checked as
//! Google does: the signature by the account's public key, then who it is, then the time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::State as Extract;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use serde_json::{Value, json};

use super::{Fake, State, gate, rest};

type Shared = Arc<Mutex<State>>;

/// How far ahead of the token server the time of a claim may be.
const LEEWAY: Duration = Duration::from_mins(10);
/// Google's own words.
const FORGED: &str = "Invalid JWT Signature.";
const UNKNOWN: &str = "Invalid grant: account not found";
const LATE: &str = "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. Check your \
                    iat and exp values in the JWT claim.";

impl Fake {
    /// Gives where service accounts' tokens are given.
    #[must_use]
    pub fn token_uri(&self) -> String {
        format!("http://{}/oauth2/token", self.address())
    }

    /// Makes a service account known by the public key of its key.
    pub fn register(&self, email: &str, public_key: &[u8]) {
        self.state().accounts.insert(email.to_owned(), public_key.to_vec());
    }

    /// Sets the token server's clock on, so that everybody else's is late by as much.
    pub fn set_clock_on(&self, by: Duration) {
        self.state().clock_on = by;
    }
}

pub(super) fn routes(state: Shared) -> Router {
    let router = Router::new().route("/token", get(metadata).post(metadata));
    router.route("/oauth2/token", post(service_account)).with_state(state)
}

async fn metadata(Extract(state): Extract<Shared>) -> Response {
    gate::pass(&state, || token(&state, |_| Ok(()))).await
}

async fn service_account(Extract(state): Extract<Shared>, form: String) -> Response {
    gate::pass(&state, || token(&state, |state| checked(state, &form))).await
}

fn token(state: &Shared, check: impl FnOnce(&State) -> Result<(), String>) -> Response {
    let state = state.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(refused) = state.token_error.clone() {
        return rest::answer(refused);
    }
    match check(&state) {
        Ok(()) => Json(json!({ "access_token": "t", "expires_in": 3600, "token_type": "Bearer" })).into_response(),
        Err(said) => rest::answer((400, json!({ "error": "invalid_grant", "error_description": said }).to_string())),
    }
}

fn checked(state: &State, form: &str) -> Result<(), String> {
    let form: HashMap<_, _> = form.split('&').filter_map(|pair| pair.split_once('=')).collect();
    let jwt = form.get("assertion").ok_or("Missing parameter: assertion")?.replace("%3D", "=");
    let (signed, signature) = jwt.rsplit_once('.').ok_or("Invalid JWT")?;
    let (_, claims) = signed.split_once('.').ok_or("Invalid JWT")?;
    let read = |part: &str| URL_SAFE_NO_PAD.decode(part.trim_end_matches('=')).unwrap_or_default();
    let [signature, claims] = [signature, claims].map(read);
    let claims: Value = serde_json::from_slice(&claims).map_err(|error| error.to_string())?;
    let account = state.accounts.get(claims["iss"].as_str().unwrap_or_default()).ok_or(UNKNOWN)?;
    let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, account);
    key.verify(signed.as_bytes(), &signature).map_err(|_| FORGED)?;
    let time = |name: &str| claims[name].as_u64().map(Duration::from_secs).ok_or(LATE);
    let now = cnc_server::clock::wall().unix_us();
    let now = Duration::from_micros(now.unsigned_abs()) + state.clock_on;
    let (issued, expires) = (time("iat")?, time("exp")?);
    let is_now = issued <= now + LEEWAY && expires > now;
    if is_now { Ok(()) } else { Err(LATE.into()) }
}
