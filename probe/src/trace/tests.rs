use std::num::NonZeroU16;
use std::time::Duration;

use cnc_model::test::{Multipath, TraceProtocol};
use cnc_model::trace::{HopOutcome, HopSample};
use cnc_model::{Destination, HostName, Sample};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::*;
use crate::sink;

fn test_of(protocol: TraceProtocol, strategy: Multipath, rounds: u32) -> TraceTest {
    let destination = Destination::Host(HostName::from(IpAddr::from([127, 0, 0, 1])));
    TraceTest { protocol, strategy, rounds, interval: Duration::from_millis(50), ..TraceTest::to(destination) }
}

fn samples(mut taken: mpsc::Receiver<Sample>) -> Vec<HopSample> {
    let mut samples = Vec::new();
    while let Ok(Sample::Hop(sample)) = taken.try_recv() {
        samples.push(sample);
    }
    samples
}

async fn run(address: IpAddr, test: &TraceTest) -> Vec<HopSample> {
    let (sink, taken) = sink();
    trace(address, test, &sink, &CancellationToken::new()).await.expect("these tests run as root");
    samples(taken)
}

/// Every way of tracing. The closed port answers a TCP probe with a reset.
fn all_kinds() -> Vec<(TraceProtocol, Multipath)> {
    let port = NonZeroU16::new(9).expect("not zero");
    let udp = |port| [Multipath::Classic, Multipath::Paris, Multipath::Dublin].map(|s| (TraceProtocol::Udp(port), s));
    let mut kinds = vec![(TraceProtocol::Icmp, Multipath::Paris), (TraceProtocol::Tcp(port), Multipath::Classic)];
    kinds.extend(udp(None));
    kinds.extend(udp(Some(port)));
    kinds
}

#[tokio::test]
async fn loopback_is_one_hop_away_by_every_protocol() {
    for address in [IpAddr::from([127, 0, 0, 1]), "::1".parse().expect("valid")] {
        for (protocol, strategy) in all_kinds() {
            let samples = run(address, &test_of(protocol, strategy, 3)).await;
            let rounds: Vec<_> = samples.iter().map(|s| (s.round, s.ttl)).collect();
            let expected: Vec<_> = (0..3).map(|round| (round, cnc_model::Ttl::FIRST)).collect();
            assert_eq!(rounds, expected, "{address} {protocol:?} {strategy:?}");
            assert!(
                samples.iter().all(|s| matches!(s.outcome, HopOutcome::Destination(r) if r.address == address)),
                "{address} {protocol:?} {strategy:?}: {samples:?}"
            );
            assert!(samples.windows(2).all(|pair| pair[0].at < pair[1].at));
        }
    }
}

#[tokio::test]
async fn many_tracers_at_once_do_not_disturb_each_other() {
    let mut runs = JoinSet::new();
    for (protocol, strategy) in all_kinds() {
        for _ in 0..3 {
            let test = test_of(protocol, strategy, 5);
            runs.spawn(async move { run(IpAddr::from([127, 0, 0, 1]), &test).await });
        }
    }
    while let Some(samples) = runs.join_next().await {
        let samples = samples.expect("no panic");
        assert_eq!(samples.len(), 5);
        assert!(samples.iter().all(|s| matches!(s.outcome, HopOutcome::Destination(_))), "{samples:?}");
    }
}

#[tokio::test]
async fn cancelling_takes_effect_within_a_round() {
    let test = TraceTest { interval: Duration::from_mins(1), ..test_of(TraceProtocol::Icmp, Multipath::Paris, 100) };
    let (sink, mut taken) = sink();
    let cancel = CancellationToken::new();
    let stop = async {
        taken.recv().await.expect("a first sample");
        cancel.cancel();
        Instant::now()
    };
    let (result, cancelled) = tokio::join!(trace(IpAddr::from([127, 0, 0, 1]), &test, &sink, &cancel), stop);
    assert!(result.is_ok() && cancelled.elapsed() < Duration::from_millis(200));
}

#[tokio::test]
async fn a_link_local_address_is_refused_in_words() {
    let (sink, _taken) = sink();
    let test = test_of(TraceProtocol::Icmp, Multipath::Paris, 1);
    let address = "fe80::1".parse().expect("valid");
    let failure = trace(address, &test, &sink, &CancellationToken::new()).await.expect_err("refused").failure();
    assert_eq!(failure.reason, cnc_model::Reason::Unsupported);
}
