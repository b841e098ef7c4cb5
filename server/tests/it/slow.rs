//! Peers that hold a place by doing nothing, or next to nothing: each is let go in time, and its place with it.
//!
//! Time is paused once all is set up, so that minutes pass at once; nothing but the peer's slowness is waited for.

use std::time::Duration;

use bytes::Bytes;
use cnc_proto::v1;
use http::StatusCode;
use http_body_util::Full;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{Instant, pause, resume};

use crate::running::{Certificates, Running, create, request};

async fn connected(running: &Running) -> TcpStream {
    TcpStream::connect(running.address).await.expect("connects")
}

/// Reads until the listener closes, and gives the answer's first line and how long it took.
async fn let_go(mut stream: TcpStream) -> (String, Duration) {
    let began = Instant::now();
    let mut answer = Vec::new();
    // Whether it is closed or reset: it is over.
    stream.read_to_end(&mut answer).await.unwrap_or_default();
    let first = String::from_utf8_lossy(&answer).lines().next().unwrap_or_default().to_owned();
    (first, began.elapsed())
}

async fn metric(running: &Running, name: &str) -> u64 {
    let (_, metrics) = running.get("/metrics", Some(&running.admin_token())).await;
    let line = metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.expect("it is counted").parse().expect("a number")
}

#[tokio::test]
async fn who_asks_for_nothing_is_let_go() {
    let running = Running::start().await;
    for sent in ["", "GET / HT", "GET / HTTP/1.1\r\nHost: x\r\nx-a: 1\r\n", "PRI * HTTP/2.0\r\n\r\n"] {
        let mut stream = connected(&running).await;
        stream.write_all(sent.as_bytes()).await.expect("sent");
        pause();
        let (_, took) = let_go(stream).await;
        resume();
        assert!(took <= Duration::from_secs(61), "{sent:?} held its place for {took:?}");
    }
    assert_eq!(running.get("/healthz", None).await.0, StatusCode::OK);
}

#[tokio::test]
async fn a_head_that_never_ends_is_let_go_however_lively() {
    let running = Running::start().await;
    let mut stream = connected(&running).await;
    stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n").await.expect("sent");
    pause();
    let began = Instant::now();
    // One header at a time, as often as it takes to look alive.
    while stream.write_all(b"x-a: 1\r\n").await.is_ok() && began.elapsed() < Duration::from_mins(5) {
        tokio::time::sleep(Duration::from_secs(5)).await;
    }
    assert!(began.elapsed() < Duration::from_mins(2), "it held its place for {:?}", began.elapsed());
}

#[tokio::test]
async fn who_asked_once_and_no_more_is_let_go() {
    let running = Running::start().await;
    let mut stream = connected(&running).await;
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await.expect("sent");
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).await.expect("answers");
    assert_eq!(&answer, b"HTTP/1.1 200");
    pause();
    let (_, took) = let_go(stream).await;
    assert!(took <= Duration::from_mins(1), "{took:?}");
}

#[tokio::test]
async fn a_form_that_never_comes_is_told_so() {
    let running = Running::start().await;
    let mut stream = connected(&running).await;
    let head = "POST /login HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\ntoken=";
    stream.write_all(head.as_bytes()).await.expect("sent");
    pause();
    let (answer, took) = let_go(stream).await;
    assert_eq!(answer, "HTTP/1.1 408 Request Timeout");
    assert!(took <= Duration::from_mins(1), "{took:?}");
}

#[tokio::test]
async fn an_upload_that_never_ends_is_told_so() {
    let running = Running::start_with(|config| config.public_speed = true).await;
    let mut stream = connected(&running).await;
    let head = "POST /speed/upload HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\nabc";
    stream.write_all(head.as_bytes()).await.expect("sent");
    pause();
    let (answer, took) = let_go(stream).await;
    assert_eq!(answer, "HTTP/1.1 408 Request Timeout");
    assert!(took <= Duration::from_mins(7), "{took:?}");
    resume();
    assert_eq!(metric(&running, "cnc_speed_transfers").await, 0);
}

#[tokio::test]
async fn a_handshake_that_never_ends_is_let_go() {
    let certificates = Certificates::make();
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("bound");
    let running = Running::start_with(|config| {
        config.tls = Some(certificates.files());
        config.metrics = Some(free);
    })
    .await;
    for sent in [&b""[..], b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"] {
        let mut stream = connected(&running).await;
        stream.write_all(sent).await.expect("sent");
        pause();
        let (_, took) = let_go(stream).await;
        resume();
        assert!(took <= Duration::from_secs(30), "{sent:?} held its place for {took:?}");
    }
    let stream = TcpStream::connect(free).await.expect("connects");
    let asked = request("GET", "/metrics", None).body(Full::default()).expect("a request");
    let metrics = crate::running::http1(stream, asked).await.2;
    assert!(metrics.contains("\ncnc_tls_failures_total 2\n"), "{metrics}");
}

#[tokio::test]
async fn who_reads_nothing_is_let_go_over_http1() {
    let running = Running::start_with(|config| config.public_speed = true).await;
    let mut stream = connected(&running).await;
    stream.write_all(b"GET /speed/download?bytes=1000000000 HTTP/1.1\r\nHost: x\r\n\r\n").await.expect("sent");
    stream.readable().await.expect("it begins");
    pause();
    tokio::time::sleep(Duration::from_mins(10)).await;
    resume();
    assert_eq!(metric(&running, "cnc_speed_transfers").await, 0);
    assert_eq!(metric(&running, "cnc_limits_reached_total{limit=\"slow_readers\"}").await, 1);
    drop(stream);
}

#[tokio::test]
async fn who_leaves_one_stream_unread_is_let_go_over_http2() {
    let running = Running::start_with(|config| config.public_speed = true).await;
    let stream = connected(&running).await;
    let speaks = hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await;
    let (mut sender, connection) = speaks.expect("speaks");
    let driving = tokio::spawn(connection);
    let asked = http::Request::get("http://localhost/speed/download?bytes=1000000000");
    let unread = sender.send_request(asked.body(Full::<Bytes>::default()).expect("a request")).await.expect("answers");
    assert_eq!(metric(&running, "cnc_speed_transfers").await, 1);
    pause();
    let began = Instant::now();
    // The connection itself stays lively: it answers pings, and would answer anything else.
    while !sender.is_closed() && began.elapsed() < Duration::from_mins(20) {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    assert!(began.elapsed() <= Duration::from_mins(7), "{:?}", began.elapsed());
    resume();
    assert_eq!(metric(&running, "cnc_speed_transfers").await, 0);
    assert_eq!(metric(&running, "cnc_limits_reached_total{limit=\"slow_readers\"}").await, 1);
    drop((unread, driving));
}

#[tokio::test]
async fn a_connection_without_streams_is_let_go_and_one_with_a_stream_is_not() {
    let running = Running::start().await;
    let (session, _) = create(&mut running.staff().await).await;
    let mut staff = running.staff().await;
    let mut watching =
        staff.watch_session(v1::WatchSessionRequest::from(session.id)).await.expect("a seat").into_inner();
    watching.message().await.expect("it holds").expect("a snapshot");
    let speaks =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(connected(&running).await)).await;
    let (mut sender, connection) = speaks.expect("speaks");
    let driving = tokio::spawn(connection);
    let asked = http::Request::get("http://localhost/healthz").body(Full::<Bytes>::default()).expect("a request");
    assert_eq!(sender.send_request(asked).await.expect("answers").status(), StatusCode::OK);
    pause();
    let began = Instant::now();
    while !sender.is_closed() && began.elapsed() < Duration::from_mins(25) {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    resume();
    assert!(began.elapsed() <= Duration::from_mins(12), "{:?}", began.elapsed());
    driving.await.expect("no panic").expect("it ends in good order");
    staff.end_session(v1::EndSessionRequest::from(session.id)).await.expect("its connection is up");
    while watching.message().await.expect("it ends in good order").is_some() {}
}

#[tokio::test]
async fn others_use_the_same_port_meanwhile() {
    let running = Running::start().await;
    let mut slow = Vec::new();
    for _ in 0..200 {
        let mut stream = connected(&running).await;
        stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n").await.expect("sent");
        slow.push(stream);
    }
    let asked = request("GET", "/healthz", None).body(Full::<Bytes>::default()).expect("a request");
    let answer = tokio::time::timeout(Duration::from_secs(5), crate::running::http1(connected(&running).await, asked));
    assert_eq!(answer.await.expect("at once").0, StatusCode::OK);
    drop(slow);
}
