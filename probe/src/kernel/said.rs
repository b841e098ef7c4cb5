//! What an ICMP error says, in the words of neither version of IP nor of any system.

/// What an ICMP error says of the packet that it quotes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Said {
    /// Its TTL or hop limit ran out on the way.
    Exceeded,
    /// It arrived at a port where nobody listens.
    NoPort,
    /// It was too long for the next link, which takes this many bytes, IP header included; 0 where that is not told.
    TooBig(u32),
    /// It cannot be delivered, or must not be.
    Unreachable,
    /// Something that ends no path.
    Other,
}

#[cfg(unix)]
impl Said {
    /// Reads type and code of ICMP, and what comes beside them.
    pub(crate) const fn v4(kind: u8, code: u8, info: u32) -> Self {
        match (kind, code) {
            (11, 0) => Self::Exceeded,
            (3, 3) => Self::NoPort,
            (3, 4) => Self::TooBig(info),
            (3, _) => Self::Unreachable,
            _ => Self::Other,
        }
    }

    /// Reads type and code of `ICMPv6`, and what comes beside them.
    pub(crate) const fn v6(kind: u8, code: u8, info: u32) -> Self {
        match (kind, code) {
            (3, 0) => Self::Exceeded,
            (1, 4) => Self::NoPort,
            (2, 0) => Self::TooBig(info),
            (1, _) => Self::Unreachable,
            _ => Self::Other,
        }
    }
}

#[cfg(windows)]
impl Said {
    /// Reads a status of the ICMP API, whose numbers mean the same in both versions; `None` where it is no ICMP error.
    pub(crate) const fn status(status: u32) -> Option<Self> {
        match status {
            // IP_TTL_EXPIRED_TRANSIT, IP_TIME_EXCEEDED
            11_013 | 11_041 => Some(Self::Exceeded),
            // IP_DEST_PORT_UNREACHABLE
            11_005 => Some(Self::NoPort),
            // IP_PACKET_TOO_BIG, which does not tell for what
            11_009 => Some(Self::TooBig(0)),
            // IP_DEST_NET_, _HOST_ and _PROT_UNREACHABLE, IP_DEST_UNREACHABLE, IP_DEST_SCOPE_MISMATCH
            11_002..=11_004 | 11_040 | 11_045 => Some(Self::Unreachable),
            // IP_TTL_EXPIRED_REASSEM, IP_PARAM_PROBLEM, IP_SOURCE_QUENCH, IP_BAD_HEADER, IP_UNRECOGNIZED_NEXT_HEADER,
            // IP_ICMP_ERROR
            11_014..=11_016 | 11_042..=11_044 => Some(Self::Other),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn what_errors_say_is_told_apart() {
        let cases = [
            ((11, 0), Said::Exceeded, (3, 0), Said::Exceeded),
            ((11, 1), Said::Other, (3, 1), Said::Other),
            ((3, 3), Said::NoPort, (1, 4), Said::NoPort),
            ((3, 4), Said::TooBig(1_400), (2, 0), Said::TooBig(1_400)),
            ((3, 1), Said::Unreachable, (1, 0), Said::Unreachable),
            ((3, 13), Said::Unreachable, (1, 3), Said::Unreachable),
            ((5, 0), Said::Other, (4, 1), Said::Other),
        ];
        for ((kind, code), v4, (kind6, code6), v6) in cases {
            assert_eq!((Said::v4(kind, code, 1_400), Said::v6(kind6, code6, 1_400)), (v4, v6));
        }
    }

    #[cfg(windows)]
    #[test]
    fn what_errors_say_is_told_from_timeouts() {
        let cases = [
            (0, None),
            (11_010, None),
            (11_050, None),
            (11_013, Some(Said::Exceeded)),
            (11_003, Some(Said::Unreachable)),
            (11_005, Some(Said::NoPort)),
            (11_009, Some(Said::TooBig(0))),
            (11_016, Some(Said::Other)),
        ];
        for (status, expected) in cases {
            assert_eq!(Said::status(status), expected, "{status}");
        }
    }
}
