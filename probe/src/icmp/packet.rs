//! Echo requests and replies as bytes, and what makes a reply this ping's own.

use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;

/// The header of an echo request or reply.
pub(crate) const HEADER_BYTES: usize = 8;

/// The bytes at the head of the payload that tell this ping's replies from another program's with the same
/// identifier: a number drawn for the ping, and the probe's.
pub(crate) const TOKEN_BYTES: usize = 8;

/// The type of an IPv4 reply.
pub(crate) const V4_REPLY: u8 = 0;
/// The type of an IPv6 reply.
pub(crate) const V6_REPLY: u8 = 129;
/// The type of an IPv4 request.
pub(crate) const V4_REQUEST: u8 = 8;
/// The type of an IPv6 request.
pub(crate) const V6_REQUEST: u8 = 128;

/// The echo requests of one ping.
#[derive(Debug)]
pub(crate) struct Echo {
    target: IpAddr,
    identifier: [u8; 2],
    drawn: [u8; 4],
    packet: Vec<u8>,
    /// Whether the payload keeps the checksum the same.
    is_level: bool,
}

impl Echo {
    pub(crate) fn new(target: IpAddr, identifier: u16, payload_bytes: u16) -> Self {
        let kind = if target.is_ipv4() { V4_REQUEST } else { V6_REQUEST };
        let identifier = identifier.to_be_bytes();
        let mut packet = vec![kind, 0, 0, 0, identifier[0], identifier[1], 0, 0];
        packet.extend((0..=u8::MAX).cycle().take(payload_bytes.into()));
        // Nothing secret depends on it; it differs between any two pings.
        let drawn = RandomState::new().hash_one(std::process::id()).to_be_bytes();
        Self { target, identifier, drawn: [drawn[0], drawn[1], drawn[2], drawn[3]], packet, is_level: false }
    }

    /// Echo requests that all have one checksum, so that routers that split by it take them for one flow.
    pub(crate) fn of_one_flow(target: IpAddr, identifier: u16, payload_bytes: u16) -> Self {
        Self { is_level: true, ..Self::new(target, identifier, payload_bytes) }
    }

    /// Has the next requests bear another identifier.
    pub(crate) fn identify(&mut self, identifier: u16) {
        self.identifier = identifier.to_be_bytes();
        self.packet[4..6].copy_from_slice(&self.identifier);
    }

    const fn reply_type(&self) -> u8 {
        if self.target.is_ipv4() { V4_REPLY } else { V6_REPLY }
    }

    /// Makes the `seq`-th request.
    pub(crate) fn prepare(&mut self, seq: u32) {
        let [_, _, high, low] = seq.to_be_bytes();
        self.packet[6..HEADER_BYTES].copy_from_slice(&[high, low]);
        let token = self.token(seq);
        for (byte, token) in self.packet[HEADER_BYTES..].iter_mut().zip(token) {
            *byte = token;
        }
        if self.is_level {
            // The number stands in the header and in the token: its complements make up for it.
            let levelling = [!high, !low, !token[4], !token[5], !token[6], !token[7]];
            for (byte, level) in self.packet[HEADER_BYTES..].iter_mut().skip(TOKEN_BYTES).zip(levelling) {
                *byte = level;
            }
        }
        if self.target.is_ipv4() {
            self.packet[2..4].fill(0);
            let sum = checksum(&self.packet);
            self.packet[2..4].copy_from_slice(&sum.to_be_bytes());
        }
    }

    /// Gives the request that was made last.
    pub(crate) fn request(&self) -> &[u8] {
        &self.packet
    }

    /// Gives the low half of the number of a reply that bears this ping's identifier.
    pub(crate) fn reply(&self, message: &[u8]) -> Option<u16> {
        self.number(message, self.reply_type())
    }

    /// Gives the low half of the number of a request that an ICMP error quotes.
    pub(crate) fn quoted(&self, message: &[u8]) -> Option<u16> {
        self.number(message, self.packet[0])
    }

    /// Says whether a message is the reply to the `seq`-th request: it brings back what that carried or, where that
    /// had no room for a whole token, comes from where it was sent. Some hosts cut long payloads, so only the head is
    /// looked at.
    pub(crate) fn is_reply_to(&self, seq: u32, message: &[u8], from: IpAddr) -> bool {
        let room = self.token_room();
        (room == TOKEN_BYTES || from == self.target)
            && message.get(HEADER_BYTES..HEADER_BYTES + room) == Some(&self.token(seq)[..room])
    }

    /// Says whether an ICMP error can be about the `seq`-th request: routers need not quote the payload.
    pub(crate) fn is_quote_of(&self, seq: u32, message: &[u8]) -> bool {
        let payload = message.iter().skip(HEADER_BYTES).take(self.token_room());
        payload.zip(self.token(seq)).all(|(quoted, token)| *quoted == token)
    }

    fn token_room(&self) -> usize {
        (self.packet.len() - HEADER_BYTES).min(TOKEN_BYTES)
    }

    fn number(&self, message: &[u8], kind: u8) -> Option<u16> {
        match message {
            &[first, 0, _, _, i, j, high, low, ..] if first == kind && [i, j] == self.identifier => {
                Some(u16::from_be_bytes([high, low]))
            }
            _ => None,
        }
    }

    fn token(&self, seq: u32) -> [u8; TOKEN_BYTES] {
        let mut token = [0; TOKEN_BYTES];
        let (drawn, number) = token.split_at_mut(self.drawn.len());
        drawn.copy_from_slice(&self.drawn);
        number.copy_from_slice(&seq.to_be_bytes());
        token
    }
}

/// Cuts the header off a packet as IPv4 raw sockets give it.
pub(crate) fn without_ip_header(packet: &[u8]) -> &[u8] {
    let words = packet.first().map_or(0, |first| usize::from(first & 0xf));
    packet.get(words * 4..).unwrap_or_default()
}

/// The Internet checksum (RFC 1071).
pub(crate) fn checksum(bytes: &[u8]) -> u16 {
    let (words, rest) = bytes.as_chunks::<2>();
    let last = rest.first().map_or(0, |last| u32::from(*last) << 8);
    // At most 32 thousand words: no overflow.
    let mut sum = words.iter().map(|word| u32::from(u16::from_be_bytes(*word))).sum::<u32>() + last;
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !u16::try_from(sum).expect("folded to 16 bits")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_checksum_is_that_of_the_rfc() {
        assert_eq!(checksum(&[0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]), !0xddf2);
        assert_eq!(checksum(&[0x08, 0x00, 0x00, 0x00, 0x12]), !0x1a00);
    }

    fn address(is_v4: bool) -> IpAddr {
        if is_v4 { IpAddr::from([192, 0, 2, 1]) } else { IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, 1]) }
    }

    proptest! {
        #[test]
        fn a_reply_is_that_of_its_request_only(
            is_v4: bool, identifier: u16, bytes in 0_u16..100, seq: u32, other: u32,
        ) {
            let (target, elsewhere) = (address(is_v4), IpAddr::from([192, 0, 2, 9]));
            let mut echo = Echo::new(target, identifier, bytes);
            echo.prepare(seq);
            let request = echo.request().to_vec();
            let low = u16::try_from(seq & 0xffff).unwrap();
            prop_assert_eq!(request.len(), HEADER_BYTES + usize::from(bytes));
            prop_assert!(!is_v4 || checksum(&request) == 0);
            prop_assert_eq!((echo.quoted(&request), echo.reply(&request)), (Some(low), None));
            prop_assert!(echo.is_quote_of(seq, &request) && echo.is_quote_of(seq, &request[..HEADER_BYTES]));
            let mut reply = request.clone();
            reply[0] = echo.reply_type();
            prop_assert_eq!(echo.reply(&reply), Some(low));
            prop_assert!(echo.is_reply_to(seq, &reply, target));
            prop_assert_eq!(echo.is_reply_to(seq, &reply, elsewhere), bytes >= 8);
            if bytes >= 8 {
                prop_assert_eq!(echo.is_reply_to(other, &reply, target), other == seq);
                prop_assert!(!echo.is_reply_to(seq, &reply[..15], target));
                prop_assert!(!Echo::new(target, identifier, bytes).is_reply_to(seq, &reply, target));
            }
        }

        #[test]
        fn requests_of_one_flow_have_one_checksum(identifier: u16, first: u32, second: u32) {
            let mut echo = Echo::of_one_flow(address(true), identifier, 32);
            let mut sum = |seq| {
                echo.prepare(seq);
                (checksum(echo.request()), echo.request()[2..4].to_vec())
            };
            prop_assert_eq!(sum(first), sum(second));
        }

        #[test]
        fn any_bytes_are_taken(is_v4: bool, bytes in prop::collection::vec(any::<u8>(), 0..80), seq: u32) {
            let echo = Echo::new(address(is_v4), 7, 56);
            let message = without_ip_header(&bytes);
            echo.reply(message);
            echo.quoted(&bytes);
            echo.is_reply_to(seq, message, address(is_v4));
            echo.is_quote_of(seq, &bytes);
        }
    }
}
