//! The echo's socket on Linux: an answer leaves from the address that was asked, also where a machine has several.

use std::io::{self, IoSlice};
use std::net::SocketAddr;

use socket2::{Domain, MsgHdr, Protocol, Socket, Type};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use super::{Asked, MOST_AT_ONCE, MOST_BYTES, asked};
use crate::kernel::{Received, Room, leaving_from, tell_local_address, watched};

/// How many bytes may wait in the socket: some hundred probes of as many clients at one moment.
const WAITING_BYTES: usize = 1 << 20;

/// The socket.
pub(super) struct Wire(AsyncFd<Socket>);

impl Wire {
    pub(super) fn bind(address: SocketAddr) -> io::Result<Self> {
        let domain = if address.is_ipv4() { Domain::IPV4 } else { Domain::IPV6 };
        let socket = Socket::new(domain, Type::DGRAM, Some(Protocol::UDP))?;
        socket.set_nonblocking(true)?;
        tell_local_address(&socket, address.is_ipv4())?;
        // A kernel that gives less still serves.
        socket.set_recv_buffer_size(WAITING_BYTES).ok();
        socket.bind(&address.into())?;
        watched(socket, Interest::READABLE).map(Self)
    }

    pub(super) fn local_addr(&self) -> io::Result<SocketAddr> {
        let address = self.0.get_ref().local_addr()?.as_socket();
        address.ok_or_else(|| io::ErrorKind::Unsupported.into())
    }

    pub(super) async fn run(self, mut is_let: impl FnMut(Asked) -> bool) -> io::Result<()> {
        let mut room = Box::new(Room::<MOST_BYTES>::new());
        loop {
            let mut ready = self.0.readable().await?;
            let is_drained = (0..MOST_AT_ONCE).any(|_| !answer_next(self.0.get_ref(), &mut room, &mut is_let));
            if is_drained {
                ready.clear_ready();
            }
        }
    }
}

/// Takes one datagram and gives it back where it is let; tells whether there was one.
fn answer_next(socket: &Socket, room: &mut Room<MOST_BYTES>, is_let: &mut impl FnMut(Asked) -> bool) -> bool {
    if room.take(socket, 0).is_none() {
        return false;
    }
    let Received { packet, control, from } = room.received();
    let Some(from) = from else { return true };
    if is_let(asked(packet, from)) {
        let (to, source) = (from.into(), control.local.map(leaving_from).unwrap_or_default());
        let payload = [IoSlice::new(packet)];
        let answer = MsgHdr::new().with_addr(&to).with_buffers(&payload).with_control(&source);
        socket.sendmsg(&answer, libc::MSG_DONTWAIT).ok();
    }
    true
}
