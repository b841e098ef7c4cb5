//! The pings of one line, and whose a message is.

use std::collections::HashMap;
use std::net::IpAddr;

use super::run::Run;

/// The most pings on a line, however few bytes they have waiting: each message may have to be offered to all.
const MOST_RUNS: usize = 128;

/// The pings of a line, each at a seat of its own and with a target of its own.
#[derive(Default)]
pub(super) struct Runs {
    seats: Vec<Option<Run>>,
    by_target: HashMap<IpAddr, usize>,
    /// How many bytes all of them may have waiting.
    waiting_bytes: usize,
}

impl Runs {
    /// Says whether there is a seat for a ping where so many bytes may wait.
    pub(super) fn has_seat_for(&self, run: &Run, may_wait: usize) -> bool {
        let is_room = self.waiting_bytes.saturating_add(run.waiting_bytes) <= may_wait;
        is_room && self.by_target.len() < MOST_RUNS && !self.by_target.contains_key(&run.target)
    }

    /// Takes a ping in and gives its seat.
    pub(super) fn seat(&mut self, run: Run) -> usize {
        let free = self.seats.iter().position(Option::is_none);
        let seat = free.unwrap_or_else(|| {
            self.seats.push(None);
            self.seats.len() - 1
        });
        self.by_target.insert(run.target, seat);
        self.waiting_bytes = self.waiting_bytes.saturating_add(run.waiting_bytes);
        self.seats[seat] = Some(run);
        seat
    }

    /// Ends pings and gives the seats that are free now.
    pub(super) fn end(&mut self, which: impl Fn(&Run) -> bool) -> Vec<usize> {
        let mut free = Vec::new();
        for (seat, run) in self.seats.iter_mut().enumerate() {
            if let Some(run) = run.take_if(|run| which(run)) {
                self.by_target.remove(&run.target);
                self.waiting_bytes = self.waiting_bytes.saturating_sub(run.waiting_bytes);
                run.end();
                free.push(seat);
            }
        }
        free
    }

    /// Gives all pings.
    pub(super) fn all(&mut self) -> impl Iterator<Item = &mut Run> {
        self.seats.iter_mut().flatten()
    }

    /// Gives the ping at a seat.
    pub(super) fn at(&mut self, seat: usize) -> Option<&mut Run> {
        self.seats.get_mut(seat)?.as_mut()
    }

    /// Says whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.by_target.is_empty()
    }

    /// Gives a reply to the ping that takes it for its own, and says whether one did: most often the one that pings
    /// this address, else any, for hosts also answer from other addresses than they were asked at.
    pub(super) fn offer_reply(&mut self, from: Option<IpAddr>, mut takes: impl FnMut(&mut Run) -> bool) -> bool {
        from.and_then(|from| self.of(from)).is_some_and(&mut takes) || self.all().any(takes)
    }

    /// Gives an error to the ping that it is about, and says whether that took it. Any is asked only where the address
    /// that was pinged is not told: what routers quote may be the same of all.
    pub(super) fn offer_error(&mut self, to: Option<IpAddr>, mut takes: impl FnMut(&mut Run) -> bool) -> bool {
        match to {
            Some(to) => self.of(to).is_some_and(takes),
            None => self.all().any(&mut takes),
        }
    }

    fn of(&mut self, target: IpAddr) -> Option<&mut Run> {
        let seat = *self.by_target.get(&target)?;
        self.at(seat)
    }
}
