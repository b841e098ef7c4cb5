//! A socket with the pings that send by it: when each is due next, and whose the messages are that come.
//!
//! No two pings on a line have one target, so that an address tells whose a message is even where it brings back none
//! of the payload, as of some routers' errors.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;
use std::os::fd::BorrowedFd;

use tokio::time::Instant;

use super::run::Run;
use super::runs::Runs;
use super::{Carrier, Group};
use crate::icmp::Room;
use crate::kernel::{Moment, Note, Wall};

/// The most messages and as many notes taken before anything else is looked at. What is left is taken next.
const MOST_TAKEN: u32 = 256;

/// The most probes sent before what has come is looked at: replies wait no longer than that for user-space stamps,
/// where the kernel gives none.
const MOST_SENT: u32 = 32;

/// How often a send is tried that fails with the error of an earlier probe.
const SENDS: u32 = 4;

/// A ping that is about to begin, and a socket for it.
pub(super) struct Newcomer {
    pub(super) carrier: Box<dyn Carrier>,
    pub(super) group: Option<Group>,
    pub(super) run: Run,
}

/// A socket with its pings.
pub(super) struct Line {
    carrier: Box<dyn Carrier>,
    group: Option<Group>,
    /// How many bytes may wait at the socket.
    may_wait: usize,
    room: Room,
    runs: Runs,
    due: BinaryHeap<Reverse<Due>>,
}

/// When something is due for a ping. The earliest comes first.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Due {
    at: Instant,
    what: What,
    seat: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum What {
    Timeout,
    Send,
}

/// What was among the notes that were taken.
#[derive(Default)]
struct Notes {
    /// The stamp of the probe just sent.
    stamp: Option<Wall>,
    /// Whether there was an ICMP error.
    error: bool,
}

impl Line {
    /// Makes a line for a ping.
    pub(super) fn of(newcomer: Newcomer) -> Self {
        let Newcomer { carrier, group, run } = newcomer;
        let (room, runs, due) = (Room::new(), Runs::default(), BinaryHeap::new());
        let may_wait = carrier.waiting_bytes();
        let mut line = Self { carrier, group, may_wait, room, runs, due };
        line.seat(run);
        line
    }

    /// Says whether this line can carry a ping as well as its own socket.
    pub(super) fn has_seat_for(&self, newcomer: &Newcomer) -> bool {
        self.group.is_some() && self.group == newcomer.group && self.runs.has_seat_for(&newcomer.run, self.may_wait)
    }

    /// Begins a ping.
    pub(super) fn seat(&mut self, mut run: Run) {
        run.probes.identify(self.carrier.identifier());
        let next = run.next_send();
        let seat = self.runs.seat(run);
        self.push(next, What::Send, seat);
    }

    /// Says whether there is no ping left.
    pub(super) fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// Gives when something is due next.
    pub(super) fn next(&self) -> Option<Instant> {
        self.due.peek().map(|Reverse(due)| due.at)
    }

    /// Gives the socket, to wait for it.
    #[expect(unsafe_code, reason = "boxed carriers tell their descriptor only")]
    pub(super) fn socket(&self) -> BorrowedFd<'_> {
        // SAFETY: the carrier owns its descriptor, gives the same one as long as it lives, and lives as long as it is
        // borrowed.
        unsafe { BorrowedFd::borrow_raw(self.carrier.as_raw_fd()) }
    }

    /// Lets go of pings whose samples nobody wants any more.
    pub(super) fn dismiss_left(&mut self) {
        self.end(Run::is_left);
    }

    /// Tells what became of probes since the last time, and ends the pings of which that was the last. Those who are
    /// woken by it are so apart from the sends, which it would delay, and find all that there is.
    pub(super) fn tell(&mut self) {
        self.runs.all().for_each(Run::tell);
        self.end(Run::is_over);
    }

    /// Does what is due by now, up to a bound.
    pub(super) fn act(&mut self, now: Instant) {
        for _ in 0..MOST_SENT {
            let Some(top) = self.due.peek_mut().filter(|top| top.0.at <= now) else { return };
            let Reverse(Due { what, seat, .. }) = PeekMut::pop(top);
            match what {
                What::Send => self.send(seat, now),
                What::Timeout => self.time_out(seat, now),
            }
        }
    }

    /// Takes replies and ICMP errors.
    pub(super) fn take(&mut self) {
        for _ in 0..MOST_TAKEN {
            let Some(message) = self.carrier.message(&mut self.room) else { break };
            let after = Moment::now();
            self.runs.offer_reply(message.from, |run| run.take_reply(&message, &after));
        }
        self.take_notes(|_| false, false);
    }

    /// Sends the next probe of a ping.
    fn send(&mut self, seat: usize, now: Instant) {
        // Whoever left did so between two looks: nothing goes out for it any more.
        let Some(run) = self.runs.at(seat).filter(|run| !run.is_left()) else { return };
        let (seq, mut before) = run.begin(now);
        let (next, timeout) = (run.next_send(), run.set_timeout());
        self.push(next, What::Send, seat);
        self.push(timeout, What::Timeout, seat);
        for nth in 1..=SENDS {
            let Some(run) = self.runs.at(seat) else { return };
            let result = self.carrier.send(run.probes.probe(), &run.to);
            let end = Wall::now();
            // After a send that failed, all of the queue matters; else what lies behind the stamp is taken when it is
            // waited for.
            let Notes { stamp, error } = self.take_notes(|stamp| before.sent_at(stamp, end), result.is_ok());
            let Some(run) = self.runs.at(seat) else { return };
            run.sent(seq, before, stamp);
            if result.is_ok() {
                return;
            }
            // A send gives the error of an earlier probe instead of sending, and then not again.
            if nth == SENDS || !(error || nth == 1) || !run.is_waiting(seq) {
                return run.not_sent(seq);
            }
            before = Moment::now();
        }
    }

    /// Looks at the timeouts of a ping.
    fn time_out(&mut self, seat: usize, now: Instant) {
        // What came in time but was not looked at yet is no loss.
        self.take();
        let Some(run) = self.runs.at(seat) else { return };
        run.pass(now);
        let timeout = run.set_timeout();
        self.push(timeout, What::Timeout, seat);
    }

    /// Takes notes: all that are there, or up to the stamp of the probe just sent.
    fn take_notes(&mut self, is_ours: impl Fn(Wall) -> bool, up_to_ours: bool) -> Notes {
        let mut notes = Notes::default();
        for _ in 0..MOST_TAKEN {
            match self.carrier.note(&mut self.room) {
                None => break,
                // Through a tunnel a packet is handed over twice: the first time counts.
                Some(Note::Sent(stamp)) if is_ours(stamp) => {
                    notes.stamp = notes.stamp.or(Some(stamp));
                    if up_to_ours {
                        break;
                    }
                }
                Some(Note::Sent(_) | Note::TooLong(_) | Note::Other) => {}
                Some(Note::Error { from, to, quote, .. }) => {
                    notes.error = true;
                    self.runs.offer_error(to, |run| run.take_error(from, quote));
                }
            }
        }
        notes
    }

    fn push(&mut self, at: Option<Instant>, what: What, seat: usize) {
        self.due.extend(at.map(|at| Reverse(Due { at, what, seat })));
    }

    /// Ends pings. Their seats may be others' next.
    fn end(&mut self, which: impl Fn(&Run) -> bool) {
        for seat in self.runs.end(which) {
            self.due.retain(|Reverse(due)| due.seat != seat);
        }
    }
}

#[cfg(test)]
mod tests;
