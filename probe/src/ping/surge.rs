//! ICMP echo by surge-ping where there is no engine of our own: on a raw socket where that is permitted, else on a
//! datagram one. Its times are the program's.

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use cnc_model::Ttl;
use cnc_model::ping::{Clock, PingReply};
use cnc_model::test::PingTest;
use socket2::Type;
use surge_ping::{Client, Config, ICMP, IcmpPacket, PingIdentifier, PingSequence, Pinger, SurgeError};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::LATE_WAIT;
use super::flight::{self, Answer, Flight};
use crate::identifier::Identifier;
use crate::{Engine, ProbeError, Sink};

/// The most probes not done with: at the fastest pace and the longest timeout there are no more, and sequence
/// numbers have 16 bits.
const MOST_UNDER_WAY: usize = 65_535;

const V4_ECHO_REPLY: u8 = 0;
const V4_REDIRECT: u8 = 5;
const V6_ECHO_REPLY: u8 = 129;

/// Pings an address.
pub(super) async fn ping(
    target: SocketAddr,
    test: &PingTest,
    sink: &Sink,
    cancel: &CancellationToken,
) -> Result<Engine, ProbeError> {
    let prober = Prober::open(target, test.payload_bytes, test.timeout)?;
    Ok(flight::ping_by(prober, test, sink, cancel).await)
}

/// Sends ICMP echo requests to one address.
struct Prober {
    client: Client,
    target: SocketAddr,
    identifier: Identifier,
    payload: Arc<[u8]>,
    timeout: Duration,
}

impl Prober {
    /// Opens the socket.
    fn open(target: SocketAddr, payload_bytes: u16, timeout: Duration) -> Result<Self, ProbeError> {
        let kind = if target.is_ipv4() { ICMP::V4 } else { ICMP::V6 };
        let mut config = Config::builder().kind(kind).sock_type_hint(Type::RAW);
        if cfg!(windows) {
            // An unbound socket cannot receive there.
            let unspecified = if target.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
            config = config.bind(unspecified.parse().expect("an address"));
        }
        let client = Client::new(&config.build()).map_err(|source| not_opened(&source))?;
        let payload = (0..=u8::MAX).cycle().take(payload_bytes.into()).collect();
        Ok(Self { client, target, identifier: Identifier::take()?, payload, timeout })
    }
}

impl flight::Prober for Prober {
    /// Names the engine that the system permitted.
    fn engine(&self) -> Engine {
        if self.client.get_socket().get_type() == Type::RAW { Engine::PingRaw } else { Engine::PingDatagram }
    }

    fn most_under_way(&self) -> usize {
        MOST_UNDER_WAY
    }

    /// Sends the `seq`-th echo request.
    async fn send(&self, seq: u32) -> Flight {
        let mut pinger = self.client.pinger(self.target.ip(), PingIdentifier(self.identifier.get())).await;
        pinger.timeout(self.timeout + LATE_WAIT);
        if let SocketAddr::V6(v6) = self.target {
            pinger.scope_id(v6.scope_id());
        }
        let number = PingSequence(u16::try_from(seq & 0xffff).expect("16 bits"));
        let payload = Arc::clone(&self.payload);
        Flight::start(|sent| exchange(pinger, number, payload, sent)).await
    }
}

/// Sends one echo request and waits for what comes back.
async fn exchange(mut pinger: Pinger, number: PingSequence, payload: Arc<[u8]>, sent: Instant) -> Answer {
    loop {
        let resent = sent.elapsed();
        // surge-ping counts from after the send; the RTT counts from before it. Its first poll is the send.
        let before = Instant::now();
        let mut ping = std::pin::pin!(pinger.ping(number, &payload));
        let first = std::future::poll_fn(|cx| Poll::Ready(ping.as_mut().poll(cx))).await;
        let sending = before.elapsed();
        let result = match first {
            // The reply overtook the end of the send.
            Poll::Ready(result) => result.map(|(packet, _)| (packet, Duration::ZERO)),
            Poll::Pending => ping.await,
        };
        match result {
            // A redirect is advice, not an answer, but surge-ping stops waiting after it: send and wait once more,
            // and count from the first send.
            Ok((IcmpPacket::V4(packet), _)) if packet.get_icmp_type().0 == V4_REDIRECT => {}
            Ok((packet, rtt)) => return answer(&packet, resent + sending + rtt),
            Err(SurgeError::IOError(_) | SurgeError::IdenticalRequests { .. }) => return Answer::NotSent,
            Err(_) => return Answer::Silence,
        }
    }
}

/// Tells replies from ICMP errors, which come as answers too.
fn answer(packet: &IcmpPacket, rtt: Duration) -> Answer {
    let (is_reply, from, ttl) = match packet {
        IcmpPacket::V4(v4) => {
            let ttl = v4.get_ttl().and_then(|ttl| Ttl::try_from(u32::from(ttl)).ok());
            (v4.get_icmp_type().0 == V4_ECHO_REPLY, IpAddr::V4(v4.get_source()), ttl)
        }
        // The hop limit is not told.
        IcmpPacket::V6(v6) => (v6.get_icmpv6_type().0 == V6_ECHO_REPLY, IpAddr::V6(v6.get_source()), None),
    };
    if is_reply {
        Answer::Reply(PingReply { rtt, from, ttl, clock: Clock::User })
    } else {
        Answer::Unreachable { from: Some(from) }
    }
}

fn not_opened(source: &io::Error) -> ProbeError {
    let what = "sending ICMP echo requests";
    if source.kind() != io::ErrorKind::PermissionDenied {
        return ProbeError::Engine { engine: Engine::PingRaw.name(), why: source.to_string() };
    }
    ProbeError::NoPermission { what, hint: crate::permission::icmp_hint() }
}
