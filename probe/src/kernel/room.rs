//! Receiving with control messages, and options that no crate knows.

use std::ffi::c_int;
use std::io;
use std::mem::MaybeUninit;
use std::net::{Ipv6Addr, SocketAddr};
use std::os::fd::AsRawFd as _;
use std::time::Duration;

use cnc_model::Ttl;
use socket2::{MaybeUninitSlice, MsgHdrMut, SockAddr, Socket};

use super::Note;
use super::control::{CONTROL_BYTES, Cause, Control};

/// Enough for the longest IPv4 header, an ICMP header and the token at a payload's head; the rest of a packet is cut
/// off unread.
const PACKET_BYTES: usize = 60 + 8 + 8;

/// How often receiving is tried when the socket first gives the error of a probe, which its queue tells in full.
const TRIES: u32 = 8;

/// Room for one packet, and the last that was received there.
pub(crate) struct Room<const BYTES: usize = PACKET_BYTES> {
    packet: [MaybeUninit<u8>; BYTES],
    control: [MaybeUninit<u8>; CONTROL_BYTES],
    from: SockAddr,
    /// How much of `packet` and of `control` the kernel wrote.
    written: (usize, usize),
}

/// A packet, or what the error queue holds of one.
#[derive(Debug)]
pub(crate) struct Received<'a> {
    pub(crate) packet: &'a [u8],
    pub(crate) control: Control,
    pub(crate) from: Option<SocketAddr>,
}

impl<const BYTES: usize> Room<BYTES> {
    pub(crate) fn new() -> Self {
        Self {
            packet: [MaybeUninit::uninit(); BYTES],
            control: [MaybeUninit::uninit(); CONTROL_BYTES],
            // Long enough for an address of either version.
            from: SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)).into(),
            written: (0, 0),
        }
    }

    /// Receives what the socket has now.
    fn receive(&mut self, socket: &Socket, flags: c_int) -> io::Result<()> {
        self.written = (0, 0);
        let mut buffers = [MaybeUninitSlice::new(&mut self.packet)];
        let mut message =
            MsgHdrMut::new().with_addr(&mut self.from).with_buffers(&mut buffers).with_control(&mut self.control);
        let length = socket.recvmsg(&mut message, flags | libc::MSG_DONTWAIT)?;
        self.written = (length.min(BYTES), message.control_len().min(CONTROL_BYTES));
        Ok(())
    }

    /// Receives what the socket has now; `None` where there is nothing.
    pub(crate) fn take(&mut self, socket: &Socket, flags: c_int) -> Option<()> {
        for _ in 0..TRIES {
            match self.receive(socket, flags) {
                Ok(()) => return Some(()),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return None,
                Err(_) => {}
            }
        }
        None
    }

    /// Takes the next entry of the socket's error queue, if there is one.
    pub(crate) fn note(&mut self, socket: &Socket) -> Option<Note<'_>> {
        self.take(socket, libc::MSG_ERRQUEUE)?;
        let Received { packet, control, from: to } = self.received();
        Some(match (control.cause, control.stamp) {
            (Some(Cause::Icmp { from, said }), stamp) => {
                Note::Error { from, said, to: to.map(|to| to.ip()), quote: packet, stamp }
            }
            (Some(Cause::Sent), Some(stamp)) => Note::Sent(stamp),
            (Some(Cause::TooLong(mtu)), _) => Note::TooLong(mtu),
            _ => Note::Other,
        })
    }

    /// Gives what was received last.
    #[expect(unsafe_code, reason = "recvmsg fills buffers that need not have been written before")]
    pub(crate) fn received(&self) -> Received<'_> {
        let (packet, control) = (&self.packet[..self.written.0], &self.control[..self.written.1]);
        // SAFETY: `written` says how many bytes the kernel wrote from each buffer's begin; it is set where these are
        // filled, and nowhere else.
        let (packet, control) = unsafe { (packet.assume_init_ref(), control.assume_init_ref()) };
        Received { packet, control: Control::parse(control), from: self.from.as_socket() }
    }
}

/// Sets an option whose value is a number.
#[expect(unsafe_code, reason = "socket2 knows these options not")]
pub(crate) fn set_option(socket: &Socket, level: c_int, name: c_int, value: c_int) -> io::Result<()> {
    let length = libc::socklen_t::try_from(size_of::<c_int>()).expect("four");
    // SAFETY: the descriptor is open as long as it is borrowed, and the pointer is to a number of the given length.
    let result = unsafe { libc::setsockopt(socket.as_raw_fd(), level, name, (&raw const value).cast(), length) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Gives what tells the network namespace of a socket from others; `None` before Linux 5.14.
#[expect(unsafe_code, reason = "socket2 knows this option not")]
pub(crate) fn namespace(socket: &Socket) -> Option<u64> {
    let mut cookie = 0_u64;
    let mut length = libc::socklen_t::try_from(size_of_val(&cookie)).expect("eight");
    let (level, name) = (libc::SOL_SOCKET, libc::SO_NETNS_COOKIE);
    // SAFETY: the descriptor is open as long as it is borrowed, and the pointers are to a number and its length.
    let result =
        unsafe { libc::getsockopt(socket.as_raw_fd(), level, name, (&raw mut cookie).cast(), &raw mut length) };
    (result == 0).then_some(cookie)
}

/// Gives how many bytes may wait at a socket, to be sent or to be taken, whichever is less. Of what is asked for Linux
/// gives twice, half of it for its own notes.
pub(crate) fn waiting_bytes(socket: &Socket) -> usize {
    let rooms = [socket.send_buffer_size(), socket.recv_buffer_size()];
    rooms.into_iter().map(Result::unwrap_or_default).min().map_or(0, |least| least / 2)
}

/// Asks the kernel to stamp the handing over of packets to the network's queue, without a copy of them, and their
/// arrival. Without stamps the program's own times serve, and a sample says so.
pub(crate) fn stamp(socket: &Socket) {
    drop(set_option(socket, libc::SOL_SOCKET, libc::SO_TIMESTAMPING, STAMPS));
}

const STAMPS: c_int = {
    let stamps = libc::SOF_TIMESTAMPING_TX_SCHED
        | libc::SOF_TIMESTAMPING_RX_SOFTWARE
        | libc::SOF_TIMESTAMPING_SOFTWARE
        | libc::SOF_TIMESTAMPING_OPT_TSONLY;
    stamps.cast_signed()
};

/// Has a socket keep the ICMP errors about its packets, with who sent them.
pub(crate) fn receive_errors(socket: &Socket, is_v4: bool) -> io::Result<()> {
    let (level, name) =
        if is_v4 { (libc::IPPROTO_IP, libc::IP_RECVERR) } else { (libc::IPPROTO_IPV6, libc::IPV6_RECVERR) };
    set_option(socket, level, name, 1)
}

/// Has a socket tell the TTL or hop limit with which each packet arrived.
pub(crate) fn receive_ttl(socket: &Socket, is_v4: bool) -> io::Result<()> {
    let (level, name) =
        if is_v4 { (libc::IPPROTO_IP, libc::IP_RECVTTL) } else { (libc::IPPROTO_IPV6, libc::IPV6_RECVHOPLIMIT) };
    set_option(socket, level, name, 1)
}

/// Has a socket tell which address of this machine each packet came to.
pub(crate) fn tell_local_address(socket: &Socket, is_v4: bool) -> io::Result<()> {
    let (level, name) =
        if is_v4 { (libc::IPPROTO_IP, libc::IP_PKTINFO) } else { (libc::IPPROTO_IPV6, libc::IPV6_RECVPKTINFO) };
    set_option(socket, level, name, 1)
}

/// Forbids to divide a socket's packets, here and on the way, whatever the kernel remembers of the way (RFC 1191,
/// RFC 8201): the next are as long as they are.
pub(crate) fn undivided(socket: &Socket, is_v4: bool) -> io::Result<()> {
    if is_v4 {
        return set_option(socket, libc::IPPROTO_IP, libc::IP_MTU_DISCOVER, libc::IP_PMTUDISC_PROBE);
    }
    set_option(socket, libc::IPPROTO_IPV6, libc::IPV6_MTU_DISCOVER, libc::IPV6_PMTUDISC_PROBE)?;
    set_option(socket, libc::IPPROTO_IPV6, libc::IPV6_DONTFRAG, 1)
}

/// Sets how far a socket's next packets may go.
pub(crate) fn limit(socket: &Socket, is_v4: bool, ttl: Ttl) -> io::Result<()> {
    let (level, name) =
        if is_v4 { (libc::IPPROTO_IP, libc::IP_TTL) } else { (libc::IPPROTO_IPV6, libc::IPV6_UNICAST_HOPS) };
    set_option(socket, level, name, ttl.get().into())
}

/// Gives what the kernel measured as the RTT of a TCP handshake; `None` before its end, and where a part of it was sent
/// twice.
#[expect(unsafe_code, reason = "no crate asks for this")]
pub(crate) fn handshake_rtt(socket: &Socket) -> Option<Duration> {
    // SAFETY: the structure is of numbers alone, for which zero is a value.
    let mut info: libc::tcp_info = unsafe { std::mem::zeroed() };
    let mut length = libc::socklen_t::try_from(size_of_val(&info)).expect("some hundred");
    // SAFETY: the descriptor is open as long as it is borrowed, and the pointers are to a structure and its length.
    let result = unsafe {
        libc::getsockopt(socket.as_raw_fd(), libc::IPPROTO_TCP, libc::TCP_INFO, (&raw mut info).cast(), &raw mut length)
    };
    (result == 0 && info.tcpi_rtt > 0).then(|| Duration::from_micros(info.tcpi_rtt.into()))
}
