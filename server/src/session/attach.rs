//! A client's stream comes and goes: what is said to a client that is taken in, for the first time or again.

use std::collections::BTreeSet;
use std::net::IpAddr;

use cnc_model::TestId;
use cnc_model::message::{Hello, Instruction, ListenerMessage, Welcome};
use cnc_model::network::AutonomousSystem;
use cnc_model::session::SessionState;

use super::{Effect, Greeting, Now, Session, about, run, run_of, send};
use crate::limits::OWN_TESTS;

impl Session {
    /// Takes in whose network the client's address belongs to; right before [`Self::attach`], which stores it.
    pub fn come_from(&mut self, network: Option<AutonomousSystem>) {
        self.overview.network = network;
    }

    /// Takes in a client's stream. The caller has found that the code, or the key, is this session's.
    ///
    /// A first client's key is durable before it is welcomed; one that comes back is welcomed at once and told
    /// again what it may have missed. Whatever stream was up before is replaced by the caller.
    pub fn attach(&mut self, hello: Hello, key_hash: [u8; 32], public_address: IpAddr, greeting: Greeting, now: Now) {
        let Hello { client_version, capabilities, key: _, code: _, clock_began, at } = hello;
        let first = self.key_hash.is_none();
        self.key_hash = Some(key_hash);
        self.capabilities = Some(capabilities);
        self.clock_began = Some(clock_began);
        self.overview.client_version = Some(client_version);
        self.overview.public_address = Some(public_address);
        self.overview.clock_offset_us = Some(clock_began.after(at).unix_us().saturating_sub(now.wall.unix_us()));
        self.overview.connected = true;
        self.detached_since = None;
        self.quiet_since = now.elapsed;
        self.adding = matches!(self.overview.state, SessionState::Ended(_));
        if first {
            self.code_hash = None;
            self.overview.joined = Some(now.wall);
            self.overview.state = SessionState::Joined;
            if !self.overview.walk_in {
                self.overview.code = None;
            }
        }
        self.forget_unsent();
        let back = self.end_absence(now);
        let mut then = vec![Effect::Send(ListenerMessage::Welcome(self.welcome(public_address, greeting)))];
        then.extend(self.repetitions().into_iter().map(send));
        if first || !self.key_durable {
            self.store_row_and(back, None, then);
        } else {
            self.store_row_and(back, None, Vec::new());
            self.effects.extend(then);
        }
        self.publish_overview();
    }

    /// Drops what was meant for a stream that is gone; acknowledgements hold for the next one too, and so do orders
    /// that wait for their test to be durable.
    pub(super) fn forget_unsent(&mut self) {
        let unsent = self.unsent_runs();
        for (_, then) in &mut self.awaiting {
            then.retain(|effect| match effect {
                Effect::Send(ListenerMessage::Instruction(order)) => {
                    about(order).is_some_and(|id| unsent.contains(&id))
                }
                Effect::Send(ListenerMessage::Welcome(_) | ListenerMessage::Goodbye { .. }) => false,
                Effect::Send(ListenerMessage::Acknowledge(_))
                | Effect::Store { .. }
                | Effect::Publish(_)
                | Effect::Detach
                | Effect::Report => true,
            });
        }
    }

    /// Gives the tests whose order to run waits for something to be durable.
    pub(super) fn unsent_runs(&self) -> BTreeSet<TestId> {
        self.awaiting.iter().flat_map(|(_, then)| then).filter_map(run_of).collect()
    }

    pub(super) fn welcome(&self, public_address: IpAddr, greeting: Greeting) -> Welcome {
        let Greeting { operator, speed_token, echo_token, certificate_issuer } = greeting;
        Welcome {
            session: self.overview.id,
            code: self.overview.code,
            operator,
            public_address,
            acknowledged: self.overview.stored,
            // Of one that a failing disk takes back the client would otherwise never send it again.
            consented: self.consented.is_some() && self.consent <= self.overview.stored,
            planned: self.issued().filter(|t| t.outcome.is_none()).map(|t| t.what.clone()).collect(),
            speed_token,
            echo_token,
            certificate_issuer,
            own_tests: u32::try_from(OWN_TESTS.saturating_sub(self.own_tests())).unwrap_or(u32::MAX),
        }
    }

    /// Gives what a client that comes back may have missed; it ignores what it knows.
    pub(super) fn repetitions(&self) -> Vec<Instruction> {
        if matches!(self.overview.state, SessionState::Ending | SessionState::Ended(_)) {
            return vec![Instruction::End];
        }
        if self.consented.is_none() {
            return Vec::new();
        }
        let unsent = self.unsent_runs();
        let open = self.issued().filter(|test| test.outcome.is_none());
        let all = open.map(run).chain(self.cancelling.iter().copied().map(Instruction::Cancel));
        all.filter(|order| about(order).is_none_or(|test| !unsent.contains(&test))).collect()
    }

    /// Tells that the client's stream is gone.
    pub fn detach(&mut self, now: Now) {
        if !self.overview.connected {
            return;
        }
        self.overview.connected = false;
        self.detached_since = Some(now.elapsed);
        self.publish_overview();
        self.begin_absence(now);
        self.report_again_if_due();
    }
}
