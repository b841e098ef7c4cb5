//! UDP datagrams, all of one flow, from one socket that any user may open: its error queue tells who answered.
//!
//! Which probe an answer is about, the payload says that the router or host gives back. Where one gives back none,
//! the answer is unreadable, and from then on each probe has a socket of its own, which is a flow of its own.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use cnc_model::Ttl;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use super::answer::{Answer, Arrival};
use super::apart::{Apart, Carrier};
use super::course::{Kind, kind_of};
use super::payload::Payload;
use super::{MOST_AT_ONCE, SENDS};
use crate::kernel::{Moment, Note, Room, Sent, Wall, limit, receive_errors, stamp, watched};

/// The datagrams of one trace.
pub(super) struct Datagrams {
    target: SocketAddr,
    socket: AsyncFd<Socket>,
    reader: Reader,
    /// Sends probes that can be told apart whatever is given back.
    apart: Option<Apart>,
}

/// Reads what comes for them.
struct Reader {
    target: IpAddr,
    payload: Payload,
    room: Room,
    came: Vec<Arrival>,
}

/// Opens a UDP socket for probes to one port.
pub(super) fn open(target: SocketAddr) -> io::Result<Socket> {
    let (domain, unspecified): (_, IpAddr) = match target {
        SocketAddr::V4(_) => (Domain::IPV4, Ipv4Addr::UNSPECIFIED.into()),
        SocketAddr::V6(_) => (Domain::IPV6, Ipv6Addr::UNSPECIFIED.into()),
    };
    let socket = Socket::new(domain, Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_nonblocking(true)?;
    receive_errors(&socket, target.is_ipv4())?;
    stamp(&socket);
    socket.bind(&SocketAddr::new(unspecified, 0).into())?;
    socket.connect(&target.into())?;
    Ok(socket)
}

impl Datagrams {
    pub(super) fn open(target: SocketAddr) -> io::Result<Self> {
        let socket = watched(open(target)?, Interest::READABLE | Interest::ERROR)?;
        let reader = Reader { target: target.ip(), payload: Payload::new(), room: Room::new(), came: Vec::new() };
        Ok(Self { target, socket, reader, apart: None })
    }

    pub(super) fn send(&mut self, number: u16, ttl: Ttl) -> io::Result<Sent> {
        if let Some(apart) = &mut self.apart {
            return apart.send(number, ttl);
        }
        let (socket, reader) = (self.socket.get_ref(), &mut self.reader);
        limit(socket, self.target.is_ipv4(), ttl)?;
        let payload = reader.payload.of(number);
        let mut tries = 0;
        loop {
            let before = Moment::now();
            let result = socket.send(&payload);
            let end = Wall::now();
            let (stamp, _) = reader.take_notes(socket, |stamp| before.sent_at(stamp, end));
            tries += 1;
            match result {
                Ok(_) => return Ok(Sent { before, stamp }),
                Err(error) if tries == SENDS => return Err(error),
                // A send gives the error of an earlier probe instead of sending, and then not again.
                Err(_) => {}
            }
        }
    }

    /// Waits until something has come, or may have.
    pub(super) async fn wait(&mut self) -> io::Result<()> {
        let apart = async {
            match &mut self.apart {
                Some(apart) => apart.wait().await,
                None => std::future::pending().await,
            }
        };
        // Liveness: the caller waits for time, too.
        tokio::select! {
            ready = self.socket.ready(Interest::READABLE | Interest::ERROR) => {
                let mut ready = ready?;
                if self.reader.take(self.socket.get_ref()) {
                    ready.clear_ready();
                }
            }
            () = apart => {}
        }
        Ok(())
    }

    pub(super) fn take(&mut self) -> Vec<Arrival> {
        self.reader.take(self.socket.get_ref());
        let mut came = std::mem::take(&mut self.reader.came);
        if let Some(apart) = &mut self.apart {
            came.retain(|arrival| !matches!(arrival, Arrival::Unreadable));
            came.extend(apart.take());
        } else if came.iter().any(|arrival| matches!(arrival, Arrival::Unreadable)) {
            self.apart = Some(Apart::new(self.target, Carrier::Udp));
        }
        came
    }
}

impl Reader {
    /// Takes ICMP errors and replies, nearer hops first, and says whether there are none left.
    fn take(&mut self, socket: &Socket) -> bool {
        let (_, is_more) = self.take_notes(socket, |_| false);
        let mut left = MOST_AT_ONCE;
        while left > 0 && self.room.take(socket, 0).is_some() {
            let after = Moment::now();
            left -= 1;
            let received = self.room.received();
            let (stamp, from) = (received.control.stamp, self.target);
            self.came.push(match self.payload.number(received.packet) {
                Some(number) => Arrival::Answer(Answer { number, kind: Kind::Reached, from, stamp, after }),
                None => Arrival::Unreadable,
            });
        }
        left > 0 && !is_more
    }

    /// Takes ICMP errors and the stamp of the datagram just sent, and says whether there may be more.
    fn take_notes(&mut self, socket: &Socket, is_ours: impl Fn(Wall) -> bool) -> (Option<Wall>, bool) {
        let mut sent = None;
        for _ in 0..MOST_AT_ONCE {
            match self.room.note(socket) {
                None => return (sent, false),
                // Through a tunnel a packet is handed over twice: the first time counts.
                Some(Note::Sent(stamp)) if is_ours(stamp) => sent = sent.or(Some(stamp)),
                Some(Note::Error { from: Some(from), said, quote, stamp, .. }) => {
                    let Some(kind) = kind_of(said, from, self.target) else { continue };
                    let after = Moment::now();
                    self.came.push(match self.payload.number(quote) {
                        Some(number) => Arrival::Answer(Answer { number, kind, from, stamp, after }),
                        None => Arrival::Unreadable,
                    });
                }
                Some(Note::Sent(_) | Note::Error { .. } | Note::TooLong(_) | Note::Other) => {}
            }
        }
        (sent, true)
    }
}
