//! ICMP echo by a socket of our own, with the kernel's stamps for both ends of an RTT where it gives them.

use std::io;
use std::net::SocketAddr;
use std::ops::RangeInclusive;

use cnc_model::test::PingTest;
use socket2::SockAddr;
use tokio_util::sync::CancellationToken;

use super::stamped::{Carrier, Group, Means, Message, Probes, Quoted, ping_by};
use crate::icmp::{Echo, Room, Socket};
use crate::kernel::Note;
use crate::{Engine, ProbeError, Sink};

/// The payload of pings that share a socket: room for a whole token, by which each knows its own replies from those of
/// the others, and no more than fits into one packet nearly everywhere, since a few larger replies fill the room that a
/// socket has for all of its pings.
const SHARED_BYTES: RangeInclusive<u16> = 8..=1_472;

/// Pings an address.
pub(super) async fn ping(
    target: SocketAddr,
    test: &PingTest,
    sink: &Sink,
    cancel: &CancellationToken,
) -> Result<Engine, ProbeError> {
    ping_on(Socket::open(target.ip())?, target, test, sink, cancel).await
}

async fn ping_on(
    socket: Socket,
    target: SocketAddr,
    test: &PingTest,
    sink: &Sink,
    cancel: &CancellationToken,
) -> Result<Engine, ProbeError> {
    let namespace = socket.namespace().filter(|_| SHARED_BYTES.contains(&test.payload_bytes));
    let group = namespace.map(|namespace| Group { engine: socket.engine(), is_v4: target.is_ipv4(), namespace });
    let probes = Box::new(Echo::new(target.ip(), socket.identifier(), test.payload_bytes));
    ping_by(Means { target, carrier: Box::new(socket), group, probes }, test, sink, cancel).await
}

impl Carrier for Socket {
    fn engine(&self) -> Engine {
        self.engine()
    }

    fn identifier(&self) -> u16 {
        self.identifier()
    }

    fn waiting_bytes(&self) -> usize {
        self.waiting_bytes()
    }

    fn send(&self, probe: &[u8], to: &SockAddr) -> io::Result<()> {
        self.send(probe, to)
    }

    fn message<'a>(&self, room: &'a mut Room) -> Option<Message<'a>> {
        self.message(room)
    }

    fn note<'a>(&self, room: &'a mut Room) -> Option<Note<'a>> {
        self.note(room)
    }
}

impl Probes for Echo {
    fn identify(&mut self, identifier: u16) {
        self.identify(identifier);
    }

    fn prepare(&mut self, seq: u32) {
        self.prepare(seq);
    }

    fn probe(&self) -> &[u8] {
        self.request()
    }

    fn replied(&self, message: &Message<'_>) -> Option<u16> {
        self.reply(message.bytes)
    }

    fn is_reply_to(&self, seq: u32, message: &Message<'_>) -> bool {
        message.from.is_some_and(|from| self.is_reply_to(seq, message.bytes, from))
    }

    fn quoted(&self, quote: &[u8]) -> Quoted {
        self.quoted(quote).map_or(Quoted::Stranger, Quoted::Number)
    }

    fn is_quote_of(&self, seq: u32, quote: &[u8]) -> bool {
        self.is_quote_of(seq, quote)
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests;
