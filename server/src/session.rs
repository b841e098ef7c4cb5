//! The pure session: what one client's stay means, whatever order things happen in.
//!
//! It takes `now` with each call and leaves what is to be done as [`Effect`]s. It never awaits, opens nothing and
//! reads no clock; `sessions` carries the effects out.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use cnc_model::message::{EchoToken, Instruction, ListenerMessage, When};
use cnc_model::session::{
    Absence, EndReason, SequencedSample, SessionOverview, SessionRecord, SessionState, TestRecord, WatchEvent,
};
use cnc_model::{Code, Failure, Outcome, Plan, Reason, Sequence, SessionId, Test, TestId, TestKind, Timestamp};

use crate::store::{Change, Commit, SessionRow, StoredSession};

mod absence;
mod activity;
mod attach;
mod effect;
mod ending;
mod observe;
mod staff;
#[cfg(test)]
mod tests;

pub use absence::MAX_ABSENCES;
pub use effect::{Effect, Now, Refusal, Violation, Waits};

use effect::{about, is_acknowledgement, is_welcome, run_of, send};

/// The most tests of one session: a hand-driven call has dozens; beyond this something runs wild.
pub const MAX_TESTS: usize = 1_000;

/// The most items of one session: a day of 100 probes a second; beyond this somebody fills the disk.
pub const MAX_ITEMS: u64 = 10_000_000;

/// Samples kept for watchers that come late; older ones are read from the store.
pub const RECENT_SAMPLES: usize = 256;

/// What a session is made of.
#[derive(Debug, Clone)]
pub struct NewSession {
    /// Its id.
    pub id: SessionId,
    /// What staff call it.
    pub label: String,
    /// The tests that it begins with.
    pub plan: Plan,
    /// The code that joins a client, or that a walk-in shows.
    pub code: Code,
    /// SHA-256 of the code.
    pub code_hash: [u8; 32],
    /// Whether the client came by itself.
    pub walk_in: bool,
}

/// What the listener tells a client about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Greeting {
    /// Who asks.
    pub operator: String,
    /// Opens the speed endpoints for this session.
    pub speed_token: String,
    /// Opens the UDP echo for this session, where there is one.
    pub echo_token: Option<EchoToken>,
    /// Who signed the listener's certificate, where it speaks TLS itself.
    pub certificate_issuer: Option<String>,
}

/// One client's stay with the listener, from creation to report.
#[derive(Debug)]
pub struct Session {
    overview: SessionOverview,
    consented: Option<Timestamp>,
    /// The consent's own sequence: up to there all must be durable before it is told.
    consent: Sequence,
    code_hash: Option<[u8; 32]>,
    key_hash: Option<[u8; 32]>,
    key_durable: bool,
    capabilities: Option<Vec<TestKind>>,
    clock_began: Option<Timestamp>,
    /// Boxed, since a map's node has room for eleven and most sessions have few.
    tests: BTreeMap<TestId, Box<TestRecord>>,
    cancelling: Vec<TestId>,
    absences: Vec<Absence>,
    recent: VecDeque<SequencedSample>,
    watchers: usize,
    /// The last item taken in; `overview.stored` is the last durable one.
    received: Sequence,
    waits: Waits,
    /// When the present wait began, by the monotonic clock.
    quiet_since: Duration,
    detached_since: Option<Duration>,
    ending: Option<(EndReason, Duration)>,
    commits: u64,
    /// What follows once a commit is durable, in order.
    awaiting: VecDeque<(u64, Vec<Effect>)>,
    report_due: bool,
    /// Whether the stream came up after the end, and the client's last word on it has not come.
    adding: bool,
    effects: VecDeque<Effect>,
}

impl Session {
    /// Makes a session whose plan waits for the user's consent.
    #[must_use]
    pub fn create(new: NewSession, waits: Waits, now: Now) -> Self {
        let NewSession { id, label, plan, code, code_hash, walk_in } = new;
        let overview = SessionOverview {
            id,
            label,
            plan: plan.name.clone(),
            walk_in,
            code: Some(code),
            state: SessionState::Waiting,
            connected: false,
            created: now.wall,
            joined: None,
            ended: None,
            client_version: None,
            public_address: None,
            network: None,
            clock_offset_us: None,
            stored: Sequence::NONE,
        };
        let mut session = Self::with(overview, waits, now);
        session.code_hash = Some(code_hash);
        let by = format!("plan {}", plan.name);
        for (stage, test) in plan.tests() {
            session.add_test(test.clone(), When::Stage(stage), &by, now);
        }
        let tests: Vec<_> = session.tests.values().cloned().map(Change::Test).collect();
        session.store_row_and(tests, None, Vec::new());
        session
    }

    /// Goes on with a session that was stored before the listener stopped or its store failed.
    #[must_use]
    pub fn restore(stored: StoredSession, waits: Waits, now: Now) -> Self {
        let StoredSession { row, tests, absences, stored, exported: _ } = stored;
        let SessionRow { mut overview, consented, code_hash, key_hash } = row;
        overview.connected = false;
        overview.stored = stored;
        let joined = key_hash.is_some();
        let mut session = Self::with(overview, waits, now);
        session.consented = consented;
        session.code_hash = code_hash;
        session.key_hash = key_hash;
        session.key_durable = joined;
        session.received = stored;
        session.tests = tests.into_iter().map(|test| (test.id, Box::new(test))).collect();
        session.detached_since = joined.then_some(now.elapsed);
        session.absences = absences;
        if joined {
            session.begin_absence(now);
        }
        if session.overview.state == SessionState::Ending {
            // Why it was to end is not stored. The client has the grace time to come back with its last items.
            let reason = if session.overview.walk_in { EndReason::PlanDone } else { EndReason::Staff };
            session.ending = Some((reason, now.elapsed + waits.grace));
        }
        session
    }

    /// Holds back the acknowledgement of what is not where it must be before the client may forget it: it follows once
    /// the store says so.
    pub fn hold_back(&mut self, acknowledged: Sequence) {
        let through = self.overview.stored;
        if acknowledged < through {
            self.overview.stored = acknowledged;
            self.store(Vec::new(), Some(through), vec![Effect::Send(ListenerMessage::Acknowledge(through))]);
        }
    }

    fn with(overview: SessionOverview, waits: Waits, now: Now) -> Self {
        Self {
            overview,
            consented: None,
            consent: Sequence::NONE,
            code_hash: None,
            key_hash: None,
            key_durable: false,
            capabilities: None,
            clock_began: None,
            tests: BTreeMap::new(),
            cancelling: Vec::new(),
            absences: Vec::new(),
            recent: VecDeque::new(),
            watchers: 0,
            received: Sequence::NONE,
            waits,
            quiet_since: now.elapsed,
            detached_since: None,
            ending: None,
            commits: 0,
            awaiting: VecDeque::new(),
            report_due: false,
            adding: false,
            effects: VecDeque::new(),
        }
    }

    /// Tells that a commit is durable; commits become so in their order.
    pub fn stored(&mut self, number: u64) {
        while self.awaiting.front().is_some_and(|(first, _)| *first <= number) {
            let Some((_, then)) = self.awaiting.pop_front() else { return };
            for mut effect in then {
                match &mut effect {
                    Effect::Send(ListenerMessage::Acknowledge(through)) => {
                        self.overview.stored = *through;
                        if self.awaits_welcome() {
                            continue;
                        }
                        // One commit may hold many batches; the last acknowledgement says it for all.
                        self.effects
                            .pop_back_if(|last| matches!(last, Effect::Send(message) if is_acknowledgement(message)));
                    }
                    Effect::Send(ListenerMessage::Welcome(welcome)) => {
                        self.key_durable = true;
                        welcome.acknowledged = self.overview.stored;
                    }
                    Effect::Send(ListenerMessage::Instruction(order)) if self.awaits_welcome() => {
                        let order = ListenerMessage::Instruction(order.clone());
                        self.say(order);
                        continue;
                    }
                    Effect::Send(_) | Effect::Store { .. } | Effect::Publish(_) | Effect::Detach | Effect::Report => {}
                }
                self.effects.push_back(effect);
            }
        }
    }

    /// Tells whether the present stream's welcome waits for the key to be durable. Nothing may be said before it, and
    /// it will tell what is acknowledged.
    fn awaits_welcome(&self) -> bool {
        self.awaiting.iter().any(|(_, then)| then.iter().any(is_welcome))
    }

    /// Says something at once, or right after what it must not overtake: the welcome, and the order to run the test that
    /// it is about.
    fn say(&mut self, message: ListenerMessage) {
        let test = match &message {
            ListenerMessage::Instruction(order) => about(order),
            ListenerMessage::Welcome(_) | ListenerMessage::Acknowledge(_) | ListenerMessage::Goodbye { .. } => None,
        };
        let comes_first = |effect: &Effect| is_welcome(effect) || (test.is_some() && run_of(effect) == test);
        match self.awaiting.iter_mut().rfind(|(_, then)| then.iter().any(comes_first)) {
            Some((_, then)) => then.push(Effect::Send(message)),
            None => self.effects.push_back(Effect::Send(message)),
        }
    }

    /// Tells how many watch.
    pub fn watched_by(&mut self, watchers: usize, now: Now) {
        self.watchers = watchers;
        self.end_walk_in_when_done(now);
    }

    /// Gives the moment of the monotonic clock at which [`Self::handle_timeout`] has something to do.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Duration> {
        match self.overview.state {
            SessionState::Waiting => Some(self.quiet_since + self.waits.join),
            SessionState::Ending => self.ending.map(|(_, deadline)| deadline),
            SessionState::Joined | SessionState::Active => Some(match self.detached_since {
                Some(since) => since + self.waits.grace,
                None => self.quiet_since + self.waits.idle,
            }),
            SessionState::Ended(_) if self.overview.connected => Some(self.quiet_since + self.waits.ending),
            SessionState::Ended(_) => None,
        }
    }

    /// Acts on a wait that is over.
    pub fn handle_timeout(&mut self, now: Now) {
        if self.poll_timeout().is_none_or(|at| now.elapsed < at) {
            return;
        }
        match self.overview.state {
            SessionState::Waiting => self.finish(EndReason::NeverJoined, now),
            SessionState::Ending => {
                let reason = self.ending.map_or(EndReason::Staff, |(reason, _)| reason);
                self.finish(reason, now);
            }
            SessionState::Joined | SessionState::Active if self.detached_since.is_some() => {
                self.finish(EndReason::Lost, now);
            }
            SessionState::Joined | SessionState::Active => self.begin_to_end(EndReason::Idle, now),
            SessionState::Ended(_) => {
                self.effects.push_back(Effect::Detach);
                self.detach(now);
            }
        }
    }

    /// Gives the next thing to be done.
    pub fn next_effect(&mut self) -> Option<Effect> {
        let next = self.effects.pop_front();
        if next.is_none() {
            // Ten thousand idle sessions need no room for what was done.
            self.effects.shrink_to_fit();
        }
        next
    }

    /// Gives the session in a line.
    #[must_use]
    pub const fn overview(&self) -> &SessionOverview {
        &self.overview
    }

    /// Gives the hash of the client's key, once one has joined.
    #[must_use]
    pub const fn key_hash(&self) -> Option<[u8; 32]> {
        self.key_hash
    }

    /// Gives the hash of the code, while a client may join with it.
    #[must_use]
    pub const fn code_hash(&self) -> Option<[u8; 32]> {
        self.code_hash
    }

    /// Gives the session with its tests.
    #[must_use]
    pub fn record(&self) -> SessionRecord {
        SessionRecord {
            overview: self.overview.clone(),
            consented: self.consented,
            tests: self.tests.values().map(|test| TestRecord::clone(test)).collect(),
            absences: self.absences.clone(),
        }
    }

    /// Gives what a watcher sees first.
    #[must_use]
    pub fn snapshot(&self) -> WatchEvent {
        WatchEvent::Snapshot { record: Box::new(self.record()), recent: self.recent.iter().copied().collect() }
    }

    fn add_test(&mut self, what: Test, when: When, by: &str, now: Now) -> TestRecord {
        let id = self.issued().next_back().map_or(TestId::FIRST, |last| last.id.next());
        let record = new_record(id, what, when, by, now.wall);
        self.tests.insert(id, Box::new(record.clone()));
        record
    }

    /// Gives the tests that the client was, or is to be, told to run.
    fn issued(&self) -> impl DoubleEndedIterator<Item = &TestRecord> {
        self.tests.range(..TestId::own(1)).map(|(_, test)| test.as_ref())
    }

    /// Counts the tests that the client ran by itself.
    fn own_tests(&self) -> usize {
        self.tests.range(TestId::own(1)..).count()
    }

    fn store_row_and(&mut self, mut changes: Vec<Change>, through: Option<Sequence>, then: Vec<Effect>) {
        let row = SessionRow {
            overview: self.overview.clone(),
            consented: self.consented,
            code_hash: self.code_hash,
            key_hash: self.key_hash,
        };
        changes.insert(0, Change::Session(Box::new(row)));
        self.store(changes, through, then);
    }

    fn store(&mut self, changes: Vec<Change>, through: Option<Sequence>, then: Vec<Effect>) {
        self.commits += 1;
        let number = self.commits;
        self.awaiting.push_back((number, then));
        let commit = Commit { session: self.overview.id, changes, through };
        self.effects.push_back(Effect::Store { number, commit });
    }

    fn publish_overview(&mut self) {
        let overview = &self.overview;
        if self.watchers > 0 {
            self.effects.push_back(Effect::Publish(WatchEvent::Session(Box::new(overview.clone()))));
        }
    }

    /// Builds the event only where somebody watches.
    fn publish(&mut self, event: impl FnOnce() -> WatchEvent) {
        if self.watchers > 0 {
            self.effects.push_back(Effect::Publish(event()));
        }
    }
}

fn new_record(id: TestId, what: Test, when: When, by: &str, issued: Timestamp) -> TestRecord {
    TestRecord {
        id,
        what,
        when,
        issued_by: by.to_owned(),
        issued,
        started: None,
        ended: None,
        outcome: None,
        summary: None,
        samples: 0,
    }
}

fn run(record: &TestRecord) -> Instruction {
    Instruction::Run { test: record.id, when: record.when, what: record.what.clone() }
}

fn abandoned(started: bool) -> Outcome {
    let message =
        if started { "the session ended before the test did" } else { "the session ended before the test began" };
    Outcome::Failed(Failure::new(Reason::Abandoned, message))
}
