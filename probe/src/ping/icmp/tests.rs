use std::io::Read as _;
use std::net::IpAddr;
use std::time::Duration;

use cnc_model::Ttl;
use cnc_model::ping::{Clock, PingOutcome, PingSample};
use cnc_model::test::PingProtocol;
use socket2::{Domain, Protocol, Type};
use tokio::task::JoinSet;

use super::*;
use crate::icmp::packet::{V4_REQUEST, checksum};
use crate::icmp::socket::Kind;
use crate::ping::tests::{samples, summary, test_of};
use crate::sink;

async fn run(kind: Kind, target: IpAddr, test: &PingTest) -> Option<(Engine, Vec<PingSample>)> {
    let (sink, taken) = sink();
    let socket = match Socket::open_kind(target, kind) {
        Err(ProbeError::NoPermission { .. }) => return None,
        socket => socket.expect("opened"),
    };
    let target = SocketAddr::new(target, 0);
    let engine = ping_on(socket, target, test, &sink, &CancellationToken::new()).await.expect("measured");
    Some((engine, samples(taken)))
}

/// Where a kind is not permitted there is nothing to see; as an ordinary user on open sockets and as root, both are
/// tried in namespaces.
#[tokio::test]
async fn each_kind_of_socket_is_stamped_by_the_kernel_and_tells_the_ttl() {
    for (kind, name) in [(Kind::Raw, "icmp raw"), (Kind::Datagram, "icmp datagram")] {
        for target in ["127.0.0.1", "::1"] {
            let target = target.parse().expect("an address");
            let test = PingTest { interval: Duration::from_millis(1), ..test_of(PingProtocol::Icmp, 200) };
            let Some((engine, samples)) = run(kind, target, &test).await else { continue };
            assert_eq!((engine.name(), summary(&samples).received), (name, 200), "{target}");
            let mut stamped = 0;
            for sample in samples {
                let PingOutcome::Reply(reply) = sample.outcome else { panic!("{sample:?}") };
                assert_eq!((reply.from, reply.ttl.map(Ttl::get)), (target, Some(64)));
                assert!(reply.rtt > Duration::from_nanos(500), "faster than any loopback: {reply:?}");
                stamped += u32::from(reply.clock == Clock::Kernel);
            }
            // The kernel begins to stamp a moment after it was asked.
            assert!(stamped >= 190, "{name} {target}: {stamped}");
        }
    }
}

#[tokio::test]
async fn a_second_reply_is_a_duplicate() {
    const PROBES: u32 = 20;
    // An address of this test's own, since the forger answers everybody who pings it.
    let target = IpAddr::from([127, 7, 7, 7]);
    let Ok(mut forger) = socket2::Socket::new(Domain::IPV4, Type::RAW, Some(Protocol::ICMPV4)) else { return };
    forger.bind(&SocketAddr::new(target, 0).into()).expect("an address of loopback");
    let forging = tokio::task::spawn_blocking(move || {
        let mut packet = [0; 128];
        for _ in 0..PROBES {
            let length = loop {
                let length = forger.read(&mut packet).expect("received");
                if packet[20] == V4_REQUEST {
                    break length;
                }
            };
            let source: [u8; 4] = packet[12..16].try_into().expect("four");
            let reply = &mut packet[20..length];
            reply[..4].fill(0);
            let sum = checksum(reply);
            reply[2..4].copy_from_slice(&sum.to_be_bytes());
            forger.send_to(reply, &SocketAddr::from((source, 0)).into()).expect("sent");
        }
    });
    let (_, samples) = run(Kind::Raw, target, &test_of(PingProtocol::Icmp, PROBES)).await.expect("as was the forger");
    forging.await.expect("no panic");
    let summary = summary(&samples);
    assert_eq!((summary.sent, summary.received, summary.late), (20, 20, 0));
    assert!((19..=20).contains(&summary.duplicates), "the last may come after the end: {summary:?}");
}

/// However short: with no payload to tell replies apart by, their addresses do.
#[tokio::test]
async fn many_targets_at_once_have_each_its_own_replies() {
    for (kind, payload_bytes) in [(Kind::Raw, 0), (Kind::Raw, 56), (Kind::Datagram, 0), (Kind::Datagram, 4)] {
        let pings = (1..=200).map(|nth| async move {
            let target = IpAddr::from([127, 9, 0, nth]);
            let test = PingTest { payload_bytes, ..test_of(PingProtocol::Icmp, 5) };
            (target, run(kind, target, &test).await)
        });
        for (target, ran) in pings.collect::<JoinSet<_>>().join_all().await {
            let Some((_, samples)) = ran else { continue };
            let summary = summary(&samples);
            assert_eq!((summary.received, summary.duplicates), (5, 0), "{target}");
            let is_its_own = |sample: &PingSample| matches!(sample.outcome, PingOutcome::Reply(r) if r.from == target);
            assert!(samples.iter().all(is_its_own), "{samples:?}");
        }
    }
}

#[tokio::test]
async fn a_ping_that_is_dropped_lets_go_of_its_sink() {
    let test = test_of(PingProtocol::Icmp, 100_000);
    let (sink, mut taken) = sink();
    let pinging = tokio::spawn(async move {
        let target = SocketAddr::from(([127, 9, 1, 1], 0));
        ping(target, &test, &sink, &CancellationToken::new()).await
    });
    if taken.recv().await.is_none() {
        // Not permitted here.
        return;
    }
    pinging.abort();
    assert!(pinging.await.is_err_and(|end| end.is_cancelled()));
    // Liveness: ends when nobody holds the sink any more, which is what is tested.
    while taken.recv().await.is_some() {}
}
