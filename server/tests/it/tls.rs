//! Certificates while the listener runs: files that change under it, whole and broken, and those that clients show.

use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::StatusCode;
use http_body_util::Full;
use hyper_util::rt::TokioIo;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_rustls::TlsConnector;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::door::tls;
use crate::running::{Certificates, PATIENCE, Running, http1, request};

/// The listener's log, as its operator reads it.
#[derive(Clone, Default)]
struct Log(Arc<(Mutex<Vec<u8>>, Notify)>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.0.lock().expect("whole").extend_from_slice(bytes);
        self.0.1.notify_one();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Log {
    /// Takes in what is logged on this thread, where the listener runs, until the guard is dropped.
    fn begin() -> (Self, tracing::subscriber::DefaultGuard) {
        let log = Self::default();
        let to = log.clone();
        let guard = tracing_subscriber::fmt().with_ansi(false).with_writer(move || to.clone()).finish().set_default();
        (log, guard)
    }

    async fn says(&self, words: &str) {
        let said = || String::from_utf8_lossy(&self.0.0.lock().expect("whole")).contains(words);
        // The files are looked at every two seconds.
        while !said() {
            let more = tokio::time::timeout(PATIENCE, self.0.1.notified()).await;
            more.unwrap_or_else(|_| panic!("the log does not say: {words}"));
        }
    }
}

fn healthz() -> http::Request<Full<Bytes>> {
    request("GET", "/healthz", None).body(Full::default()).expect("a request")
}

async fn serves(running: &Running, certificates: &Certificates) -> bool {
    match tls(running, certificates, &[b"http/1.1"]).await {
        Ok(stream) => http1(stream, healthz()).await.0 == StatusCode::OK,
        Err(_) => false,
    }
}

/// Puts one's files where another's are.
fn put(from: &Certificates, to: &Certificates, names: &[&str]) {
    for name in names {
        std::fs::copy(from.folder.path().join(name), to.folder.path().join(name)).expect("copied");
    }
}

#[tokio::test]
async fn a_new_certificate_is_taken_and_a_broken_one_is_not() {
    let (log, _guard) = Log::begin();
    let (first, second, third) = (Certificates::make(), Certificates::make(), Certificates::make());
    let place = Certificates::make();
    put(&first, &place, &["cert.pem", "key.pem"]);
    let running = Running::start_with(|config| config.tls = Some(place.files())).await;
    let old = tls(&running, &first, &[b"http/1.1"]).await.expect("connects");
    let (mut old, connection) = hyper::client::conn::http1::handshake(TokioIo::new(old)).await.expect("speaks");
    let driving = tokio::spawn(connection);
    assert_eq!(old.send_request(healthz()).await.expect("answers").status(), StatusCode::OK);

    put(&second, &place, &["cert.pem", "key.pem"]);
    log.says("new certificate in use").await;
    assert!(serves(&running, &second).await && !serves(&running, &first).await, "new connections see the new one");
    old.ready().await.expect("it stays up");
    assert_eq!(old.send_request(healthz()).await.expect("answers").status(), StatusCode::OK, "and so do old ones");

    // Half a renewal: the key is still the one before.
    put(&third, &place, &["cert.pem"]);
    log.says("the changed certificate cannot be used; the one before stays in use").await;
    log.says("does not belong to the certificate").await;
    assert!(serves(&running, &second).await && !serves(&running, &third).await);
    std::fs::write(place.folder.path().join("cert.pem"), "").expect("written");
    log.says("holds no certificate that can be read").await;
    std::fs::remove_file(place.folder.path().join("key.pem")).expect("removed");
    std::fs::remove_file(place.folder.path().join("cert.pem")).expect("removed");
    log.says("cert.pem is not there").await;
    assert!(serves(&running, &second).await);

    put(&third, &place, &["cert.pem", "key.pem"]);
    let deadline = Instant::now() + PATIENCE;
    while !serves(&running, &third).await {
        assert!(Instant::now() < deadline, "the whole renewal is not taken");
    }
    driving.abort();
}

/// An authority that vouches for clients.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl Authority {
    fn make(name: &str) -> Self {
        let mut params = CertificateParams::new([]).expect("sound");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().expect("a key");
        let pem = params.self_signed(&key).expect("signed").pem();
        Self { issuer: Issuer::new(params, key), pem }
    }

    fn vouch(&self, change: impl FnOnce(&mut CertificateParams)) -> Shown {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new(["agent-7".to_owned()]).expect("sound");
        change(&mut params);
        let cert = params.signed_by(&key, &self.issuer).expect("signed");
        (cert.der().clone(), PrivateKeyDer::try_from(key.serialize_der()).expect("a key"))
    }
}

type Shown = (CertificateDer<'static>, PrivateKeyDer<'static>);

/// Asks for health while showing a certificate, or none; gives the answer, or why TLS broke off.
async fn asked(running: &Running, roots: &Arc<RootCertStore>, shown: Option<Shown>) -> Result<String, String> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = config.expect("ring speaks them").with_root_certificates(Arc::clone(roots));
    let config = match shown {
        Some((cert, key)) => config.with_client_auth_cert(vec![cert], key).expect("they fit"),
        None => config.with_no_client_auth(),
    };
    let exchange = async {
        let stream = TcpStream::connect(running.address).await?;
        let name = ServerName::try_from("localhost").expect("a name");
        let mut stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await?;
        // In TLS 1.3 the client has ended its handshake before the listener has looked at its certificate.
        stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        Ok::<_, std::io::Error>(answer)
    };
    exchange.await.map_err(|error| error.to_string())
}

fn write(folder: &Path, pem: &str) -> std::path::PathBuf {
    let path = folder.join("agents.pem");
    std::fs::write(&path, pem).expect("written");
    path
}

#[tokio::test]
async fn who_shows_a_certificate_must_show_one_of_the_right_authority() {
    let certificates = Certificates::make();
    let (agents, others) = (Authority::make("Agents"), Authority::make("Others"));
    let metrics = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("bound");
    let running = Running::start_with(|config| {
        let client_ca = Some(write(certificates.folder.path(), &agents.pem));
        config.tls = Some(cnc_server::config::TlsFiles { client_ca, ..certificates.files() });
        config.metrics = Some(metrics);
    })
    .await;
    let ask = async |shown| asked(&running, &certificates.roots, shown).await;
    let served = |answer: &Result<String, String>| answer.as_ref().is_ok_and(|answer| answer.ends_with("ok\n"));
    let none = ask(None).await;
    assert!(served(&none), "users have none, and come in: {none:?}");
    let right = ask(Some(agents.vouch(|_| ()))).await;
    assert!(served(&right), "{right:?}");

    let other = ask(Some(others.vouch(|_| ()))).await.expect_err("another authority");
    assert!(other.contains("UnknownCA"), "{other}");
    let over = agents.vouch(|cert| cert.not_after = rcgen::date_time_ymd(2020, 2, 29));
    let over = ask(Some(over)).await.expect_err("expired");
    assert!(over.contains("CertificateExpired"), "{over}");
    let early = agents.vouch(|cert| cert.not_before = rcgen::date_time_ymd(2999, 1, 1));
    ask(Some(early)).await.expect_err("not valid yet");

    let stream = TcpStream::connect(metrics).await.expect("connects");
    let asked = request("GET", "/metrics", None).body(Full::default()).expect("a request");
    let counted = http1(stream, asked).await.2;
    assert!(counted.contains("\ncnc_tls_failures_total 3\n"), "{counted}");
}

#[tokio::test]
async fn another_authority_for_clients_is_taken_while_it_runs() {
    let certificates = Certificates::make();
    let (first, second) = (Authority::make("First"), Authority::make("Second"));
    let file = write(certificates.folder.path(), &first.pem);
    let running = Running::start_with(|config| {
        let client_ca = Some(file.clone());
        config.tls = Some(cnc_server::config::TlsFiles { client_ca, ..certificates.files() });
    })
    .await;
    assert!(asked(&running, &certificates.roots, Some(second.vouch(|_| ()))).await.is_err());
    write(certificates.folder.path(), &format!("{}{}", first.pem, second.pem));
    let deadline = Instant::now() + PATIENCE;
    while asked(&running, &certificates.roots, Some(second.vouch(|_| ()))).await.is_err() {
        assert!(Instant::now() < deadline, "it is not taken");
    }
    asked(&running, &certificates.roots, Some(first.vouch(|_| ()))).await.expect("both count");
}
