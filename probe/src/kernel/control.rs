//! What the kernel says beside a packet: control messages, read from bytes by hand and never trusted in length.

use std::ffi::c_int;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{Said, Wall};

/// Enough for the stamps, the TTL and an ICMP error with its sender, which take 152 bytes together.
pub(crate) const CONTROL_BYTES: usize = 256;

/// What the control messages of one packet say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Control {
    /// When the packet arrived; of the error queue: when the packet was handed to the network.
    pub(crate) stamp: Option<Wall>,
    /// Its remaining TTL or hop limit.
    pub(crate) ttl: Option<u8>,
    /// The address of this machine that it came to.
    pub(crate) local: Option<IpAddr>,
    /// Why it is in the error queue.
    pub(crate) cause: Option<Cause>,
}

/// Why something is in the error queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    /// A packet was sent, and this is its stamp.
    Sent,
    /// An ICMP error came.
    Icmp {
        /// Who sent it, where told.
        from: Option<IpAddr>,
        /// What it says.
        said: Said,
    },
    /// It was longer than the interface takes in one piece, which is this many bytes, IP header included.
    TooLong(u32),
    /// Something else of this machine's own.
    Local,
}

impl Control {
    pub(crate) fn parse(bytes: &[u8]) -> Self {
        let mut control = Self::default();
        for (level, kind, data) in (Messages { rest: bytes }) {
            match (level, kind) {
                (libc::SOL_SOCKET, libc::SCM_TIMESTAMPING) => control.stamp = stamp(data),
                (libc::IPPROTO_IP, libc::IP_TTL) | (libc::IPPROTO_IPV6, libc::IPV6_HOPLIMIT) => {
                    control.ttl = int(data).and_then(|ttl| u8::try_from(ttl).ok());
                }
                // Behind the interface's number; the packet's own destination may be a broadcast.
                (libc::IPPROTO_IP, libc::IP_PKTINFO) => {
                    control.local =
                        data.get(4..).and_then(<[u8]>::first_chunk::<4>).map(|v4| Ipv4Addr::from(*v4).into());
                }
                (libc::IPPROTO_IPV6, libc::IPV6_PKTINFO) => {
                    control.local = data.first_chunk::<16>().map(|v6| Ipv6Addr::from(*v6).into());
                }
                (libc::IPPROTO_IP, libc::IP_RECVERR) | (libc::IPPROTO_IPV6, libc::IPV6_RECVERR) => {
                    control.cause = cause(data);
                }
                _ => {}
            }
        }
        control
    }
}

/// Writes the control message by which a datagram leaves from an address of this machine.
pub(crate) fn leaving_from(local: IpAddr) -> Vec<u8> {
    // The interface is left to the routes.
    const ANY: [u8; 4] = [0; 4];
    match local {
        IpAddr::V4(v4) => {
            message(libc::IPPROTO_IP, libc::IP_PKTINFO, &[ANY, v4.octets(), Ipv4Addr::UNSPECIFIED.octets()].concat())
        }
        IpAddr::V6(v6) => message(libc::IPPROTO_IPV6, libc::IPV6_PKTINFO, &[&v6.octets()[..], &ANY].concat()),
    }
}

/// Writes a control message.
fn message(level: c_int, kind: c_int, data: &[u8]) -> Vec<u8> {
    let mut bytes = (HEADER + data.len()).to_ne_bytes().to_vec();
    bytes.extend([level.to_ne_bytes(), kind.to_ne_bytes()].concat());
    bytes.extend(data);
    bytes.resize(bytes.len().next_multiple_of(WORD), 0);
    bytes
}

/// Walks over control messages: level, type and content.
struct Messages<'a> {
    rest: &'a [u8],
}

/// The header's length field, and what every part is aligned to.
const WORD: usize = size_of::<usize>();
const HEADER: usize = WORD + 2 * size_of::<c_int>();

impl<'a> Iterator for Messages<'a> {
    type Item = (c_int, c_int, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (length, after) = self.rest.split_first_chunk()?;
        let length = usize::from_ne_bytes(*length);
        let (level, kind) = (int(after)?, int(after.get(4..)?)?);
        let data = self.rest.get(HEADER.next_multiple_of(WORD)..length)?;
        self.rest = self.rest.get(length.checked_next_multiple_of(WORD)?..).unwrap_or_default();
        Some((level, kind, data))
    }
}

/// Reads the first of three times, which is the software's; it is zero when there is none.
fn stamp(data: &[u8]) -> Option<Wall> {
    let (seconds, nanos) = if data.len() < 48 {
        (int(data)?.into(), int(data.get(4..)?)?.into())
    } else {
        (i64::from_ne_bytes(*data.first_chunk()?), i64::from_ne_bytes(*data.get(8..)?.first_chunk()?))
    };
    (seconds != 0).then(|| Wall::new(seconds, nanos))
}

/// Reads a `sock_extended_err` and the sender's address behind it.
fn cause(data: &[u8]) -> Option<Cause> {
    const ORIGIN: usize = 4;
    const INFO: usize = 8;
    const OFFENDER: usize = 16;
    let &[origin, kind, code] = data.get(ORIGIN..)?.first_chunk()?;
    let from = || data.get(OFFENDER..).and_then(address);
    let info = data.get(INFO..).and_then(int).map_or(0, c_int::cast_unsigned);
    Some(match origin {
        libc::SO_EE_ORIGIN_TIMESTAMPING => Cause::Sent,
        libc::SO_EE_ORIGIN_ICMP => Cause::Icmp { from: from(), said: Said::v4(kind, code, info) },
        libc::SO_EE_ORIGIN_ICMP6 => Cause::Icmp { from: from(), said: Said::v6(kind, code, info) },
        libc::SO_EE_ORIGIN_LOCAL if int(data) == Some(libc::EMSGSIZE) => Cause::TooLong(info),
        _ => Cause::Local,
    })
}

/// Reads a `sockaddr_in` or `sockaddr_in6`.
fn address(data: &[u8]) -> Option<IpAddr> {
    match c_int::from(u16::from_ne_bytes(*data.first_chunk()?)) {
        libc::AF_INET => Some(Ipv4Addr::from(*data.get(4..)?.first_chunk::<4>()?).into()),
        libc::AF_INET6 => Some(Ipv6Addr::from(*data.get(8..)?.first_chunk::<16>()?).into()),
        _ => None,
    }
}

fn int(data: &[u8]) -> Option<c_int> {
    data.first_chunk().map(|bytes| c_int::from_ne_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn stamps_ttls_and_errors_are_read() {
        let times: Vec<u8> = [5_i64, 7, 0, 0, 0, 0].iter().flat_map(|n| n.to_ne_bytes()).collect();
        let stamps = message(libc::SOL_SOCKET, libc::SCM_TIMESTAMPING, &times);
        let ttl = message(libc::IPPROTO_IP, libc::IP_TTL, &64_i32.to_ne_bytes());
        let mut error = [0; 32];
        error[4..7].copy_from_slice(&[libc::SO_EE_ORIGIN_ICMP, 11, 0]);
        error[16..18].copy_from_slice(&2_u16.to_ne_bytes());
        error[20..24].copy_from_slice(&[192, 0, 2, 1]);
        let error = message(libc::IPPROTO_IP, libc::IP_RECVERR, &error);
        let control = Control::parse(&[stamps, ttl, error].concat());
        assert_eq!((control.stamp, control.ttl), (Some(Wall::new(5, 7)), Some(64)));
        assert_eq!(control.cause, Some(Cause::Icmp { from: Some(IpAddr::from([192, 0, 2, 1])), said: Said::Exceeded }));
    }

    #[test]
    fn the_address_that_was_asked_is_that_of_the_answer() {
        for address in ["192.0.2.1", "2001:db8::1", "::ffff:192.0.2.1"] {
            let local = Some(address.parse().expect("an address"));
            assert_eq!(local.map(leaving_from).map(|message| Control::parse(&message).local), Some(local));
        }
    }

    #[test]
    fn no_stamp_is_not_1970() {
        let none = message(libc::SOL_SOCKET, libc::SCM_TIMESTAMPING, &[0; 48]);
        assert_eq!(Control::parse(&none), Control::default());
    }

    proptest! {
        #[test]
        fn any_bytes_are_taken(bytes in prop::collection::vec(any::<u8>(), 0..300), length in 0_usize..300) {
            Control::parse(&bytes);
            let mut led = length.to_ne_bytes().to_vec();
            led.extend(bytes);
            Control::parse(&led);
        }
    }
}
