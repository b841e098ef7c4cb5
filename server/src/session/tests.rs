//! Awkward stories, told step by step with invented clocks.

use std::net::{IpAddr, Ipv4Addr};
use std::num::NonZeroU16;

use cnc_model::message::{Batch, Farewell, Hello};
use cnc_model::ping::{PingOutcome, PingSample};
use cnc_model::test::{PingProtocol, PingTest};
use cnc_model::{ClientKey, Destination, Goodbye, Item, Sample};
use proptest::prelude::*;

use super::*;

mod away;
mod held_back;
mod late;
mod own;

const ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7));
const KEY: [u8; 32] = [7; 32];

fn at(url: &str) -> Farewell {
    Farewell { report_url: Some(url.into()), document_url: None }
}

/// A session under test with a clock and a store that the story moves by hand.
struct Story {
    session: Session,
    now: Now,
    /// Commits made and not yet told durable.
    pending: VecDeque<(u64, Commit)>,
    sent: Vec<ListenerMessage>,
    published: Vec<WatchEvent>,
    reports: usize,
    detached: usize,
}

impl Story {
    fn new(walk_in: bool, stages: Vec<Vec<Test>>) -> Self {
        let plan = Plan { name: "default".into(), description: String::new(), stages };
        let now = Now { elapsed: Duration::from_secs(100), wall: Timestamp::from_unix_us(1_800_000_000_000_000) };
        let new = NewSession {
            id: SessionId::new(now.wall, 1),
            label: "Ada".into(),
            plan,
            code: Code::from_random(1),
            code_hash: [1; 32],
            walk_in,
        };
        let session = Session::create(new, Waits::default(), now);
        let mut story = Self {
            session,
            now,
            pending: VecDeque::new(),
            sent: Vec::new(),
            published: Vec::new(),
            reports: 0,
            detached: 0,
        };
        story.carry_out();
        story.make_durable();
        story
    }

    /// A session whose user has agreed, with `stages` under way.
    fn active(stages: Vec<Vec<Test>>) -> Self {
        let mut story = Self::new(false, stages);
        story.attach();
        story.make_durable();
        story.observe(1, vec![consent()]).expect("consent");
        story.make_durable();
        story.sent.clear();
        story
    }

    fn attach(&mut self) {
        let hello = Hello {
            client_version: "0.1.0".into(),
            capabilities: TestKind::ALL.to_vec(),
            key: ClientKey::new([9; 32]),
            code: None,
            clock_began: self.now.wall,
            at: Duration::ZERO,
        };
        let greeting = Greeting {
            operator: "Example".into(),
            speed_token: "token".into(),
            echo_token: None,
            certificate_issuer: None,
        };
        self.session.attach(hello, KEY, ADDRESS, greeting, self.now);
        self.carry_out();
    }

    fn observe(&mut self, first: u64, items: Vec<Item>) -> Result<(), Violation> {
        let verdict = self.session.observe(Batch { first: Sequence::new(first), items }, self.now);
        self.carry_out();
        verdict
    }

    fn pass(&mut self, time: Duration) {
        self.now.elapsed += time;
        self.now.wall = self.now.wall.after(time);
        self.session.handle_timeout(self.now);
        self.carry_out();
    }

    fn carry_out(&mut self) {
        while let Some(effect) = self.session.next_effect() {
            match effect {
                Effect::Send(message) => self.sent.push(message),
                Effect::Store { number, commit } => self.pending.push_back((number, commit)),
                Effect::Publish(event) => self.published.push(event),
                Effect::Detach => self.detached += 1,
                Effect::Report => self.reports += 1,
            }
        }
    }

    fn make_durable(&mut self) {
        while let Some((number, _)) = self.pending.pop_front() {
            self.session.stored(number);
            self.carry_out();
        }
    }

    fn acknowledged(&self) -> Vec<u64> {
        let mut acknowledged = Vec::new();
        for message in &self.sent {
            if let ListenerMessage::Acknowledge(through) = message {
                acknowledged.push(through.get());
            }
        }
        acknowledged
    }

    fn runs(&self) -> Vec<u32> {
        let mut runs = Vec::new();
        for message in &self.sent {
            if let ListenerMessage::Instruction(Instruction::Run { test, .. }) = message {
                runs.push(test.get());
            }
        }
        runs
    }

    fn state(&self) -> SessionState {
        self.session.overview().state
    }
}

fn ping() -> Test {
    Test::Ping(PingTest::to(Destination::Listener))
}

fn consent() -> Item {
    Item::Consent { at: Duration::ZERO, names: false }
}

fn started(test: u32) -> Item {
    Item::TestStarted { test: TestId::try_from(test).expect("valid"), at: Duration::from_secs(1) }
}

fn sample(test: u32, seq: u32) -> Item {
    let sample = Sample::Ping(PingSample { seq, at: Duration::ZERO, outcome: PingOutcome::Lost });
    Item::Sample { test: TestId::try_from(test).expect("valid"), sample }
}

fn ended(test: u32) -> Item {
    let test = TestId::try_from(test).expect("valid");
    Item::TestEnded { test, at: Duration::from_secs(2), outcome: Outcome::Completed, summary: None }
}

fn goodbye(reason: Goodbye) -> Item {
    Item::Goodbye { at: Duration::from_secs(3), reason }
}

#[test]
fn the_key_is_durable_before_the_welcome() {
    let mut story = Story::new(false, vec![vec![ping()]]);
    story.attach();
    assert_eq!(story.sent, []);
    let (_, commit) = story.pending.back().expect("a commit");
    assert!(matches!(&commit.changes[0], Change::Session(row) if row.key_hash == Some(KEY) && row.code_hash.is_none()));
    story.make_durable();
    assert!(matches!(&story.sent[..], [ListenerMessage::Welcome(w)] if w.planned.len() == 1 && !w.consented));
    assert_eq!(story.state(), SessionState::Joined);
}

#[test]
fn a_client_that_comes_back_before_its_key_is_durable_is_welcomed_once() {
    let mut story = Story::new(false, vec![]);
    story.attach();
    story.session.detach(story.now);
    story.attach();
    story.make_durable();
    assert_eq!(story.sent.iter().filter(|m| matches!(m, ListenerMessage::Welcome(_))).count(), 1);
}

#[test]
fn nothing_is_said_on_a_new_stream_before_its_welcome() {
    let mut story = Story::new(false, vec![vec![ping()]]);
    story.attach();
    story.observe(1, vec![consent(), started(1)]).expect("fine");
    story.session.detach(story.now);
    story.attach();
    story.make_durable();
    assert!(matches!(&story.sent[0], ListenerMessage::Welcome(w) if w.acknowledged.get() == 2), "{:?}", story.sent);
    assert_eq!(story.acknowledged(), Vec::<u64>::new(), "the welcome says it");
}

#[test]
fn an_order_to_end_comes_after_the_welcome() {
    let mut story = Story::new(false, vec![vec![ping()]]);
    story.attach();
    story.session.end(EndReason::Staff, story.now).expect("open");
    story.carry_out();
    assert_eq!(story.sent, []);
    story.make_durable();
    let end = ListenerMessage::Instruction(Instruction::End);
    assert!(matches!(&story.sent[..], [ListenerMessage::Welcome(_), last] if *last == end), "{:?}", story.sent);
}

#[test]
fn the_plan_is_sent_when_the_consent_is_durable() {
    let mut story = Story::new(false, vec![vec![ping(), ping()], vec![ping()]]);
    story.attach();
    story.make_durable();
    story.observe(1, vec![consent()]).expect("consent");
    assert_eq!(story.runs(), Vec::<u32>::new());
    story.make_durable();
    assert_eq!(story.runs(), [1, 2, 3]);
    assert_eq!(story.state(), SessionState::Active);
}

#[test]
fn a_consent_is_told_once_it_is_durable() {
    let mut story = Story::new(false, vec![vec![ping()]]);
    story.attach();
    story.make_durable();
    story.observe(1, vec![consent()]).expect("consent");
    story.sent.clear();
    let told = |story: &Story| {
        let ListenerMessage::Welcome(welcome) = &story.sent[0] else { panic!("a welcome first: {:?}", story.sent) };
        (welcome.consented, welcome.acknowledged.get())
    };
    story.attach();
    assert_eq!(told(&story), (false, 0), "the disk may still take it back");
    story.make_durable();
    story.sent.clear();
    story.attach();
    assert_eq!(told(&story), (true, 1));
}

#[test]
fn nothing_is_taken_before_consent() {
    let mut story = Story::new(false, vec![vec![ping()]]);
    story.attach();
    assert_eq!(story.observe(1, vec![started(1)]), Err(Violation::NoConsent));
}

#[test]
fn items_are_acknowledged_when_durable_and_not_before() {
    let mut story = Story::active(vec![vec![ping()]]);
    story.observe(2, vec![started(1), sample(1, 0)]).expect("fine");
    assert_eq!(story.acknowledged(), Vec::<u64>::new());
    let (_, commit) = story.pending.front().expect("a commit");
    assert_eq!(commit.through, Some(Sequence::new(3)));
    story.make_durable();
    assert_eq!(story.acknowledged(), [3]);
}

#[test]
fn batches_that_became_durable_together_are_acknowledged_once() {
    let mut story = Story::active(vec![vec![ping()]]);
    story.observe(2, vec![started(1)]).expect("fine");
    story.observe(3, vec![sample(1, 0)]).expect("fine");
    story.observe(4, vec![sample(1, 1)]).expect("fine");
    let (last, _) = story.pending.pop_back().expect("commits");
    story.session.stored(last);
    story.carry_out();
    assert_eq!(story.acknowledged(), [4]);
}

#[test]
fn items_sent_twice_are_stored_once() {
    let mut story = Story::active(vec![vec![ping()]]);
    story.observe(2, vec![started(1), sample(1, 0)]).expect("fine");
    story.observe(2, vec![started(1), sample(1, 0), sample(1, 1)]).expect("fine");
    let sequences: Vec<_> = story
        .pending
        .iter()
        .flat_map(|(_, commit)| &commit.changes)
        .filter_map(|change| match change {
            Change::Samples(samples) => Some(samples.iter().map(|s| s.sequence.get()).collect::<Vec<_>>()),
            Change::Session(_) | Change::Test(_) | Change::Absence(_) => None,
        })
        .flatten()
        .collect();
    assert_eq!(sequences, [3, 4]);
    assert_eq!(story.session.record().tests[0].samples, 2);
}

#[test]
fn a_repetition_of_what_is_durable_is_acknowledged_again() {
    let mut story = Story::active(vec![vec![ping()]]);
    story.observe(2, vec![started(1)]).expect("fine");
    story.make_durable();
    story.sent.clear();
    story.observe(1, vec![consent(), started(1)]).expect("fine");
    assert_eq!(story.acknowledged(), [2]);
    assert!(story.pending.is_empty());
}

#[test]
fn a_gap_is_refused_and_nothing_of_it_taken() {
    let mut story = Story::active(vec![vec![ping()]]);
    assert_eq!(story.observe(3, vec![sample(1, 0)]), Err(Violation::Gap { expected: 2, first: 3 }));
    assert!(story.pending.is_empty());
}

#[test]
fn what_came_before_a_fault_is_kept() {
    let mut story = Story::active(vec![vec![Test::System]]);
    let verdict = story.observe(2, vec![started(1), sample(1, 0)]);
    assert_eq!(verdict, Err(Violation::WrongKind(TestId::FIRST)));
    story.make_durable();
    assert_eq!(story.acknowledged(), [2]);
    assert_eq!(story.observe(3, vec![started(9)]), Err(Violation::UnknownTest(TestId::try_from(9).expect("valid"))));
}

#[test]
fn a_client_that_comes_back_is_told_what_it_may_have_missed() {
    let mut story = Story::active(vec![vec![ping()], vec![ping()]]);
    story.observe(2, vec![started(1), ended(1)]).expect("fine");
    story.make_durable();
    story.session.detach(story.now);
    story.session.issue(ping(), When::Now, "ada", story.now).expect("open");
    story.session.cancel(TestId::try_from(2).expect("valid"), story.now).expect("running");
    story.carry_out();
    story.sent.clear();
    story.attach();
    let ListenerMessage::Welcome(welcome) = &story.sent[0] else { panic!("welcome first") };
    assert_eq!((welcome.acknowledged.get(), welcome.consented), (3, true));
    story.make_durable();
    assert_eq!(story.runs(), [2, 3]);
    assert!(
        story.sent.contains(&ListenerMessage::Instruction(Instruction::Cancel(TestId::try_from(2).expect("valid"))))
    );
}

#[test]
fn a_lost_stream_ends_the_session_only_after_the_grace_time() {
    let mut story = Story::active(vec![vec![ping()]]);
    story.session.detach(story.now);
    story.pass(Duration::from_secs(119));
    assert_eq!(story.state(), SessionState::Active);
    story.pass(Duration::from_secs(1));
    assert_eq!(story.state(), SessionState::Ended(EndReason::Lost));
    let record = story.session.record();
    assert!(matches!(&record.tests[0].outcome, Some(Outcome::Failed(f)) if f.reason == Reason::Abandoned));
    assert_eq!(story.reports, 0);
    story.make_durable();
    assert_eq!(story.reports, 1);
}

#[test]
fn staff_end_a_session_and_the_last_items_come_in() {
    let mut story = Story::active(vec![vec![ping()]]);
    story.session.end(EndReason::Staff, story.now).expect("open");
    story.carry_out();
    assert_eq!(story.sent, [ListenerMessage::Instruction(Instruction::End)]);
    assert_eq!(story.session.issue(ping(), When::Now, "ada", story.now), Err(Refusal::Ended));
    story.observe(2, vec![started(1), ended(1), goodbye(Goodbye::Done)]).expect("fine");
    assert_eq!(story.state(), SessionState::Ended(EndReason::Staff));
    story.make_durable();
    assert_eq!(story.reports, 1);
    story.session.reported(at("https://example.com/r/1"));
    story.carry_out();
    assert!(matches!(story.sent.last(), Some(ListenerMessage::Goodbye(Farewell { report_url: Some(_), .. }))));
    assert_eq!(story.detached, 1);
}

#[test]
fn a_client_that_does_not_answer_the_end_is_not_waited_for_forever() {
    let mut story = Story::active(vec![vec![ping()]]);
    story.session.end(EndReason::Staff, story.now).expect("open");
    story.pass(Duration::from_secs(10));
    assert_eq!(story.state(), SessionState::Ended(EndReason::Staff));
}

#[test]
fn the_user_ends_the_session() {
    let mut story = Story::active(vec![vec![ping()]]);
    story.observe(2, vec![goodbye(Goodbye::UserEnded)]).expect("fine");
    assert_eq!(story.state(), SessionState::Ended(EndReason::User));
}

#[test]
fn a_user_who_does_not_agree_is_not_measured() {
    let mut story = Story::new(false, vec![vec![ping()]]);
    story.attach();
    story.observe(1, vec![goodbye(Goodbye::ConsentRefused)]).expect("fine");
    assert_eq!(story.state(), SessionState::Ended(EndReason::ConsentRefused));
    story.make_durable();
    assert_eq!(story.runs(), Vec::<u32>::new());
}

#[test]
fn a_coded_session_stays_after_its_plan_until_it_is_idle() {
    let mut story = Story::active(vec![vec![ping()]]);
    story.observe(2, vec![started(1), ended(1)]).expect("fine");
    assert_eq!(story.state(), SessionState::Active);
    story.pass(Duration::from_mins(29));
    assert_eq!(story.state(), SessionState::Active);
    story.pass(Duration::from_mins(1));
    assert_eq!(story.state(), SessionState::Ending);
}

#[test]
fn a_walk_in_ends_with_its_plan_unless_somebody_watches() {
    for (watchers, expected) in [(0, SessionState::Ending), (1, SessionState::Active)] {
        let mut story = Story::new(true, vec![vec![ping()]]);
        story.attach();
        story.make_durable();
        story.session.watched_by(watchers, story.now);
        story.observe(1, vec![consent(), started(1), ended(1)]).expect("fine");
        assert_eq!(story.state(), expected);
        story.session.watched_by(0, story.now);
        assert_eq!(story.state(), SessionState::Ending);
    }
}

#[test]
fn a_code_nobody_used_expires() {
    let mut story = Story::new(false, vec![]);
    story.pass(Duration::from_mins(30));
    assert_eq!(story.state(), SessionState::Ended(EndReason::NeverJoined));
    assert_eq!(story.session.code_hash(), None);
    story.make_durable();
    assert_eq!(story.reports, 0, "nobody came: there is nothing to report, and nothing to wait for");
}

#[test]
fn a_test_cancelled_before_consent_is_never_sent() {
    let mut story = Story::new(false, vec![vec![ping(), ping()]]);
    story.session.cancel(TestId::FIRST, story.now).expect("not ended");
    assert_eq!(story.session.cancel(TestId::FIRST, story.now), Err(Refusal::TestEnded));
    story.attach();
    story.make_durable();
    story.observe(1, vec![consent()]).expect("fine");
    story.make_durable();
    assert_eq!(story.runs(), [2]);
}

#[test]
fn a_test_that_the_client_cannot_run_is_refused() {
    let mut story = Story::active(vec![]);
    story.session.capabilities = Some(vec![TestKind::System]);
    let udp = PingProtocol::Udp(NonZeroU16::MIN);
    let test = Test::Ping(PingTest { protocol: udp, ..PingTest::to(Destination::Gateway) });
    assert_eq!(story.session.issue(test, When::Now, "ada", story.now), Err(Refusal::Incapable(TestKind::Ping)));
}

#[test]
fn watchers_see_what_happens_and_nobody_pays_without_them() {
    let mut story = Story::active(vec![vec![ping()]]);
    story.observe(2, vec![started(1)]).expect("fine");
    assert_eq!(story.published, []);
    story.session.watched_by(1, story.now);
    story.observe(3, vec![sample(1, 0), sample(1, 1), ended(1)]).expect("fine");
    assert!(matches!(&story.published[..], [WatchEvent::Samples(s), WatchEvent::Test(t)]
        if s.len() == 2 && t.outcome == Some(Outcome::Completed)));
    let WatchEvent::Snapshot { record, recent } = story.session.snapshot() else { panic!("a snapshot") };
    assert_eq!((record.tests.len(), recent.len()), (1, 2));
}

#[test]
fn a_restored_session_goes_on_where_it_was_durable() {
    let mut story = Story::active(vec![vec![ping()]]);
    story.observe(2, vec![started(1), sample(1, 0)]).expect("fine");
    let record = story.session.record();
    let row =
        SessionRow { overview: record.overview, consented: record.consented, code_hash: None, key_hash: Some(KEY) };
    let stored = StoredSession {
        row,
        tests: record.tests,
        absences: record.absences,
        stored: Sequence::new(2),
        exported: Sequence::new(2),
    };
    story.session = Session::restore(stored, Waits::default(), story.now);
    story.sent.clear();
    story.attach();
    assert!(matches!(&story.sent[0], ListenerMessage::Welcome(w) if w.acknowledged.get() == 2));
    story.observe(3, vec![sample(1, 0)]).expect("sent again");
    story.make_durable();
    assert_eq!(story.acknowledged(), [3]);
}

#[test]
fn a_client_that_comes_back_is_not_told_of_a_test_before_that_is_durable() {
    let mut story = Story::active(vec![]);
    story.session.issue(ping(), When::Now, "ada", story.now).expect("open");
    story.session.cancel(TestId::FIRST, story.now).expect("open");
    story.session.detach(story.now);
    story.attach();
    let cancel = ListenerMessage::Instruction(Instruction::Cancel(TestId::FIRST));
    assert!(matches!(&story.sent[..], [ListenerMessage::Welcome(_)]), "{:?}", story.sent);
    story.make_durable();
    assert_eq!(story.runs(), [1]);
    assert_eq!(story.sent.last(), Some(&cancel), "in the order in which it was said");
}

#[test]
fn a_session_restored_while_it_was_ending_ends() {
    let mut story = Story::active(vec![vec![ping()]]);
    story.session.end(EndReason::Staff, story.now).expect("open");
    let record = story.session.record();
    let row =
        SessionRow { overview: record.overview, consented: record.consented, code_hash: None, key_hash: Some(KEY) };
    let stored = StoredSession {
        row,
        tests: record.tests,
        absences: record.absences,
        stored: Sequence::new(1),
        exported: Sequence::new(1),
    };
    story.session = Session::restore(stored, Waits::default(), story.now);
    story.pass(Duration::from_mins(2));
    assert_eq!(story.state(), SessionState::Ended(EndReason::Staff));
}

proptest! {
    /// Whatever is cut, repeated and reordered into reconnects: each item is stored once, in order, and everything
    /// acknowledged was stored.
    #[test]
    fn every_item_is_stored_exactly_once(steps in prop::collection::vec((0_u8..4, 1_usize..10), 1..80)) {
        let mut story = Story::active(vec![vec![ping()]]);
        let total = 60_u64;
        let all: Vec<Item> = std::iter::once(started(1)).chain((0..59).map(|seq| sample(1, seq))).collect();
        let mut stored = Vec::new();
        let mut next = 0_usize;
        let drain = |story: &mut Story, stored: &mut Vec<u64>, count: usize| {
            for _ in 0..count {
                let Some((number, commit)) = story.pending.pop_front() else { return };
                for change in commit.changes {
                    if let Change::Samples(samples) = change {
                        stored.extend(samples.iter().map(|s| s.sequence.get()));
                    }
                }
                story.session.stored(number);
                story.carry_out();
            }
        };
        for (step, size) in steps.into_iter().chain([(3, 0), (0, 60), (2, 200)]) {
            match step {
                0 | 1 => {
                    let end = (next + size).min(all.len());
                    let batch = all[next..end].to_vec();
                    story.observe(2 + next as u64, batch).expect("no gap");
                    next = end;
                }
                2 => drain(&mut story, &mut stored, size),
                _ => {
                    story.session.detach(story.now);
                    story.sent.clear();
                    story.attach();
                    let ListenerMessage::Welcome(w) = &story.sent[0] else { panic!("welcome") };
                    next = usize::try_from(w.acknowledged.get() - 1).expect("small");
                }
            }
            for through in story.acknowledged() {
                prop_assert!(through <= 2 || stored.contains(&through));
            }
        }
        prop_assert_eq!(stored, (3..2 + total).collect::<Vec<_>>());
        prop_assert_eq!(story.session.record().tests[0].samples, total - 1);
    }
}

#[test]
fn a_session_has_so_many_items() {
    let mut story = Story::active(vec![vec![ping()]]);
    story.session.received = Sequence::new(MAX_ITEMS - 1);
    let consents = vec![consent(), consent()];
    assert_eq!(story.observe(MAX_ITEMS, consents), Err(Violation::TooManyItems));
    assert_eq!(story.session.received.get(), MAX_ITEMS, "what was before it is kept");
}
