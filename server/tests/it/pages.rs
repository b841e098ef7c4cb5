//! What a page of the listener's own does in a staff browser: gRPC-Web over HTTP/1.1 with the login's cookie; and what
//! pages of other sites do with it, which is nothing.

use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};
use cnc_model::session::WatchEvent;
use cnc_proto::support::{CreateSession, CreateToken, CreatedSession, CreatedToken, Role};
use cnc_proto::v1;
use cnc_proto::v1::support_client::SupportClient;
use http::StatusCode;
use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::TokioIo;
use prost::Message;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tonic::{Code, Request};

use crate::running::{PATIENCE, Running, channel, create, request};

/// A frame of gRPC-Web that holds what HTTP/2 would send as trailers.
const TRAILERS: u8 = 0x80;

/// An answer under way.
struct Answer {
    status: StatusCode,
    headers: http::HeaderMap,
    body: hyper::body::Incoming,
    read: BytesMut,
    _driving: JoinSet<()>,
}

impl Answer {
    /// Reads the next frame: its kind, and what it holds.
    async fn frame(&mut self) -> Option<(u8, Bytes)> {
        loop {
            if let Some(mut head) = self.read.get(..5) {
                let (kind, length) = (head.get_u8(), head.get_u32() as usize);
                if self.read.len() >= 5 + length {
                    self.read.advance(5);
                    return Some((kind, self.read.split_to(length).freeze()));
                }
            }
            let more = tokio::time::timeout(PATIENCE, self.body.frame()).await.expect("in time")?;
            self.read.put(more.expect("the connection holds").into_data().ok()?);
        }
    }

    async fn message<M: Message + Default>(&mut self) -> M {
        let (kind, message) = self.frame().await.expect("a message");
        assert_eq!(kind, 0, "a message comes first: {message:?}");
        M::decode(message).expect("sound")
    }

    /// Passes over messages, and gives how the call ended and why.
    async fn end(&mut self) -> (Code, String) {
        let mut trailers = String::new();
        while let Some((kind, held)) = self.frame().await {
            if kind == TRAILERS {
                trailers = String::from_utf8_lossy(&held).into_owned();
            }
        }
        let in_trailers = |name: &str| {
            trailers.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(|v| v.trim().to_owned())
        };
        let in_headers = |name: &str| self.headers.get(name).map(|value| value.to_str().expect("text").to_owned());
        let told = |name: &str| in_trailers(name).or_else(|| in_headers(name));
        let code = told("grpc-status").expect("every call says how it ended").parse().expect("a number");
        (Code::from_i32(code), told("grpc-message").unwrap_or_default().replace("%20", " "))
    }
}

/// Calls as a browser's script does.
async fn call(running: &Running, name: &str, headers: &[(&str, &str)], message: &impl Message) -> Answer {
    let mut body = BytesMut::new();
    body.put_u8(0);
    body.put_u32(u32::try_from(message.encoded_len()).expect("small"));
    message.encode(&mut body).expect("room");
    let mut asked = request("POST", &format!("/cnc.v1.Support/{name}"), None)
        .header("content-type", "application/grpc-web+proto")
        .header("x-grpc-web", "1");
    for (name, value) in headers {
        asked = asked.header(*name, *value);
    }
    let stream = TcpStream::connect(running.address).await.expect("connects");
    let speaks = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await;
    let (mut sender, connection) = speaks.expect("speaks");
    let mut driving = JoinSet::new();
    driving.spawn(async { connection.await.unwrap_or_default() });
    let response = sender.send_request(asked.body(Full::new(body.freeze())).expect("a request")).await;
    let (head, body) = response.expect("answers").into_parts();
    Answer { status: head.status, headers: head.headers, body, read: BytesMut::new(), _driving: driving }
}

/// Logs a browser in; gives the cookie as it is sent back.
async fn login(running: &Running, token: &str) -> String {
    let bearer = format!("Bearer {token}");
    let (status, headers, _) = running.ask("POST", "/login", &[("authorization", &bearer)]).await;
    assert_eq!(status, StatusCode::SEE_OTHER);
    headers["set-cookie"].to_str().expect("text").split(';').next().expect("a pair").to_owned()
}

/// What a browser says of itself when the listener's own page asks.
const OWN: [(&str, &str); 2] = [("origin", "http://localhost"), ("sec-fetch-site", "same-origin")];

#[tokio::test]
async fn a_page_of_ones_own_makes_a_session_and_follows_it() {
    let running = Running::start().await;
    let cookie = login(&running, &running.admin_token()).await;
    let headers = [&OWN[..], &[("cookie", cookie.as_str())]].concat();
    let wish = v1::CreateSessionRequest::from(CreateSession { plan: None, label: "from a page".into() });
    let mut answer = call(&running, "CreateSession", &headers, &wish).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.headers["content-type"], "application/grpc-web+proto");
    let made: CreatedSession = answer.message::<v1::CreateSessionResponse>().await.try_into().expect("sound");
    assert_eq!(answer.end().await.0, Code::Ok);
    assert_eq!(running.count("SELECT count(*) FROM audit WHERE who LIKE 'first start (%'"), 1, "it is noted whose");

    let watch = v1::WatchSessionRequest::from(made.session.id);
    let mut watching = call(&running, "WatchSession", &headers, &watch).await;
    let first: WatchEvent = watching.message::<v1::WatchEvent>().await.try_into().expect("sound");
    assert!(matches!(first, WatchEvent::Snapshot { record, .. } if record.overview.label == "from a page"));
    let end = v1::EndSessionRequest::from(made.session.id);
    assert_eq!(call(&running, "EndSession", &headers, &end).await.end().await.0, Code::Ok);
    assert_eq!(watching.end().await.0, Code::Ok, "the stream ends with the session, in good order");
}

#[tokio::test]
async fn a_page_of_another_site_calls_nothing() {
    let running = Running::start().await;
    let cookie = login(&running, &running.admin_token()).await;
    let (session, _) = create(&mut running.staff().await).await;
    for page in [
        &[("origin", "https://evil.example")][..],
        &[("origin", "null")],
        // A sister site: browsers send it the cookie.
        &[("origin", "http://other.localhost"), ("sec-fetch-site", "same-site")],
        &[("sec-fetch-site", "cross-site")],
    ] {
        let headers = [page, &[("cookie", cookie.as_str())]].concat();
        let list = call(&running, "ListSessions", &headers, &v1::ListSessionsRequest::default()).await.end().await;
        let delete = v1::DeleteSessionRequest::from(session.id);
        let delete = call(&running, "DeleteSession", &headers, &delete).await.end().await;
        for (code, why) in [list, delete] {
            assert_eq!(code, Code::PermissionDenied, "{page:?}");
            assert!(why.starts_with("this came from another site"), "{why}");
        }
        // What asks whether it may is not told so.
        let (_, answered, _) = running.ask("OPTIONS", "/cnc.v1.Support/ListSessions", page).await;
        assert!(answered.keys().all(|name| !name.as_str().starts_with("access-control")), "{answered:?}");
    }
    // Nor over HTTP/2, where a cookie goes the same way.
    let mut request = Request::new(v1::ListSessionsRequest::default());
    request.metadata_mut().insert("cookie", cookie.parse().expect("plain text"));
    request.metadata_mut().insert("origin", "https://evil.example".parse().expect("plain text"));
    let refused = SupportClient::new(channel(&running.url()).await).list_sessions(request).await;
    assert_eq!(refused.expect_err("another site").code(), Code::PermissionDenied);
    let get = v1::GetSessionRequest::from(session.id);
    running.staff().await.get_session(get).await.expect("it is still there");
}

#[tokio::test]
async fn a_cookie_may_what_its_token_may_and_as_long() {
    let running = Running::start().await;
    let wish = v1::CreateTokenRequest::from(CreateToken { role: Role::Viewer, name: "a wall screen".into() });
    let made = running.staff().await.create_token(wish).await.expect("made").into_inner();
    let viewer: CreatedToken = made.try_into().expect("sound");
    let cookie = login(&running, &viewer.token).await;
    let own = |cookie: &str| -> Vec<(String, String)> {
        let all = OWN.iter().copied().chain([("cookie", cookie)]);
        all.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    };
    let ask = async |name: &str, cookie: &str| {
        let headers = own(cookie);
        let headers: Vec<_> = headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        // An empty message is sound for each of these calls.
        call(&running, name, &headers, &v1::ListPlansRequest {}).await.end().await.0
    };
    assert_eq!(ask("ListSessions", &cookie).await, Code::Ok);
    assert_eq!(ask("CreateSession", &cookie).await, Code::PermissionDenied);
    assert_eq!(ask("ListAudit", &cookie).await, Code::PermissionDenied);
    for none in ["a=b", "cnc_login=", "cnc_login=x"] {
        assert_eq!(ask("ListSessions", none).await, Code::Unauthenticated, "{none}");
    }
    let out = [("cookie", cookie.as_str()), OWN[0]];
    assert_eq!(running.ask("POST", "/logout", &out).await.0, StatusCode::OK);
    assert_eq!(ask("ListSessions", &cookie).await, Code::Unauthenticated);
}

#[tokio::test]
async fn what_is_no_call_is_refused_in_http() {
    let running = Running::start().await;
    let path = "/cnc.v1.Support/ListSessions";
    let web = [("content-type", "application/grpc-web+proto")];
    assert_eq!(running.ask("GET", path, &web).await.0, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(running.ask("POST", path, &[("content-type", "text/plain")]).await.0, StatusCode::BAD_REQUEST);
    let nothing = call(&running, "Nothing", &OWN, &v1::ListPlansRequest {}).await.end().await.0;
    assert_eq!(nothing, Code::Unimplemented);
    assert_eq!(running.ask("GET", "/none", &[]).await.0, StatusCode::NOT_FOUND, "other paths are as they were");
}
