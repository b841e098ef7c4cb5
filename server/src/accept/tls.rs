//! TLS for the accept loop: certificates from files, read again when they change.
//!
//! What cannot be used at the start is an error; later it is a warning, and what was there stays in use.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use cnc_model::Timestamp;
use cnc_probe::certificate;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{InconsistentKeys, RootCertStore, ServerConfig};
use thiserror::Error;
use tokio::time::{Instant, interval};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use super::validity::{Validity, validity};
use crate::clock;
use crate::config::TlsFiles;

/// How often the files are looked at: a new certificate is in use before anybody wonders, and a look costs nothing.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// How long before a certificate's end its operator is warned, each day: renewal comes at 30 days, so it has failed.
const WARN_BEFORE: Duration = Duration::from_hours(14 * 24);
const DAY: Duration = Duration::from_hours(24);

/// Why TLS cannot be spoken.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TlsError {
    /// A file is not there.
    #[error("{path} is not there: give the path of a PEM file")]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// A file may not be read.
    #[error("{path} may not be read by the user that runs the listener: change the file's owner or mode")]
    Forbidden {
        /// The file.
        path: PathBuf,
    },
    /// A file cannot be read.
    #[error("{path} cannot be read: {detail}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        detail: String,
    },
    /// A file holds no certificate.
    #[error("{path} holds no certificate that can be read: it must be PEM, the listener's own certificate first")]
    NoCertificate {
        /// The file.
        path: PathBuf,
    },
    /// A file holds no key.
    #[error("{path} holds no private key that can be read: it must be PEM, without a passphrase")]
    NoKey {
        /// The file.
        path: PathBuf,
    },
    /// The key is locked.
    #[error("the key in {path} is locked by a passphrase: store it without one, readable by the listener's user alone")]
    LockedKey {
        /// The file.
        path: PathBuf,
    },
    /// The two files do not belong together.
    #[error("the key in {key} does not belong to the certificate in {cert}: give the key that it was made with")]
    Mismatch {
        /// The certificate's file.
        cert: PathBuf,
        /// The key's file.
        key: PathBuf,
    },
    /// The certificate is over.
    #[error("the certificate in {path} was valid until {until}: renew it")]
    Expired {
        /// The certificate's file.
        path: PathBuf,
        /// Its end.
        until: Timestamp,
    },
    /// The certificate is not valid yet.
    #[error("the certificate in {path} is valid from {from} on: is this machine's clock right?")]
    NotYet {
        /// The certificate's file.
        path: PathBuf,
        /// Its beginning.
        from: Timestamp,
    },
    /// Both can be read and cannot be used.
    #[error("the certificate in {cert} cannot be used with the key in {key}: {detail}")]
    Unfit {
        /// The certificate's file.
        cert: PathBuf,
        /// The key's file.
        key: PathBuf,
        /// What is wrong.
        detail: String,
    },
}

/// TLS as it is spoken now.
#[derive(Debug)]
pub struct Tls {
    files: TlsFiles,
    current: RwLock<Current>,
}

struct Current {
    spoken: Spoken,
    seen: Seen,
}

/// What the files give.
struct Spoken {
    acceptor: TlsAcceptor,
    until: Option<Timestamp>,
    issuer: Option<String>,
}

impl std::fmt::Debug for Current {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Current").field("until", &self.spoken.until).finish_non_exhaustive()
    }
}

/// What was last seen of the files: when each was changed, and its length.
type Seen = Vec<Option<(std::time::Duration, u64)>>;

impl Tls {
    /// Reads the files.
    ///
    /// # Errors
    /// Says which file cannot be used and why.
    pub fn open(files: TlsFiles) -> Result<Self, TlsError> {
        // Looked at before they are read: a change in between is seen as one.
        let seen = look(&files);
        let spoken = read(&files, clock::wall())?;
        warn_of_end(&files.cert, spoken.until);
        Ok(Self { files, current: RwLock::new(Current { spoken, seen }) })
    }

    /// Gives what new connections are accepted with.
    #[must_use]
    pub fn acceptor(&self) -> TlsAcceptor {
        self.current.read().unwrap_or_else(PoisonError::into_inner).spoken.acceptor.clone()
    }

    /// Gives who signed the certificate that is in use.
    #[must_use]
    pub fn issuer(&self) -> Option<String> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).spoken.issuer.clone()
    }

    /// Looks at the files from time to time, and reads them again when they changed.
    // Liveness: ended by `stop`.
    pub async fn watch(&self, stop: CancellationToken) {
        let mut ticks = interval(LOOK_EVERY);
        let mut warned = Instant::now();
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = ticks.tick() => {}
            }
            self.look_again();
            if warned.elapsed() >= DAY {
                warned = Instant::now();
                let until = self.current.read().unwrap_or_else(PoisonError::into_inner).spoken.until;
                warn_of_end(&self.files.cert, until);
            }
        }
    }

    /// Reads the files again if they changed; tells whether new ones are in use.
    fn look_again(&self) -> bool {
        let seen = look(&self.files);
        if seen == self.current.read().unwrap_or_else(PoisonError::into_inner).seen {
            return false;
        }
        let read = read(&self.files, clock::wall());
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        current.seen = seen;
        match read {
            Ok(spoken) => {
                let until = spoken.until;
                current.spoken = spoken;
                drop(current);
                tracing::info!(cert = %self.files.cert.display(), "new certificate in use");
                warn_of_end(&self.files.cert, until);
                true
            }
            Err(error) => {
                tracing::warn!(%error, "the changed certificate cannot be used; the one before stays in use");
                false
            }
        }
    }
}

fn look(files: &TlsFiles) -> Seen {
    let look = |path: &PathBuf| {
        let data = std::fs::metadata(path).ok()?;
        let changed = data.modified().ok()?.duration_since(std::time::UNIX_EPOCH).ok()?;
        Some((changed, data.len()))
    };
    [Some(&files.cert), Some(&files.key), files.client_ca.as_ref()].into_iter().flatten().map(look).collect()
}

fn warn_of_end(path: &Path, until: Option<Timestamp>) {
    if let Some(until) = until.filter(|until| *until < clock::wall().after(WARN_BEFORE)) {
        tracing::warn!(path = %path.display(), %until, "the certificate ends soon and was not renewed");
    }
}

/// Reads certificate and key, and offers HTTP/2 before HTTP/1.1.
fn read(files: &TlsFiles, now: Timestamp) -> Result<Spoken, TlsError> {
    let TlsFiles { cert, key, client_ca } = files;
    let chain = chain(cert)?;
    let valid = chain.first().and_then(|own| validity(own));
    match valid {
        Some(Validity { until, .. }) if until < now => return Err(TlsError::Expired { path: cert.clone(), until }),
        Some(Validity { from, .. }) if now < from => return Err(TlsError::NotYet { path: cert.clone(), from }),
        Some(_) | None => {}
    }
    let issuer = chain.first().and_then(|own| certificate::issuer(own));
    let private = private(key)?;
    let unfit = |source: rustls::Error| {
        let (cert, key) = (cert.clone(), key.clone());
        if source == rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch) {
            return TlsError::Mismatch { cert, key };
        }
        TlsError::Unfit { cert, key, detail: source.to_string() }
    };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider));
    let builder = builder.with_safe_default_protocol_versions().map_err(unfit)?;
    let builder = match client_ca {
        None => builder.with_no_client_auth(),
        Some(path) => {
            let mut roots = RootCertStore::empty();
            let (taken, _) = roots.add_parsable_certificates(self::chain(path)?);
            let none = || TlsError::NoCertificate { path: path.clone() };
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            // Users who join have no certificate; who shows one must show this CA's.
            let verifier = verifier.allow_unauthenticated().build();
            builder.with_client_cert_verifier(verifier.ok().filter(|_| taken > 0).ok_or_else(none)?)
        }
    };
    let mut config = builder.with_single_cert(chain, private).map_err(unfit)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Spoken { acceptor: TlsAcceptor::from(Arc::new(config)), until: valid.map(|valid| valid.until), issuer })
}

fn contents(path: &Path) -> Result<Vec<u8>, TlsError> {
    let path = path.to_owned();
    std::fs::read(&path).map_err(|error| {
        if error.kind() == std::io::ErrorKind::NotFound {
            TlsError::Missing { path }
        } else if error.kind() == std::io::ErrorKind::PermissionDenied {
            TlsError::Forbidden { path }
        } else {
            TlsError::Unreadable { path, detail: error.to_string() }
        }
    })
}

fn chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let pem = contents(path)?;
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    chain.ok().filter(|chain| !chain.is_empty()).ok_or_else(|| TlsError::NoCertificate { path: path.to_owned() })
}

fn private(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    let pem = contents(path)?;
    warn_of_readers(path);
    PrivateKeyDer::from_pem_slice(&pem).map_err(|_| {
        let is_locked = String::from_utf8_lossy(&pem).contains("ENCRYPTED");
        let path = path.to_owned();
        if is_locked { TlsError::LockedKey { path } } else { TlsError::NoKey { path } }
    })
}

/// Warns when everybody on this machine may read the key.
#[cfg(unix)]
fn warn_of_readers(path: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    if std::fs::metadata(path).is_ok_and(|data| data.permissions().mode() & 0o004 != 0) {
        tracing::warn!(path = %path.display(), "every user of this machine may read the private key: chmod o= it");
    }
}

#[cfg(not(unix))]
fn warn_of_readers(_: &Path) {}

#[cfg(test)]
mod tests;
