//! Small changes to sound input: they get further in than noise does.

use crate::random::Random;

/// Values at the edges of what bytes can mean.
const EDGES: [&[u8]; 8] = [
    &[0],
    &[0x7f],
    &[0x80],
    &[0xff],
    &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
    &[0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01],
    &[0, 0, 0, 0, 0, 0, 0xf8, 0x7f],
    &[0, 0, 0, 0, 0, 0, 0xf0, 0xff],
];

/// The longest input that changes may lead to: longer ones find nothing that shorter ones do not.
const MAX_BYTES: usize = 1 << 14;

/// Changes bytes a few times; `other` lends pieces.
pub(super) fn bytes(random: &mut Random, mut bytes: Vec<u8>, other: &[u8]) -> Vec<u8> {
    for _ in 0..=random.below(6) {
        let at = random.place(bytes.len() + 1);
        match random.below(8) {
            0 if at < bytes.len() => bytes[at] ^= 1 << random.below(8),
            1 if at < bytes.len() => bytes[at] = random.bits().to_le_bytes()[0],
            2 => bytes.truncate(at),
            3 => {
                let end = (at + 1 + random.place(16)).min(bytes.len());
                bytes.drain(at..end);
            }
            4 => drop(bytes.splice(at..at, random.pick(&EDGES).iter().copied())),
            5 => {
                let from = random.place(other.len() + 1);
                let piece = other[from..(from + random.place(64)).min(other.len())].to_vec();
                drop(bytes.splice(at..at, piece));
            }
            6 => {
                let piece = bytes[at..(at + random.place(64)).min(bytes.len())].to_vec();
                for _ in 0..random.below(8) {
                    drop(bytes.splice(at..at, piece.iter().copied()));
                }
            }
            _ => {
                let end = (at + random.pick(&EDGES).len()).min(bytes.len());
                drop(bytes.splice(at..end, random.pick(&EDGES).iter().copied()));
            }
        }
        bytes.truncate(MAX_BYTES);
    }
    bytes
}

/// Changes one line of a corpus, with pieces of another.
pub(super) fn line(random: &mut Random, corpus: &[&str]) -> String {
    let (line, other) = (*random.pick(corpus), *random.pick(corpus));
    if random.once_in(20) {
        return line.to_owned();
    }
    String::from_utf8_lossy(&bytes(random, line.as_bytes().to_vec(), other.as_bytes())).into_owned()
}
