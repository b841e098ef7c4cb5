//! UDP datagrams to an echo port as probes: to a listener's own echo with a session's token, or to anybody's without.

#[cfg(target_os = "linux")]
mod stamped;

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use cnc_model::message::EchoToken;
use cnc_model::ping::{Clock, PingReply};
use cnc_model::test::PingTest;
use tokio::net::UdpSocket;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::flight::{self, Answer, Flight};
use crate::{Engine, ProbeError, Sink};

/// The bytes of a probe's own at the head of its payload, behind the token: a number drawn for the ping, and the
/// probe's.
const OWN_BYTES: usize = 8;

/// Pings a port that gives back what it gets.
pub(super) async fn ping(
    target: SocketAddr,
    token: Option<&EchoToken>,
    test: &PingTest,
    sink: &Sink,
    cancel: &CancellationToken,
) -> Result<Engine, ProbeError> {
    let token = token.map(|token| token.to_vec()).unwrap_or_default();
    let is_told_apart = usize::from(test.payload_bytes) >= token.len() + OWN_BYTES;
    if !token.is_empty() && !is_told_apart {
        return Err(ProbeError::Unsupported {
            what: "a UDP ping to the listener carries 40 bytes or more: give it a larger payload",
        });
    }
    #[cfg(target_os = "linux")]
    if is_told_apart {
        return stamped::ping(target, token, test, sink, cancel).await;
    }
    let prober = Prober { target, token, payload_bytes: test.payload_bytes.into() };
    Ok(flight::ping_by(prober, test, sink, cancel).await)
}

/// Sends datagrams to one port. Each has a socket of its own, so that an ICMP error is the right probe's, and a reply
/// too where the payload has no room to tell.
struct Prober {
    target: SocketAddr,
    token: Vec<u8>,
    payload_bytes: usize,
}

impl flight::Prober for Prober {
    fn engine(&self) -> Engine {
        Engine::UdpEcho
    }

    /// Sends the `seq`-th datagram; its number leads the payload behind the token, as far as that has room.
    async fn send(&self, seq: u32) -> Flight {
        let head = self.token.iter().copied().chain(seq.to_be_bytes());
        let payload = head.chain(filler()).take(self.payload_bytes).collect();
        let target = self.target;
        Flight::start(|sent| exchange(target, payload, sent)).await
    }
}

/// Gives the bytes that fill a payload up.
fn filler() -> impl Iterator<Item = u8> {
    (0..=u8::MAX).cycle()
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
