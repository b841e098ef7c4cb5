//! Pings whose probes leave by a socket that the kernel stamps: ICMP, and on Linux UDP.
//!
//! Two threads run them all, however many there are, and nothing is started or handed over per probe:
//!
//! ```text
//! ping_by ── Newcomer ──▶ a thread: waits for newcomers, for its sockets, and for the earliest time that is due
//!                           │
//!                           ├─▶ Line: a socket with the pings on it, and when each is due next
//!                           │     due:   send ─▶ its stamp, from the error queue, at once
//!                           │     ready: reply or ICMP error ─▶ whose it is, by the address that was pinged
//!                           ▼
//!                         Run: one ping, its probes under way (`Flights`) ── at the turn's end ──▶ its sink
//! ```
//!
//! A probe so costs what the kernel takes for it (a send, the taking of its stamp, a receipt) and little more; sending
//! and receiving many by one system call was measured to save nothing of that. Samples are told when all else of a turn
//! is done: waking those who take them would delay the sends.
//!
//! What a socket is, a [`Carrier`] says; what a probe is and which reply is its own, a [`Probes`]: of each two kinds, one
//! loop.

mod flights;
mod line;
mod outlet;
mod run;
mod runs;
mod thread;

use std::io;
use std::net::SocketAddr;
use std::os::fd::AsRawFd;

use cnc_model::test::PingTest;
use socket2::SockAddr;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use line::Newcomer;
use outlet::Outlet;
use run::Run;
use thread::Number;

pub(super) use crate::icmp::Message;
use crate::icmp::Room;
use crate::kernel::Note;
use crate::{Engine, ProbeError, Sink};

/// A socket by which pings send.
pub(super) trait Carrier: AsRawFd + Send {
    /// Names the engine.
    fn engine(&self) -> Engine;

    /// Gives the identifier that the probes must bear, where the protocol has one.
    fn identifier(&self) -> u16;

    /// Gives how many bytes may wait at it, to be sent or to be taken, whichever is less.
    fn waiting_bytes(&self) -> usize;

    /// Sends a probe without waiting for room.
    fn send(&self, probe: &[u8], to: &SockAddr) -> io::Result<()>;

    /// Takes the next message, if there is one.
    fn message<'a>(&self, room: &'a mut Room) -> Option<Message<'a>>;

    /// Takes the next note, if there is one.
    fn note<'a>(&self, room: &'a mut Room) -> Option<Note<'a>>;
}

/// Makes and knows the probes of one ping.
pub(super) trait Probes: Send {
    /// Takes the identifier of the socket by which the probes will leave.
    fn identify(&mut self, identifier: u16);

    /// Makes the `seq`-th probe.
    fn prepare(&mut self, seq: u32);

    /// Gives the probe that was made last.
    fn probe(&self) -> &[u8];

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

/// By what means a ping measures.
pub(super) struct Means {
    pub(super) target: SocketAddr,
    /// A socket for it. Where another of the same group carries pings already, that may do it instead.
    pub(super) carrier: Box<dyn Carrier>,
    /// `None` for one that must have its socket to itself.
    pub(super) group: Option<Group>,
    pub(super) probes: Box<dyn Probes>,
}

/// What sockets have in common of which one serves as well as the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Group {
    pub(super) engine: Engine,
    pub(super) is_v4: bool,
    /// The network that they are in.
    pub(super) namespace: u64,
}

/// Pings by these means.
pub(super) async fn ping_by(
    means: Means,
    test: &PingTest,
    sink: &Sink,
    cancel: &CancellationToken,
) -> Result<Engine, ProbeError> {
    let engine = means.carrier.engine();
    let failed = |why: String| ProbeError::Engine { engine: engine.name(), why };
    let Means { target, carrier, group, probes } = means;
    let (end, ended) = oneshot::channel();
    let outlet = Outlet::new(sink.clone());
    let thread = Number::next();
    // Dropped with this future, it ends the ping.
    let _hold = outlet.hold(thread);
    let run = Run::new(target, probes, test, (outlet, end));
    thread::start(Newcomer { carrier, group, run }, thread).map_err(|error| failed(error.to_string()))?;
    // Liveness: every waiting probe ends by its timeout; cancelled by the caller.
    tokio::select! {
        biased;
        () = cancel.cancelled() => {}
        ended = ended => ended.map_err(|_| failed("the thread of pings has failed".into()))?,
    }
    Ok(engine)
}
