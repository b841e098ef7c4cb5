//! The same over TLS.

use rustls::RootCertStore;
use rustls::pki_types::PrivateKeyDer;
use tokio_rustls::TlsAcceptor;

use super::*;

/// A server for `localhost` with a certificate of its own, and who trusts just that.
async fn server() -> (Server, Arc<ClientConfig>) {
    let issued = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let certificate = issued.cert.der().clone();
    let key = PrivateKeyDer::try_from(issued.signing_key.serialize_der()).expect("a key");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let server = rustls::ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], key)
        .expect("a certificate and its key");
    let mut roots = RootCertStore::empty();
    roots.add(certificate).expect("a certificate");
    let client = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().expect("versions");
    let client = client.with_root_certificates(roots).with_no_client_auth();
    (Server::with(Some(TlsAcceptor::from(Arc::new(server)))).await, Arc::new(client))
}

#[tokio::test(flavor = "multi_thread")]
async fn both_directions_run_over_tls() {
    let (server, tls) = server().await;
    let url = format!("https://localhost:{}", server.address.port());
    let target = SpeedTarget { url, tls, family: Family::V4, ..target() };
    for direction in [Direction::Download, Direction::Upload] {
        let (transfer, samples) = run(direction, &target, &test_of(2, 20_000, 20_000_000)).await.expect("runs");
        assert_eq!((transfer.engine, transfer.stopped_by), (Engine::Https, StoppedBy::Bytes));
        assert_eq!(samples.iter().map(|s| s.bytes).sum::<u64>(), 20_000_000);
    }
}

#[tokio::test]
async fn a_certificate_that_nobody_vouches_for_is_told() {
    let (server, _) = server().await;
    let url = format!("https://localhost:{}", server.address.port());
    let target = SpeedTarget { url, family: Family::V4, ..target() };
    let failure = run(Direction::Download, &target, &test_of(1, 20_000, LOTS)).await.expect_err("untrusted").failure();
    assert!(failure.message.contains("TLS") && failure.message.contains("certificate"), "{}", failure.message);
}
