//! The ICMP socket: raw where that is permitted, else datagram, with the kernel's stamps, TTLs and ICMP errors.
//!
//! Requests are stamped where they are handed to the network's queue (`TX_SCHED`), not where the driver takes them:
//! waiting in this machine's own queue is part of the RTT, every driver can be stamped so, and the stamp is there
//! when the send returns. ICMP errors come through the error queue on both kinds of socket.

use std::ffi::c_int;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use socket2::{Domain, Protocol, SockAddr, SockFilter, Socket as Inner, Type};
use tokio::io::Interest;
use tokio::io::unix::{AsyncFd, AsyncFdReadyGuard};

use super::control::Cause;
use super::kernel::{Received, Room, set_option, watched};
use super::moment::Wall;
use super::packet::{V4_REPLY, V6_REPLY, without_ip_header};
use crate::identifier::Identifier;
use crate::{Engine, ProbeError};

/// The kinds of socket that carry ICMP echo.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Needs privilege, and sees everybody's replies.
    Raw,
    /// Needs an open `ping_group_range`; the kernel chooses the identifier and sorts replies out.
    Datagram,
}

/// A socket for the echo requests of one ping.
pub(super) struct Socket {
    inner: AsyncFd<Inner>,
    kind: Kind,
    target: SockAddr,
    is_v4: bool,
    identifier: u16,
    /// Keeps the identifier of a raw socket ours.
    _taken: Option<Identifier>,
}

/// A received ICMP message.
#[derive(Debug)]
pub(super) struct Message<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) from: Option<IpAddr>,
    pub(super) ttl: Option<u8>,
    pub(super) stamp: Option<Wall>,
}

/// An entry of the error queue.
#[derive(Debug)]
pub(super) enum Note<'a> {
    /// A request was handed to the network at this time.
    Sent(Wall),
    /// An ICMP error came about the quoted request.
    Error {
        /// Who sent it, where told.
        from: Option<IpAddr>,
        /// The head of the request's ICMP message.
        quote: &'a [u8],
    },
    /// Nothing of interest.
    Other,
}

/// How often receiving is tried when the socket first gives the error of a probe, which its queue tells in full.
const TRIES: u32 = 8;

impl Socket {
    /// Opens a socket of the best kind that is permitted.
    pub(super) fn open(target: SocketAddr) -> Result<Self, ProbeError> {
        Self::open_kind(target, Kind::Raw).or_else(|_| Self::open_kind(target, Kind::Datagram))
    }

    /// Opens a socket of one kind.
    pub(super) fn open_kind(target: SocketAddr, kind: Kind) -> Result<Self, ProbeError> {
        let taken = if kind == Kind::Raw { Some(Identifier::take()?) } else { None };
        let own = taken.as_ref().map(Identifier::get);
        Self::prepare(target, kind, own)
            .and_then(|(inner, identifier)| {
                let (inner, is_v4) = (watched(inner)?, target.is_ipv4());
                Ok(Self { inner, kind, target: target.into(), is_v4, identifier, _taken: taken })
            })
            .map_err(|source| not_opened(kind, &source))
    }

    fn prepare(target: SocketAddr, kind: Kind, own: Option<u16>) -> io::Result<(Inner, u16)> {
        let (domain, protocol, unspecified): (_, _, IpAddr) = match target {
            SocketAddr::V4(_) => (Domain::IPV4, Protocol::ICMPV4, Ipv4Addr::UNSPECIFIED.into()),
            SocketAddr::V6(_) => (Domain::IPV6, Protocol::ICMPV6, Ipv6Addr::UNSPECIFIED.into()),
        };
        let socket_type = if kind == Kind::Raw { Type::RAW } else { Type::DGRAM };
        let inner = Inner::new(domain, socket_type, Some(protocol))?;
        inner.set_nonblocking(true)?;
        if target.is_ipv4() {
            set_option(&inner, libc::IPPROTO_IP, libc::IP_RECVERR, 1)?;
            set_option(&inner, libc::IPPROTO_IP, libc::IP_RECVTTL, 1)?;
        } else {
            set_option(&inner, libc::IPPROTO_IPV6, libc::IPV6_RECVERR, 1)?;
            set_option(&inner, libc::IPPROTO_IPV6, libc::IPV6_RECVHOPLIMIT, 1)?;
        }
        let identifier = if let Some(own) = own {
            inner.attach_filter(&replies_only(target.is_ipv4(), own))?;
            own
        } else {
            inner.bind(&SocketAddr::new(unspecified, 0).into())?;
            inner.local_addr()?.as_socket().map_or(0, |bound| bound.port())
        };
        // Without stamps the program's own times serve: the sample says so.
        drop(set_option(&inner, libc::SOL_SOCKET, libc::SO_TIMESTAMPING, STAMPS));
        Ok((inner, identifier))
    }

    /// Names the engine.
    pub(super) const fn engine(&self) -> Engine {
        self.kind.engine()
    }

    /// Gives the identifier that the requests must bear.
    pub(super) const fn identifier(&self) -> u16 {
        self.identifier
    }

    /// Sends a request without waiting for room.
    pub(super) fn send(&self, request: &[u8]) -> io::Result<()> {
        self.inner.get_ref().send_to(request, &self.target).map(drop)
    }

    /// Waits until there may be a message or a note. It is to be cleared when there is neither.
    pub(super) async fn ready(&self) -> io::Result<AsyncFdReadyGuard<'_, Inner>> {
        self.inner.ready(Interest::READABLE | Interest::ERROR).await
    }

    /// Takes the next message, if there is one.
    pub(super) fn message<'a>(&self, room: &'a mut Room) -> Option<Message<'a>> {
        self.receive(room, 0)?;
        let Received { packet, control, from } = room.received();
        let bytes = if self.is_v4 && self.kind == Kind::Raw { without_ip_header(packet) } else { packet };
        Some(Message { bytes, from: from.map(|from| from.ip()), ttl: control.ttl, stamp: control.stamp })
    }

    /// Takes the next note, if there is one.
    pub(super) fn note<'a>(&self, room: &'a mut Room) -> Option<Note<'a>> {
        self.receive(room, libc::MSG_ERRQUEUE)?;
        let Received { packet, control, .. } = room.received();
        Some(match (control.cause, control.stamp) {
            (Some(Cause::Icmp { from }), _) => Note::Error { from, quote: packet },
            (Some(Cause::Sent), Some(stamp)) => Note::Sent(stamp),
            _ => Note::Other,
        })
    }

    fn receive(&self, room: &mut Room, flags: c_int) -> Option<()> {
        for _ in 0..TRIES {
            match room.receive(self.inner.get_ref(), flags) {
                Ok(()) => return Some(()),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return None,
                Err(_) => {}
            }
        }
        None
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

/// What the kernel is asked to stamp: the handing over of a request, without a copy of it, and the arrival of a reply.
const STAMPS: c_int = {
    let stamps = libc::SOF_TIMESTAMPING_TX_SCHED
        | libc::SOF_TIMESTAMPING_RX_SOFTWARE
        | libc::SOF_TIMESTAMPING_SOFTWARE
        | libc::SOF_TIMESTAMPING_OPT_TSONLY;
    stamps.cast_signed()
};

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
