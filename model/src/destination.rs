//! What a test is aimed at. Names are only checked here; finding their addresses is the client's.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use thiserror::Error;

/// What a test is aimed at, before names are resolved.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Destination {
    /// A host that staff, a plan or the user named.
    Host(HostName),
    /// The client's default gateway.
    Gateway,
    /// The client's first DNS server.
    Resolver,
    /// The listener, at the address that the client's stream reaches it.
    Listener,
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host(name) => name.fmt(f),
            Self::Gateway => f.write_str("gateway"),
            Self::Resolver => f.write_str("resolver"),
            Self::Listener => f.write_str("listener"),
        }
    }
}

impl FromStr for Destination {
    type Err = InvalidHostName;

    /// Reads `gateway`, `resolver` and `listener` as what they mean to the client; anything else is a host.
    fn from_str(text: &str) -> Result<Self, InvalidHostName> {
        Ok(match text {
            "gateway" => Self::Gateway,
            "resolver" => Self::Resolver,
            "listener" => Self::Listener,
            host => Self::Host(host.parse()?),
        })
    }
}

/// A DNS name or an IP address, checked so that it can stand in a log, a command line or a page.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HostName(String);

/// A text that is neither a DNS name nor an IP address.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "{text:?} is no host: give a name of letters, digits, hyphens and dots (at most 253), or an IPv4 or IPv6 address"
)]
pub struct InvalidHostName {
    /// What was given, cut to 60 characters.
    pub text: String,
}

/// The longest DNS name in its text form (RFC 1035, section 2.3.4).
const MAX_NAME_BYTES: usize = 253;
const MAX_LABEL_BYTES: usize = 63;

impl HostName {
    /// Gives the text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Gives the address when the text is one.
    #[must_use]
    pub fn address(&self) -> Option<IpAddr> {
        self.0.parse().ok()
    }
}

impl fmt::Display for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl From<IpAddr> for HostName {
    fn from(address: IpAddr) -> Self {
        Self(address.to_string())
    }
}

impl FromStr for HostName {
    type Err = InvalidHostName;

    fn from_str(text: &str) -> Result<Self, InvalidHostName> {
        let is_address = text.parse::<IpAddr>().is_ok();
        let name = text.strip_suffix('.').unwrap_or(text);
        let is_name = name.len() <= MAX_NAME_BYTES && name.split('.').all(is_label);
        if is_address || is_name {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidHostName { text: text.chars().take(60).collect() })
        }
    }
}

/// Letters, digits, hyphens and the underscore that service names carry; no hyphen first, lest it reads as a flag.
fn is_label(label: &str) -> bool {
    !label.is_empty()
        && label.len() <= MAX_LABEL_BYTES
        && !label.starts_with('-')
        && label.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

/// Which IP version a test must use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Family {
    /// Whichever the system prefers.
    #[default]
    Any,
    /// IPv4 only.
    V4,
    /// IPv6 only.
    V6,
}

impl Family {
    /// Tells whether an address is of this family.
    #[must_use]
    pub const fn admits(self, address: IpAddr) -> bool {
        match self {
            Self::Any => true,
            Self::V4 => address.is_ipv4(),
            Self::V6 => address.is_ipv6(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_names_or_addresses() {
        for text in ["localhost", "example.com", "example.com.", "a-b.c_d.e", "192.0.2.1", "2001:db8::1", "1"] {
            assert!(text.parse::<HostName>().is_ok(), "{text}");
        }
        let long_label = "a".repeat(64);
        let long_name = "a.".repeat(127) + "b";
        for text in ["", ".", "a..b", "-c", "a b", "<b>", "a\n", "bücher.example", "a/b", &long_label, &long_name] {
            assert!(text.parse::<HostName>().is_err(), "{text}");
        }
    }

    #[test]
    fn destinations_read_back() {
        for text in ["gateway", "resolver", "listener", "example.com", "::1"] {
            assert_eq!(text.parse::<Destination>().expect("valid").to_string(), text);
        }
    }
}
