//! Addresses to open: host, port, path, with or without TLS. Pure.

use cnc_model::HostName;
use cnc_model::test::MAX_URL_BYTES;
use http::Uri;

use crate::ProbeError;

/// An HTTP or HTTPS address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) is_tls: bool,
    pub(crate) host: HostName,
    pub(crate) port: u16,
    /// Host and port as the `Host` header wants them.
    pub(crate) authority: String,
    /// Path and query, with the leading slash.
    pub(crate) path: String,
}

impl Target {
    pub(crate) fn parse(url: &str) -> Result<Self, ProbeError> {
        let bad = |why| ProbeError::BadUrl { url: url.chars().take(120).collect(), why };
        if url.len() > MAX_URL_BYTES {
            return Err(bad("it is too long"));
        }
        let url = url.split_once('#').map_or(url, |(url, _fragment)| url);
        let uri: Uri = url.parse().map_err(|_| bad("it is no URL"))?;
        let (is_tls, usual_port) = match uri.scheme_str() {
            Some("http") => (false, 80),
            Some("https") => (true, 443),
            _ => return Err(bad("it begins with neither http:// nor https://")),
        };
        let authority = uri.authority().ok_or_else(|| bad("it names no host"))?;
        if authority.as_str().contains('@') {
            return Err(bad("a user name in it is not supported"));
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']');
        Ok(Self {
            is_tls,
            host: host.parse().map_err(|_| bad("it names no valid host"))?,
            port: authority.port_u16().unwrap_or(usual_port),
            authority: authority.as_str().to_owned(),
            path: match uri.query() {
                Some(query) => format!("{}?{query}", uri.path()),
                None => uri.path().to_owned(),
            },
        })
    }

    /// Gives an address below this one, as a listener's endpoints are.
    pub(crate) fn below(&self, path: &str) -> Self {
        let base = self.path.split_once('?').map_or(self.path.as_str(), |(base, _query)| base);
        Self { path: format!("{}{path}", base.trim_end_matches('/')), ..self.clone() }
    }

    /// Gives the address that a redirection leads to from here.
    pub(crate) fn redirected(&self, location: &str) -> Result<Self, ProbeError> {
        let scheme = if self.is_tls { "https" } else { "http" };
        let origin = format!("{scheme}://{}", self.authority);
        if location.contains("://") {
            Self::parse(location)
        } else if location.starts_with("//") {
            Self::parse(&format!("{scheme}:{location}"))
        } else if location.starts_with('/') {
            Self::parse(&format!("{origin}{location}"))
        } else {
            let path = self.path.split_once('?').map_or(self.path.as_str(), |(path, _query)| path);
            let folder = path.rsplit_once('/').map_or("", |(folder, _file)| folder);
            Self::parse(&format!("{origin}{folder}/{location}"))
        }
    }

    /// Gives the address as text.
    pub(crate) fn url(&self) -> String {
        format!("{}://{}{}", if self.is_tls { "https" } else { "http" }, self.authority, self.path)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_text_makes_it_panic_and_what_is_taken_reads_back(text in "\\PC{0,60}", location in "\\PC{0,60}") {
            for url in [text.clone(), format!("http://{text}"), format!("https://a.example/{text}")] {
                if let Ok(target) = Target::parse(&url) {
                    let again = Target::parse(&target.url()).ok();
                    prop_assert_eq!(again.as_ref(), Some(&target));
                    // Where it leads to is the peer's to say.
                    drop(target.redirected(&location));
                }
            }
        }
    }

    #[test]
    fn addresses_are_taken_apart() {
        let cases = [
            ("http://example.com", (false, "example.com", 80, "/")),
            ("https://example.com:8443/a/b?c=d#e", (true, "example.com", 8443, "/a/b?c=d")),
            ("http://[2001:db8::1]:81/x", (false, "2001:db8::1", 81, "/x")),
            ("https://192.0.2.1?q", (true, "192.0.2.1", 443, "/?q")),
        ];
        for (url, expected) in cases {
            let target = Target::parse(url).expect(url);
            assert_eq!((target.is_tls, target.host.as_str(), target.port, target.path.as_str()), expected, "{url}");
        }
    }

    #[test]
    fn what_cannot_be_opened_is_told() {
        let long = format!("http://a/{}", "b".repeat(MAX_URL_BYTES));
        for url in ["", "example.com", "ftp://a/", "http://", "http://u:p@a/", "http://a b/", "http://-a/", &long] {
            assert!(matches!(Target::parse(url), Err(ProbeError::BadUrl { .. })), "{url}");
        }
    }

    #[test]
    fn redirections_are_followed_as_browsers_do() {
        let from = Target::parse("https://a.example/x/y?z").expect("valid");
        let cases = [
            ("http://b.example/q", "http://b.example/q"),
            ("//b.example/q", "https://b.example/q"),
            ("/q", "https://a.example/q"),
            ("q?r", "https://a.example/x/q?r"),
        ];
        for (location, expected) in cases {
            assert_eq!(from.redirected(location).expect(location).url(), expected);
        }
    }

    #[test]
    fn endpoints_lie_below_the_listener() {
        for base in ["http://a:1", "http://a:1/"] {
            let below = Target::parse(base).expect("valid").below("/speed/download?bytes=1");
            assert_eq!(below.url(), "http://a:1/speed/download?bytes=1");
        }
        let prefixed = Target::parse("https://a/cnc/").expect("valid").below("/speed/upload");
        assert_eq!(prefixed.path, "/cnc/speed/upload");
    }
}
