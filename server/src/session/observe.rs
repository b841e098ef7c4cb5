//! The way in: what a client's items do to its session.

use std::time::Duration;

use cnc_model::message::{Batch, ListenerMessage};
use cnc_model::session::{EndReason, SequencedSample, SessionState, TestRecord, WatchEvent};
use cnc_model::{Goodbye, Item, Sample, Sequence, Summary, TestId, TestKind, Timestamp};

use super::{Effect, MAX_ITEMS, Now, RECENT_SAMPLES, Session, Violation, send};
use crate::store::Change;

impl Session {
    /// Takes in items; those that are known already are passed over one by one.
    ///
    /// # Errors
    /// Tells what the client must not do; items before the fault are kept.
    pub fn observe(&mut self, batch: Batch, now: Now) -> Result<(), Violation> {
        let expected = self.received.get() + 1;
        if batch.first.get() > expected {
            return Err(Violation::Gap { expected, first: batch.first.get() });
        }
        let known = usize::try_from(expected - batch.first.get()).unwrap_or(usize::MAX);
        let mut taken = Taken::default();
        let mut verdict = Ok(());
        for item in batch.items.into_iter().skip(known) {
            let sequence = self.received.plus(1);
            if let Err(violation) = self.take(item, sequence, &mut taken, now) {
                verdict = Err(violation);
                break;
            }
            self.received = sequence;
        }
        if taken.any {
            self.quiet_since = now.elapsed;
            self.keep(taken, now);
        } else if self.received == self.overview.stored && !self.awaits_welcome() {
            // All of it is durable already; the client has not heard.
            self.effects.push_back(Effect::Send(ListenerMessage::Acknowledge(self.received)));
        }
        verdict
    }

    fn take(&mut self, item: Item, sequence: Sequence, taken: &mut Taken, now: Now) -> Result<(), Violation> {
        if sequence.get() > MAX_ITEMS {
            return Err(Violation::TooManyItems);
        }
        if self.consented.is_none() && !matches!(item, Item::Consent { .. } | Item::Goodbye { .. } | Item::Unknown) {
            return Err(Violation::NoConsent);
        }
        match item {
            Item::Consent { at, names: _ } => {
                if self.consented.is_none() {
                    self.consented = Some(self.wall_of(at, now));
                    taken.consented = true;
                }
            }
            Item::TestStarted { test, at } => {
                let started = self.wall_of(at, now);
                self.known_test(test)?.started = Some(started);
                taken.touch(test);
            }
            Item::Sample { test, sample } => {
                let record = self.known_test(test)?;
                if !fits(&sample, record.what.kind()) {
                    return Err(Violation::WrongKind(test));
                }
                record.samples += 1;
                taken.samples.push(SequencedSample { sequence, test, sample });
            }
            Item::TestEnded { test, at, outcome, summary } => {
                let ended = self.wall_of(at, now);
                let record = self.known_test(test)?;
                if summary.as_ref().is_some_and(|s| !summary_fits(s, record.what.kind())) {
                    return Err(Violation::WrongKind(test));
                }
                record.ended = Some(ended);
                record.outcome = Some(outcome);
                record.summary = summary.map(|summary| *summary);
                self.cancelling.retain(|&cancelled| cancelled != test);
                taken.touch(test);
            }
            Item::Goodbye { at: _, reason } => taken.goodbye = Some(reason),
            Item::Unknown => {}
        }
        taken.any = true;
        Ok(())
    }

    fn known_test(&mut self, test: TestId) -> Result<&mut TestRecord, Violation> {
        self.tests.get_mut(&test).ok_or(Violation::UnknownTest(test))
    }

    /// Turns a time of the client's session clock into the listener's wall time.
    fn wall_of(&self, at: Duration, now: Now) -> Timestamp {
        let (Some(began), Some(offset)) = (self.clock_began, self.overview.clock_offset_us) else {
            return now.wall;
        };
        Timestamp::from_unix_us(began.after(at).unix_us().saturating_sub(offset)).min(now.wall)
    }

    /// Stores and publishes what a batch brought, and acts on its events.
    fn keep(&mut self, taken: Taken, now: Now) {
        let Taken { any: _, consented, touched, samples, goodbye } = taken;
        let mut changes = Vec::with_capacity(touched.len() + 2);
        if !samples.is_empty() {
            self.remember(&samples);
            self.publish(|| WatchEvent::Samples(samples.clone()));
            changes.push(Change::Samples(samples));
        }
        for test in touched {
            if let Some(record) = self.tests.get(&test).cloned() {
                self.publish(|| WatchEvent::Test(Box::new(record.clone())));
                changes.push(Change::Test(Box::new(record)));
            }
        }
        let through = self.received;
        let mut then = vec![Effect::Send(ListenerMessage::Acknowledge(through))];
        if consented {
            if self.overview.state == SessionState::Joined {
                self.overview.state = SessionState::Active;
            }
            then.extend(self.repetitions().into_iter().map(send));
            self.store_row_and(changes, Some(through), then);
            self.publish_overview();
        } else {
            self.store(changes, Some(through), then);
        }
        if matches!(self.overview.state, SessionState::Ended(_)) {
            self.report_due = true;
        }
        if let Some(reason) = goodbye {
            self.part(reason, now);
        }
        self.end_walk_in_when_done(now);
    }

    fn remember(&mut self, samples: &[SequencedSample]) {
        let excess = (self.recent.len() + samples.len()).saturating_sub(RECENT_SAMPLES);
        self.recent.drain(..excess.min(self.recent.len()));
        self.recent.extend(samples);
    }

    /// Acts on the client's goodbye, behind which nothing follows.
    fn part(&mut self, goodbye: Goodbye, now: Now) {
        if matches!(self.overview.state, SessionState::Ended(_)) {
            self.report_again_if_due();
            return;
        }
        let reason = match (goodbye, self.ending) {
            (Goodbye::ConsentRefused, _) => EndReason::ConsentRefused,
            (Goodbye::Done | Goodbye::UserEnded, Some((reason, _))) => reason,
            (Goodbye::Done | Goodbye::UserEnded, None) => EndReason::User,
        };
        self.finish(reason, now);
    }

    pub(super) fn end_walk_in_when_done(&mut self, now: Now) {
        let done = self.consented.is_some() && self.tests.values().all(|test| test.outcome.is_some());
        if self.overview.walk_in && self.watchers == 0 && done && self.must_be_open().is_ok() {
            self.begin_to_end(EndReason::PlanDone, now);
        }
    }
}

/// What a batch brought.
#[derive(Default)]
struct Taken {
    any: bool,
    consented: bool,
    touched: Vec<TestId>,
    samples: Vec<SequencedSample>,
    goodbye: Option<Goodbye>,
}

impl Taken {
    fn touch(&mut self, test: TestId) {
        if !self.touched.contains(&test) {
            self.touched.push(test);
        }
    }
}

fn fits(sample: &Sample, kind: TestKind) -> bool {
    match sample {
        Sample::Ping(_) => kind == TestKind::Ping,
        Sample::Hop(_) => kind == TestKind::Trace,
        Sample::Throughput(_) => matches!(kind, TestKind::Download | TestKind::Upload),
    }
}

fn summary_fits(summary: &Summary, kind: TestKind) -> bool {
    match summary {
        Summary::Ping(_) => kind == TestKind::Ping,
        Summary::Trace(_) => kind == TestKind::Trace,
        Summary::Throughput(_) => matches!(kind, TestKind::Download | TestKind::Upload),
        Summary::System(_) => kind == TestKind::System,
    }
}
