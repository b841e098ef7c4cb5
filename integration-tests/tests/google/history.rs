//! History from BigQuery, through the real exporter: the view, and answers held against those of the record's own sums.

use std::net::IpAddr;
use std::num::NonZeroU16;
use std::time::Duration;

use cnc_integration_tests::google::Fake;
use cnc_integration_tests::google::emulator::{Emulator, found_or_skip};
use cnc_integration_tests::google::fixture::{begin, id, store};
use cnc_integration_tests::past::{Past, destination};
use cnc_model::message::When;
use cnc_model::ping::{Clock, PingOutcome, PingReply, PingSample};
use cnc_model::session::{SequencedSample, TestRecord};
use cnc_model::test::{PingProtocol, PingTest};
use cnc_model::{Sample, Sequence, Test, TestId, Timestamp};
use cnc_proto::support::{
    History, HistoryFigures, HistoryKind, HistoryPeriod, HistoryScope, HistorySessions, HistorySubject,
    HistorySubjects, ListHistorySessions, ListHistorySubjects,
};
use cnc_server::export::setup;
use cnc_server::google::Google;
use cnc_server::history::{BigQueryHistory, BigQuerySettings, ERROR_RATIO, HistorySource, catch_up};
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

fn answered(rtt_us: u64) -> PingReply {
    let rtt = Duration::from_micros(rtt_us);
    PingReply { rtt, from: IpAddr::from([192, 0, 2, 9]), ttl: None, clock: Clock::Kernel }
}

fn reply(rtt_us: u64) -> PingOutcome {
    PingOutcome::Reply(answered(rtt_us))
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

/// A past of 12 sessions that ended on 2027-01-31, whose pings and loads are spread over days and hours.
const PAST: Past =
    Past { until: Timestamp::from_unix_us(1_801_353_600_000_000), days: 3, sessions_a_day: 4, samples_a_session: 301 };
/// From the day of the mixed sessions to the end of the past, and the day into which its last sessions go on.
const PERIOD: HistoryPeriod = HistoryPeriod {
    from: Timestamp::from_unix_us(1_799_971_200_000_000),
    until: Timestamp::from_unix_us(1_801_440_000_000_000),
};

/// Gives who answers from BigQuery.
pub(crate) fn from_bigquery(record: &Store, google: Google, most_billed_bytes: u64) -> HistorySource {
    let settings = BigQuerySettings { google, dataset: "d".into(), most_billed_bytes, samples_kept: None };
    HistorySource::BigQuery(BigQueryHistory::new(record.clone(), settings))
}

/// Holds a percentile of the sums against the exact one.
fn assert_near(sums: Option<u64>, exact: Option<u64>, of: &str) {
    assert_eq!(sums.is_some(), exact.is_some(), "{of}");
    let Some((sums, exact)) = sums.zip(exact) else { return };
    #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
    let (off, most) = (sums.abs_diff(exact) as f64, exact as f64 * ERROR_RATIO);
    assert!(off <= most, "{of}: {sums} for {exact}");
}

fn assert_alike(sums: HistoryFigures, exact: HistoryFigures, of: &str) {
    assert_eq!((sums.count, sums.received), (exact.count, exact.received), "{of}");
    for (sums, exact) in [(sums.p05, exact.p05), (sums.p50, exact.p50), (sums.p95, exact.p95)] {
        assert_near(sums, exact, of);
    }
}

/// Holds an answer of BigQuery's against one of the record's; gives how many points there were.
fn assert_answers_alike(sums: &History, exact: &History) -> usize {
    let names = |of: &History| of.series.iter().map(|of| (of.kind, of.method.clone())).collect::<Vec<_>>();
    assert_eq!(names(sums), names(exact));
    let mut points = 0;
    for (sums, exact) in sums.series.iter().zip(&exact.series) {
        let of = format!("{:?} {}", exact.kind, exact.method);
        assert_alike(sums.whole, exact.whole, &of);
        let days = |days: &[cnc_proto::support::HistoryDay]| days.iter().map(|day| day.from).collect::<Vec<_>>();
        assert_eq!(days(&sums.days), days(&exact.days), "{of}");
        let hours = |hours: &[cnc_proto::support::HistoryHour]| hours.iter().map(|at| at.hour).collect::<Vec<_>>();
        assert_eq!(hours(&sums.hours), hours(&exact.hours), "{of}");
        for (sums, exact) in sums.days.iter().zip(&exact.days) {
            assert_alike(sums.figures, exact.figures, &format!("{of} on {}", exact.from));
        }
        for (sums, exact) in sums.hours.iter().zip(&exact.hours) {
            assert_alike(sums.figures, exact.figures, &format!("{of} at {}", exact.hour));
        }
        points += 1 + exact.days.len() + exact.hours.len();
    }
    points
}

/// Holds the sessions behind a point against each other: the same ones with the same figures, the worst first.
fn assert_sessions_alike(sums: &HistorySessions, exact: &HistorySessions) {
    assert_eq!(sums.total, exact.total);
    let by_id = |page: &HistorySessions| {
        let mut all: Vec<_> = page.sessions.iter().map(|of| (of.id(), of.figures, of.session.clone())).collect();
        all.sort_by_key(|(id, ..)| *id);
        all
    };
    for (sums, exact) in by_id(sums).into_iter().zip(by_id(exact)) {
        assert_eq!((sums.0, &sums.2), (exact.0, &exact.2), "the record tells of sessions that it has");
        assert_alike(sums.1, exact.1, &exact.0.to_string());
    }
    let worst: Vec<_> = exact.sessions.iter().map(|of| std::cmp::Reverse(of.figures.p95.unwrap_or(u64::MAX))).collect();
    assert!(worst.is_sorted(), "{worst:?}");
}

/// Every way in which a probe can fare, more than once: what counts is what was told first.
async fn mixed_past(record: &Store) {
    let (lost, unreachable, unsent) =
        (PingOutcome::Lost, PingOutcome::Unreachable { from: None }, PingOutcome::NotSent);
    let late = PingOutcome::Late(answered(3_000_000));
    let probes = [
        (1, 0, 0, reply(1_000)),
        (1, 0, 0, reply(900)), // A second reply.
        (1, 1, 0, lost),
        (1, 1, 0, late), // Lost all the same.
        (1, 2, 1, lost),
        (1, 2, 1, reply(1_500_000)), // Told as lost too early.
        (1, 3, 1, unsent),
        (1, 3, 1, lost), // Never sent.
        (1, 4, 1, lost),
        (1, 4, 1, unsent), // Sent, as was told first.
        (1, 5, 1, unsent),
        (1, 5, 1, reply(70_001)), // Sent nevertheless.
        (2, 0, 0, reply(50_000)),
        (2, 1, 16, unreachable),
        (3, 0, 0, unreachable),
        (3, 1, 20, reply(7_777)),
    ];
    mixed(record, 0, &probes).await;
    mixed(record, 1, &[(1, 0, 2, lost), (2, 0, 2, lost), (3, 0, 40, reply(12))]).await;
}

fn scopes() -> Vec<HistoryScope> {
    let subjects = [
        HistorySubject::Destination("example.com".into()),
        HistorySubject::Destination(destination(0)),
        HistorySubject::Destination(destination(9)),
        HistorySubject::Provider(64_501),
        HistorySubject::Provider(0),
        HistorySubject::Both(destination(0), 64_503),
        HistorySubject::Both("x' OR TRUE --".into(), 64_503),
    ];
    let offsets = [0, 330, -300, 0, 0, 60, 0];
    let scope = |(subject, utc_offset_minutes)| HistoryScope { subject, period: PERIOD, utc_offset_minutes };
    subjects.into_iter().zip(offsets).map(scope).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_sources_answer_alike() {
    let Some(emulator) = found_or_skip() else { return };
    let emulator = Emulator::start(&emulator, None).await;
    let fake = Fake::start().await;
    let google = emulator.google(fake.address());
    let bigquery = client(&google).await;
    setup(&bigquery, true).await.expect("made");
    let place = Place::new();
    PAST.store(&place.file()).await;
    let record = place.open();
    mixed_past(&record).await;
    catch_up(&record).await.expect("summed up");
    export(&record, &google).await;
    let again = "INSERT INTO `p.d.samples` SELECT * FROM `p.d.samples`";
    bigquery.query("have each sample twice", again).await.expect("inserted");

    let (ours, theirs) = (HistorySource::Store(record.clone()), from_bigquery(&record, google, 1 << 40));
    let mut points = 0;
    for scope in scopes() {
        let sums = ours.figures(scope.clone()).await.expect("answered");
        let exact = theirs.figures(scope.clone()).await.expect("answered");
        points += assert_answers_alike(&sums, &exact);
        let origin = &exact.origin;
        assert_eq!((origin.source.as_str(), exact.error_ratio, origin.probes_left_out), ("bigquery", 0.0, 0));
        for (kind, hour) in
            [(HistoryKind::PingIcmp, None), (HistoryKind::PingUdp, None), (HistoryKind::PingIcmp, Some(9))]
        {
            let (scope, method) = (scope.clone(), "ping/1".to_owned());
            let point = ListHistorySessions { scope, hour, kind, method, limit: None };
            let sums = ours.sessions(point.clone()).await.expect("answered");
            let exact = theirs.sessions(point).await.expect("answered");
            assert_sessions_alike(&sums, &exact);
        }
    }
    assert!(points > 60, "{points}");
    let wish = ListHistorySubjects { period: PERIOD, limit: None };
    let (sums, exact) = (ours.subjects(wish).await.expect("answered"), theirs.subjects(wish).await.expect("answered"));
    let lists = |of: HistorySubjects| (of.destinations, of.providers);
    assert_eq!(lists(sums), lists(exact));

    what_is_missing_is_told(&record, &ours, &theirs).await;
}

/// Neither what has not gone there yet nor what was removed here is passed over.
async fn what_is_missing_is_told(record: &Store, ours: &HistorySource, theirs: &HistorySource) {
    let scope = scopes().remove(0);
    let whole = theirs.figures(scope.clone()).await.expect("answered");
    assert_eq!(whole.sessions_behind, 0);
    let sample = |sequence, hour| SequencedSample {
        sequence: Sequence::new(sequence),
        test: TestId::FIRST,
        sample: Sample::Ping(PingSample { seq: 100, at: Duration::from_hours(hour), outcome: reply(1) }),
    };
    store(record, 1, vec![Change::Samples(vec![sample(5, 30), sample(6, 31)])], Some(6)).await;
    let behind = theirs.figures(scope.clone()).await.expect("answered");
    assert_eq!((behind.sessions_behind, &behind.series), (1, &whole.series));
    assert!(behind.origin.complete_until.is_some_and(|until| until <= cnc_server::clock::wall()));
    record.delete(id(0), cnc_server::clock::wall()).await.expect("deleted").expect("it was there");
    catch_up(record).await.expect("summed up");
    let (sums, exact) = (ours.figures(scope.clone()).await, theirs.figures(scope).await.expect("answered"));
    let count = |of: &History| of.series.iter().map(|of| of.whole.count).sum::<u64>();
    assert_eq!(count(&exact), 3, "the other mixed session's, as far as they are there");
    assert_eq!(count(&sums.expect("answered")), 4, "its two that are not there yet are one probe");
}
