//! Certificates as they fail in the field, and what the user is told of each.

use std::net::SocketAddr;
use std::process::Stdio;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tokio::net::TcpListener;
use tokio::process::Command;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use crate::program::{program, text};

/// An authority and its file.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    folder: tempfile::TempDir,
}

impl Authority {
    fn make() -> Self {
        let mut params = CertificateParams::new([]).expect("sound");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "Example Gateway CA");
        params.distinguished_name.push(DnType::OrganizationName, "Example Ltd");
        let key = KeyPair::generate().expect("a key");
        let folder = tempfile::tempdir().expect("a folder");
        let cert = params.self_signed(&key).expect("signed");
        std::fs::write(folder.path().join("ca.pem"), cert.pem()).expect("written");
        Self { issuer: Issuer::new(params, key), folder }
    }

    /// Serves TLS with a certificate that is made as told, and speaks one protocol.
    async fn serve(
        &self,
        name: &str,
        protocol: &[u8],
        change: impl FnOnce(&mut CertificateParams),
    ) -> (SocketAddr, JoinSet<()>) {
        let mut params = CertificateParams::new([name.to_owned()]).expect("sound");
        change(&mut params);
        let key = KeyPair::generate().expect("a key");
        let cert = params.signed_by(&key, &self.issuer).expect("signed");
        let key = PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("ring knows them")
            .with_no_client_auth()
            .with_single_cert(vec![cert.der().clone()], key)
            .expect("they fit");
        config.alpn_protocols = vec![protocol.to_vec()];
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let mut serving = JoinSet::new();
        serving.spawn(async move {
            while let Ok((tcp, _)) = listener.accept().await {
                // The client's refusal is the story.
                acceptor.accept(tcp).await.ok();
            }
        });
        (address, serving)
    }

    /// Gives what the program says of the server, by its authority's file or without.
    async fn told(&self, address: SocketAddr, trusted: bool) -> String {
        let home = tempfile::tempdir().expect("a folder");
        let mut command = Command::from(program(&home));
        command.args(["run", "--yes", "--listener", &format!("https://{address}")]);
        if trusted {
            command.arg("--ca").arg(self.folder.path().join("ca.pem"));
        }
        command.stdin(Stdio::null()).kill_on_drop(true);
        let output = command.output().await.expect("it ran");
        assert_eq!(output.status.code(), Some(4));
        text(&output.stderr).to_owned()
    }
}

#[tokio::test]
async fn each_way_that_a_certificate_fails_is_told() {
    let authority = Authority::make();
    let here = "127.0.0.1";

    let (address, _serving) = authority.serve(here, b"h2", |_| {}).await;
    let told = authority.told(address, false).await;
    assert!(told.contains("signed by \"Example Gateway CA, Example Ltd\""), "{told}");
    assert!(told.contains("is by nobody that this computer trusts"), "{told}");

    let (address, _serving) =
        authority.serve(here, b"h2", |cert| cert.not_after = rcgen::date_time_ymd(2020, 2, 29)).await;
    let told = authority.told(address, true).await;
    assert!(told.contains("expired on 2020-02-29") && told.contains("this computer's clock says"), "{told}");

    let (address, _serving) =
        authority.serve(here, b"h2", |cert| cert.not_before = rcgen::date_time_ymd(2999, 1, 1)).await;
    let told = authority.told(address, true).await;
    assert!(told.contains("is valid from 2999-01-01"), "{told}");

    let (address, _serving) = authority.serve("router.lan", b"h2", |_| {}).await;
    let told = authority.told(address, true).await;
    assert!(told.contains("is for another name: router.lan"), "{told}");

    let (address, _serving) = authority.serve(here, b"http/1.1", |_| {}).await;
    let told = authority.told(address, true).await;
    assert!(told.contains("it does not speak HTTP/2"), "{told}");
}

#[tokio::test]
async fn a_file_that_holds_no_authority_is_told() {
    let home = tempfile::tempdir().expect("a folder");
    let file = home.path().join("ca.pem");
    for (content, words) in [
        (None, "cannot read a certificate authority from"),
        (Some("hello"), "there is no certificate in it"),
        (Some("-----BEGIN CERTIFICATE-----\naGVsbG8=\n-----END CERTIFICATE-----\n"), "cannot read"),
    ] {
        if let Some(content) = content {
            std::fs::write(&file, content).expect("written");
        }
        let mut command = Command::from(program(&home));
        command.args(["run", "--listener", "https://127.0.0.1:1", "--ca"]).arg(&file);
        let output = command.stdin(Stdio::null()).output().await.expect("it ran");
        assert_eq!(output.status.code(), Some(2));
        let told = text(&output.stderr);
        assert!(told.contains(words) && told.contains("ca.pem"), "{told}");
    }
}
