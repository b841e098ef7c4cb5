//! Staff in a browser: the cookie, what it opens, and other sites that would like to use it; and who did what.

use bytes::Bytes;
use cnc_proto::support::{AuditEntry, ListAudit, RevokeToken};
use cnc_proto::v1;
use http::StatusCode;
use http_body_util::Full;
use tokio::net::TcpStream;

use crate::running::{Answer, Certificates, Client, PATIENCE, Running, create, hello, http1, request};

async fn post(running: &Running, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let mut asked = request("POST", path, None).header("content-type", "application/x-www-form-urlencoded");
    for (name, value) in headers {
        asked = asked.header(*name, *value);
    }
    let stream = TcpStream::connect(running.address).await.expect("connects");
    http1(stream, asked.body(Full::new(Bytes::from(body.to_owned()))).expect("a request")).await
}

/// Logs in; gives the cookie as it was set, and as it is sent back.
async fn login(running: &Running) -> (String, String) {
    let (status, headers, page) = post(running, "/login", &[], &format!("token={}", running.admin_token())).await;
    assert_eq!(status, StatusCode::SEE_OTHER, "{page}");
    let set = headers["set-cookie"].to_str().expect("text").to_owned();
    let pair = set.split(';').next().expect("a pair").to_owned();
    (set, pair)
}

#[tokio::test]
async fn a_cookie_reads_reports_until_logged_out() {
    let running = Running::start().await;
    let (session, code) = create(&mut running.staff().await).await;
    let (client, _) = Client::join(&running.url(), hello(1, Some(code))).await.expect("let in");
    let path = format!("/sessions/{}/report", session.id);
    let (set, cookie) = login(&running).await;
    assert!(set.contains("; HttpOnly; SameSite=Strict") && !set.contains("Secure"), "{set}");
    let read = |cookie: String| {
        let (running, path) = (&running, &path);
        async move { running.ask("GET", path, &[("cookie", cookie.as_str())]).await }
    };
    let (status, _, why) = read(cookie.clone()).await;
    assert_eq!((status, why.contains("has no report yet")), (StatusCode::NOT_FOUND, true), "{why}");
    let others = format!("a=b; {cookie}; c=d");
    assert_eq!(read(others).await.0, StatusCode::NOT_FOUND, "among other cookies");
    for wrong in ["cnc_login=", "cnc_login=x", "x"] {
        assert_eq!(read(wrong.into()).await.0, StatusCode::UNAUTHORIZED, "{wrong}");
    }
    let (status, headers, _) = post(&running, "/logout", &[("cookie", &cookie)], "").await;
    assert_eq!(status, StatusCode::OK);
    assert!(headers["set-cookie"].to_str().expect("text").contains("Max-Age=0"));
    let (status, _, why) = read(cookie).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    assert!(why.contains("log in again"), "{why}");
    drop(client);
}

#[tokio::test]
async fn a_revoked_token_takes_its_logins_with_it() {
    let running = Running::start().await;
    let (_, cookie) = login(&running).await;
    let metrics = |cookie: String| {
        let running = &running;
        async move { running.ask("GET", "/metrics", &[("cookie", cookie.as_str())]).await.0 }
    };
    assert_eq!(metrics(cookie.clone()).await, StatusCode::OK);
    let mut admin = running.staff().await;
    let tokens: Vec<cnc_proto::support::Token> =
        admin.list_tokens(v1::ListTokensRequest {}).await.expect("may").into_inner().try_into().expect("sound");
    let id = tokens[0].id.clone();
    admin.revoke_token(v1::RevokeTokenRequest::from(RevokeToken { id })).await.expect("revoked");
    assert_eq!(metrics(cookie).await, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn other_sites_cannot_log_in_or_out() {
    let running = Running::start().await;
    let body = format!("token={}", running.admin_token());
    for headers in [
        &[("origin", "https://evil.example")][..],
        &[("origin", "null")],
        &[("origin", "http://localhost.evil.example")],
        &[("sec-fetch-site", "cross-site")],
    ] {
        for path in ["/login", "/logout"] {
            let (status, answered, _) = post(&running, path, headers, &body).await;
            assert_eq!(status, StatusCode::FORBIDDEN, "{path} {headers:?}");
            assert!(!answered.contains_key("set-cookie"));
        }
    }
    let own = [("origin", "http://localhost"), ("sec-fetch-site", "same-origin")];
    assert_eq!(post(&running, "/login", &own, &body).await.0, StatusCode::SEE_OTHER);
    assert_eq!(running.get("/logout", None).await.0, StatusCode::METHOD_NOT_ALLOWED, "no link logs anybody out");
}

#[tokio::test]
async fn wrong_tokens_are_few_and_forms_are_small() {
    let running = Running::start().await;
    assert_eq!(post(&running, "/login", &[], &"x".repeat(5_000)).await.0, StatusCode::PAYLOAD_TOO_LARGE);
    for _ in 0..9 {
        let (status, _, page) = post(&running, "/login", &[], "token=wrong").await;
        assert_eq!(status, StatusCode::UNAUTHORIZED);
        assert!(page.contains("unknown or was revoked"), "{page}");
    }
    let right = format!("token={}", running.admin_token());
    let (status, headers, _) = post(&running, "/login", &[], &right).await;
    assert_eq!(status, StatusCode::TOO_MANY_REQUESTS);
    assert!(headers.contains_key("retry-after"));
    // Who already has a token is not held up by others' guesses.
    assert_eq!(running.get("/metrics", Some(&running.admin_token())).await.0, StatusCode::OK);
}

#[tokio::test]
async fn behind_tls_cookies_are_for_tls_alone() {
    let certificates = Certificates::make();
    let running = Running::start_with(|config| config.tls = Some(certificates.files())).await;
    let stream = crate::door::tls(&running, &certificates, &[b"http/1.1"]).await.expect("connects");
    let asked = request("POST", "/login", Some(&running.admin_token())).body(Full::default()).expect("a request");
    let (status, headers, _) = http1(stream, asked).await;
    assert_eq!(status, StatusCode::SEE_OTHER, "a token in the header does as well");
    let set = headers["set-cookie"].to_str().expect("text");
    assert!(set.starts_with("__Host-cnc_login=") && set.contains("; Path=/; ") && set.ends_with("; Secure"), "{set}");
}

#[tokio::test]
async fn who_did_what_to_a_session_is_told_even_when_it_is_gone() {
    let running = Running::start().await;
    let mut admin = running.staff().await;
    let (session, _) = create(&mut admin).await;
    let (other, _) = create(&mut admin).await;
    let id = session.id;
    admin.end_session(v1::EndSessionRequest::from(id)).await.expect("ended");
    let report = format!("/sessions/{id}/report");
    tokio::time::timeout(PATIENCE, running.get(&report, Some(&running.admin_token()))).await.expect("answers");
    admin.delete_session(v1::DeleteSessionRequest::from(id)).await.expect("deleted");
    admin.end_session(v1::EndSessionRequest::from(other.id)).await.expect("ended");
    let mut list = async |wish: ListAudit| -> Vec<AuditEntry> {
        let answer = admin.list_audit(v1::ListAuditRequest::from(wish)).await.expect("may").into_inner();
        answer.try_into().expect("sound")
    };
    let told = list(ListAudit { session: Some(id), ..ListAudit::default() }).await;
    let actions: Vec<_> = told.iter().map(|entry| entry.action.as_str()).collect();
    assert_eq!(actions, ["delete_session", "report", "end_session", "create_session"]);
    assert!(told.iter().all(|entry| entry.who.starts_with("first start (") && entry.session == Some(id)), "{told:?}");
    let all = list(ListAudit::default()).await;
    assert_eq!(all.len(), 6);
    let before = std::num::NonZeroU64::new(all[3].id);
    let rest = list(ListAudit { before, ..ListAudit::default() }).await;
    assert_eq!(rest, all[4..], "pages join up");
}
