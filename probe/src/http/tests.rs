//! Servers that answer, redirect, are silent, babble, and show certificates that nobody vouches for.

use std::net::SocketAddr;

use rustls::RootCertStore;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use super::*;

const PAGE: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello";

/// Answers every request with the same bytes, over TLS where told to.
async fn serve(answer: &'static [u8], tls: Option<TlsAcceptor>, servers: &mut JoinSet<()>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("bound");
    servers.spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.expect("accepted");
            match &tls {
                None => respond(stream, answer).await,
                Some(tls) => {
                    // A client that does not trust it goes away.
                    if let Ok(stream) = tls.accept(stream).await {
                        respond(stream, answer).await;
                    }
                }
            }
        }
    });
    address
}

async fn respond(mut stream: impl AsyncRead + AsyncWrite + Unpin, answer: &[u8]) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.expect("a request"));
    }
    assert!(head.starts_with(b"GET /x?y HTTP/1.1\r\n"), "{}", String::from_utf8_lossy(&head));
    stream.write_all(answer).await.expect("sent");
    stream.shutdown().await.expect("closed");
}

/// A certificate for `localhost`, and its key as the server takes them.
fn certificate() -> (CertificateDer<'static>, TlsAcceptor) {
    let issued = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let certificate = issued.cert.der().clone();
    let key = PrivateKeyDer::try_from(issued.signing_key.serialize_der()).expect("a key");
    let server = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], key)
        .expect("a certificate and its key");
    (certificate, TlsAcceptor::from(Arc::new(server)))
}

fn target(url: String, trusted: &[CertificateDer<'static>]) -> HttpTarget {
    let mut roots = RootCertStore::empty();
    for certificate in trusted {
        roots.add(certificate.clone()).expect("a certificate");
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().expect("versions");
    HttpTarget {
        url,
        family: Family::V4,
        tls: Arc::new(tls.with_root_certificates(roots).with_no_client_auth()),
        proxy: None,
        issuer: Arc::new(|| Some("the issuer that was seen".into())),
        expected_issuer: None,
        words: Arc::new(|error| format!("<{error}>")),
        admit: Arc::new(|_| true),
    }
}

#[tokio::test]
async fn each_phase_is_timed() {
    let mut servers = JoinSet::new();
    let plain = serve(PAGE, None, &mut servers).await;
    let summary = http(&target(format!("http://localhost:{}/x?y", plain.port()), &[])).await.expect("asked");
    assert_eq!((summary.status, summary.bytes, summary.error.as_deref()), (Some(200), 5, None));
    assert!(summary.dns.is_some() && summary.tcp.is_some() && summary.first_byte.is_some());
    assert_eq!((summary.tls, &summary.tls_version, &summary.issuer), (None, &None, &None));
    let phases = [summary.dns, summary.tcp, summary.first_byte].into_iter().flatten().sum::<Duration>();
    assert!(summary.total.is_some_and(|total| total >= phases));

    let (certificate, tls) = certificate();
    let secure = serve(PAGE, Some(tls), &mut servers).await;
    let url = format!("https://localhost:{}/x?y", secure.port());
    let summary = http(&target(url, &[certificate])).await.expect("asked");
    assert_eq!((summary.status, summary.tls_version.as_deref()), (Some(200), Some("TLSv1.3")), "{summary:?}");
    assert!(summary.tls.is_some() && summary.issuer.is_some());
}

#[tokio::test]
async fn another_s_signature_than_the_expected_one_is_an_interception() {
    let mut servers = JoinSet::new();
    let (certificate, tls) = certificate();
    let url = format!("https://localhost:{}/x?y", serve(PAGE, Some(tls), &mut servers).await.port());
    let table = [(None, None), (Some("the issuer that was seen"), Some(false)), (Some("the real one"), Some(true))];
    for (expected, intercepted) in table {
        let expected_issuer = expected.map(str::to_owned);
        let target = HttpTarget { expected_issuer, ..target(url.clone(), std::slice::from_ref(&certificate)) };
        assert_eq!(http(&target).await.expect("asked").intercepted, intercepted, "{expected:?}");
    }
}

#[tokio::test]
async fn each_ip_version_is_told_by_itself() {
    let v4 = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = v4.local_addr().expect("bound").port();
    let (one, other) = ("127.0.0.1".parse().expect("an address"), "::1".parse().expect("an address"));
    let settled = |addresses: Vec<IpAddr>| async move {
        let mut race = line_up(port, &addresses);
        connect(&mut race, &mut HttpSummary::default()).await.expect("IPv4 answers");
        let (v4, v6) = families(race).await;
        HttpSummary { v4, v6, ..HttpSummary::default() }
    };
    // Whichever goes first, nobody listens on IPv6.
    for addresses in [vec![one, other], vec![other, one]] {
        let summary = settled(addresses).await;
        assert_eq!(summary.broken_family(), Some(Family::V6), "{summary:?}");
        assert_eq!(summary.v6.and_then(|v6| v6.error).as_deref(), Some("Connection refused"));
    }
    assert_eq!(settled(vec![one]).await.v6, None);
    let Ok(_v6) = TcpListener::bind((other, port)).await else { return };
    let summary = settled(vec![one, other]).await;
    assert!(summary.broken_family().is_none() && summary.v6.is_some_and(|v6| v6.tcp.is_some()));
}

#[tokio::test]
async fn a_redirection_is_told_and_not_followed() {
    let mut servers = JoinSet::new();
    let answer = b"HTTP/1.1 302 Found\r\nlocation: http://login.example/\r\ncontent-length: 0\r\n\r\n";
    let portal = serve(answer, None, &mut servers).await;
    let summary = http(&target(format!("http://{portal}/x?y"), &[])).await.expect("asked");
    assert_eq!((summary.status, summary.location.as_deref()), (Some(302), Some("http://login.example/")));
    assert_eq!((summary.dns, summary.measured.address), (None, Some(portal.ip())));
}

#[tokio::test]
async fn where_it_ended_is_told_with_the_phases_so_far() {
    let mut servers = JoinSet::new();
    let babbling = serve(b"what?\r\n\r\n", None, &mut servers).await;
    let summary = http(&target(format!("http://{babbling}/x?y"), &[])).await.expect("asked");
    assert!(summary.tcp.is_some() && summary.status.is_none() && summary.total.is_none());
    assert!(summary.error.is_some_and(|error| error.starts_with("no answer of HTTP")));

    let nobody = TcpListener::bind("127.0.0.1:0").await.expect("a port").local_addr().expect("bound");
    let summary = http(&target(format!("http://{nobody}/"), &[])).await.expect("asked");
    let error = summary.error.expect("nobody listens");
    assert!(summary.tcp.is_none() && error == format!("no connection to {nobody}: Connection refused"), "{error}");

    let secure = serve(PAGE, Some(certificate().1), &mut servers).await;
    let (other, _) = certificate();
    let url = format!("https://localhost:{}/x?y", secure.port());
    let summary = http(&target(url, &[other])).await.expect("asked");
    assert!(summary.tcp.is_some() && summary.tls.is_none() && summary.issuer.is_some());
    let error = summary.error.expect("nobody vouches for it");
    assert!(error.starts_with("no secure connection: <"), "{error}");
}

#[tokio::test]
async fn a_proxy_leads_there_by_name() {
    let mut servers = JoinSet::new();
    let site = serve(PAGE, None, &mut servers).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("bound");
    servers.spawn(async move {
        let (mut near, _) = listener.accept().await.expect("accepted");
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(near.read_u8().await.expect("a request"));
        }
        assert!(head.starts_with(b"CONNECT site.invalid:80 HTTP/1.1\r\n"), "{}", String::from_utf8_lossy(&head));
        near.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await.expect("sent");
        let mut far = TcpStream::connect(site).await.expect("the site");
        // Either end may close first.
        tokio::io::copy_bidirectional(&mut near, &mut far).await.ok();
    });
    let proxy = Proxy { host: address.ip().into(), port: address.port(), authorization: None };
    let target = HttpTarget { proxy: Some(proxy), ..target("http://site.invalid/x?y".into(), &[]) };
    let summary = http(&target).await.expect("asked");
    assert_eq!((summary.status, summary.error.as_deref()), (Some(200), None));
    assert_eq!((summary.proxy, summary.dns, summary.measured.address), (Some(address.to_string()), None, None));
    assert!(summary.tcp.is_some());
}

#[tokio::test]
async fn what_cannot_be_asked_is_an_error() {
    let missing = http(&target("http://no-such-name.invalid/".into(), &[])).await;
    assert!(matches!(missing, Err(ProbeError::NameNotFound { .. })), "{missing:?}");
    let forbidden = HttpTarget { admit: Arc::new(|_| false), ..target("http://192.0.2.1/".into(), &[]) };
    let forbidden = http(&forbidden).await;
    assert!(matches!(forbidden, Err(ProbeError::NotAdmitted { .. })), "{forbidden:?}");
}
