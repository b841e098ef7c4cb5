//! Steady rates of downloads and uploads.

use cnc_model::summary::Measured;
use cnc_model::test::{ThroughputPeer, ThroughputTest};
use cnc_model::throughput::{Confidence, Direction, StoppedBy, ThroughputSummary, Witness};
use cnc_model::{BitRate, Outcome, Summary};

use super::*;
use crate::history::ERROR_RATIO;

pub(super) fn load(n: u32, direction: Direction, mbps: f64, contended: bool) -> TestRecord {
    let listener = Witness {
        tcp: None,
        cpu_load: None,
        tests: 1,
        uplink_share: None,
        contended: Some(contended),
        waited: Duration::ZERO,
    };
    let summary = ThroughputSummary {
        measured: Measured { method: "throughput/3".into(), ..Measured::default() },
        direction,
        goodput: BitRate::ZERO,
        steady: Some(BitRate::from_bps(mbps * 1e6).expect("a rate")),
        bytes: 1,
        duration: HOUR,
        flows: 1,
        confidence: Confidence::High,
        stopped_by: StoppedBy::Stable,
        sender_bytes: None,
        idle_rtt: None,
        loaded_rtt: None,
        added_rtt: None,
        responsiveness: None,
        listener: Some(listener),
    };
    let against = ThroughputTest::against(ThroughputPeer::Listener);
    let what = match direction {
        Direction::Download => Test::Download(against),
        Direction::Upload => Test::Upload(against),
    };
    TestRecord { outcome: Some(Outcome::Completed), summary: Some(Summary::Throughput(summary)), ..record(n, what) }
}

#[tokio::test]
async fn steady_rates_count_once_and_disturbed_ones_not_at_all() {
    let place = Place::new();
    let handle = place.open();
    let tests = [
        load(1, Direction::Download, 100.0, false),
        load(2, Direction::Download, 50.0, false),
        load(3, Direction::Download, 1.0, true),
        load(4, Direction::Upload, 10.0, false),
    ];
    for round in 1..=2 {
        // The second time the same rows are stored again, as late data does.
        let changes = tests.iter().cloned().map(|test| Change::Test(Box::new(test)));
        let changes = std::iter::once(Change::Session(Box::new(row_of(1, None)))).chain(changes).collect();
        commit(&handle, 1, changes, round).await;
        catch_up(&handle, 10).await;
    }
    let found = series(&handle, destination("listener")).await;
    let figures: Vec<_> = found.iter().map(|of| (of.kind, of.whole.count, of.whole.p05, of.whole.p95)).collect();
    let close = |figure: Option<u64>, mbps: f64| {
        #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
        let bps = figure.expect("measured") as f64;
        (bps / 1e6 - mbps).abs() <= mbps * ERROR_RATIO
    };
    assert_eq!(figures.len(), 2);
    assert!(figures[0].0 == HistoryKind::Download && figures[0].1 == 2, "{figures:?}");
    assert!(close(figures[0].2, 50.0) && close(figures[0].3, 100.0), "{figures:?}");
    assert!(figures[1].0 == HistoryKind::Upload && close(figures[1].2, 10.0), "{figures:?}");
}
