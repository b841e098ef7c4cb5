//! The ICMP socket: raw where that is permitted, else datagram, with the kernel's stamps, TTLs and ICMP errors.
//!
//! Requests are stamped where they are handed to the network's queue (`TX_SCHED`), not where the driver takes them:
//! waiting in this machine's own queue is part of the RTT, every driver can be stamped so, and the stamp is there
//! when the send returns. ICMP errors come through the error queue on both kinds of socket.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::{AsRawFd, RawFd};

use cnc_model::Ttl;
use socket2::{Domain, Protocol, SockAddr, SockFilter, Socket as Inner, Type};
use tokio::io::unix::AsyncFd;

use super::packet::{V4_REPLY, V6_REPLY, without_ip_header};
use crate::identifier::Identifier;
use crate::kernel::{
    INTEREST, Note, Received, Room, Wall, limit, namespace, receive_errors, receive_ttl, stamp, undivided,
    waiting_bytes, watched,
};
use crate::{Engine, ProbeError};

/// The kinds of socket that carry ICMP echo.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Needs privilege, and sees everybody's replies.
    Raw,
    /// Needs an open `ping_group_range`; the kernel chooses the identifier and sorts replies out.
    Datagram,
}

/// The bytes that may wait to be sent, and of messages and stamps to be taken, as far as the system permits: the pings
/// of one socket have them together.
const WAITING_BYTES: usize = 1 << 20;

/// A socket for echo requests to any address of one version.
pub(crate) struct Socket {
    inner: Inner,
    kind: Kind,
    is_v4: bool,
    identifier: u16,
    /// Keeps the identifier of a raw socket ours.
    _taken: Option<Identifier>,
}

/// A received ICMP message.
#[derive(Debug)]
pub(crate) struct Message<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) from: Option<IpAddr>,
    pub(crate) ttl: Option<u8>,
    pub(crate) stamp: Option<Wall>,
}

impl Socket {
    /// Opens a socket of the best kind that is permitted, for addresses of the target's version. A raw one sees
    /// everybody's messages: with many of them at a time each reply is looked at as often.
    pub(crate) fn open(target: IpAddr) -> Result<Self, ProbeError> {
        Self::open_kind(target, Kind::Datagram).or_else(|_| Self::open_kind(target, Kind::Raw))
    }

    /// Opens a socket of one kind.
    pub(crate) fn open_kind(target: IpAddr, kind: Kind) -> Result<Self, ProbeError> {
        let taken = if kind == Kind::Raw { Some(Identifier::take()?) } else { None };
        let own = taken.as_ref().map(Identifier::get);
        Self::prepare(target, kind, own)
            .map(|(inner, identifier)| Self { inner, kind, is_v4: target.is_ipv4(), identifier, _taken: taken })
            .map_err(|source| not_opened(kind, &source))
    }

    fn prepare(target: IpAddr, kind: Kind, own: Option<u16>) -> io::Result<(Inner, u16)> {
        let (domain, protocol, unspecified): (_, _, IpAddr) = match target {
            IpAddr::V4(_) => (Domain::IPV4, Protocol::ICMPV4, Ipv4Addr::UNSPECIFIED.into()),
            IpAddr::V6(_) => (Domain::IPV6, Protocol::ICMPV6, Ipv6Addr::UNSPECIFIED.into()),
        };
        let socket_type = if kind == Kind::Raw { Type::RAW } else { Type::DGRAM };
        let inner = Inner::new(domain, socket_type, Some(protocol))?;
        inner.set_nonblocking(true)?;
        // A smaller room is no reason to fail.
        inner.set_recv_buffer_size(WAITING_BYTES).ok();
        inner.set_send_buffer_size(WAITING_BYTES).ok();
        receive_errors(&inner, target.is_ipv4())?;
        receive_ttl(&inner, target.is_ipv4())?;
        let identifier = if let Some(own) = own {
            inner.attach_filter(&replies_only(target.is_ipv4(), own))?;
            own
        } else {
            inner.bind(&SocketAddr::new(unspecified, 0).into())?;
            inner.local_addr()?.as_socket().map_or(0, |bound| bound.port())
        };
        stamp(&inner);
        Ok((inner, identifier))
    }

    /// Names the engine.
    pub(crate) const fn engine(&self) -> Engine {
        self.kind.engine()
    }

    /// Gives the identifier that the requests must bear.
    pub(crate) const fn identifier(&self) -> u16 {
        self.identifier
    }

    /// Gives what tells the network that it is in from others, where the system tells: a program's threads need not
    /// all be in one.
    pub(crate) fn namespace(&self) -> Option<u64> {
        namespace(&self.inner)
    }

    /// Gives how many bytes may wait at it.
    pub(crate) fn waiting_bytes(&self) -> usize {
        waiting_bytes(&self.inner)
    }

    /// Lets a task wait for what comes.
    pub(crate) fn watched(self) -> Result<AsyncFd<Self>, ProbeError> {
        let kind = self.kind;
        watched(self, INTEREST).map_err(|source| not_opened(kind, &source))
    }

    /// Sets how far the next requests may go.
    pub(crate) fn limit(&self, ttl: Ttl) -> io::Result<()> {
        limit(&self.inner, self.is_v4, ttl)
    }

    /// Forbids to divide the next requests.
    pub(crate) fn undivided(&self) -> io::Result<()> {
        undivided(&self.inner, self.is_v4)
    }

    /// Sends a request without waiting for room.
    pub(crate) fn send(&self, request: &[u8], to: &SockAddr) -> io::Result<()> {
        self.inner.send_to(request, to).map(drop)
    }

    /// Takes the next message, if there is one.
    pub(crate) fn message<'a>(&self, room: &'a mut Room) -> Option<Message<'a>> {
        room.take(&self.inner, 0)?;
        let Received { packet, control, from } = room.received();
        let bytes = if self.is_v4 && self.kind == Kind::Raw { without_ip_header(packet) } else { packet };
        Some(Message { bytes, from: from.map(|from| from.ip()), ttl: control.ttl, stamp: control.stamp })
    }

    /// Takes the next note, if there is one.
    pub(crate) fn note<'a>(&self, room: &'a mut Room) -> Option<Note<'a>> {
        room.note(&self.inner)
    }
}

impl AsRawFd for Socket {
    fn as_raw_fd(&self) -> RawFd {
        self.inner.as_raw_fd()
    }
}

impl Kind {
    const fn engine(self) -> Engine {
        match self {
            Self::Raw => Engine::IcmpRaw,
            Self::Datagram => Engine::IcmpDatagram,
        }
    }
}

/// A filter that lets a raw socket have its own echo replies only: on a busy machine there are many others.
fn replies_only(is_v4: bool, identifier: u16) -> Vec<SockFilter> {
    const SKIP_IP_HEADER: u16 = 0xb1;
    const LOAD_BYTE: u16 = 0x50;
    const LOAD_HALF: u16 = 0x48;
    const EQUALS: u16 = 0x15;
    const RETURN: u16 = 0x06;
    const ZERO_INDEX: u16 = 0x01;
    // IPv4 raw sockets see the IP header, IPv6 ones do not.
    let (index, reply) = if is_v4 { (SKIP_IP_HEADER, V4_REPLY) } else { (ZERO_INDEX, V6_REPLY) };
    vec![
        SockFilter::new(index, 0, 0, 0),
        SockFilter::new(LOAD_BYTE, 0, 0, 0),
        SockFilter::new(EQUALS, 0, 3, reply.into()),
        SockFilter::new(LOAD_HALF, 0, 0, 4),
        SockFilter::new(EQUALS, 0, 1, identifier.into()),
        SockFilter::new(RETURN, 0, 0, u32::MAX),
        SockFilter::new(RETURN, 0, 0, 0),
    ]
}

fn not_opened(kind: Kind, source: &io::Error) -> ProbeError {
    if source.kind() == io::ErrorKind::PermissionDenied {
        return ProbeError::NoPermission { what: "sending ICMP echo requests", hint: crate::permission::icmp_hint() };
    }
    ProbeError::Engine { engine: kind.engine().name(), why: source.to_string() }
}
