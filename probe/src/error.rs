//! Why something could not be measured, in words for people and with what would help.

use std::io;
use std::net::IpAddr;

use cnc_model::{Failure, Family, Reason};
use thiserror::Error;

use crate::tunnel::TunnelError;

/// Why something could not be measured. Loss and silence are results, not errors.
#[derive(Debug, Error)]
pub enum ProbeError {
    /// The name has no address.
    #[error("the name {name} has no address")]
    NameNotFound {
        /// The name.
        name: String,
        /// What the system said.
        source: io::Error,
    },
    /// Nobody answered the question for the name in time.
    #[error("no answer in time to the question for the address of {name}")]
    NameTimeout {
        /// The name.
        name: String,
    },
    /// There are addresses, but none of the wanted family.
    #[error("{name} has no {} address", family_word(*family))]
    NoAddress {
        /// The name.
        name: String,
        /// The family that was asked for.
        family: Family,
    },
    /// This machine knows no way to the address.
    #[error("this machine has no route to {address}")]
    NoRoute {
        /// The address.
        address: IpAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The system does not let this program measure so.
    #[error("the system does not permit {what}")]
    NoPermission {
        /// What was tried, as in "sending ICMP echo requests".
        what: &'static str,
        /// What would help.
        hint: String,
    },
    /// The policy forbids to measure against this address.
    #[error("measuring against {address} is not allowed")]
    NotAdmitted {
        /// The address.
        address: IpAddr,
    },
    /// The proxy does not lead there.
    #[error("the proxy {proxy} does not lead to {peer}")]
    Proxy {
        /// The proxy.
        proxy: String,
        /// Host and port.
        peer: String,
        /// What it said.
        source: TunnelError,
    },
    /// Nobody accepts connections there, or not in time.
    #[error("cannot connect to {peer}")]
    Connect {
        /// Address and port.
        peer: String,
        /// What the system said.
        source: io::Error,
    },
    /// No TLS session could be agreed on.
    #[error("cannot agree on TLS with {peer}")]
    Tls {
        /// Host and address.
        peer: String,
        /// What rustls said.
        source: io::Error,
    },
    /// The peer broke off or does not speak HTTP.
    #[error("{peer} broke off: {why}")]
    Broken {
        /// Host and address.
        peer: String,
        /// What happened.
        why: String,
    },
    /// The peer does not accept the token.
    #[error("{url} wants a valid token (it answered {status})")]
    Denied {
        /// The address asked.
        url: String,
        /// The HTTP status.
        status: u16,
    },
    /// The peer has no room for a throughput test now.
    #[error("{url} has no room for a throughput test now")]
    Busy {
        /// The address asked.
        url: String,
    },
    /// The peer answered something that cannot be measured.
    #[error("{url} answered {status}")]
    Status {
        /// The address asked.
        url: String,
        /// The HTTP status.
        status: u16,
    },
    /// Redirections went on and on.
    #[error("{url} redirects too often")]
    Redirects {
        /// The address first asked.
        url: String,
    },
    /// The text is no address that can be opened.
    #[error("{url} cannot be opened: {why}")]
    BadUrl {
        /// The text.
        url: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// More was counted than the link of this machine carries.
    #[error("{counted_mbps:.1} Mbit/s were counted over a link of {link_mbps:.0} Mbit/s, which cannot be")]
    Implausible {
        /// The goodput in Mbit/s.
        counted_mbps: f64,
        /// The link's speed in Mbit/s.
        link_mbps: f64,
    },
    /// The test is not possible against this kind of peer.
    #[error("{what}")]
    Unsupported {
        /// What is not possible.
        what: &'static str,
    },
    /// Too many measurements of this kind run already.
    #[error("too many {what} run at once")]
    TooMany {
        /// The kind, in the plural.
        what: &'static str,
    },
    /// The engine failed for a reason of its own.
    #[error("the {engine} engine failed: {why}")]
    Engine {
        /// Its name.
        engine: &'static str,
        /// What it said.
        why: String,
    },
}

const fn family_word(family: Family) -> &'static str {
    match family {
        Family::Any => "usable",
        Family::V4 => "IPv4",
        Family::V6 => "IPv6",
    }
}

impl ProbeError {
    /// A task of ours panicked.
    pub(crate) fn panicked(panic: &tokio::task::JoinError) -> Self {
        Self::Engine { engine: "throughput", why: panic.to_string() }
    }

    /// Gives the kind, for programs.
    #[must_use]
    pub const fn reason(&self) -> Reason {
        match self {
            Self::NameNotFound { .. } | Self::NameTimeout { .. } => Reason::NameNotFound,
            Self::NoAddress { .. } | Self::NoRoute { .. } => Reason::NoRoute,
            Self::NoPermission { .. } | Self::Denied { .. } => Reason::NoPermission,
            Self::NotAdmitted { .. } => Reason::RefusedByPolicy,
            Self::Connect { .. }
            | Self::Proxy { .. }
            | Self::Tls { .. }
            | Self::Broken { .. }
            | Self::Status { .. }
            | Self::Redirects { .. }
            | Self::BadUrl { .. } => Reason::Unreachable,
            Self::Unsupported { .. } => Reason::Unsupported,
            Self::Busy { .. } => Reason::Busy,
            Self::TooMany { .. } | Self::Implausible { .. } | Self::Engine { .. } => Reason::Internal,
        }
    }

    /// Gives what would help, where that is known.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::NameNotFound { .. } => "check the spelling, or give an address instead of the name",
            Self::NameTimeout { .. } => "check that this machine's DNS servers answer, or give an address",
            Self::NoAddress { .. } => "leave the IP version open, or try the other one",
            Self::NoRoute { address: IpAddr::V6(_), .. } => "check that this machine has IPv6, or try IPv4",
            Self::NoRoute { .. } => "check that this machine is connected and has a default gateway",
            Self::NoPermission { hint, .. } => hint,
            Self::Connect { .. } => "check host and port, and whether a firewall lies between",
            Self::Tls { .. } => {
                "check this machine's clock, the host's certificate, and whether something inspects TLS"
            }
            Self::Denied { .. } => {
                "this listener measures throughput within sessions only: use `cnc run` with a code, or ask its operator"
            }
            Self::Proxy { source, .. } => source.hint(),
            Self::Busy { .. } | Self::TooMany { .. } => "try again in a minute",
            Self::Implausible { .. } => {
                "something on this machine answers in the host's place, like a cache or a security program: try without"
            }
            Self::BadUrl { .. } => "give an address like https://example.com/file",
            Self::NotAdmitted { .. }
            | Self::Broken { .. }
            | Self::Status { .. }
            | Self::Redirects { .. }
            | Self::Unsupported { .. }
            | Self::Engine { .. } => return None,
        };
        Some(hint.to_owned())
    }

    /// Puts it into the words of a test's outcome: what happened, with its cause, and what would help.
    #[must_use]
    pub fn failure(&self) -> Failure {
        let mut message = self.to_string();
        if let Some(source) = std::error::Error::source(self) {
            let source = source.to_string();
            // The number says nothing to people.
            let source = source.split(" (os error").next().unwrap_or(&source);
            message = format!("{message} ({source})");
        }
        Failure { reason: self.reason(), message, hint: self.hint() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_says_what_why_and_what_helps() {
        let refused = ProbeError::Connect { peer: "192.0.2.1:80".into(), source: io::Error::from_raw_os_error(111) };
        let failure = refused.failure();
        assert_eq!(failure.reason, Reason::Unreachable);
        #[cfg(target_os = "linux")]
        assert_eq!(failure.message, "cannot connect to 192.0.2.1:80 (Connection refused)");
        assert!(failure.hint.is_some_and(|hint| hint.contains("firewall")));
    }
}
