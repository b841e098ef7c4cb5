//! Answers as they come from others than this machine's own kernel, forged on loopback. Where raw sockets are not
//! permitted there is no forger.

use std::io::Read as _;
use std::net::UdpSocket;
use std::num::NonZeroU16;
use std::time::Duration;

use cnc_model::test::TraceProtocol;
use cnc_model::trace::HopOutcome;
use cnc_model::{Destination, HostName};
use socket2::{Domain, Protocol, Socket, Type};

use super::*;
use crate::icmp::packet::checksum;
use crate::sink;

async fn run(target: IpAddr, protocol: TraceProtocol, rounds: u32) -> (Engine, Vec<HopSample>) {
    let test = TraceTest {
        protocol,
        rounds,
        interval: Duration::from_millis(50),
        ..TraceTest::to(Destination::Host(HostName::from(target)))
    };
    let (sink, mut taken) = sink();
    let engine = trace(target, &test, &sink, &CancellationToken::new()).await.expect("measured");
    let mut samples = Vec::new();
    while let Ok(Sample::Hop(sample)) = taken.try_recv() {
        samples.push(sample);
    }
    (engine, samples)
}

/// Serves a UDP port with an answer that is not what was sent.
fn serve() -> NonZeroU16 {
    let served = UdpSocket::bind("127.0.0.1:0").expect("a free port");
    let port = served.local_addr().expect("bound").port();
    served.set_read_timeout(Some(Duration::from_secs(2))).expect("a time");
    std::thread::spawn(move || {
        let mut bytes = [0; 64];
        while let Ok((_, from)) = served.recv_from(&mut bytes) {
            served.send_to(b"what do you want?", from).expect("sent");
        }
    });
    NonZeroU16::new(port).expect("bound")
}

#[tokio::test]
async fn a_service_that_answers_with_words_of_its_own_is_reached() {
    let (engine, samples) = run(IpAddr::from([127, 0, 0, 1]), TraceProtocol::Udp(Some(serve())), 3).await;
    assert_eq!(engine, Engine::UdpErrorQueue);
    let rounds: Vec<_> = samples.iter().map(|s| (s.round, s.ttl.get())).collect();
    assert_eq!(rounds, [(0, 1), (1, 1), (2, 1)], "{samples:?}");
    assert!(samples.iter().all(|s| matches!(s.outcome, HopOutcome::Destination(_))), "{samples:?}");
}

/// Takes the place of three routers that say of probes to `target` that their time was exceeded, each for one TTL, and
/// quote no more than they must: 8 bytes behind the IP header.
fn forge(target: [u8; 4]) -> Option<()> {
    let mut heard = Socket::new(Domain::IPV4, Type::RAW, Some(Protocol::UDP)).ok()?;
    heard.bind(&std::net::SocketAddr::from((target, 0)).into()).expect("an address of loopback");
    heard.set_read_timeout(Some(Duration::from_secs(2))).expect("a time");
    std::thread::spawn(move || {
        let mut bytes = [0; 128];
        while heard.read(&mut bytes).is_ok() {
            let quote = &bytes[..28];
            let (ttl, source) = (quote[8], [quote[12], quote[13], quote[14], quote[15]]);
            if ttl > 3 {
                continue;
            }
            let mut message = [&[11, 0, 0, 0, 0, 0, 0, 0], quote].concat();
            let sum = checksum(&message);
            message[2..4].copy_from_slice(&sum.to_be_bytes());
            let router = Socket::new(Domain::IPV4, Type::RAW, Some(Protocol::ICMPV4)).expect("as the other");
            router.bind(&std::net::SocketAddr::from(([127, 9, 9, ttl], 0)).into()).expect("an address of loopback");
            router.send_to(&message, &std::net::SocketAddr::from((source, 0)).into()).expect("sent");
        }
    });
    Some(())
}

#[tokio::test]
async fn routers_that_quote_next_to_nothing_are_told_apart_all_the_same() {
    // Nobody answers for it but the forger: a port that is open keeps the kernel silent.
    let target = [127, 8, 8, 8];
    let silent = UdpSocket::bind((std::net::Ipv4Addr::from(target), 0)).expect("a free port");
    let port = NonZeroU16::new(silent.local_addr().expect("bound").port());
    if forge(target).is_none() {
        return;
    }
    let (_, samples) = run(IpAddr::from(target), TraceProtocol::Udp(port), 1).await;
    let mut heard: Vec<_> = samples
        .iter()
        .filter_map(|s| match s.outcome {
            HopOutcome::Hop(reply) => Some((s.ttl.get(), reply.address.to_string())),
            HopOutcome::Silent | HopOutcome::Destination(_) | HopOutcome::Unreachable(_) => None,
        })
        .collect();
    heard.sort();
    let expected = (1..=3).map(|ttl| (ttl, format!("127.9.9.{ttl}"))).collect::<Vec<_>>();
    assert_eq!(heard, expected, "{samples:?}");
}
