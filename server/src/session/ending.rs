//! How a session ends, and when its report is made.

use cnc_model::message::{Farewell, ListenerMessage};
use cnc_model::session::{EndReason, SessionState};

use super::{Effect, Now, Session, abandoned};
use crate::store::Change;

impl Session {
    /// Ends the session now: what has not ended is abandoned, and a report is made once all is durable.
    pub(super) fn finish(&mut self, reason: EndReason, now: Now) {
        self.ending = None;
        self.overview.state = SessionState::Ended(reason);
        self.overview.ended = Some(now.wall);
        self.overview.code = None;
        self.code_hash = None;
        let mut changes = Vec::new();
        for record in self.tests.values_mut().filter(|test| test.outcome.is_none()) {
            record.ended = Some(now.wall);
            record.outcome = Some(abandoned(record.started.is_some()));
            changes.push(Change::Test(record.clone()));
        }
        self.report_due = false;
        // Of a session that nobody joined there is nothing to report, and nothing is waited for.
        let then = if self.overview.joined.is_some() { vec![Effect::Report] } else { Vec::new() };
        self.store_row_and(changes, None, then);
        self.publish_overview();
    }

    /// Makes the report again when an ended session was added to.
    pub(super) fn report_again_if_due(&mut self) {
        if std::mem::take(&mut self.report_due) {
            self.store(Vec::new(), None, vec![Effect::Report]);
        }
    }

    /// Tells that the report lies there; the client is told where and let go. One that is still adding to an ended
    /// session is not: once it has said its last word, or has been waited for, the report is made again.
    pub fn reported(&mut self, farewell: Farewell) {
        let made_again =
            self.adding || self.report_due || self.awaiting.iter().any(|(_, then)| then.contains(&Effect::Report));
        if self.overview.connected && !made_again {
            self.effects.push_back(Effect::Send(ListenerMessage::Goodbye(farewell)));
            self.effects.push_back(Effect::Detach);
        }
    }
}
