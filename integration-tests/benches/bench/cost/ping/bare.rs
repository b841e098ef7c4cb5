//! The least that pinging can take: one ICMP socket, a send and a receipt for each probe, no times, no fates.

use std::io::Read as _;
use std::net::{IpAddr, SocketAddr};

use anyhow::{Result, ensure};
use socket2::{Domain, Protocol, Socket, Type};

/// Pings targets in turns, and gives how many answers came.
pub(super) fn ping(targets: impl Iterator<Item = IpAddr>, probes: u32) -> Result<usize> {
    const REQUEST: u8 = 8;
    const REPLY: u8 = 0;
    let mut socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::ICMPV4))?;
    let targets: Vec<_> = targets.map(|target| SocketAddr::new(target, 0).into()).collect();
    let mut answered = 0;
    for seq in 0..probes {
        let mut request = [0; 64];
        request[0] = REQUEST;
        // The kernel sets the identifier and the checksum.
        request[6..8].copy_from_slice(&seq.to_be_bytes()[2..]);
        for target in &targets {
            socket.send_to(&request, target)?;
            let mut packet = [0; 128];
            ensure!(socket.read(&mut packet)? == request.len() && packet[0] == REPLY, "no reply but another message");
            answered += 1;
        }
    }
    Ok(answered)
}
