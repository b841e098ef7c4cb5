//! One support session as the client lives it, from the first word with the listener to the last figure.
//!
//! It joins what decides (schedule, policy) with what does (link, runner) and what the user sees. Everything that can
//! happen is one closed `Event`; no handler of one waits for another.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use cnc_model::message::{Farewell, Welcome, When};
use cnc_model::system::SystemInfo;
use cnc_model::{Goodbye, Item, Outcome, Summary, Test, TestId};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use crate::alone::Alone;
use crate::clock::SessionClock;
use crate::config::ListenerUrl;
use crate::journal::Contents;
use crate::link::{LinkEvent, Unreached};
use crate::outbox::Outbox;
use crate::policy::{Allowed, Policy, Surroundings};
use crate::proxy::Proxy;
use crate::runner::aim::Landmarks;
use crate::runner::measure::Measurement;
use crate::runner::{MAX_SHOWN, Own, Runner, Shown};
use crate::schedule::Schedule;
use crate::scribe::Fault;
use crate::state::SavedKey;
use crate::tls::Trust;
use crate::ui::{Board, Ui};

mod asking;
mod bringing;
mod course;
mod leaving;

pub(crate) use course::interrupted;

/// How often the saved key is marked as alive: well within the time that it stays good for.
const KEY_MARK: Duration = Duration::from_secs(30);

/// What a session is made of.
pub struct Parts {
    /// The screen.
    pub ui: Ui,
    /// The listener.
    pub listener: ListenerUrl,
    /// The proxy that leads to it.
    pub proxy: Option<Proxy>,
    /// Whether the user agreed in advance.
    pub yes: bool,
    /// What the user allowed beyond the rules.
    pub allowed: Allowed,
    /// The session's clock.
    pub clock: SessionClock,
    /// Where items go.
    pub outbox: Arc<Outbox>,
    /// What the link tells; `None` where there is no link and the built-in plan runs alone.
    pub link: Option<mpsc::Receiver<LinkEvent>>,
    /// Tests to run without being asked, with their stages.
    pub plan: Vec<(u32, Test)>,
    /// The client's key.
    pub key: SavedKey,
    /// What an earlier run of the program left of this session.
    pub earlier: Contents,
    /// What was measured while the listener was out of reach.
    pub alone: Vec<Alone>,
    /// What goes wrong with the files.
    pub faults: mpsc::Receiver<Fault>,
    /// Whom speed tests trust.
    pub trust: Arc<Trust>,
    /// Rung when the user interrupts.
    pub interrupted: mpsc::Receiver<()>,
}

/// How a session ended.
#[derive(Debug)]
pub struct Ended {
    /// Why.
    pub end: End,
    /// The tests in the order of their ids.
    pub results: BTreeMap<TestId, TestResult>,
    /// Where the user can read the report.
    pub papers: Farewell,
    /// The key, to be forgotten or kept.
    pub key: SavedKey,
    /// What was measured while the listener was out of reach, taken by this session or not.
    pub alone: Vec<Alone>,
    /// Rung when the user interrupts.
    pub interrupted: mpsc::Receiver<()>,
}

/// Why a session ended.
#[derive(Debug)]
pub enum End {
    /// The listener ended it, or all of the built-in plan is done.
    Done,
    /// The user ended it.
    User,
    /// The user did not agree.
    Refused,
    /// The listener cannot be had, or no longer.
    Unreached {
        /// What is in the way.
        why: Unreached,
        /// Whether it had been there before.
        welcomed: bool,
    },
}

/// What came of a test.
#[derive(Debug)]
pub struct TestResult {
    /// What was asked.
    pub test: Test,
    /// How it ended.
    pub outcome: Outcome,
    /// Its figures.
    pub summary: Option<Summary>,
}

/// Everything that can happen.
enum Event {
    Link(LinkEvent),
    /// The link's task is gone without a last word, which only a fault of this program does.
    LinkLost,
    Ended(TestId, Box<Measurement>),
    Shown(TestId, Shown),
    Answer(Option<String>),
    Surroundings(Box<SystemInfo>),
    Interrupt,
    Fault(Fault),
    Timeout,
}

/// Where the session stands.
enum Phase {
    /// Waiting for the listener's welcome.
    Joining,
    /// Waiting for the user's answer.
    Asking(asking::Question, oneshot::Receiver<String>),
    /// The user agreed; what this computer is called is about to be known, to ask about that too.
    Agreed,
    /// Tests run.
    Active,
    /// Tests are being stopped; then goodbye is said.
    Stopping(Goodbye),
    /// Goodbye was said; the listener's is awaited.
    Leaving(Goodbye),
    /// Over.
    Over(End),
}

/// A session.
pub struct Session {
    ui: Ui,
    board: Board,
    listener: ListenerUrl,
    proxy: Option<Proxy>,
    yes: bool,
    allowed: Allowed,
    /// This computer's name, which stays here unless the user agrees.
    host_name: Option<String>,
    names: bool,
    /// What the user was shown to agree to.
    asked: Vec<Test>,
    clock: SessionClock,
    outbox: Arc<Outbox>,
    link: Option<mpsc::Receiver<LinkEvent>>,
    key: SavedKey,
    earlier: Contents,
    alone: Vec<Alone>,
    faults: mpsc::Receiver<Fault>,
    trust: Arc<Trust>,
    interrupted: mpsc::Receiver<()>,
    phase: Phase,
    schedule: Schedule,
    policy: Policy,
    /// False until it is known where this machine stands: no test begins before.
    placed: bool,
    placing: JoinSet<SystemInfo>,
    runner: Runner,
    /// Set where this program chose the tests itself.
    own: Option<Own>,
    shown: mpsc::Receiver<(TestId, Shown)>,
    tests: BTreeMap<TestId, Test>,
    results: BTreeMap<TestId, TestResult>,
    /// The welcome, the listener's address where it is known, and this end's.
    welcome: Option<(Box<Welcome>, Option<IpAddr>, IpAddr)>,
    landmarks: Landmarks,
    papers: Farewell,
    /// Since when the stream is down.
    down_since: Option<Instant>,
    /// When a test that the rate limit holds back may be tried again.
    rate_wait: Option<Instant>,
    /// When the user is told that nothing is left to do, once that has lasted for a moment.
    idle_note: Option<Instant>,
    /// When leaving takes too long.
    leave_by: Option<Instant>,
    key_mark: Instant,
}

impl Session {
    /// Begins a session.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        let Parts {
            ui,
            listener,
            proxy,
            yes,
            allowed,
            clock,
            outbox,
            link,
            plan,
            key,
            earlier,
            alone,
            faults,
            trust,
            interrupted,
        } = parts;
        let mut schedule = Schedule::default();
        for &test in earlier.running.union(&earlier.ended) {
            // The listener repeats what it does not know to have ended; it will be told.
            schedule.pass_over(test);
        }
        let (shown_to, shown) = mpsc::channel(MAX_SHOWN);
        let now = Instant::now();
        let mut placing = JoinSet::new();
        placing.spawn(cnc_probe::system(true));
        let mut session = Self {
            board: Board::new(&ui),
            ui,
            own: link.is_none().then(|| Own { listener: listener.clone(), proxy: proxy.clone() }),
            listener,
            proxy,
            yes,
            allowed,
            host_name: None,
            names: false,
            asked: Vec::new(),
            runner: Runner::new(Arc::clone(&outbox), clock, shown_to),
            clock,
            outbox,
            phase: if link.is_some() { Phase::Joining } else { Phase::Active },
            link,
            key,
            earlier,
            alone,
            faults,
            trust,
            interrupted,
            schedule,
            policy: Policy::new(allowed, Surroundings::default(), now),
            placed: false,
            placing,
            shown,
            tests: BTreeMap::new(),
            results: BTreeMap::new(),
            welcome: None,
            landmarks: Landmarks::default(),
            papers: Farewell::default(),
            down_since: None,
            rate_wait: None,
            idle_note: None,
            leave_by: None,
            key_mark: now + KEY_MARK,
        };
        let mut id = TestId::FIRST;
        for (stage, test) in plan {
            session.put(Item::OwnTest { test: id, began: clock.began(), what: Box::new(test.clone()) });
            session.add(id, When::Stage(stage), test);
            id = id.next();
        }
        session
    }

    /// Lives it to its end.
    pub async fn run(mut self) -> Ended {
        loop {
            if let Phase::Over(end) = self.phase {
                self.board.clear();
                let Self { results, papers, key, alone, interrupted, .. } = self;
                return Ended { end, results, papers, key, alone, interrupted };
            }
            let event = self.next_event().await;
            self.handle(event);
            self.go_on();
        }
    }

    async fn next_event(&mut self) -> Event {
        let timeout = self.timeout();
        // Liveness: the listener ends a session by its own limits, the user by interrupting; without a link the plan
        // ends by itself.
        tokio::select! {
            event = next_of(&mut self.link) => event.map_or(Event::LinkLost, Event::Link),
            Some((id, measurement)) = self.runner.next() => Event::Ended(id, Box::new(measurement)),
            Some((id, shown)) = self.shown.recv() => Event::Shown(id, shown),
            answer = answer(&mut self.phase) => Event::Answer(answer),
            Some(Ok(info)) = self.placing.join_next() => Event::Surroundings(Box::new(info)),
            Some(()) = self.interrupted.recv() => Event::Interrupt,
            Some(fault) = self.faults.recv() => Event::Fault(fault),
            () = sleep_until(timeout) => Event::Timeout,
        }
    }

    fn handle(&mut self, event: Event) {
        match event {
            Event::Link(event) => self.handle_link(event),
            Event::LinkLost => {
                self.handle_link(LinkEvent::GivenUp(Unreached::Broken { why: "a fault in this program".into() }));
            }
            Event::Ended(id, measurement) => self.handle_ended(id, *measurement),
            Event::Shown(id, Shown::Sample(sample)) => self.board.sample(id, &sample),
            Event::Shown(id, Shown::Waiting(others)) => self.board.waiting(id, others),
            Event::Answer(answer) => self.handle_answer(answer.as_deref()),
            Event::Surroundings(info) => self.handle_surroundings(&info),
            Event::Interrupt => self.handle_interrupt(),
            Event::Fault(fault) => {
                if matches!(fault, Fault::Journal(_)) {
                    // Nothing would tell the next run of the program what this session has of them: they wait for another.
                    self.alone.retain(Alone::is_taken);
                }
                self.board.note(&fault.to_string());
            }
            Event::Timeout => self.handle_timeout(),
        }
    }
}

/// Waits for the link's next event, for ever where there is no link.
async fn next_of(link: &mut Option<mpsc::Receiver<LinkEvent>>) -> Option<LinkEvent> {
    match link {
        Some(link) => link.recv().await,
        // Liveness: without a link there is nothing to wait for here.
        None => std::future::pending().await,
    }
}

/// Waits for the user's answer, for ever when nothing is asked.
async fn answer(phase: &mut Phase) -> Option<String> {
    match phase {
        Phase::Asking(_, answer) => answer.await.ok(),
        Phase::Joining | Phase::Agreed | Phase::Active | Phase::Stopping(_) | Phase::Leaving(_) | Phase::Over(_) => {
            // Liveness: nothing is asked, so there is nothing to wait for here.
            std::future::pending().await
        }
    }
}
