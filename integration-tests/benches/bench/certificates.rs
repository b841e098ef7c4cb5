//! Certificates for listeners of benchmarks, as files.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;

use anyhow::Result;
use tempfile::TempDir;

/// Makes a CA and a certificate of its for a name or an address: `ca.pem`, `cert.pem` and `key.pem`.
pub(crate) fn certificates(name: &str) -> Result<TempDir> {
    let folder = tempfile::tempdir()?;
    let mut ca = rcgen::CertificateParams::new([])?;
    // Another name than the certificate's: OpenSSL takes one whose issuer has its own name for its own issuer.
    ca.distinguished_name.push(rcgen::DnType::CommonName, "The benchmarks' authority");
    ca.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let ca_key = rcgen::KeyPair::generate()?;
    let ca_cert = ca.self_signed(&ca_key)?;
    let issuer = rcgen::Issuer::new(ca, ca_key);
    let key = rcgen::KeyPair::generate()?;
    let cert = rcgen::CertificateParams::new([name.to_owned()])?.signed_by(&key, &issuer)?;
    for (name, pem) in [("ca.pem", ca_cert.pem()), ("cert.pem", cert.pem()), ("key.pem", key.serialize_pem())] {
        let mut file = OpenOptions::new().create_new(true).write(true).mode(0o600).open(folder.path().join(name))?;
        file.write_all(pem.as_bytes())?;
    }
    Ok(folder)
}
