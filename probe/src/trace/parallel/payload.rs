//! What a UDP probe carries: a token of the trace and the probe's number, and what keeps the checksum the same, so that
//! all probes are one flow to whoever looks at it (as Paris traceroute does). Pure but for the drawing of the token.

use std::hash::{BuildHasher, RandomState};

/// Token, number, its complement, and a few bytes more, as is usual.
const BYTES: usize = 24;
/// Where the number is.
const NUMBER: usize = 4;

/// The payloads of one trace.
#[derive(Debug, Clone, Copy)]
pub(super) struct Payload {
    token: [u8; NUMBER],
}

impl Payload {
    pub(super) fn new() -> Self {
        // Nothing secret depends on it; it differs between any two traces.
        let [a, b, c, d, ..] = RandomState::new().hash_one(std::process::id()).to_be_bytes();
        Self { token: [a, b, c, d] }
    }

    /// Gives the payload of a probe.
    pub(super) fn of(self, number: u16) -> [u8; BYTES] {
        let mut bytes = [0; BYTES];
        bytes[..NUMBER].copy_from_slice(&self.token);
        bytes[NUMBER..NUMBER + 2].copy_from_slice(&number.to_be_bytes());
        bytes[NUMBER + 2..NUMBER + 4].copy_from_slice(&(!number).to_be_bytes());
        bytes
    }

    /// Gives the number of the probe whose payload this is, or the head of it.
    pub(super) fn number(self, bytes: &[u8]) -> Option<u16> {
        let (head, rest) = bytes.split_first_chunk::<NUMBER>()?;
        let number = u16::from_be_bytes(*rest.first_chunk()?);
        (*head == self.token).then_some(number)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::icmp::packet::checksum;

    proptest! {
        #[test]
        fn a_number_is_read_back_from_its_own_trace_only_and_the_checksum_stays(number: u16, other: u16, cut in 6_usize..24) {
            let payload = Payload::new();
            let bytes = payload.of(number);
            prop_assert_eq!(payload.number(&bytes[..cut]), Some(number));
            prop_assert_eq!(payload.number(&bytes[..5]), None);
            prop_assert_eq!(checksum(&bytes), checksum(&payload.of(other)));
            let mut foreign = bytes;
            foreign[0] ^= 1;
            prop_assert_eq!(payload.number(&foreign), None);
        }

        #[test]
        fn any_bytes_are_taken(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            Payload::new().number(&bytes);
        }
    }
}
