//! The phases of one HTTP request (`http/1`).

use std::net::IpAddr;
use std::time::Duration;

use crate::Family;
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
    /// Whether that is another than the one who signed the asked listener's own certificate: then somebody on the way
    /// inspects TLS. `None` where it is not known whose that is.
    pub intercepted: Option<bool>,
    /// What IPv4 did; `None` where the name has no such address, it was not to be used, or a proxy led there.
    pub v4: Option<FamilyReach>,
    /// What IPv6 did, likewise.
    pub v6: Option<FamilyReach>,
    /// The proxy that led there.
    pub proxy: Option<String>,
    /// Where the answer points to, for a redirection; it is not followed.
    pub location: Option<String>,
    /// What ended it early, in plain words.
    pub error: Option<String>,
}

/// What one IP version did: a TCP connection to an address of it that the name has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FamilyReach {
    /// The address; of several the one that answered, else the one that the system prefers.
    pub address: IpAddr,
    /// The TCP handshake; `None` where there was none.
    pub tcp: Option<Duration>,
    /// Why there was none, in plain words.
    pub error: Option<String>,
}

impl HttpSummary {
    /// Gives the IP version that leads nowhere while the other one works: programs that try it first lose time on each
    /// connection, and those without a second try fail.
    #[must_use]
    pub fn broken_family(&self) -> Option<Family> {
        let works = |reach: &Option<FamilyReach>| reach.as_ref().map(|reach| reach.tcp.is_some());
        match (works(&self.v4), works(&self.v6)) {
            (Some(true), Some(false)) => Some(Family::V6),
            (Some(false), Some(true)) => Some(Family::V4),
            _ => None,
        }
    }

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
    fn a_broken_family_is_one_that_fails_where_the_other_works() {
        let reach = |works: bool| FamilyReach {
            address: [192, 0, 2, 1].into(),
            tcp: works.then_some(Duration::from_millis(1)),
            error: (!works).then(|| "nobody answered in time".into()),
        };
        let table = [
            (None, None, None),
            (Some(true), None, None),
            (Some(true), Some(true), None),
            (Some(false), Some(false), None),
            (Some(true), Some(false), Some(Family::V6)),
            (Some(false), Some(true), Some(Family::V4)),
            (None, Some(false), None),
        ];
        for (v4, v6, broken) in table {
            let summary = HttpSummary { v4: v4.map(reach), v6: v6.map(reach), ..HttpSummary::default() };
            assert_eq!(summary.broken_family(), broken, "{v4:?} {v6:?}");
        }
    }

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
