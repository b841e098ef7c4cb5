//! The speed endpoints over real connections.

use bytes::Bytes;
use http::StatusCode;
use http_body_util::Full;
use tokio::net::TcpStream;

use crate::running::{Client, Running, create, hello, http1, request};

async fn post(running: &Running, path: &str, token: Option<&str>, body: Bytes) -> (StatusCode, String) {
    let stream = TcpStream::connect(running.address).await.expect("connects");
    let (status, _, body) = http1(stream, request("POST", path, token).body(Full::new(body)).expect("a request")).await;
    (status, body)
}

#[tokio::test]
async fn a_session_s_token_opens_them_while_it_lives() {
    let running = Running::start().await;
    let mut staff = running.staff().await;
    let (session, code) = create(&mut staff).await;
    let (_client, welcome) = Client::join(&running.url(), hello(1, Some(code))).await.expect("let in");
    let token = welcome.speed_token.as_str();
    for token in [None, Some("x"), Some(running.admin_token().as_str())] {
        assert_eq!(running.get("/speed/download?bytes=1", token).await.0, StatusCode::UNAUTHORIZED);
        assert_eq!(running.get("/speed/counts?run=a", token).await.0, StatusCode::UNAUTHORIZED);
        assert_eq!(post(&running, "/speed/upload", token, Bytes::new()).await.0, StatusCode::UNAUTHORIZED);
    }
    let (status, body) = running.get("/speed/download?bytes=0", Some(token)).await;
    assert_eq!((status, body.len()), (StatusCode::OK, 0));
    let stream = TcpStream::connect(running.address).await.expect("connects");
    let asked = request("GET", "/speed/download?bytes=3000001", Some(token)).body(Full::default()).expect("a request");
    let (status, headers, _) = http1(stream, asked).await;
    assert_eq!((status, &headers["content-length"]), (StatusCode::OK, &http::HeaderValue::from(3_000_001)));

    let (status, told) = post(&running, "/speed/upload?run=a", Some(token), Bytes::from(vec![1; 70_000])).await;
    assert_eq!(status, StatusCode::OK);
    assert!(told.starts_with("{\"bytes\":70000,"), "{told}");
    assert_eq!(post(&running, "/speed/upload?run=%20", Some(token), Bytes::new()).await.0, StatusCode::BAD_REQUEST);
    let too_many = format!("/speed/download?bytes={}", cnc_model::test::MAX_BYTES + 1);
    assert_eq!(running.get(&too_many, Some(token)).await.0, StatusCode::BAD_REQUEST);

    staff.delete_session(cnc_proto::v1::DeleteSessionRequest::from(session.id)).await.expect("removed");
    assert_eq!(running.get("/speed/download?bytes=1", Some(token)).await.0, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_public_speed_test_wants_no_token() {
    let running = Running::start_with(|config| config.public_speed = true).await;
    assert_eq!(running.get("/speed/download?bytes=10", None).await.0, StatusCode::OK);
    assert_eq!(running.get("/speed/download", None).await.0, StatusCode::BAD_REQUEST);
    assert_eq!(running.get("/speed/download?bytes=x", None).await.0, StatusCode::BAD_REQUEST);
    let metrics = running.get("/metrics", Some(&running.admin_token())).await.1;
    assert!(metrics.contains("\ncnc_speed_sent_bytes_total 10\n"), "{metrics}");
    assert!(metrics.contains("\ncnc_speed_transfers 0\n"), "{metrics}");
}

#[tokio::test]
async fn transfers_beyond_the_room_are_told_to_come_again() {
    let running = Running::start_with(|config| {
        config.public_speed = true;
        config.transfers = 1;
    })
    .await;
    // A download that is not read holds its place.
    let mut held = TcpStream::connect(running.address).await.expect("connects");
    let ask = b"GET /speed/download?bytes=1000000000 HTTP/1.1\r\nhost: x\r\n\r\n";
    tokio::io::AsyncWriteExt::write_all(&mut held, ask).await.expect("sent");
    held.readable().await.expect("it began");
    let stream = TcpStream::connect(running.address).await.expect("connects");
    let asked = request("GET", "/speed/download?bytes=1", None).body(Full::default()).expect("a request");
    let (status, headers, _) = http1(stream, asked).await;
    assert_eq!((status, &headers["retry-after"]), (StatusCode::SERVICE_UNAVAILABLE, &http::HeaderValue::from(5)));
    drop(held);
}
