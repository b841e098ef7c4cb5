//! Receiving with control messages, options that no crate knows, and waiting for the error queue. All unsafe code of
//! the pings is here.

use std::ffi::c_int;
use std::io;
use std::mem::MaybeUninit;
use std::net::{Ipv6Addr, SocketAddr};
use std::os::fd::AsRawFd as _;

use socket2::{MaybeUninitSlice, MsgHdrMut, SockAddr, Socket};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use super::control::{CONTROL_BYTES, Control};

/// Enough for the longest IPv4 header, the ICMP header and the payload's token; the rest of a packet is cut off
/// unread.
const PACKET_BYTES: usize = 60 + super::packet::HEADER_BYTES + super::packet::TOKEN_BYTES;

/// Room for one packet, and the last that was received there.
pub(super) struct Room {
    packet: [MaybeUninit<u8>; PACKET_BYTES],
    control: [MaybeUninit<u8>; CONTROL_BYTES],
    from: SockAddr,
    /// How much of `packet` and of `control` the kernel wrote.
    written: (usize, usize),
}

/// A packet, or what the error queue holds of one.
#[derive(Debug)]
pub(super) struct Received<'a> {
    pub(super) packet: &'a [u8],
    pub(super) control: Control,
    pub(super) from: Option<SocketAddr>,
}

impl Room {
    pub(super) fn new() -> Self {
        Self {
            packet: [MaybeUninit::uninit(); PACKET_BYTES],
            control: [MaybeUninit::uninit(); CONTROL_BYTES],
            // Long enough for an address of either version.
            from: SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)).into(),
            written: (0, 0),
        }
    }

    /// Receives what the socket has now.
    pub(super) fn receive(&mut self, socket: &Socket, flags: c_int) -> io::Result<()> {
        self.written = (0, 0);
        let mut buffers = [MaybeUninitSlice::new(&mut self.packet)];
        let mut message =
            MsgHdrMut::new().with_addr(&mut self.from).with_buffers(&mut buffers).with_control(&mut self.control);
        let length = socket.recvmsg(&mut message, flags | libc::MSG_DONTWAIT)?;
        self.written = (length.min(PACKET_BYTES), message.control_len().min(CONTROL_BYTES));
        Ok(())
    }

    /// Gives what was received last.
    #[expect(unsafe_code, reason = "recvmsg fills buffers that need not have been written before")]
    pub(super) fn received(&self) -> Received<'_> {
        let (packet, control) = (&self.packet[..self.written.0], &self.control[..self.written.1]);
        // SAFETY: `written` says how many bytes the kernel wrote from each buffer's begin; it is set where these are
        // filled, and nowhere else.
        let (packet, control) = unsafe { (packet.assume_init_ref(), control.assume_init_ref()) };
        Received { packet, control: Control::parse(control), from: self.from.as_socket() }
    }
}

/// Sets an option whose value is a number.
#[expect(unsafe_code, reason = "socket2 knows these options not")]
pub(super) fn set_option(socket: &Socket, level: c_int, name: c_int, value: c_int) -> io::Result<()> {
    let length = libc::socklen_t::try_from(size_of::<c_int>()).expect("four");
    // SAFETY: the descriptor is open as long as it is borrowed, and the pointer is to a number of the given length.
    let result = unsafe { libc::setsockopt(socket.as_raw_fd(), level, name, (&raw const value).cast(), length) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Lets a socket be waited for: for messages, and for what comes to the error queue.
#[expect(unsafe_code, reason = "tokio cannot know that a socket keeps its descriptor")]
pub(super) fn watched(socket: Socket) -> io::Result<AsyncFd<Socket>> {
    // SAFETY: a socket owns its descriptor, gives the same one as long as it lives, and closes it no earlier.
    let watched = unsafe { AsyncFd::register_with_interest(socket, Interest::READABLE | Interest::ERROR) };
    Ok(watched?)
}
