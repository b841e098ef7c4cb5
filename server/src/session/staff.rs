//! What staff do to a session: issue, cancel, end.

use cnc_model::message::{Instruction, ListenerMessage, When};
use cnc_model::session::{EndReason, SessionState, TestRecord, WatchEvent};
use cnc_model::{Outcome, Test, TestId};

use super::{MAX_TESTS, Now, Refusal, Session, run, send};
use crate::store::Change;

impl Session {
    /// Issues a test: it is sent once it is durable and the user has agreed.
    ///
    /// # Errors
    /// Fails when the session is over, full, or the client cannot run it.
    pub fn issue(&mut self, test: Test, when: When, by: &str, now: Now) -> Result<TestRecord, Refusal> {
        self.must_be_open()?;
        if self.issued().count() >= MAX_TESTS {
            return Err(Refusal::TooManyTests);
        }
        let kind = test.kind();
        if self.capabilities.as_ref().is_some_and(|can| !can.contains(&kind)) {
            return Err(Refusal::Incapable(kind));
        }
        self.quiet_since = now.elapsed;
        let record = self.add_test(test, when, by, now);
        let then = if self.consented.is_some() { vec![send(run(&record))] } else { Vec::new() };
        self.store(vec![Change::Test(Box::new(record.clone()))], None, then);
        self.publish(|| WatchEvent::Test(Box::new(record.clone())));
        Ok(record)
    }

    /// Gives the stage behind all that were issued, for a further plan.
    #[must_use]
    pub fn next_stage(&self) -> u32 {
        let stages = self.issued().filter_map(|test| match test.when {
            When::Stage(stage) => Some(stage + 1),
            When::Now => None,
        });
        stages.max().unwrap_or(0)
    }

    /// Tells the client to stop a test; one that was never sent ends here.
    ///
    /// # Errors
    /// Fails when the session is over, or the test is unknown or has ended.
    pub fn cancel(&mut self, test: TestId, now: Now) -> Result<(), Refusal> {
        self.must_be_open()?;
        let sent = self.consented.is_some();
        let record = self.tests.get_mut(&test).ok_or(Refusal::NoSuchTest)?;
        if test.is_own() {
            return Err(Refusal::OwnTest);
        }
        if record.outcome.is_some() {
            return Err(Refusal::TestEnded);
        }
        self.quiet_since = now.elapsed;
        if sent {
            self.cancelling.push(test);
            self.say(ListenerMessage::Instruction(Instruction::Cancel(test)));
            return Ok(());
        }
        record.outcome = Some(Outcome::Cancelled);
        record.ended = Some(now.wall);
        let record = record.clone();
        self.store(vec![Change::Test(record.clone())], None, Vec::new());
        self.publish(|| WatchEvent::Test(record));
        Ok(())
    }

    /// Ends the session: a connected client is told and its last items are awaited.
    ///
    /// # Errors
    /// Fails when it has ended or is ending already.
    pub fn end(&mut self, reason: EndReason, now: Now) -> Result<(), Refusal> {
        self.must_be_open()?;
        self.begin_to_end(reason, now);
        Ok(())
    }

    pub(super) fn begin_to_end(&mut self, reason: EndReason, now: Now) {
        if !self.overview.connected {
            self.finish(reason, now);
            return;
        }
        self.overview.state = SessionState::Ending;
        self.ending = Some((reason, now.elapsed + self.waits.ending));
        self.say(ListenerMessage::Instruction(Instruction::End));
        self.publish_overview();
    }

    pub(super) fn must_be_open(&self) -> Result<(), Refusal> {
        match self.overview.state {
            SessionState::Ending | SessionState::Ended(_) => Err(Refusal::Ended),
            SessionState::Waiting | SessionState::Joined | SessionState::Active => Ok(()),
        }
    }
}
