//! The way in: what a client's items do to its session.

use std::time::Duration;

use cnc_model::message::{Batch, ListenerMessage, When};
use cnc_model::session::{BY_ITSELF, EndReason, SequencedSample, SessionState, TestRecord, WatchEvent};
use cnc_model::{Goodbye, Item, Sample, Sequence, Summary, Test, TestId, TestKind, Timestamp};

use super::{Effect, MAX_ITEMS, Now, RECENT_SAMPLES, Session, Violation, abandoned, new_record, send};
use crate::limits::OWN_TESTS;
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
                    self.consent = sequence;
                    taken.consented = true;
                }
            }
            Item::OwnTest { test, began, what } => self.take_own(test, began, *what, taken, now)?,
            Item::TestStarted { test, at } => {
                let clock = self.clock_of(test);
                if let Some(record) = self.known_test(test)? {
                    record.started = Some(clock.wall(at, now));
                    taken.touch(test);
                }
            }
            Item::Sample { test, sample } => {
                if let Some(record) = self.known_test(test)? {
                    if !fits(&sample, record.what.kind()) {
                        return Err(Violation::WrongKind(test));
                    }
                    record.samples += 1;
                    taken.samples.push(SequencedSample { sequence, test, sample });
                }
            }
            Item::TestEnded { test, at, outcome, summary } => {
                let clock = self.clock_of(test);
                if let Some(record) = self.known_test(test)? {
                    if summary.as_ref().is_some_and(|s| !summary_fits(s, record.what.kind())) {
                        return Err(Violation::WrongKind(test));
                    }
                    record.ended = Some(clock.wall(at, now));
                    record.outcome = Some(outcome);
                    record.summary = summary.map(|summary| *summary);
                    self.cancelling.retain(|&cancelled| cancelled != test);
                    taken.touch(test);
                }
            }
            Item::Goodbye { at: _, reason } => taken.goodbye = Some(reason),
            Item::Unknown => {}
        }
        taken.any = true;
        Ok(())
    }

    /// Takes in a test that the client ran by itself.
    fn take_own(
        &mut self,
        test: TestId,
        began: Timestamp,
        what: Test,
        taken: &mut Taken,
        now: Now,
    ) -> Result<(), Violation> {
        if !test.is_own() || self.tests.contains_key(&test) {
            return Err(Violation::TakenId(test));
        }
        if self.own_tests() >= OWN_TESTS {
            return Err(Violation::TooManyOwn);
        }
        let offset = self.overview.clock_offset_us.unwrap_or(0);
        let began = Timestamp::from_unix_us(began.unix_us().saturating_sub(offset)).min(now.wall);
        let mut record = Box::new(new_record(test, what, When::Now, BY_ITSELF, began));
        if matches!(self.overview.state, SessionState::Ended(_)) {
            // Delivered late: should its end not follow, nobody waits for it any more.
            (record.ended, record.outcome) = (Some(now.wall), Some(abandoned(true)));
        }
        self.tests.insert(test, record);
        taken.touch(test);
        Ok(())
    }

    /// Finds a test; `None` for one that the client ran by itself and whose kind is unknown here: nothing of it is
    /// kept.
    fn known_test(&mut self, test: TestId) -> Result<Option<&mut TestRecord>, Violation> {
        match self.tests.get_mut(&test) {
            None if test.is_own() => Ok(None),
            found => found.map(|found| Some(found.as_mut())).ok_or(Violation::UnknownTest(test)),
        }
    }

    /// Finds the clock of a test's times, as the listener's wall time at which it began: the session's, or that of the
    /// run that the client made by itself.
    fn clock_of(&self, test: TestId) -> Began {
        let own = self.tests.get(&test).filter(|_| test.is_own()).map(|record| record.issued);
        Began(own.or_else(|| {
            let (began, offset) = (self.clock_began?, self.overview.clock_offset_us?);
            Some(Timestamp::from_unix_us(began.unix_us().saturating_sub(offset)))
        }))
    }

    /// Turns a time of the client's session clock into the listener's wall time.
    fn wall_of(&self, at: Duration, now: Now) -> Timestamp {
        self.clock_of(TestId::FIRST).wall(at, now)
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
                self.publish(|| WatchEvent::Test(record.clone()));
                changes.push(Change::Test(record));
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
        self.adding = false;
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

/// When a clock of the client's began, by the listener's wall time; `None` where that is not known.
struct Began(Option<Timestamp>);

impl Began {
    /// Turns a time of that clock into the listener's wall time, which never lies ahead.
    fn wall(&self, at: Duration, now: Now) -> Timestamp {
        self.0.map_or(now.wall, |began| began.after(at).min(now.wall))
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
        Summary::Mtu(_) => kind == TestKind::Mtu,
        Summary::Dns(_) => kind == TestKind::Dns,
        Summary::Http(_) => kind == TestKind::Http,
    }
}
