//! A session under random reconnects, repetitions, store failures, restarts, timeouts and orders: whatever happens in
//! whatever order, each item is stored once and as it was sent, nothing is acknowledged that is not durable, and the
//! session ends with a report.

use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use cnc_model::message::{Batch, Farewell, Hello, Instruction, ListenerMessage, When};
use cnc_model::ping::{PingOutcome, PingSample};
use cnc_model::session::{Absence, EndReason, SessionState, TestRecord};
use cnc_model::test::PingTest;
use cnc_model::{
    ClientKey, Code, Destination, Goodbye, Item, Outcome, Plan, Sample, Sequence, SessionId, Test, TestId, TestKind,
    Timestamp,
};
use cnc_server::session::{Effect, Greeting, NewSession, Now, Session, Waits};
use cnc_server::store::{Change, Commit, SessionRow, StoredSession};

use crate::random::Random;

const KEY: [u8; 32] = [7; 32];
/// The most items of one batch here: small, so that batches are many.
const BATCH: u64 = 9;

/// One random story, from a session's making to its end.
pub(super) fn story(random: &mut Random) {
    let mut story = Story::begin(random.once_in(3));
    for _ in 0..random.below(120) {
        story.step(random);
    }
    story.ends(random);
}

/// What the store holds, as it would after a restart.
#[derive(Default)]
struct Disk {
    row: Option<SessionRow>,
    tests: BTreeMap<TestId, TestRecord>,
    samples: BTreeMap<Sequence, (TestId, Sample)>,
    absences: BTreeMap<Timestamp, Absence>,
    through: Sequence,
}

impl Disk {
    fn write(&mut self, commit: Commit) {
        for change in commit.changes {
            match change {
                Change::Session(row) => self.row = Some(*row),
                Change::Test(test) => drop(self.tests.insert(test.id, *test)),
                Change::Absence(absence) => drop(self.absences.insert(absence.from, absence)),
                Change::Samples(samples) => {
                    self.samples.extend(samples.into_iter().map(|s| (s.sequence, (s.test, s.sample))));
                }
            }
        }
        self.through = commit.through.unwrap_or(self.through).max(self.through);
    }

    fn read(&self) -> Option<StoredSession> {
        let count = |id| self.samples.values().filter(|(test, _)| *test == id).count() as u64;
        let tests = self.tests.values().map(|test| TestRecord { samples: count(test.id), ..test.clone() });
        let absences = self.absences.values().copied().collect();
        Some(StoredSession {
            row: self.row.clone()?,
            tests: tests.collect(),
            absences,
            stored: self.through,
            exported: self.through,
        })
    }
}

/// The client's side.
#[derive(Default)]
struct Client {
    /// Everything it ever made; the first has sequence 1.
    made: Vec<Item>,
    acknowledged: u64,
    /// The last item sent on this stream.
    sent: u64,
    /// Whether this stream has been welcomed; `None` without one.
    welcomed: Option<bool>,
    agreed: bool,
    left: bool,
    running: Vec<TestId>,
    known: Vec<TestId>,
    samples: u32,
}

struct Story {
    session: Session,
    now: Now,
    pending: VecDeque<(u64, Commit)>,
    disk: Disk,
    client: Client,
    reports: usize,
    /// Whether a report was asked for and not told as made.
    report_due: bool,
}

fn ping() -> Test {
    Test::Ping(PingTest::to(Destination::Listener))
}

impl Story {
    fn begin(walk_in: bool) -> Self {
        let now = Now { elapsed: Duration::from_secs(100), wall: Timestamp::from_unix_us(1_800_000_000_000_000) };
        let plan =
            Plan { name: "p".into(), description: String::new(), stages: vec![vec![ping(), ping()], vec![ping()]] };
        let id = SessionId::new(now.wall, 1);
        let new =
            NewSession { id, label: String::new(), plan, code: Code::from_random(1), code_hash: [1; 32], walk_in };
        let mut story = Self {
            session: Session::create(new, Waits::default(), now),
            now,
            pending: VecDeque::new(),
            disk: Disk::default(),
            client: Client::default(),
            reports: 0,
            report_due: false,
        };
        story.carry_out();
        story.make_durable(usize::MAX);
        story
    }

    fn step(&mut self, random: &mut Random) {
        match random.below(16) {
            0 => self.attach(),
            1 => self.detach(),
            2..=4 => self.make(random),
            5..=7 => self.send(random),
            8..=10 => self.make_durable(random.place(4)),
            11 if random.once_in(3) => self.fail(),
            12 => self.pass(Duration::from_secs(random.below(40))),
            13 if random.once_in(8) => self.pass(Duration::from_secs(random.below(4_000))),
            // What staff want of a session that is over is refused, which is well.
            14 => drop(self.session.issue(ping(), When::Now, "ada", self.now)),
            15 if random.once_in(4) => {
                let test = TestId::try_from(1 + u32::try_from(random.below(5)).expect("small")).expect("not 0");
                self.session.cancel(test, self.now).unwrap_or_default();
            }
            _ if random.once_in(40) => self.session.end(EndReason::Staff, self.now).unwrap_or_default(),
            _ if random.once_in(4) => self.session.watched_by(random.place(2), self.now),
            _ => self.reported(),
        }
        self.carry_out();
    }

    fn attach(&mut self) {
        self.client.welcomed = Some(false);
        let hello = Hello {
            client_version: "0.1.0".into(),
            capabilities: TestKind::ALL.to_vec(),
            key: ClientKey::new([9; 32]),
            code: None,
            clock_began: self.now.wall,
            at: Duration::ZERO,
        };
        let greeting = Greeting {
            operator: String::new(),
            speed_token: String::new(),
            echo_token: None,
            certificate_issuer: None,
        };
        self.session.attach(hello, KEY, IpAddr::V4(Ipv4Addr::LOCALHOST), greeting, self.now);
        self.carry_out();
    }

    fn detach(&mut self) {
        self.client.welcomed = None;
        self.session.detach(self.now);
    }

    /// The client makes something: a consent first, then what its tests bring.
    fn make(&mut self, random: &mut Random) {
        let at = Duration::from_secs(1);
        let client = &mut self.client;
        if client.left || client.welcomed.is_none() && client.made.is_empty() {
            return;
        }
        if !client.agreed {
            client.agreed = true;
            return client.made.push(Item::Consent { at, names: false });
        }
        match random.below(6) {
            0 => {
                if let Some(&test) = client.known.iter().find(|test| !client.running.contains(test)) {
                    client.running.push(test);
                    client.made.push(Item::TestStarted { test, at });
                }
            }
            1 if random.once_in(3) => {
                if let Some(&test) = client.running.first() {
                    client.made.push(Item::TestEnded { test, at, outcome: Outcome::Completed, summary: None });
                }
            }
            2 if random.once_in(10) => client.made.push(Item::Unknown),
            2 if random.once_in(10) => {
                // As a client names what it brings along from a time without the listener.
                let test = TestId::own(u32::try_from(client.made.len() + 1).expect("few"));
                if client.running.iter().filter(|test| test.is_own()).count() < 8 {
                    client.running.push(test);
                    let what = Box::new(Test::Ping(PingTest::to(Destination::Gateway)));
                    client.made.push(Item::OwnTest { test, began: Timestamp::from_unix_us(0), what });
                }
            }
            _ => {
                for test in client.running.clone() {
                    let sample = PingSample { seq: client.samples, at, outcome: PingOutcome::Lost };
                    client.samples += 1;
                    client.made.push(Item::Sample { test, sample: Sample::Ping(sample) });
                }
            }
        }
    }

    /// The client sends a batch: what comes next, or something that it has sent on this stream already.
    fn send(&mut self, random: &mut Random) {
        if self.client.welcomed != Some(true) {
            return;
        }
        let back = if random.once_in(5) { random.below(self.client.sent - self.client.acknowledged + 1) } else { 0 };
        let first = self.client.sent - back + 1;
        let last = (first + random.below(BATCH)).min(self.client.made.len() as u64);
        if last < first {
            return;
        }
        let place = |sequence: u64| usize::try_from(sequence).expect("few");
        let items = self.client.made[place(first) - 1..place(last)].to_vec();
        self.client.sent = self.client.sent.max(last);
        let verdict = self.session.observe(Batch { first: Sequence::new(first), items }, self.now);
        assert_eq!(verdict, Ok(()), "a sound client is never refused");
    }

    fn make_durable(&mut self, count: usize) {
        for _ in 0..count {
            let Some((number, commit)) = self.pending.pop_front() else { return };
            self.disk.write(commit);
            self.session.stored(number);
            self.carry_out();
        }
    }

    /// The store fails, or the listener is killed: all that is not durable is gone.
    fn fail(&mut self) {
        let Some(stored) = self.disk.read() else { return };
        self.client.welcomed = None;
        self.session.detach(self.now);
        self.pending.clear();
        self.report_due = false;
        self.session = Session::restore(stored, Waits::default(), self.now);
        self.carry_out();
    }

    fn pass(&mut self, time: Duration) {
        self.now.elapsed += time;
        self.now.wall = self.now.wall.after(time);
        self.session.handle_timeout(self.now);
        if let Some(next) = self.session.poll_timeout() {
            assert!(next > self.now.elapsed || self.session.overview().connected, "a wait that is over is acted on");
        }
    }

    fn reported(&mut self) {
        if std::mem::take(&mut self.report_due) {
            self.session.reported(Farewell::default());
        }
    }

    fn carry_out(&mut self) {
        while let Some(effect) = self.session.next_effect() {
            match effect {
                Effect::Store { number, commit } => self.pending.push_back((number, commit)),
                Effect::Send(message) => self.hear(&message),
                Effect::Detach => {
                    self.client.welcomed = None;
                    self.session.detach(self.now);
                }
                Effect::Report => {
                    let ended =
                        matches!(self.disk.row.as_ref().map(|row| row.overview.state), Some(SessionState::Ended(_)));
                    assert!(ended, "a report is of an end that is durable");
                    self.reports += 1;
                    self.report_due = true;
                }
                Effect::Publish(_) => {}
            }
        }
    }

    /// The client hears something on its stream.
    fn hear(&mut self, message: &ListenerMessage) {
        let client = &mut self.client;
        let Some(welcomed) = client.welcomed else { return };
        if let ListenerMessage::Welcome(welcome) = message {
            let through = welcome.acknowledged.get();
            assert!(through <= self.disk.through.get(), "welcomed with {through}, durable is {:?}", self.disk.through);
            assert!(through >= client.acknowledged, "{through} after {} had been acknowledged", client.acknowledged);
            (client.welcomed, client.acknowledged, client.sent) = (Some(true), through, through);
            return;
        }
        // An ended session may let its client go at once.
        let goodbye = matches!(message, ListenerMessage::Goodbye { .. });
        assert!(welcomed || goodbye, "before the welcome comes {message:?}");
        match message {
            ListenerMessage::Acknowledge(through) => {
                assert!(*through <= self.disk.through, "{through:?} acknowledged, durable is {:?}", self.disk.through);
                assert!(through.get() <= client.made.len() as u64, "{through:?} was never made");
                client.acknowledged = client.acknowledged.max(through.get());
                client.sent = client.sent.max(client.acknowledged);
            }
            ListenerMessage::Instruction(Instruction::Run { test, .. }) => {
                assert!(client.agreed, "nothing is asked before consent");
                if !client.known.contains(test) {
                    client.known.push(*test);
                }
            }
            ListenerMessage::Instruction(Instruction::End) => {
                if !std::mem::replace(&mut client.left, true) {
                    client.made.push(Item::Goodbye { at: Duration::from_secs(3), reason: Goodbye::Done });
                }
            }
            ListenerMessage::Goodbye { .. } => client.welcomed = None,
            ListenerMessage::Instruction(Instruction::Cancel(_) | Instruction::Unknown { .. })
            | ListenerMessage::Welcome(_) => {}
        }
    }

    /// The network, the disk and the client are well again: everything comes to its end.
    fn ends(&mut self, random: &mut Random) {
        self.make_durable(usize::MAX);
        if self.client.agreed && !self.client.left {
            self.client.left = true;
            self.client.made.push(Item::Goodbye { at: Duration::from_secs(3), reason: Goodbye::UserEnded });
        }
        for _ in 0..1_000 {
            if self.client.acknowledged == self.client.made.len() as u64 {
                break;
            }
            if self.client.welcomed.is_none() {
                self.attach();
            }
            self.make_durable(usize::MAX);
            self.send(random);
            self.carry_out();
            self.make_durable(usize::MAX);
        }
        assert_eq!(self.client.acknowledged, self.client.made.len() as u64, "everything is acknowledged at last");
        for _ in 0..8 {
            self.detach();
            self.pass(Duration::from_hours(1));
            self.carry_out();
            self.make_durable(usize::MAX);
        }
        self.holds();
    }

    fn holds(&self) {
        assert!(matches!(self.session.overview().state, SessionState::Ended(_)), "{:?}", self.session.overview());
        let sent: BTreeMap<_, _> = (1..)
            .zip(&self.client.made)
            .filter_map(|(sequence, item)| match item {
                Item::Sample { test, sample } => Some((Sequence::new(sequence), (*test, *sample))),
                Item::Consent { .. }
                | Item::OwnTest { .. }
                | Item::TestStarted { .. }
                | Item::TestEnded { .. }
                | Item::Goodbye { .. }
                | Item::Unknown => None,
            })
            .collect();
        assert_eq!(self.disk.samples, sent, "what is stored is what was sent");
        let record = self.session.record();
        let counted: u64 = record.tests.iter().map(|test| test.samples).sum();
        assert_eq!(counted, sent.len() as u64, "and it is counted once");
        assert!(record.tests.iter().all(|test| test.outcome.is_some()), "{:?}", record.tests);
        assert_eq!(self.disk.through.get(), self.client.made.len() as u64);
        let stored = self.disk.row.as_ref().map(|row| row.overview.state);
        assert_eq!(stored, Some(self.session.overview().state), "the end is durable");
        let joined = self.session.overview().joined.is_some();
        assert_eq!(self.reports > 0, joined, "an ended session has a report, if anybody joined it");
    }
}
