//! Logging in from a browser: a staff token for a cookie. Nothing that changes anything is taken from another site.

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, Request, StatusCode, header};
use http_body_util::{BodyExt as _, Limited};
use maud::html;
use std::time::Duration;
use tokio::time::timeout;

use super::Web;
use super::pages::{page, page_with};
use crate::accept::ClientAddress;
use crate::roles::Call;
use crate::staff::{Browser, Denied, LOGIN_LASTS};

/// The largest body taken: a token and where to go next fit many times.
const MAX_FORM_BYTES: usize = 4 << 10;
/// How long the body may take.
const FORM_WITHIN: Duration = Duration::from_secs(10);
/// The cookie where there is TLS; the prefix has browsers hold it to this host and to TLS.
const SECURE_COOKIE: &str = "__Host-cnc_login";
/// The cookie without TLS, on loopback.
const PLAIN_COOKIE: &str = "cnc_login";
/// What the login's page may load and do: its style sheet, and send its form here.
const LOGIN_POLICY: &str =
    "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// The page with the form.
pub(super) async fn form() -> Response {
    form_page(StatusCode::OK, None)
}

fn form_page(status: StatusCode, why: Option<&str>) -> Response {
    let body = html! {
        h1 { "Log in" }
        @if let Some(why) = why { p { (why) } }
        form method="post" action="/login" {
            p { label for="token" { "Your staff token" } }
            p { input id="token" name="token" type="password" autocomplete="current-password" required size="40"; }
            p { button type="submit" { "Log in" } }
        }
        p class="soft" { "An admin makes tokens: " code { "cnc-listener token create --role viewer --name NAME" } }
    };
    let mut response = page_with(status, "Log in", &body, LOGIN_POLICY);
    // Without a referrer of its own site the browser would not say where the form comes from.
    response.headers_mut().insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    response
}

/// Takes a token, as the form's field or in the header, and gives a cookie for it.
pub(super) async fn login(
    State(web): State<Web>,
    Extension(ClientAddress(address)): Extension<ClientAddress>,
    request: Request<Body>,
) -> Response {
    if !is_own_site(&web, &request) {
        return foreign();
    }
    if let Err(over) = web.services.limits.try_one(address) {
        return super::pages::over(over);
    }
    let given = super::token(request.headers()).map(str::to_owned);
    let token = match given {
        Some(token) => token,
        None => match field(request.into_body()).await {
            Ok(token) => token,
            Err(refused) => return refused,
        },
    };
    match web.services.staff.login(&token).await {
        Ok(cookie) => {
            web.services.limits.tried_right(address);
            let headers =
                [(header::SET_COOKIE, web.cookie(&cookie, LOGIN_LASTS)), (header::LOCATION, "/console/".into())];
            (StatusCode::SEE_OTHER, headers).into_response()
        }
        Err(denied) => {
            web.services.metrics.call_denied();
            form_page(StatusCode::UNAUTHORIZED, Some(&denied.to_string()))
        }
    }
}

/// Makes a cookie worthless, here and in the browser.
pub(super) async fn logout(State(web): State<Web>, request: Request<Body>) -> Response {
    if !is_own_site(&web, &request) {
        return foreign();
    }
    if let Some(cookie) = web.cookie_of(request.headers()) {
        web.services.staff.logout(cookie);
    }
    let body = html! { h1 { "Logged out" } p { a href="/login" { "Log in again" } } };
    let mut response = page(StatusCode::OK, "Logged out", &body);
    let gone = HeaderValue::try_from(web.cookie("", Duration::ZERO)).expect("it holds plain characters alone");
    response.headers_mut().insert(header::SET_COOKIE, gone);
    response
}

/// Reads the form's token.
async fn field(body: Body) -> Result<String, Response> {
    let refused = |status, why: &'static str| (status, why).into_response();
    // Liveness: ends by its time.
    let read = timeout(FORM_WITHIN, Limited::new(body, MAX_FORM_BYTES).collect()).await;
    let read = read.map_err(|_| refused(StatusCode::REQUEST_TIMEOUT, "the form took too long\n"))?;
    let bytes = read.map_err(|_| refused(StatusCode::PAYLOAD_TOO_LARGE, "the form is larger than any token\n"))?;
    let bytes = bytes.to_bytes();
    let text = String::from_utf8_lossy(&bytes);
    // A token has hexadecimal digits alone, so nothing in it is ever escaped.
    let token = text.split('&').find_map(|pair| pair.strip_prefix("token=")).unwrap_or_default();
    Ok(token.trim_matches(['+', ' ']).to_owned())
}

/// Tells a call's service what the browser sent along. Reading needs no less care than changing here: every call is
/// a POST, whatever it does.
pub(super) async fn of_browser(State(web): State<Web>, mut request: Request<Body>, next: Next) -> Response {
    if let Some(cookie) = web.cookie_of(request.headers()).map(str::to_owned) {
        let browser = if is_own_site(&web, &request) { Browser::Own(cookie) } else { Browser::Foreign };
        request.extensions_mut().insert(browser);
    }
    next.run(request).await
}

/// Tells whether a request comes from this site or from no browser: a browser says from where, and other sites must
/// not act in a user's name.
fn is_own_site(web: &Web, request: &Request<Body>) -> bool {
    let header = |name| request.headers().get(name).map(|value| value.to_str().unwrap_or("?"));
    if header(header::HeaderName::from_static("sec-fetch-site")).is_some_and(|site| site == "cross-site") {
        return false;
    }
    let Some(origin) = header(header::ORIGIN) else { return true };
    let host = header(header::HOST).or_else(|| request.uri().authority().map(http::uri::Authority::as_str));
    let authority = origin.split_once("://").map(|(_, authority)| authority);
    origin == &*web.services.address_for_users || (authority.is_some() && authority == host)
}

fn foreign() -> Response {
    (StatusCode::FORBIDDEN, format!("{}\n", Denied::ForeignSite)).into_response()
}

impl Web {
    fn cookie(&self, value: &str, lasts: Duration) -> String {
        let (name, secure) = if self.secure { (SECURE_COOKIE, "; Secure") } else { (PLAIN_COOKIE, "") };
        let seconds = lasts.as_secs();
        format!("{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}")
    }

    /// Finds the login's cookie.
    pub(super) fn cookie_of<'h>(&self, headers: &'h HeaderMap) -> Option<&'h str> {
        let name = if self.secure { SECURE_COOKIE } else { PLAIN_COOKIE };
        let values = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        let mut pairs = values.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
        pairs.find(|(found, _)| *found == name).map(|(_, value)| value)
    }

    /// Tells who asks, by token or cookie, and answers where that does not suffice.
    pub(super) async fn may(&self, headers: &HeaderMap, call: Call) -> Result<crate::staff::Who, Response> {
        let browser = self.cookie_of(headers).map(|cookie| Browser::Own(cookie.to_owned()));
        let checked = self.services.staff.check_either(super::token(headers), browser.as_ref(), call).await;
        checked.map_err(|denied| {
            self.services.metrics.call_denied();
            let status = match denied {
                Denied::NoToken | Denied::UnknownToken | Denied::LoggedOut => StatusCode::UNAUTHORIZED,
                Denied::Role { .. } | Denied::ForeignSite => StatusCode::FORBIDDEN,
            };
            (status, format!("{denied}\n")).into_response()
        })
    }
}
