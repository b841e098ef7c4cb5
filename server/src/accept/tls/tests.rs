//! Files that are missing, mixed up, over or broken; and what happens when they change.

use rcgen::{CertificateParams, KeyPair};
use tempfile::TempDir;

use super::*;

struct Place {
    folder: TempDir,
    files: TlsFiles,
}

/// Makes a certificate and its key, as PEM.
fn made(change: impl FnOnce(&mut CertificateParams)) -> (String, String) {
    let key = KeyPair::generate().expect("a key");
    let mut cert = CertificateParams::new(["localhost".to_owned()]).expect("sound");
    change(&mut cert);
    (cert.self_signed(&key).expect("signed").pem(), key.serialize_pem())
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let path = |name| folder.path().join(name);
        let files = TlsFiles { cert: path("cert.pem"), key: path("key.pem"), client_ca: None };
        let place = Self { folder, files };
        place.put(&made(|_| ()));
        place
    }

    fn put(&self, (cert, key): &(String, String)) {
        std::fs::write(&self.files.cert, cert).expect("written");
        std::fs::write(&self.files.key, key).expect("written");
    }

    fn error(&self) -> TlsError {
        Tls::open(self.files.clone()).expect_err("it cannot be used")
    }
}

#[test]
fn each_way_to_fail_is_told_apart() {
    let place = Place::new();
    let TlsFiles { cert, key, .. } = place.files.clone();
    Tls::open(place.files.clone()).expect("sound");

    std::fs::write(&key, made(|_| ()).1).expect("written");
    assert_eq!(place.error(), TlsError::Mismatch { cert: cert.clone(), key: key.clone() });

    std::fs::write(&key, "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n")
        .expect("written");
    assert_eq!(place.error(), TlsError::LockedKey { path: key.clone() });

    std::fs::write(&key, "no key").expect("written");
    assert_eq!(place.error(), TlsError::NoKey { path: key.clone() });

    std::fs::remove_file(&key).expect("removed");
    assert_eq!(place.error(), TlsError::Missing { path: key.clone() });

    std::fs::create_dir(&key).expect("made");
    assert!(matches!(place.error(), TlsError::Unreadable { path, .. } if path == key));

    std::fs::write(&cert, made(|_| ()).1).expect("written");
    assert_eq!(place.error(), TlsError::NoCertificate { path: cert.clone() }, "the files are swapped");
    std::fs::write(&cert, "").expect("written");
    assert_eq!(place.error(), TlsError::NoCertificate { path: cert.clone() });
    std::fs::write(&cert, "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n").expect("written");
    assert_eq!(place.error(), TlsError::NoCertificate { path: cert.clone() });
    std::fs::remove_file(&cert).expect("removed");
    assert_eq!(place.error(), TlsError::Missing { path: cert });
}

#[test]
fn certificates_out_of_their_time_are_told() {
    let place = Place::new();
    let path = place.files.cert.clone();
    place.put(&made(|cert| cert.not_after = rcgen::date_time_ymd(2020, 2, 29)));
    let until = Timestamp::from_unix_us(1_582_934_400_000_000);
    assert_eq!(place.error(), TlsError::Expired { path: path.clone(), until });
    place.put(&made(|cert| cert.not_before = rcgen::date_time_ymd(2999, 1, 1)));
    assert!(matches!(place.error(), TlsError::NotYet { .. }));
}

#[test]
fn new_files_are_taken_and_broken_ones_are_not() {
    let place = Place::new();
    let tls = Tls::open(place.files.clone()).expect("sound");
    let config = || Arc::as_ptr(tls.acceptor().config());
    let first = config();
    assert!(!tls.look_again(), "nothing changed");
    // A different length shows whatever the clock's grain.
    std::fs::write(&place.files.cert, "broken").expect("written");
    assert!(!tls.look_again());
    assert_eq!(config(), first, "what was there stays in use");
    let (cert, key) = made(|cert| cert.distinguished_name.push(rcgen::DnType::CommonName, "a longer one"));
    place.put(&(cert, key));
    assert!(tls.look_again());
    assert_ne!(config(), first);
    assert!(!tls.look_again());
}

#[test]
fn a_ca_for_clients_must_hold_one() {
    let mut place = Place::new();
    let ca = place.folder.path().join("ca.pem");
    place.files.client_ca = Some(ca.clone());
    assert_eq!(place.error(), TlsError::Missing { path: ca.clone() });
    std::fs::write(&ca, "none").expect("written");
    assert_eq!(place.error(), TlsError::NoCertificate { path: ca.clone() });
    std::fs::write(&ca, made(|cert| cert.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained)).0)
        .expect("written");
    Tls::open(place.files.clone()).expect("sound");
}
