//! The course of a session: what the link tells, what tests may begin, and what came of them.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use cnc_model::message::{Farewell, Instruction, Welcome, When};
use cnc_model::system::{InterfaceKind, SystemInfo};
use cnc_model::test::ThroughputPeer;
use cnc_model::{Failure, Goodbye, Item, Outcome, Reason, Summary, Test, TestId};
use tokio::time::Instant;

use super::{End, Phase, Session, TestResult};
use crate::link::LinkEvent;
use crate::policy::{Surroundings, Verdict};
use crate::runner::Grounds;
use crate::runner::aim::Landmarks;
use crate::runner::measure::Measurement;
use crate::runner::speed::Speed;
use crate::schedule::{Added, Cancelled};
use crate::ui::text::{clean, span};

/// How long nothing must be left to do before the user is told so.
const IDLE_NOTE: Duration = Duration::from_secs(2);

impl Session {
    pub(super) fn handle_link(&mut self, event: LinkEvent) {
        match event {
            LinkEvent::Welcome { welcome, peer, local } => self.handle_welcome(&welcome, peer, local),
            LinkEvent::Instruction(instruction) => self.handle_instruction(instruction),
            LinkEvent::Goodbye(Farewell { report_url, document_url }) => {
                let cleaned = |url: Option<String>| url.map(|url| clean(&url));
                self.papers = Farewell { report_url: cleaned(report_url), document_url: cleaned(document_url) };
                self.link = None;
                self.over();
            }
            LinkEvent::Down { why, retry_in: _ } => {
                if self.down_since.is_none() {
                    self.down_since = Some(Instant::now());
                    let goes_on = match self.welcome {
                        Some(_) => "Measuring goes on.",
                        None => "Trying again.",
                    };
                    self.board
                        .note(&format!("Out of touch with the listener ({}). {goes_on}", clean(&why.to_string())));
                }
            }
            LinkEvent::GivenUp(why) => {
                self.link = None;
                if matches!(self.phase, Phase::Leaving(_) | Phase::Stopping(_)) {
                    self.over();
                } else {
                    self.runner.cancel_all();
                    self.phase = Phase::Over(End::Unreached { why, welcomed: self.welcome.is_some() });
                }
            }
        }
    }

    fn handle_welcome(&mut self, welcome: &Welcome, peer: Option<SocketAddr>, local: IpAddr) {
        let again = self.welcome.is_some();
        // The user's word may still be on its way.
        let consented = welcome.consented || self.earlier.consent_waits;
        let address = peer.map(|peer| peer.ip().to_canonical());
        self.welcome = Some((Box::new(welcome.clone()), address, local));
        if let Some(since) = self.down_since.take() {
            self.board.note(&format!("In touch with the listener again after {}.", span(since.elapsed())));
        }
        // The machine may stand elsewhere now, and what was found before the first welcome knows no listener.
        self.placed = false;
        self.placing.spawn(cnc_probe::system(true));
        let is_first = !again && matches!(self.phase, Phase::Joining);
        // What a new session asks for is shown before that is noted: the disk may take as long as all else since the
        // program's start, and nothing is sent meanwhile.
        if !is_first || self.key.resumed {
            self.key.join(welcome.session, welcome.code);
        }
        self.bring_rest();
        self.give_up_earlier();
        if !is_first {
            return;
        }
        if let Some(code) = welcome.code {
            self.ui.line(&format!("Your code, to read out to your support person: {code}"));
        }
        // The user's consent is the user's to give: a listener that claims it is asked about all the same, and so are
        // strangers that bytes would flow to.
        if consented && self.key.agreed && !welcome.planned.iter().any(loads_a_stranger) {
            self.ui.line("Going on with the session from before.");
            self.phase = Phase::Active;
            self.bring();
            // What is still to be done is told within that time.
            self.idle_note = Some(Instant::now() + IDLE_NOTE);
        } else {
            self.ask(welcome, address);
        }
    }

    /// Ends the tests that ran when an earlier run of the program was stopped.
    fn give_up_earlier(&mut self) {
        let tests = std::mem::take(&mut self.earlier.running);
        if !tests.is_empty() {
            let those = if tests.len() == 1 { "A test that ran" } else { "Tests that ran" };
            self.board.note(&format!("{those} when this program was stopped cannot be gone on with."));
        }
        for test in tests {
            self.put_ended(test, &interrupted());
        }
    }

    fn handle_instruction(&mut self, instruction: Instruction) {
        let active = matches!(self.phase, Phase::Active);
        match instruction {
            // Nothing runs before the user has agreed, or after goodbye: such an order is a breach, or late.
            Instruction::Run { .. } | Instruction::Cancel(_) | Instruction::Unknown { .. } if !active => {}
            // Such names are this end's to give.
            Instruction::Run { test, .. } | Instruction::Unknown { test: Some(test) } if test.is_own() => {}
            Instruction::Run { test, when, what } => self.add(test, when, what),
            Instruction::Cancel(test) => match self.schedule.cancel(test) {
                Cancelled::Waiting => self.conclude(test, Measurement { outcome: Outcome::Cancelled, summary: None }),
                Cancelled::Running => self.runner.cancel(test),
                Cancelled::NotOpen => {}
            },
            Instruction::End => match self.phase {
                Phase::Active | Phase::Asking(..) | Phase::Agreed => self.leave(Goodbye::Done),
                Phase::Joining | Phase::Stopping(_) | Phase::Leaving(_) | Phase::Over(_) => {}
            },
            Instruction::Unknown { test: Some(test) } => {
                if self.schedule.pass_over(test) {
                    let failure = Failure::new(Reason::Unsupported, "this client does not know that kind of test")
                        .with_hint("a newer version of cnc may");
                    self.put_ended(test, &Measurement::failed(failure));
                    self.board.note("The listener asked for something that this version does not know.");
                }
            }
            Instruction::Unknown { test: None } => {}
        }
    }

    /// Takes a test in, unless it is known.
    pub(super) fn add(&mut self, id: TestId, when: When, what: Test) {
        match self.schedule.add(id, when, what.clone()) {
            Ok(Added::Waiting) => {
                self.idle_note = None;
                self.tests.insert(id, what);
            }
            Ok(Added::Ignored) => {}
            Err(too_many) => {
                self.tests.insert(id, what);
                self.conclude(id, Measurement::failed(Failure::new(Reason::RefusedByPolicy, too_many.to_string())));
            }
        }
    }

    pub(super) fn handle_surroundings(&mut self, info: &SystemInfo) {
        let (listener, local) = match &self.welcome {
            Some((_, listener, local)) => (*listener, Some(local.to_canonical())),
            None => (None, None),
        };
        let holds = |address: IpAddr| info.interfaces.iter().find(|i| i.addresses.iter().any(|a| a.address == address));
        let metered = local.and_then(holds).is_some_and(|interface| interface.kind == InterfaceKind::Mobile);
        let own = info.interfaces.iter().flat_map(|i| &i.addresses).map(|a| a.address).collect();
        let (gateways, resolvers) = (info.gateways.clone(), info.resolvers.clone());
        self.landmarks = Landmarks { listener, gateways: gateways.clone(), resolvers: resolvers.clone() };
        self.policy.surround(Surroundings { listener, gateways, resolvers, own, metered });
        self.host_name.clone_from(&info.host_name);
        self.placed = true;
        self.ask_names();
    }

    pub(super) fn handle_ended(&mut self, id: TestId, measurement: Measurement) {
        let moved = match &measurement.summary {
            // What the sender put on its way has cost the link, even where the receiver counted less.
            Some(Summary::Throughput(load)) => load.bytes.max(load.sender_bytes.unwrap_or(0)),
            Some(
                Summary::Ping(_)
                | Summary::Trace(_)
                | Summary::System(_)
                | Summary::Mtu(_)
                | Summary::Dns(_)
                | Summary::Http(_),
            )
            | None => 0,
        };
        self.policy.ended(id, moved, Instant::now());
        self.conclude(id, measurement);
    }

    /// Begins whatever may begin now, and says goodbye once all has stopped.
    pub(super) fn go_on(&mut self) {
        match self.phase {
            Phase::Active => {
                self.start_ready();
                if self.link.is_none() && self.placed && self.schedule.is_idle() {
                    self.over();
                }
            }
            Phase::Stopping(reason) if self.runner.is_idle() => self.say_goodbye(reason),
            Phase::Joining
            | Phase::Asking(..)
            | Phase::Agreed
            | Phase::Stopping(_)
            | Phase::Leaving(_)
            | Phase::Over(_) => {}
        }
    }

    fn start_ready(&mut self) {
        self.rate_wait = None;
        while self.placed {
            let mut refused = false;
            let now = Instant::now();
            for (id, test) in self.schedule.ready() {
                match self.policy.admit(id, &test, now) {
                    Verdict::Admit(test) => self.start(id, test),
                    Verdict::Wait(until) => {
                        self.rate_wait = [self.rate_wait, until].into_iter().flatten().min();
                    }
                    Verdict::Refuse(refusal) => {
                        refused = true;
                        self.conclude(id, Measurement::failed(refusal.into()));
                    }
                }
            }
            // What ended without having begun may have made room for a later stage.
            if !refused {
                return;
            }
        }
    }

    fn start(&mut self, id: TestId, test: Test) {
        self.schedule.started(id);
        self.board.started(id, &test);
        let speed = self.welcome.as_ref().and_then(|(welcome, address, _)| {
            let (listener, token) = (self.listener.clone(), welcome.speed_token.clone());
            let proxy = self.proxy.clone();
            (address.is_some() || proxy.is_some()).then_some(Speed { listener, address: *address, proxy, token })
        });
        let grounds = Grounds {
            rules: self.policy.addresses().clone(),
            landmarks: self.landmarks.clone(),
            speed,
            echo: self.welcome.as_ref().and_then(|(welcome, ..)| welcome.echo_token),
            issuer: self.welcome.as_ref().and_then(|(welcome, ..)| welcome.certificate_issuer.clone()),
            trust: Arc::clone(&self.trust),
            names: self.names,
            own: self.own.clone(),
        };
        self.runner.start(id, test, grounds);
    }

    /// Tells everybody what came of a test.
    pub(super) fn conclude(&mut self, id: TestId, measurement: Measurement) {
        self.schedule.ended(id);
        self.put_ended(id, &measurement);
        let Measurement { outcome, summary } = measurement;
        if self.schedule.is_idle() && self.link.is_some() {
            // A listener that ends the session now does so within a moment.
            self.idle_note = Some(Instant::now() + IDLE_NOTE);
        }
        if let Some(test) = self.tests.remove(&id) {
            self.board.ended(id, &test, &outcome, summary.as_ref());
            self.results.insert(id, TestResult { test, outcome, summary });
        }
    }

    fn put_ended(&mut self, test: TestId, measurement: &Measurement) {
        let Measurement { outcome, summary } = measurement.clone();
        self.put(Item::TestEnded { test, at: self.clock.at(), outcome, summary: summary.map(Box::new) });
    }

    /// Puts an event of the session into the outbox.
    pub(super) fn put(&mut self, item: Item) {
        if let Err(full) = self.outbox.push(item) {
            self.board.note(&format!("An event was lost: {full}."));
        }
    }
}

/// What came of a test that ran when the program was stopped.
pub(crate) fn interrupted() -> Measurement {
    let failure = Failure::new(Reason::Abandoned, "the client was stopped while the test ran");
    Measurement::failed(failure.with_hint("run the test again"))
}

/// Tells whether bytes would flow between this computer and somebody other than the listener.
const fn loads_a_stranger(test: &Test) -> bool {
    match test {
        Test::Download(load) | Test::Upload(load) => matches!(load.peer, ThroughputPeer::Url(_)),
        Test::System | Test::Ping(_) | Test::Trace(_) | Test::Mtu(_) | Test::Dns(_) | Test::Http(_) => false,
    }
}
