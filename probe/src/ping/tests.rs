use std::num::NonZeroU16;

use cnc_model::ping::{PingFold, PingOutcome, PingSample, PingSummary};
use cnc_model::summary::Measured;
use cnc_model::{Destination, HostName, Reason, Sample};
use tokio::net::{TcpListener, UdpSocket};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::*;
use crate::sink;

const FAST: Duration = Duration::from_millis(5);

pub(super) fn test_of(protocol: PingProtocol, count: u32) -> PingTest {
    let destination = Destination::Host(HostName::from(IpAddr::from([127, 0, 0, 1])));
    PingTest { protocol, count, interval: FAST, timeout: Duration::from_millis(500), ..PingTest::to(destination) }
}

pub(super) fn samples(mut taken: mpsc::Receiver<Sample>) -> Vec<PingSample> {
    let mut samples = Vec::new();
    while let Ok(Sample::Ping(sample)) = taken.try_recv() {
        samples.push(sample);
    }
    samples
}

pub(super) fn summary(samples: &[PingSample]) -> PingSummary {
    let mut fold = PingFold::default();
    for sample in samples {
        fold.observe(sample);
    }
    fold.summary(Measured::default())
}

async fn run(address: &str, test: &PingTest) -> (Engine, Vec<PingSample>) {
    let (sink, taken) = sink();
    let address = address.parse().expect("an address");
    let engine = ping(address, test, &sink, &CancellationToken::new()).await.expect("permitted here");
    assert_eq!(sink.shed(), 0);
    (engine, samples(taken))
}

fn port_of(socket: std::io::Result<std::net::SocketAddr>) -> NonZeroU16 {
    NonZeroU16::new(socket.expect("bound").port()).expect("not zero")
}

#[tokio::test]
async fn loopback_answers_icmp_of_both_versions() {
    for address in ["127.0.0.1", "::1"] {
        let (engine, samples) = run(address, &test_of(PingProtocol::Icmp, 20)).await;
        assert!(engine.name().starts_with("icmp") || !cfg!(target_os = "linux"));
        let summary = summary(&samples);
        assert_eq!((summary.sent, summary.received, summary.loss_ratio), (20, 20, Some(0.0)), "{address}");
        assert!(summary.rtt.is_some_and(|rtt| !rtt.min.is_zero() && rtt.median < Duration::from_millis(50)));
    }
}

#[tokio::test]
async fn the_pace_is_kept_and_told() {
    let (_, samples) = run("127.0.0.1", &test_of(PingProtocol::Icmp, 50)).await;
    let last = samples.iter().map(|s| s.at).max().expect("samples");
    assert!(last >= FAST * 49, "{last:?}");
    let mut by_seq: Vec<_> = samples.iter().map(|s| (s.seq, s.at)).collect();
    by_seq.sort_unstable();
    assert!(by_seq.windows(2).all(|pair| pair[0].1 < pair[1].1 && pair[0].0 + 1 == pair[1].0));
}

#[tokio::test]
async fn payloads_of_all_sizes_come_back() {
    for payload_bytes in [0, 1, 1_472, 9_000, 65_507] {
        let test = PingTest { payload_bytes, ..test_of(PingProtocol::Icmp, 2) };
        let (_, samples) = run("127.0.0.1", &test).await;
        assert_eq!(summary(&samples).received, 2, "{payload_bytes}");
    }
}

#[tokio::test]
async fn open_and_closed_tcp_ports_both_reply() {
    for address in ["127.0.0.1", "::1"] {
        let listener = TcpListener::bind((address, 0)).await.expect("a port");
        let port = port_of(listener.local_addr());
        let (engine, open) = run(address, &test_of(PingProtocol::Tcp(port), 10)).await;
        assert_eq!((engine, summary(&open).received), (Engine::TcpConnect, 10));
        drop(listener);
        let (_, closed) = run(address, &test_of(PingProtocol::Tcp(port), 10)).await;
        assert_eq!(summary(&closed).received, 10);
    }
}

#[tokio::test]
async fn udp_is_echoed_and_a_closed_port_is_unreachable() {
    let server = UdpSocket::bind("127.0.0.1:0").await.expect("a port");
    let port = port_of(server.local_addr());
    let echo = async {
        let mut datagram = [0; 2_048];
        loop {
            let (length, from) = server.recv_from(&mut datagram).await.expect("received");
            server.send_to(&datagram[..length], from).await.expect("sent");
        }
    };
    let test = test_of(PingProtocol::Udp(port), 10);
    let (engine, open) = tokio::select! { run = run("127.0.0.1", &test) => run, () = echo => unreachable!() };
    assert_eq!((engine, summary(&open).received), (Engine::UdpEcho, 10));
    drop(server);
    let (_, closed) = run("127.0.0.1", &test).await;
    let summary = summary(&closed);
    assert_eq!((summary.sent, summary.received, summary.unreachable), (10, 0, 10));
}

#[tokio::test]
async fn silence_is_lost_and_a_reply_after_that_is_late() {
    let server = UdpSocket::bind("127.0.0.1:0").await.expect("a port");
    let port = port_of(server.local_addr());
    let timeout = Duration::from_millis(20);
    let test = PingTest { timeout, interval: timeout * 4, ..test_of(PingProtocol::Udp(port), 3) };
    // The server answers a probe when the next one comes: each but the last is late.
    let slow = async {
        let mut datagram = [0; 2_048];
        let mut last = None;
        loop {
            let (length, from) = server.recv_from(&mut datagram).await.expect("received");
            if let Some((payload, from)) = last.replace((datagram[..length].to_vec(), from)) {
                server.send_to(&payload, from).await.expect("sent");
            }
        }
    };
    let (_, samples) = tokio::select! { run = run("127.0.0.1", &test) => run, () = slow => unreachable!() };
    let summary = summary(&samples);
    assert_eq!((summary.sent, summary.received, summary.late), (3, 0, 2));
    assert!(samples.iter().all(|s| !matches!(s.outcome, PingOutcome::Late(reply) if reply.rtt < timeout)));
}

#[tokio::test]
async fn cancelling_ends_at_once_and_invents_no_loss() {
    let server = UdpSocket::bind("127.0.0.1:0").await.expect("a port");
    let test = PingTest {
        timeout: Duration::from_secs(30),
        ..test_of(PingProtocol::Udp(port_of(server.local_addr())), 100_000)
    };
    let (sink, taken) = sink();
    let cancel = CancellationToken::new();
    let stop = async {
        let mut datagram = [0; 2_048];
        for _ in 0..5 {
            server.recv_from(&mut datagram).await.expect("received");
        }
        cancel.cancel();
        Instant::now()
    };
    let address = IpAddr::from([127, 0, 0, 1]);
    let (result, cancelled) = tokio::join!(ping(address, &test, &sink, &cancel), stop);
    assert!(result.is_ok() && cancelled.elapsed() < Duration::from_millis(200));
    assert_eq!(samples(taken), []);
}

#[tokio::test]
async fn pings_side_by_side_do_not_take_each_others_replies() {
    let test = test_of(PingProtocol::Icmp, 40);
    let address = IpAddr::from([127, 0, 0, 1]);
    let mut runs = JoinSet::new();
    for _ in 0..8 {
        let test = test.clone();
        runs.spawn(async move {
            let (sink, taken) = sink();
            ping(address, &test, &sink, &CancellationToken::new()).await.expect("permitted here");
            samples(taken)
        });
    }
    while let Some(samples) = runs.join_next().await {
        let samples = samples.expect("no panic");
        let summary = summary(&samples);
        assert_eq!((samples.len(), summary.received, summary.duplicates), (40, 40, 0));
    }
}

#[tokio::test]
async fn no_route_is_an_error_with_a_hint() {
    let (sink, _taken) = sink();
    // Reserved for documentation and discarding; routers of this machine do not matter, the system refuses 240/4
    // and unspecified addresses differently, so only a family without any route is certain: none here by scope.
    let address: IpAddr = "255.255.255.255".parse().expect("an address");
    let failed = ping(address, &test_of(PingProtocol::Icmp, 1), &sink, &CancellationToken::new()).await;
    let failure = failed.expect_err("broadcast").failure();
    assert_eq!(failure.reason, Reason::NoPermission);
    assert!(failure.hint.is_some());
}
