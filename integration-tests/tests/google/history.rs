//! History from BigQuery: what the views say of samples that the record has, through the real exporter.

use std::net::IpAddr;
use std::num::NonZeroU16;
use std::time::Duration;

use cnc_integration_tests::google::Fake;
use cnc_integration_tests::google::emulator::{Emulator, found_or_skip};
use cnc_integration_tests::google::fixture::{begin, store};
use cnc_model::message::When;
use cnc_model::ping::{Clock, PingOutcome, PingReply, PingSample};
use cnc_model::session::{SequencedSample, TestRecord};
use cnc_model::test::{PingProtocol, PingTest};
use cnc_model::{Sample, Sequence, Test, TestId, Timestamp};
use cnc_server::export::setup;
use cnc_server::store::{Change, Store};

use crate::Place;
use crate::emulator::{client, export, texts};

/// When the tests of a mixed session began: 2027-01-15T08:00Z, as the fixture's.
const BEGAN: Timestamp = Timestamp::from_unix_us(1_800_000_000_000_000);

/// Gives a test of pings to the fixture's destination.
fn pings(test: u32, protocol: PingProtocol) -> Change {
    let what = PingTest { protocol, ..PingTest::to("example.com".parse().expect("a host")) };
    Change::Test(Box::new(TestRecord {
        id: TestId::try_from(test).expect("from 1"),
        what: Test::Ping(what),
        when: When::Now,
        issued_by: "plan default".into(),
        issued: BEGAN,
        started: Some(BEGAN),
        ended: None,
        outcome: None,
        summary: None,
        samples: 0,
    }))
}

fn reply(rtt_us: u64) -> PingOutcome {
    let rtt = Duration::from_micros(rtt_us);
    PingOutcome::Reply(PingReply { rtt, from: IpAddr::from([192, 0, 2, 9]), ttl: None, clock: Clock::Kernel })
}

/// Stores a session with a test of each kind of probe: ICMP is the fixture's first. Each list has the probe's number, the
/// hour in which it was sent, and what became of it.
async fn mixed(record: &Store, n: u32, probes: &[(u32, u32, u64, PingOutcome)]) {
    begin(record, n).await;
    let port = NonZeroU16::MIN;
    let samples = (2..).zip(probes).map(|(sequence, &(test, seq, hour, outcome))| SequencedSample {
        sequence: Sequence::new(sequence),
        test: TestId::try_from(test).expect("from 1"),
        sample: Sample::Ping(PingSample { seq, at: Duration::from_hours(hour), outcome }),
    });
    let changes =
        vec![pings(2, PingProtocol::Tcp(port)), pings(3, PingProtocol::Udp(port)), Change::Samples(samples.collect())];
    store(record, n, changes, Some(probes.len() as u64 + 1)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_daily_view_never_adds_different_probes_together() {
    let Some(emulator) = found_or_skip() else { return };
    let emulator = Emulator::start(&emulator, None).await;
    let fake = Fake::start().await;
    let google = emulator.google(fake.address());
    let bigquery = client(&google).await;
    setup(&bigquery, true).await.expect("made");
    let place = Place::new();
    let record = place.open();
    let (lost, unreachable) = (PingOutcome::Lost, PingOutcome::Unreachable { from: None });
    let probes = [
        (1, 0, 0, reply(1_000)),
        (1, 0, 0, reply(900)), // A second reply; the first counts.
        (1, 1, 0, lost),
        (2, 0, 0, reply(50_000)),
        (2, 1, 0, reply(60_000)),
        (3, 0, 0, unreachable),
        (3, 1, 20, reply(7_000)), // The next day.
    ];
    mixed(&record, 0, &probes).await;
    export(&record, &google).await;
    let sql = "SELECT CAST(day AS STRING), protocol, CAST(probes AS STRING), CAST(lost AS STRING), CAST(rtt_p50_us AS \
               STRING), CAST(rtt_p95_us AS STRING) FROM `p.d.daily_rtt` ORDER BY day, protocol";
    let rows = texts(&bigquery, sql).await;
    assert_eq!(
        rows,
        [
            "2027-01-15 icmp 2 1 1000 1000",
            "2027-01-15 tcp 2 0 50000 60000",
            "2027-01-15 udp 1 1 NULL NULL",
            "2027-01-16 udp 1 0 7000 7000",
        ]
    );
}
