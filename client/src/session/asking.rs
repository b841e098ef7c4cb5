//! Asking the user: what is shown before anything is sent beyond hello, and what the answers mean.

use std::net::IpAddr;

use cnc_model::message::Welcome;
use cnc_model::{Goodbye, Item};

use super::{Phase, Session};
use crate::consent::{self, AGREE, Request};

/// What the user is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Question {
    /// Whether tests may run.
    Agree,
    /// Whether the computer's name may be sent too.
    Names,
}

impl Session {
    /// Shows what is asked for, and asks unless the user agreed in advance.
    pub(super) fn ask(&mut self, welcome: &Welcome, address: Option<IpAddr>) {
        self.asked.clone_from(&welcome.planned);
        let brought = self.brought();
        let request = Request { welcome, listener: &self.listener, address, allowed: self.allowed, brought: &brought };
        for part in consent::page(&request) {
            self.ui.gap();
            self.ui.heading(&part.heading);
            self.ui.indented(&part.lines);
        }
        self.ui.gap();
        if self.yes {
            self.ui.line("Agreed in advance (--yes).");
        }
        if self.key.session != Some(welcome.session) {
            self.key.join(welcome.session, welcome.code);
        }
        if self.yes {
            self.agree(false);
        } else {
            self.phase = Phase::Asking(Question::Agree, self.ui.ask(AGREE));
        }
    }

    pub(super) fn handle_answer(&mut self, answer: Option<&str>) {
        let Phase::Asking(question, _) = &self.phase else { return };
        let yes = answer.is_some_and(consent::is_yes);
        match (question, yes) {
            (Question::Agree, true) => {
                self.phase = Phase::Agreed;
                self.ask_names();
            }
            (Question::Agree, false) => {
                if answer.is_none() {
                    self.ui.gap();
                    self.ui.line("Nobody is there to agree; --yes agrees in advance.");
                }
                self.ui.line("Nothing was measured.");
                self.leave(Goodbye::ConsentRefused);
            }
            (Question::Names, names) => self.agree(names),
        }
    }

    /// Asks about the computer's name, once that is known.
    pub(super) fn ask_names(&mut self) {
        if !(self.placed && matches!(self.phase, Phase::Agreed)) {
            return;
        }
        match &self.host_name {
            Some(name) => self.phase = Phase::Asking(Question::Names, self.ui.ask(&consent::names_question(name))),
            None => self.agree(false),
        }
    }

    fn agree(&mut self, names: bool) {
        self.names = names;
        // A later welcome may plan something else, which nobody was asked about.
        self.policy.agree(&self.asked);
        self.key.agree();
        self.phase = Phase::Active;
        self.put(Item::Consent { at: self.clock.at(), names });
        self.bring();
        self.ui.gap();
        self.ui.aside("Measuring. Ctrl-C ends the session at any time.");
    }
}
