//! Where a client really is: the socket's peer, or whom a trusted proxy names.

use std::net::IpAddr;

use http::HeaderMap;

use crate::config::Network;

/// The client's address; every request carries it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientAddress(pub IpAddr);

/// Who may name clients' addresses in a header.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Forwarding {
    /// The proxies' networks.
    pub trusted: Vec<Network>,
}

impl Forwarding {
    /// Gives the client's address. Proxies append to the header, so it is read from its end: the first address that
    /// is no trusted proxy's is the client's, and whatever stands before it anybody may have made up.
    #[must_use]
    pub fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut client = peer.to_canonical();
        let mut named = named(headers).into_iter().rev();
        while self.trusts(client)
            && let Some(before) = named.next()
        {
            match before {
                Some(address) => client = address.to_canonical(),
                None => break,
            }
        }
        client
    }

    /// Tells whether an address is a proxy's, through which many clients come.
    #[must_use]
    pub fn trusts(&self, address: IpAddr) -> bool {
        self.trusted.iter().any(|network| network.contains(address))
    }
}

/// Gives the addresses that proxies named, in their order; `None` for one that cannot be read.
fn named(headers: &HeaderMap) -> Vec<Option<IpAddr>> {
    let values = |name| headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    let forwarded: Vec<_> = values("forwarded").flat_map(|value| value.split(',')).map(forwarded_for).collect();
    if !forwarded.is_empty() {
        return forwarded;
    }
    values("x-forwarded-for").flat_map(|value| value.split(',')).map(|hop| address(hop.trim())).collect()
}

/// Reads the `for=` of one hop of `Forwarded` (RFC 7239).
fn forwarded_for(hop: &str) -> Option<IpAddr> {
    hop.split(';')
        .filter_map(|pair| pair.split_once('='))
        .find(|(name, _)| name.trim().eq_ignore_ascii_case("for"))
        .and_then(|(_, value)| address(value.trim().trim_matches('"')))
}

/// Reads an address with or without a port, an IPv6 one with or without brackets.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|rest| rest.split_once(']')).map(|(address, _)| address);
    let without_port = bare.or_else(|| text.split_once(':').map(|(address, _)| address));
    text.parse().ok().or_else(|| without_port?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_trusted_proxies_name_the_client() {
        type Headers = &'static [(&'static str, &'static str)];
        let cases: &[(&str, Headers, &str)] = &[
            ("192.0.2.7", &[("x-forwarded-for", "203.0.113.9")], "192.0.2.7"),
            ("10.0.0.1", &[], "10.0.0.1"),
            ("10.0.0.1", &[("x-forwarded-for", "203.0.113.9")], "203.0.113.9"),
            ("::ffff:10.0.0.1", &[("x-forwarded-for", "203.0.113.9")], "203.0.113.9"),
            ("10.0.0.1", &[("x-forwarded-for", "1.1.1.1, 203.0.113.9")], "203.0.113.9"),
            ("10.0.0.1", &[("x-forwarded-for", "1.1.1.1, 203.0.113.9, 10.9.9.9")], "203.0.113.9"),
            ("10.0.0.1", &[("x-forwarded-for", "1.1.1.1"), ("x-forwarded-for", "203.0.113.9:4711")], "203.0.113.9"),
            ("10.0.0.1", &[("x-forwarded-for", "203.0.113.9, unknown")], "10.0.0.1"),
            ("10.0.0.1", &[("x-forwarded-for", "10.0.0.2, 10.0.0.3")], "10.0.0.2"),
            ("10.0.0.1", &[("forwarded", "for=\"[2001:db8::1]:4711\";proto=https")], "2001:db8::1"),
            ("10.0.0.1", &[("forwarded", "proto=https;For=203.0.113.9, for=10.0.0.7")], "203.0.113.9"),
            ("10.0.0.1", &[("forwarded", "for=203.0.113.9"), ("x-forwarded-for", "1.1.1.1")], "203.0.113.9"),
        ];
        let forwarding = Forwarding { trusted: vec!["10.0.0.0/8".parse().expect("a network")] };
        for (peer, given, client) in cases {
            let mut headers = HeaderMap::new();
            for (name, value) in *given {
                headers.append(*name, value.parse().expect("a value"));
            }
            let expected: IpAddr = client.parse().expect("an address");
            let found = forwarding.client(peer.parse().expect("an address"), &headers);
            assert_eq!(found, expected, "{peer} {given:?}");
        }
    }
}
