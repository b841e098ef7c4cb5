//! The responding end of UDP pings: a socket that gives datagrams back as they came, to whoever is let. It never sends
//! without having received, and never more bytes than it got. Who is let is the server's business.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(not(target_os = "linux"))]
mod other;

use std::io;
use std::net::{IpAddr, SocketAddr};

use cnc_model::message::EchoToken;

#[cfg(target_os = "linux")]
use linux::Wire;
#[cfg(not(target_os = "linux"))]
use other::Wire;

/// The longest datagram: none is cut.
const MOST_BYTES: usize = 65_536;

/// The most datagrams taken before other work has its turn.
#[cfg(target_os = "linux")]
const MOST_AT_ONCE: u32 = 32;

/// A datagram that wants to be given back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked {
    /// What it begins with; `None` where it is too short for a token.
    pub token: Option<EchoToken>,
    /// Who sent it, as far as that is true.
    pub from: IpAddr,
    /// Its payload's length.
    pub bytes: usize,
}

/// A socket that gives datagrams back.
pub struct EchoSocket(Wire);

impl EchoSocket {
    /// Opens it on an address.
    ///
    /// # Errors
    /// Says what the system says.
    pub fn bind(address: SocketAddr) -> io::Result<Self> {
        Wire::bind(address).map(Self)
    }

    /// Gives the address that it is open on.
    ///
    /// # Errors
    /// Says what the system says.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }

    /// Gives back whatever is let, until the socket fails. What finds no room in the socket is dropped, as a network
    /// would.
    ///
    /// # Errors
    /// Fails when nothing can be received any more.
    // Liveness: dropped by the one who serves.
    pub async fn run(self, is_let: impl FnMut(Asked) -> bool) -> io::Result<()> {
        self.0.run(is_let).await
    }
}

fn asked(packet: &[u8], from: SocketAddr) -> Asked {
    Asked { token: packet.first_chunk().copied(), from: from.ip().to_canonical(), bytes: packet.len() }
}

#[cfg(test)]
mod tests;
