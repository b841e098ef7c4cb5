//! What was measured while the listener was out of reach, brought along: behind the user's consent, and once.

use cnc_model::Timestamp;

use super::Session;
use crate::ui::text::count;

impl Session {
    /// Tells what would be brought along, if the user agrees: when each run began, and how many tests it had.
    pub(super) fn brought(&self) -> Vec<(Timestamp, u32)> {
        self.fitting().into_iter().map(|place| (self.alone[place].began(), self.alone[place].tests())).collect()
    }

    /// Finds the runs that no session has and this one takes, the oldest first.
    fn fitting(&self) -> Vec<usize> {
        if self.key.journal().is_none() {
            return Vec::new();
        }
        let mut room = self.welcome.as_ref().map_or(0, |(welcome, ..)| welcome.own_tests);
        let mut places = Vec::new();
        for (place, run) in self.alone.iter().enumerate().filter(|(_, run)| !run.is_taken()) {
            if let Some(left) = room.checked_sub(run.tests()) {
                room = left;
                places.push(place);
            }
        }
        places
    }

    /// Puts it into the outbox. What cannot be noted as given stays where it is, for another session, and so does all of
    /// it where this session has no journal that would tell the next run of the program how much was taken.
    pub(super) fn bring(&mut self) {
        let mut tests = 0;
        for place in self.fitting() {
            let run = &mut self.alone[place];
            let Some(items) = run.give(&self.key.key, self.outbox.last().plus(1)) else { continue };
            tests += u64::from(run.tests());
            for item in items {
                self.put(item);
            }
        }
        if tests > 0 {
            let tests = count(tests, "test");
            self.board.note(&format!("Sending what was measured while the listener was out of reach: {tests}."));
        }
    }

    /// Goes on with what an earlier run of the program was bringing when it was stopped: nothing may come in between.
    pub(super) fn bring_rest(&mut self) {
        for place in 0..self.alone.len() {
            for item in self.alone[place].rest(&self.key.key, self.outbox.last()) {
                self.put(item);
            }
        }
    }
}
