//! A packet socket on one device: whole Ethernet frames in and out, each with the time the kernel got it.
//! It never decides about a frame.

use std::{
    ffi::CString,
    io, mem,
    os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd},
};

use rustix::net::{AddressFamily, SendFlags, SocketFlags, SocketType, send, socket_with, sockopt};

/// Room for 30,000 full frames: a relay that gets no processor for a while must not lose any.
const BUFFER_BYTES: usize = 64 << 20;
/// The largest frame a veth carries without offloads, and then some.
pub(crate) const FRAME_BYTES: usize = 65_536 + 64;

/// An open port.
pub(crate) struct Port(OwnedFd);

/// A frame as it came.
pub(crate) struct Received {
    pub(crate) length: usize,
    /// The kernel's own time of arrival (`CLOCK_REALTIME`, nanoseconds); `None` before it keeps time.
    pub(crate) stamp: Option<u64>,
}

impl Port {
    /// Opens the device `name` of the current namespace. With `through_queue` what is sent passes the device's qdisc.
    pub(crate) fn open(name: &str, through_queue: bool) -> io::Result<Self> {
        // Protocol 0 first: nothing is received before everything is set.
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let socket = socket_with(AddressFamily::PACKET, SocketType::RAW, flags, None)?;
        sockopt::set_socket_recv_buffer_size_force(&socket, BUFFER_BYTES)?;
        sockopt::set_socket_send_buffer_size_force(&socket, BUFFER_BYTES)?;
        let port = Self(socket);
        port.set(libc::SOL_SOCKET, libc::SO_TIMESTAMPNS, 1)?;
        port.set(libc::SOL_PACKET, libc::PACKET_IGNORE_OUTGOING, 1)?;
        port.set(libc::SOL_PACKET, libc::PACKET_QDISC_BYPASS, libc::c_int::from(!through_queue))?;
        port.bind(name)?;
        Ok(port)
    }

    /// Sends a frame whole. Never waits: `WouldBlock` or `ENOBUFS` when the device takes no more.
    pub(crate) fn send(&self, frame: &[u8]) -> io::Result<()> {
        send(&self.0, frame, SendFlags::DONTWAIT)?;
        Ok(())
    }

    /// Gives the next frame, or `None` if there is none now.
    #[expect(unsafe_code, reason = "no safe wrapper hands out a frame's kernel timestamp")]
    pub(crate) fn receive(&self, buffer: &mut [u8; FRAME_BYTES]) -> io::Result<Option<Received>> {
        let mut parts = libc::iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: buffer.len() };
        let mut control = Control([0; 64]);
        // SAFETY: all-zero is a valid msghdr; the pointers set below outlive the call.
        let mut message: libc::msghdr = unsafe { mem::zeroed() };
        message.msg_iov = &raw mut parts;
        message.msg_iovlen = 1;
        message.msg_control = control.0.as_mut_ptr().cast();
        message.msg_controllen = control.0.len();
        // SAFETY: the message points to live buffers of the lengths told.
        let read = unsafe { libc::recvmsg(self.0.as_raw_fd(), &raw mut message, libc::MSG_DONTWAIT) };
        let Ok(length) = usize::try_from(read) else {
            let error = io::Error::last_os_error();
            return if error.kind() == io::ErrorKind::WouldBlock { Ok(None) } else { Err(error) };
        };
        Ok(Some(Received { length, stamp: stamp(&message) }))
    }

    /// Counts the frames that found the socket's buffer full since this was last asked.
    #[expect(unsafe_code, reason = "no safe wrapper knows the packet options")]
    pub(crate) fn missed(&self) -> io::Result<u32> {
        // SAFETY: all-zero is a valid tpacket_stats.
        let mut statistics: libc::tpacket_stats = unsafe { mem::zeroed() };
        let mut length = length_of::<libc::tpacket_stats>();
        let pointer = (&raw mut statistics).cast();
        let (level, option) = (libc::SOL_PACKET, libc::PACKET_STATISTICS);
        // SAFETY: the kernel writes at most the length told of a tpacket_stats.
        done(unsafe { libc::getsockopt(self.0.as_raw_fd(), level, option, pointer, &raw mut length) })?;
        Ok(statistics.tp_drops)
    }

    #[expect(unsafe_code, reason = "no safe wrapper knows the packet options")]
    fn set(&self, level: libc::c_int, option: libc::c_int, value: libc::c_int) -> io::Result<()> {
        let (pointer, length) = ((&raw const value).cast(), length_of::<libc::c_int>());
        // SAFETY: the kernel reads an int from a pointer to an int.
        done(unsafe { libc::setsockopt(self.0.as_raw_fd(), level, option, pointer, length) })
    }

    #[expect(unsafe_code, reason = "no safe wrapper knows packet addresses")]
    fn bind(&self, name: &str) -> io::Result<()> {
        let name = CString::new(name)?;
        // SAFETY: a terminated string that lives through the call.
        let index = unsafe { libc::if_nametoindex(name.as_ptr()) };
        if index == 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: all-zero is a valid sockaddr_ll.
        let mut address: libc::sockaddr_ll = unsafe { mem::zeroed() };
        address.sll_family = libc::c_ushort::try_from(libc::AF_PACKET).expect("address families fit a short");
        address.sll_protocol = u16::try_from(libc::ETH_P_ALL).expect("an Ethernet protocol has 16 bits").to_be();
        address.sll_ifindex = libc::c_int::try_from(index).map_err(io::Error::other)?;
        // SAFETY: the address is a sockaddr_ll of the length told.
        done(unsafe { libc::bind(self.0.as_raw_fd(), (&raw const address).cast(), length_of::<libc::sockaddr_ll>()) })
    }
}

impl AsFd for Port {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// Control messages must be aligned like their header.
#[repr(align(8))]
struct Control([u8; 64]);

#[expect(unsafe_code, reason = "control messages are reached by libc's pointer macros only")]
fn stamp(message: &libc::msghdr) -> Option<u64> {
    // SAFETY: the kernel filled the control buffer that `message` points to, and it is still alive.
    let mut header = unsafe { libc::CMSG_FIRSTHDR(message) };
    while !header.is_null() {
        // SAFETY: libc gave a header inside of the buffer.
        let head = unsafe { *header };
        if head.cmsg_level == libc::SOL_SOCKET && head.cmsg_type == libc::SCM_TIMESTAMPNS {
            // SAFETY: this kind carries a timespec, perhaps unaligned.
            let time: libc::timespec = unsafe { libc::CMSG_DATA(header).cast::<libc::timespec>().read_unaligned() };
            return Some(u64::try_from(time.tv_sec).ok()? * 1_000_000_000 + u64::try_from(time.tv_nsec).ok()?);
        }
        // SAFETY: as above.
        header = unsafe { libc::CMSG_NXTHDR(message, header) };
    }
    None
}

fn length_of<T>() -> libc::socklen_t {
    libc::socklen_t::try_from(size_of::<T>()).expect("a C struct's size fits")
}

fn done(returned: libc::c_int) -> io::Result<()> {
    if returned == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
