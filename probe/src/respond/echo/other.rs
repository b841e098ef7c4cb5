//! The echo's socket by tokio.

use std::io;
use std::net::SocketAddr;

use tokio::net::UdpSocket;

use super::{Asked, MOST_BYTES, asked};

/// The socket.
pub(super) struct Wire(UdpSocket);

impl Wire {
    pub(super) fn bind(address: SocketAddr) -> io::Result<Self> {
        let socket = std::net::UdpSocket::bind(address)?;
        socket.set_nonblocking(true)?;
        UdpSocket::from_std(socket).map(Self)
    }

    pub(super) fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }

    pub(super) async fn run(self, mut is_let: impl FnMut(Asked) -> bool) -> io::Result<()> {
        let mut packet = vec![0; MOST_BYTES];
        loop {
            let (length, from) = match self.0.recv_from(&mut packet).await {
                Ok(received) => received,
                // Windows tells here that an earlier answer could not be delivered.
                Err(error) if error.kind() == io::ErrorKind::ConnectionReset => continue,
                Err(error) => return Err(error),
            };
            if is_let(asked(&packet[..length], from)) {
                self.0.try_send_to(&packet[..length], from).ok();
            }
        }
    }
}
