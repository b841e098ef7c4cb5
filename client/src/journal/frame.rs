//! The journal's records as bytes. Pure.
//!
//! A record is its length, a checksum and a kind, then protobuf of the wire's own messages. A record that is cut
//! short or damaged ends the file: nothing behind it can be trusted.

use cnc_model::message::{Batch, ClientMessage, ListenerMessage};
use cnc_model::{Item, Sequence, TestId};
use cnc_proto::v1;
use prost::Message as _;

/// How every journal begins: a file that does not is none, or is of a version that this program does not read.
pub(super) const MAGIC: &[u8; 8] = b"cncjrnl1";
/// Length, checksum and kind.
pub(super) const HEAD_BYTES: usize = 9;
/// The longest record: 64 items with the largest summaries are a tenth of it. A longer one is damage.
const MAX_BODY_BYTES: usize = 8 << 20;

const ITEMS: u8 = 1;
const THROUGH: u8 = 2;
const RUNNING: u8 = 3;

/// One record.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Record {
    /// Items, as they were made.
    Items(Batch),
    /// The listener has everything up to here. It may lie beyond the last item.
    Through(Sequence),
    /// Tests that ran when earlier records were trimmed away.
    Running(Vec<TestId>),
}

/// Writes a record.
pub(super) fn encode(record: Record) -> Vec<u8> {
    let (kind, body) = match record {
        Record::Items(batch) => (ITEMS, v1::ClientMessage::from(ClientMessage::Batch(batch)).encode_to_vec()),
        Record::Through(through) => {
            (THROUGH, v1::ListenerMessage::from(ListenerMessage::Acknowledge(through)).encode_to_vec())
        }
        Record::Running(tests) => {
            let at = std::time::Duration::ZERO;
            let items = tests.into_iter().map(|test| Item::TestStarted { test, at }).collect();
            let batch = Batch { first: Sequence::new(1), items };
            (RUNNING, v1::ClientMessage::from(ClientMessage::Batch(batch)).encode_to_vec())
        }
    };
    let length = u32::try_from(body.len()).expect("64 items are far below 4 GB");
    let mut bytes = Vec::with_capacity(HEAD_BYTES + body.len());
    bytes.extend(length.to_le_bytes());
    bytes.extend(checksum(kind, &body).to_le_bytes());
    bytes.push(kind);
    bytes.extend(body);
    bytes
}

/// Reads the record that the bytes begin with, and says how many it took; `None` where there is no whole and sound one.
pub(super) fn decode(bytes: &[u8]) -> Option<(Record, usize)> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    let (sum, rest) = rest.split_first_chunk::<4>()?;
    let (&kind, rest) = rest.split_first()?;
    let length = usize::try_from(u32::from_le_bytes(*length)).ok().filter(|&length| length <= MAX_BODY_BYTES)?;
    let body = rest.get(..length)?;
    if checksum(kind, body) != u32::from_le_bytes(*sum) {
        return None;
    }
    let record = match kind {
        ITEMS => Record::Items(batch(body)?),
        THROUGH => match ListenerMessage::try_from(v1::ListenerMessage::decode(body).ok()?).ok()? {
            ListenerMessage::Acknowledge(through) => Record::Through(through),
            ListenerMessage::Welcome(_) | ListenerMessage::Instruction(_) | ListenerMessage::Goodbye { .. } => {
                return None;
            }
        },
        RUNNING => Record::Running(batch(body)?.items.iter().filter_map(started).collect()),
        _ => return None,
    };
    Some((record, HEAD_BYTES + length))
}

fn batch(body: &[u8]) -> Option<Batch> {
    match ClientMessage::try_from(v1::ClientMessage::decode(body).ok()?).ok()? {
        ClientMessage::Batch(batch) => Some(batch),
        ClientMessage::Hello(_) => None,
    }
}

fn started(item: &Item) -> Option<TestId> {
    match item {
        Item::TestStarted { test, .. } => Some(*test),
        Item::Consent { .. }
        | Item::OwnTest { .. }
        | Item::Sample { .. }
        | Item::TestEnded { .. }
        | Item::Goodbye { .. }
        | Item::Unknown => None,
    }
}

/// CRC-32 as in Ethernet and zip: finds every burst of damage up to 32 bits.
fn checksum(kind: u8, body: &[u8]) -> u32 {
    const TABLE: [u32; 256] = table();
    let step = |sum: u32, byte: &u8| TABLE[usize::from(sum.to_le_bytes()[0] ^ byte)] ^ (sum >> 8);
    !body.iter().fold(step(u32::MAX, &kind), step)
}

const fn table() -> [u32; 256] {
    let mut table = [0; 256];
    let (mut at, mut sum) = (0, 0_u32);
    while at < 256 {
        let mut bit = 0;
        while bit < 8 {
            sum = if sum & 1 == 1 { (sum >> 1) ^ 0xEDB8_8320 } else { sum >> 1 };
            bit += 1;
        }
        table[at] = sum;
        at += 1;
        #[expect(clippy::cast_possible_truncation, reason = "a table of 256")]
        {
            sum = at as u32;
        }
    }
    table
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn records() -> [Record; 3] {
        let item = |n| Item::TestStarted { test: TestId::try_from(n).expect("not 0"), at: std::time::Duration::ZERO };
        [
            Record::Items(Batch { first: Sequence::new(7), items: (1..=64).map(item).collect() }),
            Record::Through(Sequence::new(70)),
            Record::Running(vec![TestId::FIRST]),
        ]
    }

    #[test]
    fn the_checksum_is_the_well_known_one() {
        assert_eq!(checksum(b'1', b"23456789"), 0xCBF4_3926);
    }

    #[test]
    fn records_read_back() {
        for record in records() {
            let bytes = encode(record.clone());
            assert_eq!(decode(&bytes), Some((record, bytes.len())));
        }
    }

    proptest! {
        /// A record that is cut short or has a changed bit is none, and nothing panics.
        #[test]
        fn damage_is_found(which in 0_usize..3, at in any::<prop::sample::Index>(), bit in 0_u8..8, cut: bool) {
            let mut bytes = encode(records()[which].clone());
            let at = at.index(bytes.len());
            if cut {
                bytes.truncate(at);
            } else {
                bytes[at] ^= 1 << bit;
            }
            prop_assert_eq!(decode(&bytes), None);
        }

        #[test]
        fn noise_is_no_record(noise: Vec<u8>) {
            prop_assert_eq!(decode(&noise), None);
        }
    }
}
