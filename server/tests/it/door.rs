//! The one port: plain and TLS, HTTP/1.1, HTTP/2 by ALPN and by prior knowledge, and those who only hold a place.

use std::sync::Arc;

use bytes::Bytes;
use cnc_proto::v1;
use cnc_proto::v1::support_client::SupportClient;
use http::StatusCode;
use http_body_util::Full;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tonic::transport::{Certificate, Channel, ClientTlsConfig};

use crate::running::{Certificates, Running, http1, http2, request};

fn get(path: &str) -> http::Request<Full<Bytes>> {
    request("GET", path, None).body(Full::default()).expect("a request")
}

pub(crate) async fn tls(
    running: &Running,
    certificates: &Certificates,
    alpn: &[&[u8]],
) -> std::io::Result<TlsStream<TcpStream>> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("ring speaks them")
        .with_root_certificates(Arc::clone(&certificates.roots))
        .with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|protocol| protocol.to_vec()).collect();
    let stream = TcpStream::connect(running.address).await?;
    TlsConnector::from(Arc::new(config)).connect(ServerName::try_from("localhost").expect("a name"), stream).await
}

#[tokio::test]
async fn plain_http_is_spoken_in_both_versions() {
    let running = Running::start().await;
    let stream = TcpStream::connect(running.address).await.expect("connects");
    assert_eq!(http1(stream, get("/healthz")).await.2, "ok\n");
    let stream = TcpStream::connect(running.address).await.expect("connects");
    let h2 = http::Request::get("http://localhost/readyz").body(Full::default()).expect("a request");
    assert_eq!(http2(stream, h2).await.2, "ready\n");
    assert_eq!(running.get("/generate_204", None).await, (StatusCode::NO_CONTENT, String::new()));
    assert_eq!(running.get("/none", None).await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn tls_offers_http2_and_http1_by_alpn() {
    let certificates = Certificates::make();
    let running = Running::start_with(|config| config.tls = Some(certificates.files())).await;
    for (offered, chosen) in [
        (&[b"h2".as_slice(), b"http/1.1"][..], Some(b"h2".as_slice())),
        (&[b"http/1.1"], Some(b"http/1.1")),
        (&[], None),
    ] {
        let stream = tls(&running, &certificates, offered).await.expect("connects");
        assert_eq!(stream.get_ref().1.alpn_protocol(), chosen);
        let answer = if chosen == Some(b"h2") {
            let h2 = http::Request::get("https://localhost/healthz").body(Full::default()).expect("a request");
            http2(stream, h2).await
        } else {
            http1(stream, get("/healthz")).await
        };
        assert_eq!((answer.0, answer.2.as_str()), (StatusCode::OK, "ok\n"));
    }
    let strange = tls(&running, &certificates, &[b"spdy/3"]).await;
    assert!(strange.is_err(), "no protocol in common");
}

#[tokio::test]
async fn grpc_goes_over_tls() {
    let certificates = Certificates::make();
    let running = Running::start_with(|config| config.tls = Some(certificates.files())).await;
    let tls = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(&certificates.ca_pem));
    let url = format!("https://localhost:{}", running.address.port());
    let channel =
        Channel::from_shared(url).expect("a URL").tls_config(tls).expect("sound").connect().await.expect("connects");
    let denied = SupportClient::new(channel.clone()).list_plans(v1::ListPlansRequest {}).await.expect_err("no token");
    assert_eq!(denied.code(), tonic::Code::Unauthenticated);
    let mut health = tonic_health::pb::health_client::HealthClient::new(channel);
    let wish = tonic_health::pb::HealthCheckRequest { service: "cnc.v1.Listener".into() };
    let status = health.check(wish).await.expect("answers").into_inner().status;
    assert_eq!(status, i32::from(tonic_health::pb::health_check_response::ServingStatus::Serving));
}

#[tokio::test]
async fn noise_on_the_port_harms_nobody() {
    let certificates = Certificates::make();
    let running = Running::start_with(|config| config.tls = Some(certificates.files())).await;
    for noise in [&b"GET / HTTP/1.1\r\n\r\n"[..], b"\x16\x03\x01\xff\xff", b"\0\0\0\0", b""] {
        let mut stream = TcpStream::connect(running.address).await.expect("connects");
        stream.write_all(noise).await.expect("sent");
        stream.shutdown().await.expect("sent");
        let mut answer = Vec::new();
        // Whether it is cut off or told so by an alert: it ends.
        stream.read_to_end(&mut answer).await.unwrap_or_default();
    }
    let stream = tls(&running, &certificates, &[b"http/1.1"]).await.expect("still there");
    assert_eq!(http1(stream, get("/healthz")).await.0, StatusCode::OK);
}

#[tokio::test]
async fn long_headers_are_refused() {
    let running = Running::start().await;
    let long = "a".repeat(600_000);
    let stream = TcpStream::connect(running.address).await.expect("connects");
    let asked = request("GET", "/healthz", None).header("x-long", long).body(Full::default()).expect("a request");
    assert_eq!(http1(stream, asked).await.0, StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);
    let mut many = request("GET", "/healthz", None);
    for n in 0..100 {
        many = many.header(format!("x-{n}"), "1");
    }
    let stream = TcpStream::connect(running.address).await.expect("connects");
    let refused = http1(stream, many.body(Full::default()).expect("a request")).await.0;
    assert_eq!(refused, StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);
}

#[tokio::test]
async fn the_plain_address_answers_one_thing_and_leads_to_the_real_one() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("bound");
    let running = Running::start_with(|config| {
        config.http = Some(free);
        config.public_url = Some("https://check.example.com/".into());
    })
    .await;
    let stream = TcpStream::connect(free).await.expect("connects");
    assert_eq!(http1(stream, get("/generate_204")).await.0, StatusCode::NO_CONTENT);
    let stream = TcpStream::connect(free).await.expect("connects");
    let (status, headers, _) = http1(stream, get("/j/K7QX-M2PA?x=1")).await;
    assert_eq!(status, StatusCode::PERMANENT_REDIRECT);
    assert_eq!(headers["location"], "https://check.example.com/j/K7QX-M2PA?x=1");
    drop(running);
}

#[tokio::test]
async fn pages_tell_what_to_do_and_load_nothing() {
    let running = Running::start().await;
    let (status, page) = running.get("/", None).await;
    assert_eq!(status, StatusCode::OK);
    assert!(page.contains(r#"href="/console/""#), "{page}");
    let (status, page) = running.get("/console/", None).await;
    assert_eq!(status, StatusCode::OK);
    let is_built = page.contains("/console/assets/");
    assert!(is_built || page.contains("cargo xtask console"), "{page}");
    let (status, _) = running.get("/console/assets/none.js", None).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    let (status, style) = running.get("/page.css", None).await;
    assert_eq!(status, StatusCode::OK);
    assert!(!style.contains("url(") && !style.contains("@import"), "{style}");
}
