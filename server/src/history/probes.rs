//! Which of a ping's probes were counted, so that none is counted twice however its samples are spread over time.
//!
//! Numbers come almost in order, so what is known of them is a few ranges: twenty bytes for a test of any length
//! without loss, three more for each gap.

use super::tally::{Unreadable, read, write};

/// What is known of a test's probes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Probes {
    sent: Ranges,
    replied: Ranges,
    /// Those that could not be sent. A reply that comes nevertheless shows that it was.
    unsent: Ranges,
}

/// What a sample adds to what is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct News {
    /// Whether its probe was not known as sent before.
    pub(crate) is_sent: bool,
    /// Whether its probe had no reply before.
    pub(crate) is_received: bool,
}

impl Probes {
    /// Takes in a reply in time.
    pub(crate) fn reply(&mut self, number: u32) -> News {
        let is_received = self.replied.insert(number);
        News { is_sent: is_received && self.sent.insert(number), is_received }
    }

    /// Takes in that there was no reply, or an error.
    pub(crate) fn lost(&mut self, number: u32) -> News {
        let is_sent = !self.unsent.contains(number) && self.sent.insert(number);
        News { is_sent, is_received: false }
    }

    /// Takes in that it could not be sent.
    pub(crate) fn not_sent(&mut self, number: u32) -> News {
        if !self.sent.contains(number) {
            self.unsent.insert(number);
        }
        News::default()
    }

    /// Writes it as a column's bytes.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![];
        for ranges in [&self.sent, &self.replied, &self.unsent] {
            ranges.write(&mut bytes);
        }
        bytes
    }

    /// Reads a column's bytes.
    pub(crate) fn decode(mut bytes: &[u8]) -> Result<Self, Unreadable> {
        let bytes = &mut bytes;
        Ok(Self { sent: Ranges::read(bytes)?, replied: Ranges::read(bytes)?, unsent: Ranges::read(bytes)? })
    }
}

/// Numbers as ranges from one to before another, in order and apart from each other.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Ranges(Vec<(u64, u64)>);

impl Ranges {
    /// Gives the place of the last range that begins at or before a number, counted from 1; 0 where there is none.
    fn place(&self, number: u64) -> usize {
        match self.0.last() {
            Some(&(from, _)) if from <= number => self.0.len(),
            _ => self.0.partition_point(|&(from, _)| from <= number),
        }
    }

    fn contains(&self, number: u32) -> bool {
        let number = u64::from(number);
        self.place(number).checked_sub(1).is_some_and(|at| number < self.0[at].1)
    }

    /// Adds a number; tells whether it was not there.
    fn insert(&mut self, number: u32) -> bool {
        let number = u64::from(number);
        let place = self.place(number);
        let before = place.checked_sub(1);
        if before.is_some_and(|at| number < self.0[at].1) {
            return false;
        }
        let joins_before = before.filter(|&at| self.0[at].1 == number);
        let joins_after = self.0.get(place).is_some_and(|&(from, _)| from == number + 1);
        match (joins_before, joins_after) {
            (Some(at), true) => {
                self.0[at].1 = self.0[place].1;
                self.0.remove(place);
            }
            (Some(at), false) => self.0[at].1 = number + 1,
            (None, true) => self.0[place].0 = number,
            (None, false) => self.0.insert(place, (number, number + 1)),
        }
        true
    }

    fn write(&self, bytes: &mut Vec<u8>) {
        write(bytes, self.0.len() as u64);
        let mut before = 0;
        for &(from, until) in &self.0 {
            write(bytes, from - before);
            write(bytes, until - from);
            before = until;
        }
    }

    fn read(bytes: &mut &[u8]) -> Result<Self, Unreadable> {
        let ranges = read(bytes)?;
        let mut read_back = Self::default();
        let mut before = 0_u64;
        for _ in 0..ranges {
            let from = before.checked_add(read(bytes)?).ok_or(Unreadable)?;
            let until = from.checked_add(read(bytes)?).filter(|&until| until > from).ok_or(Unreadable)?;
            read_back.0.push((from, until));
            before = until;
        }
        Ok(read_back)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn ranges_are_a_set(numbers in prop::collection::vec(prop_oneof![0..40_u32, any::<u32>()], 0..120)) {
            let (mut ranges, mut set) = (Ranges::default(), BTreeSet::new());
            for number in numbers {
                prop_assert_eq!(ranges.contains(number), set.contains(&number));
                prop_assert_eq!(ranges.insert(number), set.insert(number));
                prop_assert!(ranges.0.is_sorted_by(|a, b| a.1 < b.0), "apart: {:?}", ranges);
            }
            let probes = Probes { sent: ranges.clone(), replied: Ranges::default(), unsent: ranges };
            prop_assert_eq!(Probes::decode(&probes.encode()), Ok(probes));
        }

        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            Probes::decode(&bytes).map(|_| ()).unwrap_or_default();
        }
    }

    #[test]
    fn a_long_test_is_a_few_bytes() {
        let mut probes = Probes::default();
        for number in 0..1_000_000 {
            probes.reply(number);
        }
        assert!(probes.encode().len() < 20);
    }
}
