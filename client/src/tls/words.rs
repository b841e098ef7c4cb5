//! What is wrong with a TLS handshake, in plain words. Pure.

use cnc_model::Timestamp;
use rustls::pki_types::UnixTime;
use rustls::{AlertDescription, CertificateError, Error};

/// Says what is wrong, and who signed the certificate that was shown.
#[must_use]
#[expect(clippy::wildcard_enum_match_arm, reason = "rustls adds variants, and its own words serve for them")]
pub fn words(error: &Error, issuer: Option<&str>) -> String {
    match error {
        Error::InvalidCertificate(certificate) => {
            let signed = issuer.map(|issuer| format!(" (signed by {issuer:?})")).unwrap_or_default();
            format!("its certificate{signed} {}", fault(certificate))
        }
        Error::NoApplicationProtocol | Error::AlertReceived(AlertDescription::NoApplicationProtocol) => {
            "it does not speak HTTP/2: maybe something in between inspects TLS".into()
        }
        Error::InvalidMessage(_) => "what answers there does not speak TLS".into(),
        Error::PeerIncompatible(_) | Error::AlertReceived(AlertDescription::ProtocolVersion) => {
            "it speaks no TLS that this program speaks (1.2 and 1.3)".into()
        }
        Error::AlertReceived(alert) => format!("it broke off the greeting ({alert:?})"),
        other => other.to_string(),
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "rustls adds variants, and its own words serve for them")]
fn fault(certificate: &CertificateError) -> String {
    match certificate {
        CertificateError::UnknownIssuer => "is by nobody that this computer trusts: an antivirus or a company's proxy \
             may inspect connections, or the listener has an authority of its own (--ca FILE)"
            .into(),
        CertificateError::ExpiredContext { time, not_after } => {
            format!("expired on {}; this computer's clock says {}", date(*not_after), date(*time))
        }
        CertificateError::Expired => "has expired, or this computer's clock is wrong".into(),
        CertificateError::NotValidYetContext { time, not_before } => {
            format!("is valid from {} on; this computer's clock says {}", date(*not_before), date(*time))
        }
        CertificateError::NotValidYet => "is not valid yet, or this computer's clock is wrong".into(),
        CertificateError::NotValidForNameContext { presented, .. } if !presented.is_empty() => {
            // As many as a person reads.
            let names: Vec<_> = presented.iter().take(5).map(|name| readable(name)).collect();
            let more = if presented.len() > names.len() { " and others" } else { "" };
            format!("is for another name: {}{more}", names.join(", "))
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "is for another name".into()
        }
        CertificateError::Revoked => "was revoked".into(),
        other => format!("is not valid ({other})"),
    }
}

/// Takes rustls's own kind of writing off a name.
fn readable(name: &str) -> &str {
    name.strip_prefix("DnsName(\"").and_then(|name| name.strip_suffix("\")")).unwrap_or(name)
}

fn date(time: UnixTime) -> String {
    let us = i64::try_from(time.as_secs().saturating_mul(1_000_000)).unwrap_or(i64::MAX);
    let text = Timestamp::from_unix_us(us).to_string();
    // A certificate's seconds have no parts.
    text.split_once('.').map_or(text.clone(), |(text, _)| format!("{} UTC", text.replace('T', " ")))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn at(seconds: u64) -> UnixTime {
        UnixTime::since_unix_epoch(Duration::from_secs(seconds))
    }

    #[test]
    fn each_fault_says_what_was_seen() {
        let certificate =
            |error: CertificateError| words(&Error::InvalidCertificate(error), Some("Example CA, Example"));
        let names = CertificateError::NotValidForNameContext {
            expected: "check.example.com".try_into().expect("a name"),
            presented: vec!["DnsName(\"router.lan\")".into(), "other.lan".into()],
        };
        let (time, late) = (at(1_700_000_000), at(1_800_000_000));
        for (error, expected) in [
            (
                CertificateError::UnknownIssuer,
                "(signed by \"Example CA, Example\") is by nobody that this computer trusts",
            ),
            (CertificateError::ExpiredContext { time: late, not_after: time }, "expired on 2023-11-14"),
            (CertificateError::ExpiredContext { time: late, not_after: time }, "clock says 2027-01-15"),
            (CertificateError::NotValidYetContext { time, not_before: late }, "is valid from 2027-01-15"),
            (names, "is for another name: router.lan, other.lan"),
            (CertificateError::Revoked, "was revoked"),
            (CertificateError::BadSignature, "is not valid"),
        ] {
            let said = certificate(error);
            assert!(said.contains(expected), "{said}");
        }
        assert!(words(&Error::AlertReceived(AlertDescription::NoApplicationProtocol), None).contains("HTTP/2"));
    }
}
