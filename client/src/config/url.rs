//! A listener's address: `http://` or `https://`, a host, maybe a port, and nothing more. Pure.

use std::fmt;
use std::str::FromStr;

use cnc_model::HostName;
use thiserror::Error;

/// A listener's address.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ListenerUrl {
    tls: bool,
    host: HostName,
    port: u16,
}

/// A text that is no listener's address.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{text:?} is no listener's address: write it like https://check.example.com or http://127.0.0.1:8080")]
pub struct InvalidUrl {
    /// What was given, cut to 80 characters.
    pub text: String,
}

impl ListenerUrl {
    /// Makes the address of a host that was named without a scheme: TLS, except on this machine itself.
    #[must_use]
    pub fn of_host(host: &HostName, port: Option<u16>) -> Self {
        let local = host.as_str() == "localhost" || host.address().is_some_and(|address| address.is_loopback());
        let tls = !local;
        Self { tls, host: host.clone(), port: port.unwrap_or(default_port(tls)) }
    }

    /// Tells whether the way is encrypted.
    #[must_use]
    pub const fn tls(&self) -> bool {
        self.tls
    }

    /// Gives the address at which the same host may answer without encryption; `None` where this one is that.
    #[must_use]
    pub fn unencrypted(&self) -> Option<Self> {
        self.tls.then(|| Self { tls: false, host: self.host.clone(), port: default_port(false) })
    }

    /// Gives the host.
    #[must_use]
    pub const fn host(&self) -> &HostName {
        &self.host
    }

    /// Gives the port.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }
}

const fn default_port(tls: bool) -> u16 {
    if tls { 443 } else { 80 }
}

impl FromStr for ListenerUrl {
    type Err = InvalidUrl;

    fn from_str(text: &str) -> Result<Self, InvalidUrl> {
        let invalid = || InvalidUrl { text: text.chars().take(80).collect() };
        let uri: http::Uri = text.parse().map_err(|_| invalid())?;
        let tls = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(invalid()),
        };
        let authority = uri.authority().ok_or_else(invalid)?;
        if !matches!(uri.path(), "" | "/") || uri.query().is_some() || authority.as_str().contains('@') {
            return Err(invalid());
        }
        // A port that is no number is not told from none by the parser.
        let port = match (uri.port_u16(), authority.as_str().len() > authority.host().len()) {
            (Some(port), _) if port > 0 => port,
            (None, false) => default_port(tls),
            _ => return Err(invalid()),
        };
        let host = authority.host().trim_start_matches('[').trim_end_matches(']');
        let host = host.to_ascii_lowercase().parse().map_err(|_| invalid())?;
        Ok(Self { tls, host, port })
    }
}

impl fmt::Display for ListenerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls { "https" } else { "http" };
        match self.host.address() {
            Some(std::net::IpAddr::V6(address)) => write!(f, "{scheme}://[{address}]")?,
            _ => write!(f, "{scheme}://{}", self.host)?,
        }
        if self.port == default_port(self.tls) { Ok(()) } else { write!(f, ":{}", self.port) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_read_back() {
        for (text, shown) in [
            ("https://check.example.com", "https://check.example.com"),
            ("https://Check.Example.com:443/", "https://check.example.com"),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
            ("https://[2001:db8::1]:8443", "https://[2001:db8::1]:8443"),
            ("http://[::1]", "http://[::1]"),
        ] {
            let url: ListenerUrl = text.parse().expect(text);
            assert_eq!(url.to_string(), shown);
            assert_eq!(url.to_string().parse(), Ok(url));
        }
        for text in [
            "",
            "check.example.com",
            "ftp://x",
            "https://",
            "https://x/path",
            "https://x?q",
            "https://user@x",
            "https://x:0",
            "https://x:",
            "https://x:99999",
            "https://a b",
        ] {
            assert!(text.parse::<ListenerUrl>().is_err(), "{text}");
        }
    }
}
