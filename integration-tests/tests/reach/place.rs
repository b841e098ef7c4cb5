//! A listener that speaks TLS by a certificate of the test's own authority.

use std::path::{Path, PathBuf};

use cnc_integration_tests::listener::{Listener, QUICK};
use cnc_integration_tests::programs::program;
use cnc_integration_tests::staff::Staff;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, PublicKeyData as _};
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;
use tonic::transport::{Certificate, ClientTlsConfig, Endpoint};

/// The name that only a proxy can find.
pub(super) const HIDDEN_NAME: &str = "listener.invalid";

/// An authority, and a certificate of its for this machine, as files.
pub(super) struct Certificates {
    folder: TempDir,
    ca_pem: String,
    /// SHA-256 of the certificate's public key.
    pub(super) pin: [u8; 32],
}

impl Certificates {
    pub(super) fn make() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let mut ca = CertificateParams::new([]).expect("sound");
        ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        // A name of its own: OpenSSL takes a certificate whose issuer has its name for self-signed.
        ca.distinguished_name.push(DnType::CommonName, "The tests' authority");
        let ca_key = KeyPair::generate().expect("a key");
        let ca_pem = ca.self_signed(&ca_key).expect("signed").pem();
        let key = KeyPair::generate().expect("a key");
        let names = ["localhost", "127.0.0.1", HIDDEN_NAME].map(str::to_owned);
        let own = CertificateParams::new(names).expect("sound");
        let cert = own.signed_by(&key, &Issuer::new(ca, ca_key)).expect("signed");
        for (name, pem) in [("ca.pem", &ca_pem), ("cert.pem", &cert.pem()), ("key.pem", &key.serialize_pem())] {
            std::fs::write(folder.path().join(name), pem).expect("written");
        }
        let pin = Sha256::digest(key.subject_public_key_info()).into();
        Self { folder, ca_pem, pin }
    }

    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Gives the way to a port of this machine, trusting the authority.
    pub(super) fn endpoint(&self, port: u16) -> Endpoint {
        let tls = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(&self.ca_pem)).domain_name("localhost");
        let endpoint = Endpoint::new(format!("https://127.0.0.1:{port}")).expect("a URL");
        endpoint.tls_config(tls).expect("sound")
    }
}

/// A listener that speaks TLS.
pub(super) struct Place {
    pub(super) listener: Listener,
    pub(super) certificates: Certificates,
}

impl Place {
    pub(super) async fn start() -> Self {
        let certificates = Certificates::make();
        let file = |name| certificates.file(name).to_str().expect("plain").to_owned();
        let (cert, key) = (file("cert.pem"), file("key.pem"));
        let command = std::process::Command::new(program("cnc-listener"));
        let more = ["--tls-cert", &cert, "--tls-key", &key, "--public-speed"];
        let listener = Listener::start_by(command, "127.0.0.1:0", QUICK, &more).await;
        Self { listener, certificates }
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("https://localhost:{}{path}", self.listener.address().port())
    }

    pub(super) async fn staff(&self) -> Staff {
        let endpoint = self.certificates.endpoint(self.listener.address().port());
        Staff::connect_by(endpoint, Some(&self.listener.token())).await
    }
}
