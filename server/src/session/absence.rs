//! When the client was away: so that those who come later see it, too.

use cnc_model::session::{Absence, SessionState, WatchEvent};

use super::{Now, Session};
use crate::store::Change;

/// The most absences that are kept of one session: a day on a line that breaks each minute. Further ones are not told.
pub const MAX_ABSENCES: usize = 1_500;

impl Session {
    /// Notes that the client is away from now on. One that has left for good is not away.
    pub(super) fn begin_absence(&mut self, now: Now) {
        let is_expected = match self.overview.state {
            SessionState::Joined | SessionState::Active | SessionState::Ending => true,
            SessionState::Waiting | SessionState::Ended(_) => false,
        };
        let is_away = self.absences.last().is_some_and(|last| last.until.is_none());
        if !is_expected || is_away || self.absences.len() >= MAX_ABSENCES {
            return;
        }
        let absence = Absence { from: now.wall, until: None };
        self.absences.push(absence);
        self.store(vec![Change::Absence(absence)], None, Vec::new());
        self.publish(|| WatchEvent::Absence(absence));
    }

    /// Notes that the client is back; gives what is to be stored of it.
    pub(super) fn end_absence(&mut self, now: Now) -> Vec<Change> {
        if matches!(self.overview.state, SessionState::Ended(_)) {
            return Vec::new();
        }
        let Some(absence) = self.absences.last_mut().filter(|last| last.until.is_none()) else { return Vec::new() };
        absence.until = Some(now.wall);
        let absence = *absence;
        self.publish(|| WatchEvent::Absence(absence));
        vec![Change::Absence(absence)]
    }
}
