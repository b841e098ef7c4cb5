//! What kind of address an address is. Pure.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The kinds of address that the policy tells apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// Somewhere on the internet.
    Public,
    /// On a private network: RFC 1918, carriers' shared space, link-local, unique local.
    Private,
    /// This machine itself.
    Loopback,
    /// No single host: multicast, broadcast, reserved.
    NoHost,
}

/// Classes an address. IPv6 addresses that carry an IPv4 address are classed as that one: a translator would lead
/// there.
pub(super) fn class(address: IpAddr) -> Class {
    match address {
        IpAddr::V4(v4) => class_v4(v4),
        IpAddr::V6(v6) => match embedded_v4(v6) {
            Some(v4) => class_v4(v4),
            None => class_v6(v6),
        },
    }
}

fn class_v4(address: Ipv4Addr) -> Class {
    match address.octets() {
        // Systems take 0.0.0.0 for themselves.
        [127, ..] | [0, 0, 0, 0] => Class::Loopback,
        [0 | 224..=255, ..] => Class::NoHost,
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] | [169, 254, ..] | [100, 64..=127, ..] => Class::Private,
        _ => Class::Public,
    }
}

fn class_v6(address: Ipv6Addr) -> Class {
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => Class::Loopback,
        // Unique local, link-local, and the old site-local.
        [0xfc00..=0xfdff | 0xfe80..=0xfeff, ..] => Class::Private,
        [0xff00..=0xffff, ..] => Class::NoHost,
        _ => Class::Public,
    }
}

/// Gives the IPv4 address that an IPv6 address carries: mapped, compatible, NAT64 (well-known and local prefix), 6to4.
fn embedded_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let v4 = |high: u16, low: u16| {
        let [a, b] = high.to_be_bytes();
        let [c, d] = low.to_be_bytes();
        Ipv4Addr::new(a, b, c, d)
    };
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => None,
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low]
        | [0x64, 0xff9b, 1, _, _, _, high, low]
        | [0x2002, high, low, ..] => Some(v4(high, low)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_classed() {
        let table = [
            (
                Class::Public,
                "8.8.8.8 192.0.2.1 172.15.0.1 172.32.0.1 100.128.0.1 2001:db8::1 2606:4700::1 64:ff9b::808:808",
            ),
            (
                Class::Private,
                "10.0.0.1 172.16.0.1 172.31.255.255 192.168.1.1 169.254.169.254 100.64.0.1 fd00::1 fe80::1 febf::1 fec0::1",
            ),
            (Class::Private, "::ffff:192.168.1.1 64:ff9b::c0a8:101 2002:c0a8:101::1 ::10.0.0.1 64:ff9b:1::a00:1"),
            (
                Class::Loopback,
                "127.0.0.1 127.255.255.255 0.0.0.0 ::1 :: ::ffff:127.0.0.1 64:ff9b::7f00:1 2002:7f00:1::",
            ),
            (Class::NoHost, "224.0.0.1 239.1.1.1 240.0.0.1 255.255.255.255 0.1.2.3 ff02::1 ::ffff:224.0.0.1"),
        ];
        for (expected, addresses) in table {
            for text in addresses.split(' ') {
                assert_eq!(class(text.parse().expect("an address")), expected, "{text}");
            }
        }
    }
}
