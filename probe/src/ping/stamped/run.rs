//! One ping under way: its pace, its probes and what becomes of them. Sends nothing itself: its line does.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use cnc_model::Ttl;
use cnc_model::ping::{PingReply, PingSample};
use cnc_model::test::PingTest;
use socket2::SockAddr;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::flights::Flights;
use super::outlet::Outlet;
use super::{Message, Probes, Quoted};
use crate::kernel::{Moment, Sent, Wall, round_trip};
use crate::ping::pace::Pace;

/// How long a busy machine may keep the thread from what comes: what a ping sends in that time waits at once.
const AWAY: Duration = Duration::from_millis(10);
/// What a packet takes of a socket's room beside its payload: headers, and the kernel's own notes of it and of its stamp.
const BESIDE_PAYLOAD: usize = 1 << 10;

/// A ping under way.
pub(super) struct Run {
    /// Where it pings.
    pub(super) target: IpAddr,
    pub(super) to: SockAddr,
    pub(super) probes: Box<dyn Probes>,
    /// How many bytes it may have waiting at its socket.
    pub(super) waiting_bytes: usize,
    count: u32,
    pace: Pace,
    flights: Flights,
    /// When it began, by both clocks.
    began: Instant,
    zero: Moment,
    /// Whether a time is set at which timeouts are looked at. It is that of one probe until that has passed: one for
    /// each would cost more than a probe.
    is_timed: bool,
    /// What became of probes in this turn.
    told: Vec<PingSample>,
    outlet: Outlet,
    end: oneshot::Sender<()>,
}

impl Run {
    pub(super) fn new(
        target: SocketAddr,
        probes: Box<dyn Probes>,
        test: &PingTest,
        (outlet, end): (Outlet, oneshot::Sender<()>),
    ) -> Self {
        let began = Instant::now();
        Self {
            target: target.ip(),
            to: target.into(),
            probes,
            waiting_bytes: waiting_bytes(test),
            count: test.count,
            pace: Pace::of(test, began),
            flights: Flights::new(test.timeout),
            began,
            zero: Moment::now(),
            is_timed: false,
            told: Vec::new(),
            outlet,
            end,
        }
    }

    /// Gives when the next probe is due; `None` after the last.
    pub(super) fn next_send(&self) -> Option<Instant> {
        (self.flights.next() < self.count).then(|| self.pace.next())
    }

    /// Makes the next probe and gives its number. It is under way before the send: its answer may come before that
    /// returns.
    pub(super) fn begin(&mut self, now: Instant) -> (u32, Moment) {
        self.pace.pass(now);
        let seq = self.flights.next();
        self.probes.prepare(seq);
        let before = Moment::now();
        self.flights.add(before.since(&self.zero), before, &mut |sample| self.told.push(sample));
        (seq, before)
    }

    /// Gives when timeouts are to be looked at; `None` where that is set already, or nothing is waited for.
    pub(super) fn set_timeout(&mut self) -> Option<Instant> {
        let next = self.flights.next_timeout().filter(|_| !self.is_timed)?;
        self.is_timed = true;
        Some(self.began + next)
    }

    /// Tells the probes as lost whose timeout has passed.
    pub(super) fn pass(&mut self, now: Instant) {
        self.is_timed = false;
        self.flights.pass(now.saturating_duration_since(self.began), &mut |sample| self.told.push(sample));
    }

    /// Says when a probe was really sent.
    pub(super) fn sent(&mut self, seq: u32, before: Moment, stamp: Option<Wall>) {
        self.flights.sent(seq, Sent { before, stamp });
    }

    /// Takes that a probe could not be sent.
    pub(super) fn not_sent(&mut self, seq: u32) {
        self.flights.not_sent(seq, &mut |sample| self.told.push(sample));
    }

    /// Says whether a probe's fate is not known yet.
    pub(super) fn is_waiting(&self, seq: u32) -> bool {
        self.flights.is_waiting(seq)
    }

    /// Takes a message if it is a reply to a probe of this ping, and says whether it was.
    pub(super) fn take_reply(&mut self, message: &Message<'_>, after: &Moment) -> bool {
        let Some((seq, reply)) = self.reply(message, after) else { return false };
        self.flights.replied(seq, reply, &mut |sample| self.told.push(sample));
        true
    }

    fn reply(&self, message: &Message<'_>, after: &Moment) -> Option<(u32, PingReply)> {
        let from = message.from?;
        let (seq, Sent { before, stamp: sent }) = self.flights.find(self.probes.replied(message)?)?;
        if !self.probes.is_reply_to(seq, message) {
            return None;
        }
        let (rtt, clock) = round_trip(&before, sent, message.stamp, after);
        let ttl = message.ttl.and_then(|ttl| Ttl::try_from(u32::from(ttl)).ok());
        Some((seq, PingReply { rtt, from, ttl, clock }))
    }

    /// Takes an ICMP error if it is about a probe of this ping, and says whether it was.
    pub(super) fn take_error(&mut self, from: Option<IpAddr>, quote: &[u8]) -> bool {
        let seq = match self.probes.quoted(quote) {
            Quoted::Number(low) => self.flights.find(low).map(|(seq, _)| seq),
            Quoted::Oldest => self.flights.oldest(),
            Quoted::Stranger => None,
        };
        let Some(seq) = seq.filter(|&seq| self.probes.is_quote_of(seq, quote)) else { return false };
        self.flights.unreachable(seq, from, &mut |sample| self.told.push(sample));
        true
    }

    /// Tells what became of probes in this turn.
    pub(super) fn tell(&mut self) {
        if !self.told.is_empty() {
            self.outlet.tell(self.told.drain(..));
        }
    }

    /// Says whether nothing is left to do.
    pub(super) fn is_over(&self) -> bool {
        self.flights.next() >= self.count && self.flights.is_idle()
    }

    /// Says whether nobody wants its samples any more.
    pub(super) fn is_left(&self) -> bool {
        self.outlet.is_closed()
    }

    /// Ends it: all has been told.
    pub(super) fn end(self) {
        self.outlet.close();
        // Nobody need wait for it any more.
        self.end.send(()).ok();
    }
}

/// Gives how many bytes a ping may have waiting at its socket: a probe at least, and more where they are close together.
fn waiting_bytes(test: &PingTest) -> usize {
    let at_once = AWAY.as_nanos().div_ceil(test.interval.as_nanos().max(1)).min(test.count.into());
    let at_once = usize::try_from(at_once).unwrap_or(usize::MAX);
    at_once.saturating_mul(usize::from(test.payload_bytes) + BESIDE_PAYLOAD)
}
