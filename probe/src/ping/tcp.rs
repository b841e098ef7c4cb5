//! TCP handshakes as probes: an accepted and a refused connection are both replies.

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use cnc_model::ping::{Clock, PingReply};
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::flight::{self, Answer, Flight};
use crate::Engine;

/// When systems send an unanswered SYN again (RFC 6298). A handshake that took longer may belong to either, so it
/// counts as lost and late.
const FIRST_RETRANSMISSION: Duration = Duration::from_secs(1);

/// Opens connections to one port and closes them again.
pub(super) struct Prober {
    pub(super) target: SocketAddr,
}

impl flight::Prober for Prober {
    fn engine(&self) -> Engine {
        Engine::TcpConnect
    }

    fn patience(&self, timeout: Duration) -> Duration {
        timeout.min(FIRST_RETRANSMISSION)
    }

    /// Sends a SYN.
    async fn send(&self, _: u32) -> Flight {
        let target = self.target;
        Flight::start(|sent| exchange(target, sent)).await
    }
}

async fn exchange(target: SocketAddr, sent: Instant) -> Answer {
    use io::ErrorKind;
    let mut connecting = pin!(TcpStream::connect(target));
    let (result, is_local) = match poll_fn(|cx| Poll::Ready(connecting.as_mut().poll(cx))).await {
        Poll::Ready(result) => (result, true),
        Poll::Pending => (connecting.await, false),
    };
    let reply = PingReply { rtt: sent.elapsed(), from: target.ip(), ttl: None, clock: Clock::User };
    let kind = result.err().map(|error| error.kind());
    if matches!(kind, None | Some(ErrorKind::ConnectionRefused | ErrorKind::ConnectionReset)) {
        Answer::Reply(reply)
    } else if !is_local && matches!(kind, Some(ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable)) {
        Answer::Unreachable { from: None }
    } else if kind == Some(ErrorKind::TimedOut) {
        Answer::Silence
    } else {
        // No route, port or file is left, or this machine forbids it: no packet left it.
        Answer::NotSent
    }
}
