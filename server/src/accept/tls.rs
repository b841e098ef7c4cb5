//! Certificates from files, for the accept loop.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use thiserror::Error;
use tokio_rustls::TlsAcceptor;

use crate::config::TlsFiles;

/// Why TLS cannot be spoken.
#[derive(Debug, Error)]
pub enum TlsError {
    /// The chain cannot be read.
    #[error("{path} holds no certificate that can be read: it must be PEM, the listener's own certificate first")]
    Certificate {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: rustls::pki_types::pem::Error,
    },
    /// The file holds no certificate at all.
    #[error("{path} holds no certificate: it must be PEM, the listener's own certificate first")]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// The key cannot be read.
    #[error("{path} holds no private key that can be read: it must be PEM, without a passphrase")]
    Key {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: rustls::pki_types::pem::Error,
    },
    /// Both can be read and do not work.
    #[error("the certificate in {cert} cannot be used with the key in {key}")]
    Unfit {
        /// The certificate's file.
        cert: PathBuf,
        /// The key's file.
        key: PathBuf,
        /// What is wrong.
        source: rustls::Error,
    },
}

/// Reads certificate and key, and offers HTTP/2 before HTTP/1.1.
///
/// # Errors
/// Says which file cannot be used and why.
pub fn acceptor(files: &TlsFiles) -> Result<TlsAcceptor, TlsError> {
    let TlsFiles { cert, key } = files;
    let chain = chain(cert)?;
    let private = PrivateKeyDer::from_pem_file(key).map_err(|source| TlsError::Key { path: key.clone(), source })?;
    let unfit = |source| TlsError::Unfit { cert: cert.clone(), key: key.clone(), source };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(unfit)?
        .with_no_client_auth()
        .with_single_cert(chain, private)
        .map_err(unfit)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

fn chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let unreadable = |source| TlsError::Certificate { path: path.to_owned(), source };
    let chain = CertificateDer::pem_file_iter(path).map_err(unreadable)?.collect::<Result<Vec<_>, _>>();
    let chain = chain.map_err(unreadable)?;
    if chain.is_empty() { Err(TlsError::Empty { path: path.to_owned() }) } else { Ok(chain) }
}
