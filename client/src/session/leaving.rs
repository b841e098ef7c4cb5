//! The ways out of a session: the user's, the listener's, and what takes too long.

use std::time::Duration;

use cnc_model::{Goodbye, Item, Outcome};
use tokio::time::Instant;

use super::{End, KEY_MARK, Phase, Session};
use crate::clock::wall;
use crate::link::Unreached;
use crate::runner::measure::Measurement;

/// How long a user who ends the session waits for the listener's goodbye at the most.
const USER_LEAVES: Duration = Duration::from_secs(2);
/// How long the client waits for the listener's goodbye when the listener ends the session: the report is made first.
const LISTENER_ENDS: Duration = Duration::from_secs(15);
/// How long the listener may be out of reach before the client gives up, once nothing runs: its own grace time.
const OUT_OF_REACH: Duration = Duration::from_mins(2);
/// How long a client that was started again looks for the listener of its session: a restart takes it seconds.
const NOT_BACK: Duration = Duration::from_secs(20);

impl Session {
    /// Gives the moment at which something has waited for too long, or the key is to be marked.
    pub(super) fn timeout(&self) -> Instant {
        [self.leave_by, self.rate_wait, self.idle_note, self.gives_up()]
            .into_iter()
            .flatten()
            .fold(self.key_mark, Instant::min)
    }

    /// Gives the moment at which a listener that is out of reach is given up.
    fn gives_up(&self) -> Option<Instant> {
        let patience = if self.welcome.is_some() { OUT_OF_REACH } else { NOT_BACK };
        self.down_since.map(|since| since + patience).filter(|_| self.schedule.is_idle())
    }

    pub(super) fn handle_timeout(&mut self) {
        let now = Instant::now();
        if self.key_mark <= now {
            self.key_mark = now + KEY_MARK;
            if self.welcome.is_some() && self.down_since.is_none() {
                self.key.touch(self.clock.began(), wall());
            }
        }
        if self.idle_note.is_some_and(|at| at <= now) {
            self.idle_note = None;
            self.board.note("All that was asked for is done. You can end here with Ctrl-C, or wait for more.");
        }
        if self.leave_by.is_some_and(|by| by <= now) {
            self.over();
        } else if self.gives_up().is_some_and(|at| at <= now) {
            let why = Unreached::Broken { why: "it did not come back".into() };
            self.phase = Phase::Over(End::Unreached { why, welcomed: self.welcome.is_some() });
        }
    }

    /// Stops on the user's word: at once, with a last word to the listener. A second time it does not even wait.
    pub(super) fn handle_interrupt(&mut self) {
        match self.phase {
            Phase::Active | Phase::Asking(..) | Phase::Agreed => {
                self.ui.gap();
                self.leave(Goodbye::UserEnded);
            }
            Phase::Joining | Phase::Stopping(_) | Phase::Leaving(_) => self.phase = Phase::Over(End::User),
            Phase::Over(_) => {}
        }
    }

    /// Begins to leave: nothing new begins, and what runs is stopped.
    pub(super) fn leave(&mut self, reason: Goodbye) {
        let patience = match reason {
            Goodbye::Done => LISTENER_ENDS,
            Goodbye::UserEnded | Goodbye::ConsentRefused => USER_LEAVES,
        };
        self.leave_by = Some(Instant::now() + patience);
        self.idle_note = None;
        for waiting in self.schedule.close() {
            self.conclude(waiting, Measurement { outcome: Outcome::Cancelled, summary: None });
        }
        self.runner.cancel_all();
        self.phase = Phase::Stopping(reason);
    }

    /// Says the last word and waits for the listener's.
    pub(super) fn say_goodbye(&mut self, reason: Goodbye) {
        self.put(Item::Goodbye { at: self.clock.at(), reason });
        self.phase = Phase::Leaving(reason);
        if self.link.is_none() {
            self.over();
        }
    }

    /// Ends it, for the reason that it was left for.
    pub(super) fn over(&mut self) {
        let end = match self.phase {
            Phase::Stopping(Goodbye::UserEnded) | Phase::Leaving(Goodbye::UserEnded) => End::User,
            Phase::Stopping(Goodbye::ConsentRefused) | Phase::Leaving(Goodbye::ConsentRefused) => End::Refused,
            Phase::Joining
            | Phase::Asking(..)
            | Phase::Agreed
            | Phase::Active
            | Phase::Stopping(Goodbye::Done)
            | Phase::Leaving(Goodbye::Done)
            | Phase::Over(_) => End::Done,
        };
        self.runner.cancel_all();
        self.phase = Phase::Over(end);
    }
}
