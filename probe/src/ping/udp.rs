//! UDP datagrams to an echo port as probes. Each has a socket of its own, so that an ICMP error is the right probe's.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use cnc_model::ping::{Clock, PingReply};
use tokio::net::UdpSocket;
use tokio::time::Instant;

use super::flight::{self, Answer, Flight};
use crate::Engine;

/// Sends datagrams to one port.
pub(super) struct Prober {
    pub(super) target: SocketAddr,
    pub(super) payload_bytes: usize,
}

impl flight::Prober for Prober {
    fn engine(&self) -> Engine {
        Engine::UdpEcho
    }

    /// Sends the `seq`-th datagram; its number leads the payload as far as that has room.
    async fn send(&self, seq: u32) -> Flight {
        let payload = seq.to_be_bytes().into_iter().chain((0..=u8::MAX).cycle()).take(self.payload_bytes).collect();
        let target = self.target;
        Flight::start(|sent| exchange(target, payload, sent)).await
    }
}

async fn exchange(target: SocketAddr, payload: Vec<u8>, sent: Instant) -> Answer {
    let Ok(socket) = send(target, &payload).await else {
        return Answer::NotSent;
    };
    // One byte more, so that a longer datagram is seen to be another.
    let mut echo = vec![0; payload.len() + 1];
    // Liveness: dropped by the one who waits for the answer.
    loop {
        let received = socket.recv(&mut echo).await;
        let rtt = sent.elapsed();
        match received {
            Ok(length) if echo[..length] == payload => {
                return Answer::Reply(PingReply { rtt, from: target.ip(), ttl: None, clock: Clock::User });
            }
            Ok(_) => {}
            Err(_) => return Answer::Unreachable { from: None },
        }
    }
}

async fn send(target: SocketAddr, payload: &[u8]) -> io::Result<UdpSocket> {
    let unspecified: IpAddr = match target {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = UdpSocket::bind((unspecified, 0)).await?;
    socket.connect(target).await?;
    socket.send(payload).await?;
    Ok(socket)
}
