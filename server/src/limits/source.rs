//! Whom a bound counts: an IPv4 address, or the /64 that one IPv6 customer has to itself.

use std::net::{IpAddr, Ipv6Addr};

/// The bits of an IPv6 address that name a customer; those behind them anybody chooses at will.
const CUSTOMER: u128 = !0 << 64;

/// An address as bounds count it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Source(IpAddr);

impl Source {
    /// Gives whom an address is counted as.
    #[must_use]
    pub fn of(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V4(v4) => IpAddr::V4(v4),
            IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & CUSTOMER)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_customer_is_one_source() {
        let cases = [
            ("192.0.2.1", "192.0.2.1", true),
            ("192.0.2.1", "::ffff:192.0.2.1", true),
            ("192.0.2.1", "192.0.2.2", false),
            ("2001:db8::1", "2001:db8::ffff:0:0:2", true),
            ("2001:db8:0:1::1", "2001:db8:0:2::1", false),
        ];
        for (one, other, same) in cases {
            let source = |text: &str| Source::of(text.parse().expect("an address"));
            assert_eq!(source(one) == source(other), same, "{one} {other}");
        }
    }
}
