//! Against a small hyper server that uses the responding end, over loopback.

mod proxy;
mod server;
mod tls;

use cnc_model::test::ThroughputPeer;
use cnc_model::throughput::{Phase, ThroughputEnd, ThroughputFold, ThroughputSample, ThroughputSummary};
use cnc_model::{Reason, Sample};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::time::Instant;

use self::server::{Server, target};
use super::*;
use crate::sink;

fn test_of(flows: u8, millis: u64, max_bytes: u64) -> ThroughputTest {
    let duration = Duration::from_millis(millis);
    ThroughputTest {
        flows,
        most_flows: flows,
        duration,
        max_bytes,
        ..ThroughputTest::against(ThroughputPeer::Listener)
    }
}

fn samples(mut taken: mpsc::Receiver<Sample>) -> Vec<ThroughputSample> {
    let mut samples = Vec::new();
    while let Ok(Sample::Throughput(sample)) = taken.try_recv() {
        samples.push(sample);
    }
    samples
}

fn summary(samples: &[ThroughputSample], direction: Direction, transfer: &Transfer) -> ThroughputSummary {
    let mut fold = ThroughputFold::default();
    for sample in samples {
        fold.observe(sample);
    }
    fold.summary(ThroughputEnd {
        measured: cnc_model::summary::Measured::default(),
        direction,
        stopped_by: transfer.stopped_by,
        sender_bytes: transfer.sender_bytes,
        idle_rtt: transfer.idle_rtt,
        responsiveness: transfer.responsiveness,
        listener: transfer.listener,
    })
}

async fn run(
    direction: Direction,
    target: &SpeedTarget,
    test: &ThroughputTest,
) -> Result<(Transfer, Vec<ThroughputSample>), ProbeError> {
    let (sink, taken) = sink();
    let transfer = throughput(direction, target, test, &sink, &CancellationToken::new()).await?;
    Ok((transfer, samples(taken)))
}

const LOTS: u64 = 100_000_000_000;

#[tokio::test(flavor = "multi_thread")]
async fn both_directions_run_for_their_time_and_are_counted_at_the_receiver() {
    let server = Server::start().await;
    for direction in [Direction::Download, Direction::Upload] {
        let (transfer, samples) = run(direction, &server.target(""), &test_of(4, 1_000, LOTS)).await.expect("runs");
        let summary = summary(&samples, direction, &transfer);
        assert_eq!((transfer.stopped_by, transfer.address), (StoppedBy::Duration, Some(server.address.ip())));
        assert_eq!((transfer.engine, summary.flows), (Engine::Http, 4));
        assert!(transfer.idle_rtt.is_some_and(|rtt| rtt < Duration::from_millis(100)));
        let duration = summary.duration.as_millis();
        assert!((980..1_500).contains(&duration), "{direction} {duration} ms");
        assert!(samples.len() >= 5 && summary.bytes > 10_000_000, "{direction} {samples:?}");
        assert!(samples.windows(2).all(|pair| pair[0].at + pair[1].interval == pair[1].at));
        assert_eq!(samples[0].phase, Phase::Ramp);
        match direction {
            Direction::Download => assert_eq!(transfer.sender_bytes, None),
            Direction::Upload => assert_eq!(transfer.sender_bytes, Some(summary.bytes)),
        }
    }
}

#[tokio::test]
async fn a_byte_limit_is_kept_to_the_byte() {
    let server = Server::start().await;
    for (flows, max_bytes) in [(1, 1), (4, 3), (4, 5_000_001), (3, 1 << 20)] {
        for direction in [Direction::Download, Direction::Upload] {
            let test = test_of(flows, 20_000, max_bytes);
            let (transfer, samples) = run(direction, &server.target("/"), &test).await.expect("runs");
            assert_eq!(transfer.stopped_by, StoppedBy::Bytes, "{direction} {max_bytes}");
            assert_eq!(samples.iter().map(|s| s.bytes).sum::<u64>(), max_bytes, "{direction}");
            let duration = summary(&samples, direction, &transfer).duration;
            assert!(duration < Duration::from_secs(5), "{direction} {duration:?}");
        }
    }
}

#[tokio::test]
async fn a_file_is_downloaded_by_each_flow_to_its_end_through_redirections() {
    let server = Server::start().await;
    for path in ["/file", "/moved/4"] {
        let (transfer, samples) =
            run(Direction::Download, &server.target(path), &test_of(2, 20_000, LOTS)).await.expect("runs");
        assert_eq!(transfer.stopped_by, StoppedBy::End);
        assert_eq!(samples.iter().map(|s| s.bytes).sum::<u64>(), 6_000_000, "{path}");
    }
    let limited = run(Direction::Download, &server.target("/file"), &test_of(2, 20_000, 1_000_000)).await;
    let (transfer, samples) = limited.expect("runs");
    assert_eq!(transfer.stopped_by, StoppedBy::Bytes);
    assert!(samples.iter().map(|s| s.bytes).sum::<u64>() < 3_000_000);
}

#[tokio::test]
async fn a_body_that_breaks_off_is_told() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/short", listener.local_addr().expect("bound"));
    // Answers whatever connection asks for something with less than it promised.
    let breaking_off = async {
        loop {
            let (mut stream, _) = listener.accept().await.expect("accepted");
            if stream.read(&mut [0; 4_096]).await.is_ok_and(|bytes| bytes > 0) {
                let head = b"HTTP/1.1 200 OK\r\ncontent-length: 500000\r\n\r\n";
                stream.write_all(&[head.as_slice(), &[7; 1_000]].concat()).await.expect("sent");
            }
        }
    };
    let target = SpeedTarget { url, endpoint: Endpoint::File, ..target() };
    let test = test_of(1, 20_000, LOTS);
    let result = tokio::select! { result = run(Direction::Download, &target, &test) => result, () = breaking_off => unreachable!() };
    let (transfer, samples) = result.expect("some came");
    assert_eq!(transfer.stopped_by, StoppedBy::Broken);
    assert_eq!(samples.iter().map(|s| s.bytes).sum::<u64>(), 1_000);
}

#[tokio::test]
async fn what_cannot_be_measured_is_told_with_its_reason() {
    let server = Server::start().await;
    let closed = TcpListener::bind("127.0.0.1:0").await.and_then(|l| l.local_addr()).expect("a port");
    let url = |url: &str| SpeedTarget { url: url.into(), endpoint: Endpoint::File, ..target() };
    let cases = [
        (server.target("/nothing"), Reason::Unreachable),
        (server.target("/busy"), Reason::Busy),
        (server.target("/moved/9"), Reason::Unreachable),
        (SpeedTarget { token: None, ..server.target("") }, Reason::NoPermission),
        (SpeedTarget { admit: Arc::new(|_| false), ..server.target("") }, Reason::RefusedByPolicy),
        (SpeedTarget { family: Family::V6, ..server.target("") }, Reason::NoRoute),
        (url(&format!("http://{closed}/x")), Reason::Unreachable),
        (url(&format!("https://{}/x", server.address)), Reason::Unreachable),
        (url("http://no-such-name.invalid/x"), Reason::NameNotFound),
        (url("gopher://x/"), Reason::Unreachable),
    ];
    for (target, expected) in cases {
        let failed = run(Direction::Download, &target, &test_of(2, 20_000, LOTS)).await;
        assert_eq!(failed.expect_err(&target.url).reason(), expected, "{}", target.url);
    }
    let no_token = SpeedTarget { token: None, ..server.target("") };
    let failed = run(Direction::Upload, &no_token, &test_of(2, 20_000, LOTS)).await;
    assert_eq!(failed.expect_err("denied").reason(), Reason::NoPermission);
    let failed = run(Direction::Upload, &server.target("/file"), &test_of(2, 20_000, LOTS)).await;
    assert_eq!(failed.expect_err("a file").reason(), Reason::Unsupported);
}

#[tokio::test(flavor = "multi_thread")]
async fn cancelling_stops_at_once_and_keeps_what_was_measured() {
    let server = Server::start().await;
    for direction in [Direction::Download, Direction::Upload] {
        let (sink, mut taken) = sink();
        let cancel = CancellationToken::new();
        let (target, test) = (server.target(""), test_of(4, 60_000, LOTS));
        let stop = async {
            taken.recv().await.expect("a sample");
            cancel.cancel();
            Instant::now()
        };
        let (transfer, cancelled) = tokio::join!(throughput(direction, &target, &test, &sink, &cancel), stop);
        assert_eq!(transfer.expect("runs").stopped_by, StoppedBy::Cancelled);
        assert!(cancelled.elapsed() < Duration::from_millis(500), "{direction} {:?}", cancelled.elapsed());
    }
}

#[test]
fn a_token_does_not_show_itself() {
    assert!(!format!("{:?}", target()).contains("secret"));
}

#[test]
fn urls_without_a_path_are_listeners() {
    for url in ["https://a.example", "http://a.example:8443/", "http://[::1]:1"] {
        assert_eq!(Endpoint::of_url(url), Endpoint::Listener, "{url}");
    }
    assert_eq!(Endpoint::of_url("http://a.example/x"), Endpoint::File);
}
