//! The loop of pings whose probes all leave by one socket, with the kernel's stamps where it gives them: ICMP, and on Linux
//! UDP.
//!
//! One task sends, receives and keeps the times of one ping; nothing is started per probe. What a probe is and which
//! reply is its own, a [`Carrier`] says: two kinds of socket, one loop.

mod flights;

use std::io;
use std::os::fd::AsRawFd;
use std::pin::pin;

use cnc_model::ping::{PingReply, PingSample};
use cnc_model::test::PingTest;
use cnc_model::{Sample, Ttl};
use tokio::io::unix::AsyncFd;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use flights::Flights;

use super::pace::Pace;
pub(super) use crate::icmp::Message;
use crate::icmp::Room;
use crate::kernel::{INTEREST, Moment, Note, Sent, Wall, round_trip};
use crate::{Engine, ProbeError, Sink};

/// The most messages and as many notes taken before the pace is looked at again. What is left is taken next.
const MOST_AT_ONCE: u32 = 256;

/// How often a send is tried that fails with the error of an earlier probe.
const SENDS: u32 = 4;

/// Makes and knows the probes of one ping.
pub(super) trait Carrier {
    /// Names the engine.
    fn engine(&self) -> Engine;

    /// Makes the `seq`-th probe.
    fn prepare(&mut self, seq: u32);

    /// Sends the probe that was made last, without waiting for room.
    fn send(&self) -> io::Result<()>;

    /// Takes the next message, if there is one.
    fn message<'a>(&self, room: &'a mut Room) -> Option<Message<'a>>;

    /// Takes the next note, if there is one.
    fn note<'a>(&self, room: &'a mut Room) -> Option<Note<'a>>;

    /// Gives the low half of the number of the probe that a message seems to be the reply to.
    fn replied(&self, message: &Message<'_>) -> Option<u16>;

    /// Says whether a message is the reply to the `seq`-th probe.
    fn is_reply_to(&self, seq: u32, message: &Message<'_>) -> bool;

    /// Gives what an ICMP error's quote tells of the probe that it is about.
    fn quoted(&self, quote: &[u8]) -> Quoted;

    /// Says whether an ICMP error can be about the `seq`-th probe.
    fn is_quote_of(&self, seq: u32, quote: &[u8]) -> bool;
}

/// Which probe a quote is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Quoted {
    /// The one whose number ends in these 16 bits.
    Number(u16),
    /// One of this ping's: the router gave back too little to tell which. Errors come in the order of the probes.
    #[cfg_attr(not(target_os = "linux"), expect(dead_code, reason = "of ICMP routers give back enough"))]
    Oldest,
    /// None of this ping's.
    Stranger,
}

/// Pings by a carrier, whose answers come to a socket.
pub(super) async fn ping_by<S: AsRawFd>(
    socket: &AsyncFd<S>,
    carrier: impl Carrier,
    test: &PingTest,
    sink: &Sink,
    cancel: &CancellationToken,
) -> Result<Engine, ProbeError> {
    let engine = carrier.engine();
    let failed = |error: io::Error| ProbeError::Engine { engine: engine.name(), why: error.to_string() };
    let (room, flights) = (Room::new(), Flights::new(test.timeout));
    let began = Instant::now();
    let mut run = Run { carrier, sink, room, flights, zero: Moment::now() };
    let mut pace = Pace::of(test, began);
    let mut cancelled = pin!(cancel.cancelled());
    // Set to the timeout of one probe until that has passed: setting it for each would cost more than a probe.
    let mut timeout = pin!(sleep_until(began));
    while run.flights.next() < test.count || !run.flights.is_idle() {
        // Liveness: every waiting probe ends by its timeout; cancelled by the caller.
        tokio::select! {
            biased;
            () = &mut cancelled => break,
            () = pace.tick(), if run.flights.next() < test.count => run.send(),
            () = &mut timeout, if !run.flights.is_idle() => {
                let now = began.elapsed();
                // What came in time but was not looked at yet is no loss.
                run.take();
                run.flights.pass(now, &mut tell(sink));
                // The next probe that will wait has its timeout later than that.
                let next = run.flights.next_timeout().unwrap_or(now + test.timeout);
                timeout.as_mut().reset(began + next);
            }
            ready = socket.ready(INTEREST) => {
                let mut ready = ready.map_err(failed)?;
                if run.take() {
                    ready.clear_ready();
                }
            }
        }
    }
    Ok(engine)
}

/// A ping under way.
struct Run<'a, C> {
    carrier: C,
    sink: &'a Sink,
    room: Room,
    flights: Flights,
    /// When the test began.
    zero: Moment,
}

/// What was among the notes that were taken.
#[derive(Default)]
struct Notes {
    /// The stamp of the probe just sent.
    stamp: Option<Wall>,
    /// Whether there was an ICMP error.
    error: bool,
    /// Whether there may be more.
    more: bool,
}

impl<C: Carrier> Run<'_, C> {
    /// Sends the next probe. It is under way before the send: its answer may come before that returns.
    fn send(&mut self) {
        let seq = self.flights.next();
        self.carrier.prepare(seq);
        let mut before = Moment::now();
        self.flights.add(before.since(&self.zero), before, &mut tell(self.sink));
        for _ in 0..SENDS {
            let result = self.carrier.send();
            let end = Wall::now();
            // After a send that failed, all of the queue matters; else what lies behind the stamp is taken when it is
            // waited for.
            let Notes { stamp, error, .. } = self.take_notes(|stamp| before.sent_at(stamp, end), result.is_ok());
            self.flights.sent(seq, Sent { before, stamp });
            if result.is_ok() {
                return;
            }
            // A send gives the error of an earlier probe instead of sending, and then not again.
            if !error || !self.flights.is_waiting(seq) {
                break;
            }
            before = Moment::now();
        }
        self.flights.not_sent(seq, &mut tell(self.sink));
    }

    /// Takes replies and ICMP errors, and says whether there are none left.
    fn take(&mut self) -> bool {
        let mut left = MOST_AT_ONCE;
        while left > 0 {
            let Some(message) = self.carrier.message(&mut self.room) else { break };
            let after = Moment::now();
            left -= 1;
            if let Some((seq, reply)) = reply(&self.carrier, &self.flights, &message, &after) {
                self.flights.replied(seq, reply, &mut tell(self.sink));
            }
        }
        left > 0 && !self.take_notes(|_| false, false).more
    }

    /// Takes notes: all that are there, or up to the stamp of the probe just sent.
    fn take_notes(&mut self, is_ours: impl Fn(Wall) -> bool, up_to_ours: bool) -> Notes {
        let mut notes = Notes::default();
        for _ in 0..MOST_AT_ONCE {
            match self.carrier.note(&mut self.room) {
                None => return notes,
                // Through a tunnel a packet is handed over twice: the first time counts.
                Some(Note::Sent(stamp)) if is_ours(stamp) => {
                    notes.stamp = notes.stamp.or(Some(stamp));
                    if up_to_ours {
                        break;
                    }
                }
                Some(Note::Sent(_) | Note::TooLong(_) | Note::Other) => {}
                Some(Note::Error { from, quote, .. }) => {
                    notes.error = true;
                    let seq = match self.carrier.quoted(quote) {
                        Quoted::Number(low) => self.flights.find(low).map(|(seq, _)| seq),
                        Quoted::Oldest => self.flights.oldest(),
                        Quoted::Stranger => None,
                    };
                    if let Some(seq) = seq.filter(|&seq| self.carrier.is_quote_of(seq, quote)) {
                        self.flights.unreachable(seq, from, &mut tell(self.sink));
                    }
                }
            }
        }
        Notes { more: true, ..notes }
    }
}

/// Finds the probe to which a message is the reply.
fn reply(carrier: &impl Carrier, flights: &Flights, message: &Message<'_>, after: &Moment) -> Option<(u32, PingReply)> {
    let from = message.from?;
    let (seq, Sent { before, stamp: sent }) = flights.find(carrier.replied(message)?)?;
    if !carrier.is_reply_to(seq, message) {
        return None;
    }
    let (rtt, clock) = round_trip(&before, sent, message.stamp, after);
    let ttl = message.ttl.and_then(|ttl| Ttl::try_from(u32::from(ttl)).ok());
    Some((seq, PingReply { rtt, from, ttl, clock }))
}

fn tell(sink: &Sink) -> impl FnMut(PingSample) {
    |sample| sink.send(Sample::Ping(sample))
}
