//! Bounds on the listener as a whole, set low and reached by real connections: what is said, that it is counted, that
//! those who are in go on, and that a place given back is taken again.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use cnc_model::Item;
use cnc_model::message::Hello;
use cnc_proto::v1;
use cnc_proto::v1::listener_client::ListenerClient;
use cnc_server::limits::DOWNLOADS_PER_ADDRESS;
use http::StatusCode;
use http_body_util::Full;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tonic::{Code, Request, Status};

use crate::running::{Certificates, Client, PATIENCE, Running, channel, create, hello, http1, request};

/// Tries until something is so.
async fn until<T>(what: &str, mut tried: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(done) = tried().await {
            return done;
        }
        assert!(Instant::now() < deadline, "it does not come: {what}");
    }
}

async fn reached(running: &Running, name: &str) -> u64 {
    let (_, metrics) = running.get("/metrics", Some(&running.admin_token())).await;
    counted(&metrics, &format!("cnc_limits_reached_total{{limit=\"{name}\"}} "))
}

fn counted(metrics: &str, start: &str) -> u64 {
    let line = metrics.lines().find_map(|line| line.strip_prefix(start)).expect("it is counted");
    line.parse().expect("a number")
}

fn assert_over(refused: &Status, words: &str) {
    assert_eq!(refused.code(), Code::ResourceExhausted, "{refused:?}");
    assert!(refused.message().contains(words), "{}", refused.message());
}

async fn join(running: &Running, key: u8) -> Result<Client, Status> {
    let (_, code) = create(&mut running.staff().await).await;
    Client::join(&running.url(), hello(key, Some(code))).await.map(|(client, _)| client)
}

#[tokio::test]
async fn so_many_clients_are_connected() {
    let running = Running::start_with(|config| config.limits.streams = 3).await;
    let mut first = join(&running, 1).await.expect("let in");
    let second = join(&running, 2).await.expect("let in");
    let third = join(&running, 3).await.expect("let in");
    assert_over(&join(&running, 4).await.err().expect("full"), "as many clients as it can take");
    assert_eq!(reached(&running, "streams").await, 1);
    first.send(vec![Item::Consent { at: Duration::ZERO, names: false }]).await;
    first.acknowledged(1).await;
    drop(second);
    until("a place", async || join(&running, 5).await.ok()).await;
    drop(third);
}

#[tokio::test]
async fn so_many_sessions_are_live() {
    let running = Running::start_with(|config| config.limits.sessions = 2).await;
    let mut staff = running.staff().await;
    let (one, _) = create(&mut staff).await;
    let (_, code) = create(&mut staff).await;
    let refused = staff.create_session(v1::CreateSessionRequest::default()).await.expect_err("full");
    assert_over(&refused, "as many sessions as it can hold");
    let walk_in = Client::join(&running.url(), Hello { code: None, ..hello(1, None) }).await;
    assert_over(&walk_in.err().expect("full"), "as many sessions as it can hold");
    assert_eq!(reached(&running, "sessions").await, 2);
    Client::join(&running.url(), hello(2, Some(code))).await.expect("who has a session comes in");
    staff.end_session(v1::EndSessionRequest::from(one.id)).await.expect("ended");
    until("a place", async || staff.create_session(v1::CreateSessionRequest::default()).await.ok()).await;
}

#[tokio::test]
async fn so_many_watch() {
    let running = Running::start_with(|config| config.limits.watchers = 2).await;
    let mut staff = running.staff().await;
    let (one, _) = create(&mut staff).await;
    let (two, _) = create(&mut staff).await;
    let watch = v1::WatchSessionRequest::from(one.id);
    let mut first = staff.watch_session(watch.clone()).await.expect("a seat").into_inner();
    let second = staff.watch_session(watch).await.expect("a seat");
    let other = v1::WatchSessionRequest::from(two.id);
    let refused = staff.watch_session(other.clone()).await.expect_err("no seat");
    assert_over(&refused, "as many watchers as it can take");
    assert_eq!(reached(&running, "watchers").await, 1);
    first.message().await.expect("it goes on").expect("a snapshot");
    drop(second);
    until("a seat", async || staff.watch_session(other.clone()).await.ok()).await;
}

#[tokio::test]
async fn so_many_join_at_a_time() {
    let running = Arc::new(Running::start_with(|config| config.limits.hellos = 2).await);
    let mut silent = JoinSet::new();
    for _ in 0..2 {
        let running = Arc::clone(&running);
        silent.spawn(async move {
            let request = Request::new(tokio_stream::pending());
            ListenerClient::new(channel(&running.url()).await).session(request).await.map(drop)
        });
    }
    let refused = until("both wait", async || join(&running, 1).await.err()).await;
    assert_over(&refused, "too many clients are joining");
    assert!(reached(&running, "hellos").await >= 1);
    silent.shutdown().await;
    until("a place", async || join(&running, 2).await.ok()).await;
}

/// A download that is not read on.
struct Held(StatusCode, bool, #[expect(dead_code, reason = "held open")] JoinSet<()>);

async fn download(running: &Running, from: &str) -> Held {
    let stream = TcpStream::connect(running.address).await.expect("connects");
    let speaks = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await;
    let (mut sender, connection) = speaks.expect("speaks");
    let mut driving = JoinSet::new();
    driving.spawn(async { connection.await.unwrap_or_default() });
    let asked = request("GET", "/downloads/cnc-linux-x86_64", None).header("x-forwarded-for", from);
    let response = sender.send_request(asked.body(Full::<Bytes>::default()).expect("a request")).await;
    let response = response.expect("answers");
    let (status, retry) = (response.status(), response.headers().contains_key("retry-after"));
    driving.spawn(async move {
        let _held = (response, sender);
        std::future::pending::<()>().await;
    });
    Held(status, retry, driving)
}

async fn with_downloads(bound: usize) -> Running {
    let running = Running::start_with(|config| {
        config.trusted_proxies = vec!["127.0.0.0/8".parse().expect("a network")];
        config.limits.downloads = bound;
    })
    .await;
    let folder = running.data.path().join("downloads");
    std::fs::create_dir(&folder).expect("made");
    let program = std::fs::File::create(folder.join("cnc-linux-x86_64")).expect("made");
    // More than any connection's buffers hold.
    program.set_len(1 << 30).expect("a hole is as good");
    running
}

#[tokio::test]
async fn so_many_programs_are_sent() {
    let running = with_downloads(2).await;
    let first = download(&running, "203.0.113.1").await;
    let second = download(&running, "203.0.113.2").await;
    assert_eq!((first.0, second.0), (StatusCode::OK, StatusCode::OK));
    let refused = download(&running, "203.0.113.3").await;
    assert_eq!((refused.0, refused.1), (StatusCode::SERVICE_UNAVAILABLE, true));
    assert_eq!(reached(&running, "downloads").await, 1);
    drop(second);
    let again = async || Some(download(&running, "203.0.113.3").await).filter(|held| held.0 == StatusCode::OK);
    until("a place", again).await;
}

#[tokio::test]
async fn one_address_is_sent_so_many_programs() {
    let running = with_downloads(DOWNLOADS_PER_ADDRESS + 1).await;
    let mut held = Vec::new();
    for _ in 0..DOWNLOADS_PER_ADDRESS {
        held.push(download(&running, "203.0.113.1").await);
    }
    assert!(held.iter().all(|held| held.0 == StatusCode::OK));
    let refused = download(&running, "203.0.113.1").await;
    assert_eq!((refused.0, refused.1), (StatusCode::TOO_MANY_REQUESTS, true));
    assert_eq!(download(&running, "203.0.113.2").await.0, StatusCode::OK, "others are served");
    assert_eq!(reached(&running, "downloads_per_address").await, 1);
}

#[tokio::test]
async fn so_many_shake_hands_and_the_others_wait_their_turn() {
    let certificates = Certificates::make();
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("bound");
    let running = Running::start_with(|config| {
        config.tls = Some(certificates.files());
        config.limits.handshakes = 2;
        config.metrics = Some(free);
    })
    .await;
    let metrics = async || {
        let stream = TcpStream::connect(free).await.expect("connects");
        http1(stream, request("GET", "/metrics", None).body(Full::default()).expect("a request")).await.2
    };
    let silent = [
        TcpStream::connect(running.address).await.expect("connects"),
        TcpStream::connect(running.address).await.expect("connects"),
    ];
    // The asking connection itself is the third.
    until("both are there", async || (counted(&metrics().await, "cnc_connections ") >= 3).then_some(())).await;
    let mut waiting = Box::pin(crate::door::tls(&running, &certificates, &[b"http/1.1"]));
    let reached = until("the third waits", async || {
        tokio::select! {
            biased;
            _ = waiting.as_mut() => panic!("it was not held up"),
            metrics = metrics() => {
                Some(counted(&metrics, "cnc_limits_reached_total{limit=\"handshakes\"} ")).filter(|count| *count > 0)
            }
        }
    });
    assert_eq!(reached.await, 1);
    drop(silent);
    let stream = waiting.await.expect("its turn comes");
    let asked = request("GET", "/healthz", None).body(Full::default()).expect("a request");
    assert_eq!(http1(stream, asked).await.2, "ok\n");
}
