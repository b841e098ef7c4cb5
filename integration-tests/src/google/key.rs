//! A service account of a test's own, with a real key: the stand-in for Google's token server checks signatures.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::signature::{KeyPair as _, RsaKeyPair};
use serde_json::json;
use tokio::process::Command;

use crate::programs::found_or_skip;

/// The account's name at Google.
pub const EMAIL: &str = "listener@p.iam.gserviceaccount.com";

/// A key, as Google hands it out when one is made.
#[derive(Debug, Clone)]
pub struct ServiceKey {
    pem: String,
    /// What signatures by it are checked with.
    pub public: Vec<u8>,
}

impl ServiceKey {
    /// Makes one; `None` after telling that the test is skipped where nothing here can.
    ///
    /// # Panics
    /// When what makes keys fails.
    pub async fn make() -> Option<Self> {
        let openssl = found_or_skip("openssl")?;
        let mut command = Command::new(openssl);
        command.args(["genpkey", "-quiet", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"]);
        let made = command.output().await.expect("openssl can be started");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let pem = String::from_utf8(made.stdout).expect("PEM is text");
        let body: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
        let key = STANDARD.decode(body).expect("PEM holds base64");
        let pair = RsaKeyPair::from_pkcs8(&key).expect("an RSA key");
        Some(Self { public: pair.public_key().as_ref().to_vec(), pem })
    }

    /// Writes the key's file into a folder; its tokens are asked for at `token_uri`.
    ///
    /// # Panics
    /// When it cannot be written.
    #[must_use]
    pub fn write(&self, folder: &Path, token_uri: &str) -> PathBuf {
        let file = folder.join("google.json");
        let key = json!({
            "type": "service_account",
            "project_id": "p",
            "private_key_id": "1",
            "private_key": self.pem,
            "client_email": EMAIL,
            "client_id": "1",
            "token_uri": token_uri,
        });
        std::fs::write(&file, key.to_string()).expect("the key can be written");
        file
    }
}
