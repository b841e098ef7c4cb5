//! ICMP echo on Linux by a socket of our own, with the kernel's stamps for both ends of an RTT where it gives them.
//!
//! One task sends, receives and keeps the times of one ping; nothing is started per probe.

mod flights;

use std::net::SocketAddr;

use cnc_model::ping::{PingReply, PingSample};
use cnc_model::test::PingTest;
use cnc_model::{Sample, Ttl};
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep_until};
use tokio_util::sync::CancellationToken;

use flights::Flights;

use crate::icmp::{Echo, Message, Socket};
use crate::kernel::{Moment, Note, Room, Sent, Wall, round_trip};
use crate::{Engine, ProbeError, Sink};

/// The most messages and as many notes taken before the pace is looked at again. What is left is taken next.
const MOST_AT_ONCE: u32 = 256;

/// How often a send is tried that fails with the error of an earlier probe.
const SENDS: u32 = 4;

/// Pings an address.
pub(super) async fn ping(
    target: SocketAddr,
    test: &PingTest,
    sink: &Sink,
    cancel: &CancellationToken,
) -> Result<Engine, ProbeError> {
    ping_by(Socket::open(target)?, target, test, sink, cancel).await
}

async fn ping_by(
    socket: Socket,
    target: SocketAddr,
    test: &PingTest,
    sink: &Sink,
    cancel: &CancellationToken,
) -> Result<Engine, ProbeError> {
    let echo = Echo::new(target.ip(), socket.identifier(), test.payload_bytes);
    let (room, flights) = (Room::new(), Flights::new(test.timeout));
    let began = Instant::now();
    let mut run = Run { socket: &socket, sink, echo, room, flights, zero: Moment::now() };
    let mut pace = interval_at(began, test.interval);
    pace.set_missed_tick_behavior(MissedTickBehavior::Skip);
    while run.flights.next() < test.count || !run.flights.is_idle() {
        let timeout = run.flights.next_timeout().map(|at| began + at);
        // Liveness: every waiting probe ends by its timeout; cancelled by the caller.
        tokio::select! {
            biased;
            () = cancel.cancelled() => break,
            _ = pace.tick(), if run.flights.next() < test.count => run.send(),
            () = sleep_until(timeout.unwrap_or(began)), if timeout.is_some() => {
                let now = began.elapsed();
                // What came in time but was not looked at yet is no loss.
                run.take();
                run.flights.pass(now, &mut tell(sink));
            }
            ready = socket.ready() => {
                let failed = |error: std::io::Error| {
                    ProbeError::Engine { engine: socket.engine().name(), why: error.to_string() }
                };
                let mut ready = ready.map_err(failed)?;
                if run.take() {
                    ready.clear_ready();
                }
            }
        }
    }
    Ok(socket.engine())
}

/// A ping under way.
struct Run<'a> {
    socket: &'a Socket,
    sink: &'a Sink,
    echo: Echo,
    room: Room,
    flights: Flights,
    /// When the test began.
    zero: Moment,
}

/// What was among the notes that were taken.
#[derive(Default)]
struct Notes {
    /// The stamp of the request just sent.
    stamp: Option<Wall>,
    /// Whether there was an ICMP error.
    error: bool,
    /// Whether there may be more.
    more: bool,
}

impl Run<'_> {
    /// Sends the next probe. It is under way before the send: its answer may come before that returns.
    fn send(&mut self) {
        let seq = self.flights.next();
        self.echo.prepare(seq);
        let mut before = Moment::now();
        self.flights.add(before.since(&self.zero), before, &mut tell(self.sink));
        for _ in 0..SENDS {
            let result = self.socket.send(self.echo.request());
            let end = Wall::now();
            let Notes { stamp, error, .. } = self.take_notes(|stamp| before.sent_at(stamp, end));
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
            let Some(message) = self.socket.message(&mut self.room) else { break };
            let after = Moment::now();
            left -= 1;
            if let Some((seq, reply)) = reply(&self.echo, &self.flights, &message, &after) {
                self.flights.replied(seq, reply, &mut tell(self.sink));
            }
        }
        left > 0 && !self.take_notes(|_| false).more
    }

    fn take_notes(&mut self, is_ours: impl Fn(Wall) -> bool) -> Notes {
        let mut notes = Notes::default();
        for _ in 0..MOST_AT_ONCE {
            match self.socket.note(&mut self.room) {
                None => return notes,
                // Through a tunnel a packet is handed over twice: the first time counts.
                Some(Note::Sent(stamp)) if is_ours(stamp) => notes.stamp = notes.stamp.or(Some(stamp)),
                Some(Note::Sent(_) | Note::TooLong(_) | Note::Other) => {}
                Some(Note::Error { from, quote, .. }) => {
                    notes.error = true;
                    let probe = self.echo.quoted(quote).and_then(|low| self.flights.find(low));
                    if let Some((seq, _)) = probe.filter(|&(seq, _)| self.echo.is_quote_of(seq, quote)) {
                        self.flights.unreachable(seq, from, &mut tell(self.sink));
                    }
                }
            }
        }
        Notes { more: true, ..notes }
    }
}

/// Finds the probe to which a message is the reply.
fn reply(echo: &Echo, flights: &Flights, message: &Message<'_>, after: &Moment) -> Option<(u32, PingReply)> {
    let &Message { bytes, from, ttl, stamp } = message;
    let from = from?;
    let (seq, Sent { before, stamp: sent }) = flights.find(echo.reply(bytes)?)?;
    if !echo.is_reply_to(seq, bytes, from) {
        return None;
    }
    let (rtt, clock) = round_trip(&before, sent, stamp, after);
    let ttl = ttl.and_then(|ttl| Ttl::try_from(u32::from(ttl)).ok());
    Some((seq, PingReply { rtt, from, ttl, clock }))
}

fn tell(sink: &Sink) -> impl FnMut(PingSample) {
    |sample| sink.send(Sample::Ping(sample))
}

#[cfg(test)]
mod tests;
