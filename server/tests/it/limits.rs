//! What a peer may hold open: each bound reached by real connections, what is said then, and that others go on.

use bytes::Bytes;
use cnc_model::Item;
use cnc_model::message::Hello;
use cnc_proto::v1;
use cnc_proto::v1::listener_client::ListenerClient;
use cnc_server::config::Config;
use cnc_server::limits::{STREAMS_PER_ADDRESS, TRANSFERS_PER_ADDRESS, WALK_INS_PER_ADDRESS, WATCHERS_PER_SESSION};
use http::StatusCode;
use http_body_util::Full;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tonic::{Code, Request, Status};

use crate::running::{Client, PATIENCE, Running, channel, create, hello, request};

const FROM: &str = "203.0.113.9";

/// A listener whose tests may say where they come from: this machine itself is bounded in all only.
fn with_proxy(config: &mut Config) {
    config.trusted_proxies = vec!["127.0.0.0/8".parse().expect("a network")];
    config.public_speed = true;
    config.transfers = 4 * TRANSFERS_PER_ADDRESS;
}

async fn metric(running: &Running, name: &str) -> u64 {
    let (_, metrics) = running.get("/metrics", Some(&running.admin_token())).await;
    let start = format!("cnc_limits_reached_total{{limit=\"{name}\"}} ");
    let line = metrics.lines().find_map(|line| line.strip_prefix(&start)).expect("it is counted");
    line.parse().expect("a number")
}

/// Opens a stream that says nothing.
async fn silent(running: &Running, from: &'static str) -> Result<(), Status> {
    let mut request = Request::new(tokio_stream::pending());
    request.metadata_mut().insert("x-forwarded-for", from.parse().expect("plain text"));
    ListenerClient::new(channel(&running.url()).await).session(request).await.map(drop)
}

#[tokio::test]
async fn one_address_has_so_many_streams() {
    let running = std::sync::Arc::new(Running::start_with(with_proxy).await);
    let too_many = 20;
    let mut opening = JoinSet::new();
    for _ in 0..STREAMS_PER_ADDRESS + too_many {
        let running = std::sync::Arc::clone(&running);
        opening.spawn(async move { silent(&running, FROM).await });
    }
    for _ in 0..too_many {
        let refused = tokio::time::timeout(PATIENCE, opening.join_next()).await.expect("in time").expect("there are");
        let refused = refused.expect("no panic").expect_err("refused");
        assert_eq!(refused.code(), Code::ResourceExhausted, "{refused:?}");
        assert!(refused.message().contains("256 clients are connected from this address"), "{}", refused.message());
    }
    assert_eq!(metric(&running, "streams_per_address").await, too_many as u64);
    let (_, code) = create(&mut running.staff().await).await;
    Client::join(&running.url(), hello(1, Some(code))).await.expect("others come in");
}

async fn walk_in(
    running: &Running,
    number: u8,
    from: &'static str,
) -> Result<tonic::Streaming<v1::ListenerMessage>, Status> {
    let hello = Hello { code: None, ..hello(number, None) };
    let first = v1::ClientMessage::from(cnc_model::message::ClientMessage::Hello(hello));
    let messages = tokio_stream::StreamExt::chain(tokio_stream::once(first), tokio_stream::pending());
    let mut request = Request::new(messages);
    request.metadata_mut().insert("x-forwarded-for", from.parse().expect("plain text"));
    Ok(ListenerClient::new(channel(&running.url()).await).session(request).await?.into_inner())
}

#[tokio::test]
async fn one_address_walks_in_so_often() {
    let running = Running::start_with(with_proxy).await;
    let mut held = Vec::new();
    for number in 0..WALK_INS_PER_ADDRESS {
        held.push(walk_in(&running, u8::try_from(number).expect("few"), FROM).await.expect("let in"));
    }
    let refused = walk_in(&running, 200, FROM).await.expect_err("refused");
    assert_eq!(refused.code(), Code::ResourceExhausted);
    assert!(refused.message().contains("sessions without a code"), "{}", refused.message());
    walk_in(&running, 201, "203.0.113.10").await.expect("others come in");
    walk_in(&running, 0, FROM).await.expect("who was in comes back");
    assert_eq!(metric(&running, "walk_ins_per_address").await, 1);
}

#[tokio::test]
async fn a_session_has_so_many_watchers() {
    let running = Running::start().await;
    let mut staff = running.staff().await;
    let (session, _) = create(&mut staff).await;
    let (other, _) = create(&mut staff).await;
    let mut held = Vec::new();
    let (mut one, mut two) = (running.staff().await, running.staff().await);
    for number in 0..WATCHERS_PER_SESSION {
        let staff = if number % 2 == 0 { &mut one } else { &mut two };
        let watch = staff.watch_session(v1::WatchSessionRequest::from(session.id)).await;
        held.push(watch.expect("a seat").into_inner());
    }
    let refused = staff.watch_session(v1::WatchSessionRequest::from(session.id)).await.expect_err("no seat");
    assert_eq!(refused.code(), Code::ResourceExhausted);
    assert!(refused.message().starts_with("64 watchers follow this session"), "{}", refused.message());
    staff.watch_session(v1::WatchSessionRequest::from(other.id)).await.expect("another session has seats");
    assert_eq!(metric(&running, "watchers_per_session").await, 1);
}

#[tokio::test]
async fn one_address_has_so_many_transfers() {
    let running = Running::start_with(with_proxy).await;
    let mut held = Vec::new();
    let mut open = async |from: &str| {
        let stream = TcpStream::connect(running.address).await.expect("connects");
        let speaks = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await;
        let (mut sender, connection) = speaks.expect("speaks");
        let driving = tokio::spawn(connection);
        let asked = request("GET", "/speed/download?bytes=100000000", None).header("x-forwarded-for", from);
        let asked = asked.body(Full::<Bytes>::default()).expect("a request");
        let response = sender.send_request(asked).await.expect("answers");
        let answer = (response.status(), response.headers().contains_key("retry-after"));
        held.push((response, sender, driving));
        answer
    };
    for _ in 0..TRANSFERS_PER_ADDRESS {
        assert_eq!(open(FROM).await, (StatusCode::OK, false));
    }
    assert_eq!(open(FROM).await, (StatusCode::TOO_MANY_REQUESTS, true));
    assert_eq!(open("203.0.113.10").await, (StatusCode::OK, false));
    assert_eq!(metric(&running, "transfers_per_address").await, 1);
    for (_, _, driving) in held {
        driving.abort();
    }
}

#[tokio::test]
async fn items_without_measure_are_refused() {
    let running = Running::start().await;
    let (_, code) = create(&mut running.staff().await).await;
    let (client, _) = Client::join(&running.url(), hello(1, Some(code))).await.expect("let in");
    // What is sent again and again is not stored, but it is counted.
    let consent = Item::Consent { at: std::time::Duration::ZERO, names: false };
    let refused = client.flood(vec![consent; 64]).await;
    assert_eq!(refused.code(), Code::ResourceExhausted);
    assert!(refused.message().contains("items a second"), "{}", refused.message());
    assert_eq!(metric(&running, "items").await, 1);
}
