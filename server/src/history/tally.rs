//! Tallies: counts and values that can be added to each other and taken away again, and how they lie in a column.
//!
//! Values are kept as the classes of an HDR histogram with three significant digits, by each class's least value, and
//! only those that occur: an hour of one destination has some hundred, not the twenty thousand that there are.

use std::sync::OnceLock;

use hdrhistogram::Histogram;

/// The histogram's significant digits.
const DIGITS: u8 = 3;
/// The greatest value that is told apart from still greater ones: 11 days in microseconds, a terabit a second.
const GREATEST: u64 = 1_000_000_000_000;
/// The most times that a value can have occurred: so many that sums of them do not overflow.
const MOST_TIMES: u64 = 1 << 53;

/// Counts and values. A tally that is to be taken away from another has them negative.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Tally {
    /// Probes sent, or tests.
    pub(crate) count: i64,
    /// Probes with a reply in time, or tests.
    pub(crate) received: i64,
    /// The values.
    pub(crate) values: Values,
}

impl Tally {
    /// Adds another.
    pub(crate) fn add(&mut self, other: &Self) {
        self.count += other.count;
        self.received += other.received;
        self.values.add(&other.values);
    }

    /// Gives what takes this away when it is added.
    pub(crate) fn negated(&self) -> Self {
        let values = self.values.0.iter().map(|&(value, times)| (value, -times)).collect();
        Self { count: -self.count, received: -self.received, values: Values(values) }
    }

    /// Tells whether nothing is left.
    pub(crate) const fn is_empty(&self) -> bool {
        self.count == 0 && self.received == 0 && self.values.0.is_empty()
    }
}

/// Values by class: each class's least value and how often it occurred, in order, none of them 0 times.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Values(Vec<(u64, i64)>);

/// A column's bytes are not what [`Values::encode`] writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unreadable;

impl Values {
    /// Counts values in any order.
    pub(crate) fn of(mut values: Vec<u64>) -> Self {
        let classes = classes();
        for value in &mut values {
            *value = classes.lowest_equivalent((*value).min(GREATEST));
        }
        values.sort_unstable();
        let counted = values.chunk_by(PartialEq::eq).map(|same| (same[0], count(same.len())));
        Self(counted.collect())
    }

    /// Adds others.
    pub(crate) fn add(&mut self, others: &Self) {
        if others.0.is_empty() {
            return;
        }
        let mut merged = Vec::with_capacity(self.0.len() + others.0.len());
        let mut ours = self.0.iter().copied().peekable();
        for &(value, times) in &others.0 {
            while let Some(before) = ours.next_if(|&(ours, _)| ours < value) {
                merged.push(before);
            }
            let times = times + ours.next_if(|&(ours, _)| ours == value).map_or(0, |(_, times)| times);
            if times != 0 {
                merged.push((value, times));
            }
        }
        merged.extend(ours);
        self.0 = merged;
    }

    /// Gives percentiles as [`Spread::percentiles`] does, without spreading them out.
    pub(crate) fn percentiles<const N: usize>(&self, percents: [u8; N]) -> [Option<u64>; N] {
        let all = self.0.iter().map(|(_, times)| times.unsigned_abs()).sum();
        percentiles(all, self.0.iter().map(|&(value, times)| (value, times.unsigned_abs())), percents)
    }

    /// Writes them as a column's bytes: for each class the distance from the one before and how often, as LEB128.
    /// What is owed, which no sum should be, is left out.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.0.len() * 3);
        let mut before = 0;
        for &(value, times) in self.0.iter().filter(|(_, times)| *times > 0) {
            write(&mut bytes, value - before);
            write(&mut bytes, times.unsigned_abs());
            before = value;
        }
        bytes
    }

    /// Reads a column's bytes.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, Unreadable> {
        let mut values = Vec::with_capacity(bytes.len() / 2);
        each(bytes, |value, times| {
            values.push((value, times));
            Ok(())
        })?;
        Ok(Self(values))
    }
}

/// Reads a column's bytes class by class.
fn each(mut bytes: &[u8], mut take: impl FnMut(u64, i64) -> Result<(), Unreadable>) -> Result<(), Unreadable> {
    let mut before = None::<u64>;
    while !bytes.is_empty() {
        let value = before.unwrap_or(0).checked_add(read(&mut bytes)?).ok_or(Unreadable)?;
        let times = read(&mut bytes)?;
        if value > GREATEST || before.is_some_and(|before| value <= before) || times > MOST_TIMES {
            return Err(Unreadable);
        }
        take(value, i64::try_from(times).map_err(|_| Unreadable)?)?;
        before = Some(value);
    }
    Ok(())
}

/// Values of many tallies together, to take percentiles of.
#[derive(Debug)]
pub(crate) struct Spread(Histogram<u64>);

impl Spread {
    pub(crate) fn new() -> Self {
        Self(Histogram::new(DIGITS).expect("three digits are possible"))
    }

    /// Adds the values of a column's bytes.
    pub(crate) fn add_encoded(&mut self, bytes: &[u8]) -> Result<(), Unreadable> {
        each(bytes, |value, times| self.0.record_n(value, times.unsigned_abs()).map_err(|_| Unreadable))
    }

    /// Adds those of another.
    pub(crate) fn add(&mut self, other: &Self) {
        self.0.add(&other.0).expect("it grows by itself");
    }

    /// Forgets all.
    pub(crate) fn clear(&mut self) {
        self.0.reset();
    }

    /// Gives percentiles in rising order, by nearest rank, each as the middle of its class; `None` where there is no
    /// value.
    pub(crate) fn percentiles<const N: usize>(&self, percents: [u8; N]) -> [Option<u64>; N] {
        let recorded = self.0.iter_recorded().map(|class| (class.value_iterated_to(), class.count_at_value()));
        percentiles(self.0.len(), recorded, percents)
    }
}

/// Gives percentiles of so many values, which come by class in rising order.
fn percentiles<const N: usize>(
    all: u64,
    classes: impl Iterator<Item = (u64, u64)>,
    percents: [u8; N],
) -> [Option<u64>; N] {
    let rank = |percent: u8| (u128::from(all) * u128::from(percent)).div_ceil(100).max(1);
    let mut ranks = percents.map(rank).into_iter().peekable();
    let mut found = [None; N];
    let (mut seen, mut next) = (0_u128, 0);
    for (value, times) in classes {
        seen += u128::from(times);
        while ranks.next_if(|&rank| rank <= seen).is_some() {
            found[next] = Some(self::classes().median_equivalent(value));
            next += 1;
        }
    }
    found
}

/// Gives a histogram of which only the classes are asked.
fn classes() -> &'static Histogram<u8> {
    static CLASSES: OnceLock<Histogram<u8>> = OnceLock::new();
    CLASSES.get_or_init(|| Histogram::new(DIGITS).expect("three digits are possible"))
}

fn count(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

/// Writes a number as LEB128.
pub(super) fn write(bytes: &mut Vec<u8>, mut number: u64) {
    loop {
        let low = u8::try_from(number & 0x7f).expect("seven bits");
        number >>= 7;
        if number == 0 {
            bytes.push(low);
            return;
        }
        bytes.push(low | 0x80);
    }
}

/// Reads a number as LEB128.
pub(super) fn read(bytes: &mut &[u8]) -> Result<u64, Unreadable> {
    let mut number = 0_u64;
    for place in 0..10 {
        let (&byte, rest) = bytes.split_first().ok_or(Unreadable)?;
        *bytes = rest;
        let bits = u64::from(byte & 0x7f);
        if place == 9 && bits > 1 {
            return Err(Unreadable);
        }
        number |= bits << (place * 7);
        if byte & 0x80 == 0 {
            return Ok(number);
        }
    }
    Err(Unreadable)
}

#[cfg(test)]
mod tests {
    use cnc_model::stats::nearest_rank;
    use proptest::prelude::*;

    use super::*;
    use crate::history::ERROR_RATIO;

    fn spread(values: &Values) -> Spread {
        let mut spread = Spread::new();
        spread.add_encoded(&values.encode()).expect("just written");
        spread
    }

    #[test]
    fn nothing_has_no_percentile() {
        assert_eq!(spread(&Values::default()).percentiles([5, 50, 95]), [None; 3]);
        assert_eq!(spread(&Values::of(vec![7])).percentiles([5, 50, 95]), [Some(7); 3]);
    }

    #[test]
    fn damage_is_told() {
        for bytes in [&[0x80_u8][..], &[1], &[0xff; 11], &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 1]] {
            assert_eq!(Values::decode(bytes), Err(Unreadable), "{bytes:?}");
        }
    }

    fn value() -> impl Strategy<Value = u64> {
        prop_oneof![0..3_000_u64, 2_000..200_000_u64, 0..=GREATEST]
    }

    fn many() -> impl Strategy<Value = Vec<u64>> {
        prop::collection::vec(value(), 0..300)
    }

    proptest! {
        #[test]
        fn percentiles_are_within_the_stated_error(mut values in many()) {
            let kept = Values::of(values.clone());
            let found = spread(&kept).percentiles([0, 5, 50, 95, 100]);
            prop_assert_eq!(found, kept.percentiles([0, 5, 50, 95, 100]));
            values.sort_unstable();
            for (percent, found) in [0, 5, 50, 95, 100].into_iter().zip(found) {
                let exact = nearest_rank(&values, percent);
                prop_assert_eq!(found.is_some(), exact.is_some());
                let Some((found, exact)) = found.zip(exact) else { continue };
                #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
                let off = found.abs_diff(exact) as f64;
                #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
                let most = if exact < 2_048 { 0.0 } else { exact as f64 * ERROR_RATIO };
                prop_assert!(off <= most, "p{percent}: {found} for {exact}");
            }
        }

        #[test]
        fn what_is_added_can_be_taken_away(a in many(), b in many()) {
            let (first, second) = (Values::of(a.clone()), Values::of(b.clone()));
            let tally = |values: &Values| Tally { count: 3, received: 2, values: values.clone() };
            let mut sum = tally(&first);
            sum.add(&tally(&second));
            prop_assert_eq!(&sum.values, &Values::of([a, b].concat()));
            prop_assert_eq!(&Values::decode(&sum.values.encode()), &Ok(sum.values.clone()));
            sum.add(&tally(&second).negated());
            prop_assert_eq!(&sum, &tally(&first));
            sum.add(&tally(&first).negated());
            prop_assert!(sum.is_empty());
        }

        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            if let Ok(values) = Values::decode(&bytes) {
                spread(&values);
            }
        }
    }
}
