//! ICMP echo requests, all of one flow, over a raw socket or a datagram one.

use std::io;
use std::net::{IpAddr, SocketAddr};

use cnc_model::Ttl;
use socket2::SockAddr;
use tokio::io::unix::AsyncFd;

use super::answer::{Answer, Arrival};
use super::course::{Kind, kind_of};
use super::{MOST_AT_ONCE, SENDS};
use crate::icmp::{Echo, Message, Room, Socket};
use crate::kernel::{INTEREST, Moment, Note, Sent, Wall};
use crate::{Engine, ProbeError};

/// The payload of a probe: what tells it apart, what keeps the checksum, and a few bytes more, as is usual.
const PAYLOAD_BYTES: u16 = 32;

/// The echo requests of one trace.
pub(super) struct Echoes {
    socket: AsyncFd<Socket>,
    to: SockAddr,
    reader: Reader,
}

/// Reads what comes for them.
struct Reader {
    target: IpAddr,
    echo: Echo,
    room: Room,
    came: Vec<Arrival>,
}

impl Echoes {
    pub(super) fn open(target: IpAddr) -> Result<Self, ProbeError> {
        let (socket, to) = (Socket::open(target)?.watched()?, SocketAddr::new(target, 0).into());
        let echo = Echo::of_one_flow(target, socket.get_ref().identifier(), PAYLOAD_BYTES);
        Ok(Self { socket, to, reader: Reader { target, echo, room: Room::new(), came: Vec::new() } })
    }

    pub(super) fn engine(&self) -> Engine {
        self.socket.get_ref().engine()
    }

    pub(super) fn send(&mut self, number: u16, ttl: Ttl) -> io::Result<Sent> {
        let Self { socket, to, reader } = self;
        let socket = socket.get_ref();
        socket.limit(ttl)?;
        reader.echo.prepare(number.into());
        let mut tries = 0;
        loop {
            let before = Moment::now();
            let result = socket.send(reader.echo.request(), to);
            let end = Wall::now();
            let (stamp, _) = reader.take_notes(socket, |stamp| before.sent_at(stamp, end));
            tries += 1;
            match result {
                Ok(()) => return Ok(Sent { before, stamp }),
                Err(error) if tries == SENDS => return Err(error),
                // A send gives the error of an earlier probe instead of sending, and then not again.
                Err(_) => {}
            }
        }
    }

    /// Waits until something has come, or may have.
    pub(super) async fn wait(&mut self) -> io::Result<()> {
        // Liveness: the caller waits for time, too.
        let mut ready = self.socket.ready(INTEREST).await?;
        if self.reader.take(self.socket.get_ref()) {
            ready.clear_ready();
        }
        Ok(())
    }

    pub(super) fn take(&mut self) -> Vec<Arrival> {
        self.reader.take(self.socket.get_ref());
        std::mem::take(&mut self.reader.came)
    }
}

impl Reader {
    /// Takes ICMP errors and replies, nearer hops first, and says whether there are none left.
    fn take(&mut self, socket: &Socket) -> bool {
        let (_, is_more) = self.take_notes(socket, |_| false);
        let mut left = MOST_AT_ONCE;
        while left > 0 {
            let Some(Message { bytes, from, stamp, .. }) = socket.message(&mut self.room) else { break };
            let after = Moment::now();
            left -= 1;
            if let (Some(number), Some(from)) = (self.echo.reply(bytes), from)
                && self.echo.is_reply_to(number.into(), bytes, from)
            {
                self.came.push(Arrival::Answer(Answer { number, kind: Kind::Reached, from, stamp, after }));
            }
        }
        left > 0 && !is_more
    }

    /// Takes ICMP errors and the stamp of the request just sent, and says whether there may be more.
    fn take_notes(&mut self, socket: &Socket, is_ours: impl Fn(Wall) -> bool) -> (Option<Wall>, bool) {
        let mut sent = None;
        for _ in 0..MOST_AT_ONCE {
            match socket.note(&mut self.room) {
                None => return (sent, false),
                // Through a tunnel a packet is handed over twice: the first time counts.
                Some(Note::Sent(stamp)) if is_ours(stamp) => sent = sent.or(Some(stamp)),
                Some(Note::Error { from: Some(from), said, quote, stamp, .. }) => {
                    let number = self.echo.quoted(quote).filter(|&n| self.echo.is_quote_of(n.into(), quote));
                    if let (Some(number), Some(kind)) = (number, kind_of(said, from, self.target)) {
                        let after = Moment::now();
                        self.came.push(Arrival::Answer(Answer { number, kind, from, stamp, after }));
                    }
                }
                Some(Note::Sent(_) | Note::Error { .. } | Note::TooLong(_) | Note::Other) => {}
            }
        }
        (sent, true)
    }
}
