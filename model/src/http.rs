//! The phases of one HTTP request (`http/1`).

use std::time::Duration;

use crate::summary::Measured;

/// The name and version of this method, stored with every result.
pub const METHOD: &str = "http/1";

/// The path that a listener answers with 204 and nothing else, and by which a captive portal gives itself away.
pub const PORTAL_PATH: &str = "/generate_204";

/// What one request took, phase by phase. A phase that was not reached, or does not apply, is `None`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HttpSummary {
    /// What was asked, and how; the host is the URL.
    pub measured: Measured,
    /// The answer's status.
    pub status: Option<u16>,
    /// Finding the name's address by the system's resolver; `None` for an address as text.
    pub dns: Option<Duration>,
    /// The TCP handshake; through a proxy, until its tunnel is up.
    pub tcp: Option<Duration>,
    /// The TLS handshake.
    pub tls: Option<Duration>,
    /// From the request to the answer's head.
    pub first_byte: Option<Duration>,
    /// The whole of it, to the body's end or the most that is read.
    pub total: Option<Duration>,
    /// Bytes of the body that were read.
    pub bytes: u64,
    /// Like `TLSv1.3`.
    pub tls_version: Option<String>,
    /// Who signed the certificate that was shown, trusted or not.
    pub issuer: Option<String>,
    /// The proxy that led there.
    pub proxy: Option<String>,
    /// Where the answer points to, for a redirection; it is not followed.
    pub location: Option<String>,
    /// What ended it early, in plain words.
    pub error: Option<String>,
}

impl HttpSummary {
    /// Tells whether something on the way answers in the listener's place, as networks do that want a login: asked is
    /// the plain-HTTP address that answers 204. `None` for any other address, or without an answer.
    #[must_use]
    pub fn captive_portal(&self) -> Option<bool> {
        let asked = self.measured.host.starts_with("http://") && self.measured.host.ends_with(PORTAL_PATH);
        self.status.filter(|_| asked).map(|status| status != 204)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_portal_is_who_answers_otherwise() {
        let table = [
            ("http://check.example/generate_204", Some(204), Some(false)),
            ("http://check.example/generate_204", Some(302), Some(true)),
            ("http://check.example/generate_204", Some(200), Some(true)),
            ("http://check.example/generate_204", None, None),
            ("https://check.example/generate_204", Some(302), None),
            ("http://check.example/", Some(302), None),
        ];
        for (url, status, portal) in table {
            let measured = Measured { host: url.into(), ..Measured::default() };
            let summary = HttpSummary { measured, status, ..HttpSummary::default() };
            assert_eq!(summary.captive_portal(), portal, "{url} {status:?}");
        }
    }
}
