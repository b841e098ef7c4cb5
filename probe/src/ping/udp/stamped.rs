//! UDP probes on Linux by one socket, with the kernel's stamps: one flow, so that all take one path, and ICMP errors
//! from the error queue, which gives back the payload that they quote.

use std::hash::{BuildHasher, RandomState};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsRawFd, RawFd};

use cnc_model::test::PingTest;
use socket2::{Domain, Protocol, SockAddr, Socket, Type};
use tokio_util::sync::CancellationToken;

use super::OWN_BYTES;
use crate::kernel::{Note, Received, Room, receive_errors, receive_ttl, stamp, waiting_bytes};
use crate::ping::stamped::{Carrier, Means, Message, Probes, Quoted, ping_by};
use crate::{Engine, ProbeError, Sink};

/// Pings a port; the payload has room for the token and a number.
pub(super) async fn ping(
    target: SocketAddr,
    token: Vec<u8>,
    test: &PingTest,
    sink: &Sink,
    cancel: &CancellationToken,
) -> Result<Engine, ProbeError> {
    let failed = |source: io::Error| ProbeError::Engine { engine: Engine::UdpEcho.name(), why: source.to_string() };
    let carrier = Box::new(Port { socket: open(target).map_err(failed)?, target: target.ip() });
    let probes = Box::new(Datagrams::new(token, test.payload_bytes.into()));
    // A socket that is connected to one port carries no other's datagrams.
    ping_by(Means { target, carrier, group: None, probes }, test, sink, cancel).await
}

fn open(target: SocketAddr) -> io::Result<Socket> {
    let domain = if target.is_ipv4() { Domain::IPV4 } else { Domain::IPV6 };
    let socket = Socket::new(domain, Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_nonblocking(true)?;
    receive_errors(&socket, target.is_ipv4())?;
    receive_ttl(&socket, target.is_ipv4())?;
    stamp(&socket);
    socket.connect(&target.into())?;
    Ok(socket)
}

/// A socket that is connected to the port which is pinged.
struct Port {
    socket: Socket,
    target: IpAddr,
}

/// The datagrams of one ping.
struct Datagrams {
    payload: Vec<u8>,
    /// What all of them begin with: the token, and a number drawn for this ping.
    head_bytes: usize,
}

impl Datagrams {
    fn new(token: Vec<u8>, payload_bytes: usize) -> Self {
        let head_bytes = token.len() + OWN_BYTES / 2;
        // Nothing secret depends on it; it differs between any two pings.
        let drawn = RandomState::new().hash_one(std::process::id()).to_be_bytes();
        let drawn = drawn.into_iter().take(OWN_BYTES / 2);
        let payload = token.into_iter().chain(drawn).chain(super::filler()).take(payload_bytes).collect();
        Self { payload, head_bytes }
    }

    /// Reads the number behind this ping's own head.
    fn number(&self, payload: &[u8]) -> Option<u32> {
        let (head, rest) = payload.split_at_checked(self.head_bytes)?;
        let number = rest.first_chunk().map(|bytes| u32::from_be_bytes(*bytes));
        number.filter(|_| head == &self.payload[..self.head_bytes])
    }
}

impl AsRawFd for Port {
    fn as_raw_fd(&self) -> RawFd {
        self.socket.as_raw_fd()
    }
}

impl Carrier for Port {
    fn engine(&self) -> Engine {
        Engine::UdpEcho
    }

    fn identifier(&self) -> u16 {
        // Ports tell datagrams apart, which the system sees to.
        0
    }

    fn waiting_bytes(&self) -> usize {
        waiting_bytes(&self.socket)
    }

    fn send(&self, probe: &[u8], _: &SockAddr) -> io::Result<()> {
        self.socket.send(probe).map(drop)
    }

    fn message<'a>(&self, room: &'a mut Room) -> Option<Message<'a>> {
        room.take(&self.socket, 0)?;
        let Received { packet, control, .. } = room.received();
        // The socket is connected: nobody else's come here.
        Some(Message { bytes: packet, from: Some(self.target), ttl: control.ttl, stamp: control.stamp })
    }

    fn note<'a>(&self, room: &'a mut Room) -> Option<Note<'a>> {
        room.note(&self.socket)
    }
}

impl Probes for Datagrams {
    fn identify(&mut self, _: u16) {}

    fn prepare(&mut self, seq: u32) {
        self.payload[self.head_bytes..][..size_of::<u32>()].copy_from_slice(&seq.to_be_bytes());
    }

    fn probe(&self) -> &[u8] {
        &self.payload
    }

    fn replied(&self, message: &Message<'_>) -> Option<u16> {
        self.number(message.bytes).map(low)
    }

    fn is_reply_to(&self, seq: u32, message: &Message<'_>) -> bool {
        self.number(message.bytes) == Some(seq)
    }

    fn quoted(&self, quote: &[u8]) -> Quoted {
        let all = self.head_bytes + size_of::<u32>();
        match self.number(quote) {
            Some(number) => Quoted::Number(low(number)),
            // Routers need not give back more than the ports.
            None if quote.len() < all && self.payload.starts_with(&quote[..quote.len().min(self.head_bytes)]) => {
                Quoted::Oldest
            }
            None => Quoted::Stranger,
        }
    }

    fn is_quote_of(&self, seq: u32, quote: &[u8]) -> bool {
        self.number(quote).is_none_or(|number| number == seq)
    }
}

const fn low(number: u32) -> u16 {
    let [_, _, high, low] = number.to_be_bytes();
    u16::from_be_bytes([high, low])
}
