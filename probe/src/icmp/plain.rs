//! The ICMP socket where the kernel tells nothing beside packets, as on macOS: a datagram socket, which anybody may open.
//!
//! As XNU's sources have it (`bsd/netinet/ip_icmp.c`, `icmp6.c`): of what is sent, the identifier is kept as it is. What
//! comes is a copy of every message that this machine gets, other programs' replies and ICMP errors among them, and of
//! IPv4 with its IP header. So errors are told by reading them. On Linux a raw socket does the same, which is where
//! the tests of this file run.

use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, UdpSocket};
use std::os::fd::{AsRawFd, RawFd};

use cnc_model::Ttl;
use socket2::{Domain, Protocol, SockAddr, SockRef, Type};
use tokio::io::unix::AsyncFd;

use super::packet::{V4_REQUEST, V6_REQUEST, without_ip_header};
use crate::identifier::Identifier;
use crate::kernel::{INTEREST, Note, Said, Wall, watched};
use crate::{Engine, ProbeError};

/// Enough for the longest IPv4 header, an ICMP header, another IP header as an error quotes it, and the request's own
/// header with the token at its payload's head; the rest of a packet is cut off unread.
const PACKET_BYTES: usize = 60 + 8 + 60 + 8 + 8;
/// The most ICMP errors that wait to be taken: a round of the longest trace. When it is full, the oldest is forgotten.
const MOST_ERRORS: usize = 256;
/// What of a request an error may quote: its header and the token.
const QUOTE_BYTES: usize = 16;
/// The length of a header by which ICMP errors begin, and of IPv6's.
const ERROR_HEADER: usize = 8;
const V6_HEADER: usize = 40;
/// The protocol's number in an IPv6 header.
const ICMPV6: u8 = 58;

/// A socket for echo requests to any address of one version.
pub(crate) struct Socket {
    // Of its type only receiving and descriptor are used, which are the same for all protocols.
    inner: UdpSocket,
    is_v4: bool,
    identifier: Identifier,
}

/// A received ICMP message.
#[derive(Debug)]
pub(crate) struct Message<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) from: Option<IpAddr>,
    pub(crate) ttl: Option<u8>,
    pub(crate) stamp: Option<Wall>,
}

/// Room for one packet, and for the ICMP errors that came among them.
pub(crate) struct Room {
    packet: [u8; PACKET_BYTES],
    errors: VecDeque<Failed>,
    last: Option<Failed>,
}

/// An ICMP error about a request of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Failed {
    from: IpAddr,
    said: Said,
    quote: Vec<u8>,
}

impl Room {
    pub(crate) fn new() -> Self {
        Self { packet: [0; PACKET_BYTES], errors: VecDeque::new(), last: None }
    }

    fn keep(&mut self, error: Failed) {
        if self.errors.len() == MOST_ERRORS {
            self.errors.pop_front();
        }
        self.errors.push_back(error);
    }
}

impl Socket {
    /// Opens a socket for addresses of the target's version.
    pub(crate) fn open(target: IpAddr) -> Result<Self, ProbeError> {
        Self::open_type(target, Type::DGRAM)
    }

    fn open_type(target: IpAddr, kind: Type) -> Result<Self, ProbeError> {
        let identifier = Identifier::take()?;
        let inner = Self::prepare(target, kind).map_err(|source| not_opened(&source))?;
        Ok(Self { inner, is_v4: target.is_ipv4(), identifier })
    }

    fn prepare(target: IpAddr, kind: Type) -> io::Result<UdpSocket> {
        let (domain, protocol) = match target {
            IpAddr::V4(_) => (Domain::IPV4, Protocol::ICMPV4),
            IpAddr::V6(_) => (Domain::IPV6, Protocol::ICMPV6),
        };
        let inner = socket2::Socket::new(domain, kind, Some(protocol))?;
        inner.set_nonblocking(true)?;
        // What may be sent at once is bounded by this, and by 8 KiB without. A smaller bound is no reason to fail.
        inner.set_send_buffer_size(usize::from(u16::MAX)).ok();
        Ok(inner.into())
    }

    /// Gives nothing: a ping shares a socket only where the kernel sorts messages out.
    #[expect(clippy::unused_self, reason = "elsewhere the socket knows")]
    pub(crate) const fn namespace(&self) -> Option<u64> {
        None
    }

    /// Gives nothing: no other ping is to have any of it.
    #[expect(clippy::unused_self, reason = "elsewhere the socket knows")]
    pub(crate) const fn waiting_bytes(&self) -> usize {
        0
    }

    /// Lets a task wait for what comes.
    pub(crate) fn watched(self) -> Result<AsyncFd<Self>, ProbeError> {
        watched(self, INTEREST).map_err(|source| not_opened(&source))
    }

    /// Names the engine.
    #[expect(clippy::unused_self, reason = "other systems permit one of several")]
    pub(crate) const fn engine(&self) -> Engine {
        Engine::IcmpDatagram
    }

    /// Gives the identifier that the requests must bear.
    pub(crate) const fn identifier(&self) -> u16 {
        self.identifier.get()
    }

    /// Sets how far the next requests may go.
    pub(crate) fn limit(&self, ttl: Ttl) -> io::Result<()> {
        let (socket, ttl) = (SockRef::from(&self.inner), ttl.get().into());
        if self.is_v4 { socket.set_ttl_v4(ttl) } else { socket.set_unicast_hops_v6(ttl) }
    }

    /// Sends a request without waiting for room.
    pub(crate) fn send(&self, request: &[u8], to: &SockAddr) -> io::Result<()> {
        SockRef::from(&self.inner).send_to(request, to).map(drop)
    }

    /// Takes the next message that is no error, if there is one; errors before it become notes.
    pub(crate) fn message<'a>(&self, room: &'a mut Room) -> Option<Message<'a>> {
        let is_v4 = self.is_v4;
        loop {
            let (length, from) = loop {
                match self.inner.recv_from(&mut room.packet) {
                    Ok((length, from)) => break (length, from.ip()),
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(_) => return None,
                }
            };
            match failed(is_v4, &room.packet[..length], from, self.identifier.get()) {
                Some(error) => room.keep(error),
                None => return Some(message(is_v4, &room.packet[..length], from)),
            }
        }
    }

    /// Takes the next note, if there is one.
    #[expect(clippy::unused_self, reason = "elsewhere the socket has them")]
    pub(crate) fn note<'a>(&self, room: &'a mut Room) -> Option<Note<'a>> {
        room.last = room.errors.pop_front();
        let Failed { from, said, quote } = room.last.as_ref()?;
        Some(Note::Error { from: Some(*from), said: *said, to: None, quote, stamp: None })
    }
}

impl AsRawFd for Socket {
    fn as_raw_fd(&self) -> RawFd {
        self.inner.as_raw_fd()
    }
}

fn message(is_v4: bool, packet: &[u8], from: IpAddr) -> Message<'_> {
    const TTL: usize = 8;
    let is_headed = is_v4 && has_ip_header(packet);
    let ttl = packet.get(TTL).copied().filter(|_| is_headed);
    let bytes = if is_headed { without_ip_header(packet) } else { packet };
    Message { bytes, from: Some(from), ttl, stamp: None }
}

/// Says whether a packet begins with an IPv4 header: no ICMP message that is of interest begins so.
fn has_ip_header(packet: &[u8]) -> bool {
    packet.first().is_some_and(|first| first >> 4 == 4)
}

/// Reads an ICMP error about a request with this identifier; `None` where it is anything else.
fn failed(is_v4: bool, packet: &[u8], from: IpAddr, identifier: u16) -> Option<Failed> {
    let Message { bytes, .. } = message(is_v4, packet, from);
    let (&[kind, code, _, _, ref info @ ..], quoted) = bytes.split_first_chunk::<ERROR_HEADER>()?;
    let info = u32::from_be_bytes(*info);
    let (said, quote, request) = if is_v4 {
        // Unreachable, quench, exceeded, and trouble with a parameter. The next link's MTU has 16 bits.
        [3, 4, 11, 12].contains(&kind).then_some(())?;
        (Said::v4(kind, code, info & 0xffff), without_ip_header(quoted), V4_REQUEST)
    } else {
        (1..=4).contains(&kind).then_some(())?;
        let header = quoted.get(..V6_HEADER).filter(|header| header[6] == ICMPV6)?;
        (Said::v6(kind, code, info), &quoted[header.len()..], V6_REQUEST)
    };
    let is_ours = quote.first() == Some(&request) && quote.get(4..6) == Some(&identifier.to_be_bytes());
    let quote = &quote[..quote.len().min(QUOTE_BYTES)];
    is_ours.then(|| Failed { from, said, quote: quote.to_vec() })
}

fn not_opened(source: &io::Error) -> ProbeError {
    if source.kind() == io::ErrorKind::PermissionDenied {
        return ProbeError::NoPermission { what: "sending ICMP echo requests", hint: crate::permission::icmp_hint() };
    }
    ProbeError::Engine { engine: Engine::IcmpDatagram.name(), why: source.to_string() }
}

#[cfg(test)]
mod tests;
