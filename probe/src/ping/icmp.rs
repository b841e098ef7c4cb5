//! ICMP echo by a socket of our own, with the kernel's stamps for both ends of an RTT where it gives them.

use std::io;
use std::net::SocketAddr;

use cnc_model::test::PingTest;
use tokio_util::sync::CancellationToken;

use super::stamped::{Carrier, Message, Quoted, ping_by};
use crate::icmp::{Echo, Room, Socket};
use crate::kernel::Note;
use crate::{Engine, ProbeError, Sink};

/// Pings an address.
pub(super) async fn ping(
    target: SocketAddr,
    test: &PingTest,
    sink: &Sink,
    cancel: &CancellationToken,
) -> Result<Engine, ProbeError> {
    ping_on(&Socket::open(target)?, target, test, sink, cancel).await
}

async fn ping_on(
    socket: &Socket,
    target: SocketAddr,
    test: &PingTest,
    sink: &Sink,
    cancel: &CancellationToken,
) -> Result<Engine, ProbeError> {
    let echo = Echo::new(target.ip(), socket.identifier(), test.payload_bytes);
    ping_by(socket.watched(), Requests { socket, echo }, test, sink, cancel).await
}

/// Echo requests on a socket.
struct Requests<'a> {
    socket: &'a Socket,
    echo: Echo,
}

impl Carrier for Requests<'_> {
    fn engine(&self) -> Engine {
        self.socket.engine()
    }

    fn prepare(&mut self, seq: u32) {
        self.echo.prepare(seq);
    }

    fn send(&self) -> io::Result<()> {
        self.socket.send(self.echo.request())
    }

    fn message<'a>(&self, room: &'a mut Room) -> Option<Message<'a>> {
        self.socket.message(room)
    }

    fn note<'a>(&self, room: &'a mut Room) -> Option<Note<'a>> {
        self.socket.note(room)
    }

    fn replied(&self, message: &Message<'_>) -> Option<u16> {
        self.echo.reply(message.bytes)
    }

    fn is_reply_to(&self, seq: u32, message: &Message<'_>) -> bool {
        message.from.is_some_and(|from| self.echo.is_reply_to(seq, message.bytes, from))
    }

    fn quoted(&self, quote: &[u8]) -> Quoted {
        self.echo.quoted(quote).map_or(Quoted::Stranger, Quoted::Number)
    }

    fn is_quote_of(&self, seq: u32, quote: &[u8]) -> bool {
        self.echo.is_quote_of(seq, quote)
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests;
