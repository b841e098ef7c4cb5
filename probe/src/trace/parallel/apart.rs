//! Probes with a socket each, so that the system itself knows whose answer it is: TCP handshakes with a TTL, and UDP
//! where answers do not tell. Needs no privilege.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use cnc_model::Ttl;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::answer::{Answer, Arrival};
use super::course::{Kind, kind_of};
use super::payload::Payload;
use super::udp;
use crate::kernel::{Moment, Note, Room, Sent, Wall, handshake_rtt, limit, receive_errors, stamp, watched};

/// The most sockets at once: a quarter of what systems commonly allow a program. A probe beyond it is not sent.
const MOST_SOCKETS: usize = 256;

/// How long an answer is taken. After a second systems send an unanswered SYN again (RFC 6298), and a later answer may
/// be to either.
const LATEST: Duration = Duration::from_secs(1);

/// What the probes are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Carrier {
    /// TCP handshakes: an accepted and a refused one both say that the destination was reached.
    Tcp,
    /// UDP datagrams.
    Udp,
}

/// Probes to one port.
pub(super) struct Apart {
    target: SocketAddr,
    carrier: Carrier,
    payload: Payload,
    watches: JoinSet<Option<Answer>>,
    came: Vec<Arrival>,
}

impl Apart {
    pub(super) fn new(target: SocketAddr, carrier: Carrier) -> Self {
        Self { target, carrier, payload: Payload::new(), watches: JoinSet::new(), came: Vec::new() }
    }

    pub(super) fn send(&mut self, number: u16, ttl: Ttl) -> io::Result<Sent> {
        if self.watches.len() >= MOST_SOCKETS {
            return Err(io::Error::other("too many probes are under way"));
        }
        let (target, carrier) = (self.target, self.carrier);
        let socket = match carrier {
            Carrier::Tcp => open_tcp(target)?,
            Carrier::Udp => udp::open(target)?,
        };
        limit(&socket, target.is_ipv4(), ttl)?;
        let before = Moment::now();
        let refused = match carrier {
            Carrier::Tcp => begin_handshake(&socket, target)?,
            Carrier::Udp => socket.send(&self.payload.of(number)).map(|_| false)?,
        };
        // The kernel does not stamp handshakes; of its clock, too, is the time just before.
        let sent = Sent { before, stamp: Some(before.wall()) };
        if refused {
            let after = Moment::now();
            let answer = Answer { number, kind: Kind::Reached, from: target.ip(), stamp: None, after };
            self.came.push(Arrival::Answer(answer));
            return Ok(sent);
        }
        let interest = match carrier {
            Carrier::Tcp => Interest::WRITABLE | Interest::ERROR,
            Carrier::Udp => Interest::READABLE | Interest::ERROR,
        };
        let began = before.wall();
        let watch = Watch { socket: watched(socket, interest)?, interest, carrier, target, number, began };
        self.watches.spawn(async move { timeout(LATEST, watch.answer()).await.ok().flatten() });
        Ok(sent)
    }

    /// Waits until an answer has come.
    pub(super) async fn wait(&mut self) {
        // Liveness: the caller waits for time, too.
        while self.came.is_empty() {
            match self.watches.join_next().await {
                Some(Ok(Some(answer))) => self.came.push(Arrival::Answer(answer)),
                Some(_) => {}
                None => std::future::pending().await,
            }
        }
    }

    pub(super) fn take(&mut self) -> Vec<Arrival> {
        while let Some(joined) = self.watches.try_join_next() {
            self.came.extend(joined.ok().flatten().map(Arrival::Answer));
        }
        std::mem::take(&mut self.came)
    }
}

fn open_tcp(target: SocketAddr) -> io::Result<Socket> {
    let domain = if target.is_ipv4() { Domain::IPV4 } else { Domain::IPV6 };
    let socket = Socket::new(domain, Type::STREAM, Some(Protocol::TCP))?;
    socket.set_nonblocking(true)?;
    receive_errors(&socket, target.is_ipv4())?;
    stamp(&socket);
    // A connection that came about is broken off, and neither end has to remember it.
    socket.set_linger(Some(Duration::ZERO))?;
    Ok(socket)
}

/// Sends a SYN and says whether it was refused on the spot.
fn begin_handshake(socket: &Socket, target: SocketAddr) -> io::Result<bool> {
    match socket.connect(&target.into()) {
        Ok(()) => Ok(false),
        Err(error) if error.raw_os_error() == Some(libc::EINPROGRESS) => Ok(false),
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Ok(true),
        Err(error) => Err(error),
    }
}

/// Waits for the answer to one probe.
struct Watch {
    socket: AsyncFd<Socket>,
    interest: Interest,
    carrier: Carrier,
    target: SocketAddr,
    number: u16,
    /// When it was sent.
    began: Wall,
}

impl Watch {
    /// Gives the answer; `None` when none can come any more.
    async fn answer(self) -> Option<Answer> {
        let mut room = Room::new();
        loop {
            // Liveness: cut off by the caller after [`LATEST`].
            let mut ready = self.socket.ready(self.interest).await.ok()?;
            if let Some(answer) = self.error(&mut room) {
                return Some(answer);
            }
            let reply = match self.carrier {
                Carrier::Tcp => self.handshake()?,
                Carrier::Udp => self.reply(&mut room),
            };
            if let Some(answer) = reply {
                return Some(answer);
            }
            ready.clear_ready();
        }
    }

    /// Takes an ICMP error.
    fn error(&self, room: &mut Room) -> Option<Answer> {
        let after = Moment::now();
        while let Some(note) = room.note(self.socket.get_ref()) {
            if let Note::Error { from: Some(from), said, stamp, .. } = note
                && let Some(kind) = kind_of(said, from, self.target.ip())
            {
                return Some(Answer { number: self.number, kind, from, stamp, after });
            }
        }
        None
    }

    /// Takes how a handshake ended, if it has; `None` when it failed.
    #[expect(clippy::option_option, reason = "failed and not yet ended are not the same")]
    fn handshake(&self) -> Option<Option<Answer>> {
        match self.socket.get_ref().take_error() {
            Ok(None) if self.socket.get_ref().peer_addr().is_err() => Some(None),
            Ok(None) => {
                let rtt = handshake_rtt(self.socket.get_ref());
                Some(Some(self.reached(rtt.map(|rtt| self.began.after(rtt)))))
            }
            Ok(Some(error)) if error.kind() == io::ErrorKind::ConnectionRefused => Some(Some(self.reached(None))),
            Ok(Some(_)) | Err(_) => None,
        }
    }

    /// Takes a datagram from the destination.
    fn reply(&self, room: &mut Room) -> Option<Answer> {
        room.take(self.socket.get_ref(), 0)?;
        let mut answer = self.reached(None);
        answer.stamp = room.received().control.stamp;
        Some(answer)
    }

    fn reached(&self, stamp: Option<Wall>) -> Answer {
        Answer { number: self.number, kind: Kind::Reached, from: self.target.ip(), stamp, after: Moment::now() }
    }
}
