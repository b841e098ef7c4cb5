//! Packets of a size on Linux: ICMP echo where a socket for it is permitted, else UDP datagrams to a port where nobody
//! listens, whose ICMP errors any user may read.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use socket2::{Domain, Protocol, Socket as Inner, Type};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::search::{Care, Fate, Prober};
use crate::icmp::{Echo, Socket};
use crate::kernel::{INTEREST, Note, Room, Said, receive_errors, undivided, watched};
use crate::{Engine, ProbeError};

/// How often one size is tried before it counts as silent: packets get lost for other reasons too.
const QUICK_TRIES: u32 = 2;
const SURE_TRIES: u32 = 3;
/// How often a host answers with an ICMP error, with something to spare: once a second, after a burst of six.
const APART: Duration = Duration::from_millis(1_050);
/// How many answers of a burst are used: others may ask that host too.
const BURST: u32 = 5;
/// A port where nobody listens, as traces use it.
const PORT: u16 = 33_434;
/// The headers of each version with that of ICMP or UDP, which are equally long.
const V4_HEADERS: u32 = 20 + 8;
const V6_HEADERS: u32 = 40 + 8;

/// Asks by what this machine permits.
pub(super) enum Asker {
    Echo {
        socket: Box<AsyncFd<Socket>>,
        target: SocketAddr,
        next: u32,
    },
    /// `full` is when the host has all its answers again.
    Datagrams {
        target: SocketAddr,
        full: Instant,
    },
}

/// Opens what this machine permits.
pub(super) fn open(target: SocketAddr) -> Result<Asker, ProbeError> {
    match Socket::open(target.ip()) {
        Ok(socket) => {
            socket.undivided().map_err(|error| failed(socket.engine(), &error))?;
            Ok(Asker::Echo { socket: Box::new(socket.watched()?), target, next: 0 })
        }
        Err(ProbeError::NoPermission { .. }) => {
            Ok(Asker::Datagrams { target: SocketAddr::new(target.ip(), PORT), full: Instant::now() })
        }
        Err(other) => Err(other),
    }
}

fn failed(engine: Engine, error: &io::Error) -> ProbeError {
    ProbeError::Engine { engine: engine.name(), why: error.to_string() }
}

const fn payload_bytes(target: SocketAddr, bytes: u32) -> u32 {
    bytes.saturating_sub(if target.is_ipv4() { V4_HEADERS } else { V6_HEADERS })
}

impl Asker {
    pub(super) fn engine(&self) -> Engine {
        match self {
            Self::Echo { socket, .. } => socket.get_ref().engine(),
            Self::Datagrams { .. } => Engine::UdpErrorQueue,
        }
    }
}

impl Prober for Asker {
    async fn probe(&mut self, bytes: u32, wait: Duration, care: Care) -> Result<Fate, ProbeError> {
        let began = Instant::now();
        let tries = if care == Care::Sure { SURE_TRIES } else { QUICK_TRIES };
        for nth in 1..=tries {
            let fate = match self {
                Self::Echo { socket, target, next } => {
                    *next += 1;
                    echo(socket, *target, *next, bytes, wait).await
                }
                Self::Datagrams { target, full } => {
                    // Others may have used up the host's answers: the third try is when it has a new one.
                    let earliest = if nth == SURE_TRIES { began + APART } else { began };
                    let one = full.checked_sub(APART * (BURST - 1)).unwrap_or(earliest);
                    sleep_until(one.max(earliest)).await;
                    let fate = datagram(*target, bytes, wait).await;
                    if matches!(fate, Ok(Fate::Arrived(_))) {
                        // Only what arrives costs the host an answer.
                        *full = (*full).max(Instant::now()) + APART;
                    }
                    fate
                }
            };
            let fate = fate.map_err(|error| failed(self.engine(), &error))?;
            if fate != Fate::Silent || wait.is_zero() {
                return Ok(fate);
            }
        }
        Ok(Fate::Silent)
    }
}

/// Sends one echo request of a size and waits for what comes.
async fn echo(
    watched: &AsyncFd<Socket>,
    target: SocketAddr,
    number: u32,
    bytes: u32,
    wait: Duration,
) -> io::Result<Fate> {
    let socket = watched.get_ref();
    let payload = u16::try_from(payload_bytes(target, bytes)).unwrap_or(u16::MAX);
    let mut request = Echo::new(target.ip(), socket.identifier(), payload);
    request.prepare(number);
    let mut room = Room::new();
    // What came late for an earlier size must not be taken for this one's.
    while socket.note(&mut room).is_some() {}
    let began = Instant::now();
    if let Err(error) = socket.send(request.request(), &target.into()) {
        return unsent(error, || socket.note(&mut room).and_then(|note| too_long(&note)));
    }
    let low = u16::try_from(number & 0xffff).unwrap_or_default();
    let heard = async {
        loop {
            let mut ready = watched.ready(INTEREST).await?;
            let mut any = false;
            while let Some(message) = socket.message(&mut room) {
                any = true;
                let from = message.from.unwrap_or(target.ip());
                if request.reply(message.bytes) == Some(low) && request.is_reply_to(number, message.bytes, from) {
                    return Ok(Fate::Arrived(began.elapsed()));
                }
            }
            while let Some(note) = socket.note(&mut room) {
                any = true;
                if let Note::Error { from: Some(from), said: Said::TooBig(next), quote, .. } = note
                    && request.quoted(quote) == Some(low)
                {
                    return Ok(Fate::TooBig { next, from });
                }
            }
            if !any {
                ready.clear_ready();
            }
        }
    };
    // Liveness: the wait ends it.
    timeout_at(began + wait, heard).await.unwrap_or(Ok(Fate::Silent))
}

/// Sends one datagram of a size from a socket of its own, so that what comes is about no other.
async fn datagram(target: SocketAddr, bytes: u32, wait: Duration) -> io::Result<Fate> {
    let socket = watched(unconnected(target)?, Interest::READABLE | Interest::ERROR)?;
    socket.get_ref().connect(&target.into())?;
    let payload = vec![0; usize::try_from(payload_bytes(target, bytes)).unwrap_or_default()];
    let began = Instant::now();
    let mut room = Room::new();
    if let Err(error) = socket.get_ref().send(&payload) {
        return unsent(error, || room.note(socket.get_ref()).and_then(|note| too_long(&note)));
    }
    timeout_at(began + wait, answer(&socket, &mut room, began, target.ip())).await.unwrap_or(Ok(Fate::Silent))
}

async fn answer(socket: &AsyncFd<Inner>, room: &mut Room, began: Instant, target: IpAddr) -> io::Result<Fate> {
    loop {
        // Liveness: the caller sets a time limit.
        let mut ready = socket.ready(Interest::READABLE | Interest::ERROR).await?;
        if room.take(socket.get_ref(), 0).is_some() {
            // Somebody listens there after all.
            return Ok(Fate::Arrived(began.elapsed()));
        }
        match room.note(socket.get_ref()) {
            Some(Note::Error { from: Some(from), said: Said::TooBig(next), .. }) => {
                return Ok(Fate::TooBig { next, from });
            }
            Some(Note::Error { from: Some(from), said: Said::NoPort | Said::Unreachable, .. }) if from == target => {
                return Ok(Fate::Arrived(began.elapsed()));
            }
            Some(_) => {}
            None => ready.clear_ready(),
        }
    }
}

fn unconnected(target: SocketAddr) -> io::Result<Inner> {
    let (domain, unspecified): (_, IpAddr) = match target {
        SocketAddr::V4(_) => (Domain::IPV4, Ipv4Addr::UNSPECIFIED.into()),
        SocketAddr::V6(_) => (Domain::IPV6, Ipv6Addr::UNSPECIFIED.into()),
    };
    let socket = Inner::new(domain, Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_nonblocking(true)?;
    receive_errors(&socket, target.is_ipv4())?;
    undivided(&socket, target.is_ipv4())?;
    socket.bind(&SocketAddr::new(unspecified, 0).into())?;
    Ok(socket)
}

/// Reads from a failed send that the packet is longer than the interface takes.
fn unsent(error: io::Error, mut note: impl FnMut() -> Option<u32>) -> io::Result<Fate> {
    if error.raw_os_error() == Some(libc::EMSGSIZE) {
        return Ok(note().map_or(Fate::Silent, Fate::TooLong));
    }
    // The error of an earlier packet, given to this one's send: it was not sent, and is tried again.
    if matches!(error.kind(), io::ErrorKind::ConnectionRefused | io::ErrorKind::HostUnreachable) {
        return Ok(Fate::Silent);
    }
    Err(error)
}

const fn too_long(note: &Note<'_>) -> Option<u32> {
    match note {
        Note::TooLong(mtu) => Some(*mtu),
        Note::Sent(_) | Note::Error { .. } | Note::Other => None,
    }
}
