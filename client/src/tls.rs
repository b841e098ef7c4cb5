//! Whom the client trusts: the system's authorities, Mozilla's for systems without, and one that the user names.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use rustls::client::WebPkiServerVerifier;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{CipherSuite, ClientConfig, RootCertStore};
use thiserror::Error;

mod seen;
mod words;

use self::seen::Watchful;
pub use seen::Seen;
pub use words::words;

/// Why a file with a certificate authority cannot be used.
#[derive(Debug, Error)]
#[error("cannot read a certificate authority from {}: {why}", path.display())]
pub struct CaError {
    path: PathBuf,
    why: String,
}

/// HTTP/2, which the session's stream speaks.
pub const H2: &[u8] = b"h2";
/// HTTP/1.1, which speed tests speak.
pub const HTTP_1_1: &[u8] = b"http/1.1";

/// Gives how TLS is spoken: as usual, but AES with 128 bits is asked for first, as browsers do. At full speed ciphering is
/// a third of a throughput test's work, and 256 bits take a third more.
fn provider() -> CryptoProvider {
    let mut provider = rustls::crypto::ring::default_provider();
    provider.cipher_suites.sort_by_key(|suite| suite.suite() != CipherSuite::TLS13_AES_128_GCM_SHA256);
    provider
}

/// TLS towards one listener.
#[derive(Debug, Clone)]
pub struct Tls {
    /// The settings.
    pub config: Arc<ClientConfig>,
    /// Whose certificate was shown.
    pub seen: Seen,
}

/// Whom this run of the program trusts. The system's store is read when it is first needed: that takes a while, and
/// most measurements need no TLS.
#[derive(Debug, Default)]
pub struct Trust {
    own: Vec<CertificateDer<'static>>,
    roots: OnceLock<Arc<RootCertStore>>,
}

impl Trust {
    /// Takes in the authority that the user names, if any.
    ///
    /// # Errors
    /// Fails when the file holds none.
    pub fn new(ca: Option<&Path>) -> Result<Self, CaError> {
        let Some(path) = ca else { return Ok(Self::default()) };
        let error = |why: String| CaError { path: path.to_owned(), why };
        let own = CertificateDer::pem_file_iter(path).map_err(|e| error(e.to_string()))?;
        let own: Vec<_> = own.collect::<Result<_, _>>().map_err(|e| error(e.to_string()))?;
        if own.is_empty() {
            return Err(error("there is no certificate in it".into()));
        }
        let mut probe = RootCertStore::empty();
        for certificate in &own {
            probe.add(certificate.clone()).map_err(|e| error(e.to_string()))?;
        }
        Ok(Self { own, roots: OnceLock::new() })
    }

    /// Makes the settings for connections that speak one protocol.
    ///
    /// # Panics
    /// Never: ring knows the versions that rustls uses by default.
    #[must_use]
    pub fn config(&self, protocol: &[u8]) -> Arc<ClientConfig> {
        let provider = Arc::new(provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("ring knows TLS 1.2 and 1.3")
            .with_root_certificates(Arc::clone(self.roots.get_or_init(|| self.read())))
            .with_no_client_auth();
        config.alpn_protocols = vec![protocol.to_vec()];
        Arc::new(config)
    }

    /// Makes the settings for connections that speak one protocol, and remembers whose certificate was shown: so that
    /// the user can be told who stands in between.
    ///
    /// # Panics
    /// Never: ring knows the versions that rustls uses by default, and Mozilla's authorities are there at the least.
    #[must_use]
    pub fn watchful(&self, protocol: &[u8]) -> Tls {
        let provider = Arc::new(provider());
        let roots = Arc::clone(self.roots.get_or_init(|| self.read()));
        let verifier = WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(&provider)).build();
        let seen = Seen::default();
        let verifier = Watchful { verifier: verifier.expect("there are authorities"), seen: seen.clone() };
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("ring knows TLS 1.2 and 1.3")
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_no_client_auth();
        config.alpn_protocols = vec![protocol.to_vec()];
        Tls { config: Arc::new(config), seen }
    }

    /// Reads the system's store; what it holds beyond use is passed over.
    fn read(&self) -> Arc<RootCertStore> {
        let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        roots.add_parsable_certificates(self.own.iter().cloned());
        Arc::new(roots)
    }
}
