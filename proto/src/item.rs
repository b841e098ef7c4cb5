//! Items and batches: what a client sends with a sequence of its own.
//!
//! An item of a kind that this version does not know keeps its place as [`Item::Unknown`], so that its neighbours
//! keep their sequences and the client is not asked for it for ever. An item of a known kind that is malformed makes
//! its batch [`Invalid::Item`]: such a client is broken or hostile.

use cnc_model::message::{Batch, MAX_BATCH_ITEMS};
use cnc_model::{Goodbye, Item, Sample};

use crate::invalid::{known, required, unless_unknown};
use crate::scalar::{duration, sequence, test_id, timestamp, us};
use crate::{Invalid, outcome, v1};

impl From<Batch> for v1::Batch {
    fn from(batch: Batch) -> Self {
        let Batch { first, items } = batch;
        Self { first_sequence: first.get(), items: items.into_iter().map(Into::into).collect() }
    }
}

impl TryFrom<v1::Batch> for Batch {
    type Error = Invalid;

    fn try_from(wire: v1::Batch) -> Result<Self, Invalid> {
        let v1::Batch { first_sequence, items } = wire;
        let first = sequence("Batch.first_sequence", first_sequence)?;
        if first_sequence == 0 {
            return Err(Invalid::malformed("Batch.first_sequence", "sequences begin at 1"));
        }
        if items.len() > MAX_BATCH_ITEMS {
            return Err(Invalid::TooMany { field: "Batch.items", given: items.len(), limit: MAX_BATCH_ITEMS });
        }
        let numbered = (first_sequence..).zip(items);
        let items = numbered.map(|(sequence, item)| {
            Item::try_from(item).map_err(|invalid| Invalid::Item { sequence, invalid: Box::new(invalid) })
        });
        Ok(Self { first, items: items.collect::<Result<_, _>>()? })
    }
}

impl From<Item> for v1::Item {
    fn from(item: Item) -> Self {
        use v1::item::Item as Wire;
        let (test, wire) = match item {
            Item::Consent { at, names } => (None, Wire::Consent(v1::Consent { at_us: us(at), names })),
            Item::OwnTest { test, began, what } => {
                let own = v1::OwnTest { what: Some((*what).into()), clock_began_unix_us: began.unix_us() };
                (Some(test), Wire::OwnTest(own))
            }
            Item::TestStarted { test, at } => (Some(test), Wire::TestStarted(v1::TestStarted { at_us: us(at) })),
            Item::Sample { test, sample } => (Some(test), Wire::Sample(sample.into())),
            Item::TestEnded { test, at, outcome, summary } => {
                let ended = v1::TestEnded {
                    at_us: us(at),
                    outcome: Some(outcome.into()),
                    summary: summary.map(|summary| (*summary).into()),
                };
                (Some(test), Wire::TestEnded(Box::new(ended)))
            }
            Item::Goodbye { at, reason } => {
                let reason = v1::GoodbyeReason::from(reason).into();
                (None, Wire::Goodbye(v1::ClientGoodbye { at_us: us(at), reason }))
            }
            Item::Unknown => return Self::default(),
        };
        Self { test: test.map_or(0, cnc_model::TestId::get), item: Some(wire) }
    }
}

impl TryFrom<v1::Item> for Item {
    type Error = Invalid;

    fn try_from(wire: v1::Item) -> Result<Self, Invalid> {
        use v1::item::Item as Wire;
        let v1::Item { test, item } = wire;
        let test = || test_id("Item.test", test);
        Ok(match item {
            None => Self::Unknown,
            Some(Wire::Consent(v1::Consent { at_us, names })) => {
                Self::Consent { at: duration("Consent.at_us", at_us)?, names }
            }
            Some(Wire::OwnTest(v1::OwnTest { what, clock_began_unix_us })) => {
                let began = timestamp("OwnTest.clock_began_unix_us", clock_began_unix_us)?;
                match unless_unknown(required("OwnTest.what", what)?.try_into())? {
                    Some(what) => Self::OwnTest { test: test()?, began, what: Box::new(what) },
                    None => Self::Unknown,
                }
            }
            Some(Wire::TestStarted(v1::TestStarted { at_us })) => {
                Self::TestStarted { test: test()?, at: duration("TestStarted.at_us", at_us)? }
            }
            Some(Wire::Sample(sample)) => match unless_unknown(sample.try_into())? {
                Some(sample) => Self::Sample { test: test()?, sample },
                None => Self::Unknown,
            },
            Some(Wire::TestEnded(ended)) => {
                let v1::TestEnded { at_us, outcome, summary } = *ended;
                Self::TestEnded {
                    test: test()?,
                    at: duration("TestEnded.at_us", at_us)?,
                    outcome: outcome::ended("TestEnded.outcome", outcome)?,
                    // That the test ended counts even where its figures cannot be read.
                    summary: summary.and_then(|s| unless_unknown(s.try_into()).transpose()).transpose()?.map(Box::new),
                }
            }
            Some(Wire::Goodbye(v1::ClientGoodbye { at_us, reason })) => Self::Goodbye {
                at: duration("ClientGoodbye.at_us", at_us)?,
                reason: v1::GoodbyeReason::try_from(reason).unwrap_or_default().into(),
            },
        })
    }
}

impl From<Goodbye> for v1::GoodbyeReason {
    fn from(reason: Goodbye) -> Self {
        match reason {
            Goodbye::Done => Self::Done,
            Goodbye::UserEnded => Self::UserEnded,
            Goodbye::ConsentRefused => Self::ConsentRefused,
        }
    }
}

impl From<v1::GoodbyeReason> for Goodbye {
    fn from(wire: v1::GoodbyeReason) -> Self {
        match wire {
            v1::GoodbyeReason::Done => Self::Done,
            // It left of its own accord, whatever moved it.
            v1::GoodbyeReason::Unspecified | v1::GoodbyeReason::UserEnded => Self::UserEnded,
            v1::GoodbyeReason::ConsentRefused => Self::ConsentRefused,
        }
    }
}

impl From<Sample> for v1::Sample {
    fn from(sample: Sample) -> Self {
        use v1::sample::Sample as Wire;
        let wire = match sample {
            Sample::Ping(ping) => Wire::Ping(ping.into()),
            Sample::Hop(hop) => Wire::Hop(hop.into()),
            Sample::Throughput(throughput) => Wire::Throughput(throughput.into()),
        };
        Self { sample: Some(wire) }
    }
}

impl TryFrom<v1::Sample> for Sample {
    type Error = Invalid;

    fn try_from(wire: v1::Sample) -> Result<Self, Invalid> {
        use v1::sample::Sample as Wire;
        let v1::Sample { sample } = wire;
        Ok(match known("Sample.sample", sample)? {
            Wire::Ping(ping) => Self::Ping(ping.try_into()?),
            Wire::Hop(hop) => Self::Hop(hop.try_into()?),
            Wire::Throughput(throughput) => Self::Throughput(throughput.try_into()?),
        })
    }
}

/// Reads a sample that must be there.
pub(crate) fn sample(field: &'static str, wire: Option<v1::Sample>) -> Result<Sample, Invalid> {
    required(field, wire)?.try_into()
}
