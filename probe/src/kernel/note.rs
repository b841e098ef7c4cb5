//! What a socket tells beside packets, and waiting for it.

use std::io;
use std::net::IpAddr;
use std::os::fd::AsRawFd;

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use super::{Said, Wall};

/// What a socket is waited for: for packets, and on Linux for its error queue, of which other systems know nothing.
#[cfg(target_os = "linux")]
pub(crate) const INTEREST: Interest = Interest::READABLE.add(Interest::ERROR);
#[cfg(not(target_os = "linux"))]
pub(crate) const INTEREST: Interest = Interest::READABLE;

/// Something told beside packets; on Linux an entry of the error queue.
#[derive(Debug)]
#[cfg_attr(not(target_os = "linux"), expect(dead_code, reason = "other kernels tell of ICMP errors only"))]
pub(crate) enum Note<'a> {
    /// A packet was handed to the network at this time.
    Sent(Wall),
    /// An ICMP error came about the quoted packet.
    Error {
        /// Who sent it, where told.
        from: Option<IpAddr>,
        /// What it says.
        said: Said,
        /// Where the quoted packet was sent, where told.
        to: Option<IpAddr>,
        /// The head of what was sent: of ICMP the message, of UDP the payload, of TCP the segment.
        quote: &'a [u8],
        /// When it arrived.
        stamp: Option<Wall>,
    },
    /// A packet was not sent, because the interface takes only so many bytes in one piece.
    TooLong(u32),
    /// Nothing of interest.
    Other,
}

/// Lets a socket be waited for: for what is of interest, which may be messages and what comes to the error queue.
#[expect(unsafe_code, reason = "tokio cannot know that a socket keeps its descriptor")]
pub(crate) fn watched<S: AsRawFd>(socket: S, interest: Interest) -> io::Result<AsyncFd<S>> {
    // SAFETY: the callers' sockets own their descriptors, give the same one as long as they live, and close it no
    // earlier.
    let watched = unsafe { AsyncFd::register_with_interest(socket, interest) };
    Ok(watched?)
}
