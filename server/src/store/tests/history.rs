//! History against real files: as exact as stated, each sample once whatever happens when, and gone with its session.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use cnc_model::message::When;
use cnc_model::network::AutonomousSystem;
use cnc_model::ping::{Clock, PingOutcome, PingReply, PingSample};
use cnc_model::session::TestRecord;
use cnc_model::test::PingTest;
use cnc_model::throughput::Direction;
use cnc_model::{Sample, Test};
use cnc_proto::support::{
    HistoryFigures, HistoryKind, HistoryPeriod, HistoryScope, HistorySeries, HistorySession, HistorySubject,
    ListHistorySessions,
};

use super::*;
use loads::load;

mod exact;
mod loads;
mod schema;

const HOUR: Duration = Duration::from_hours(1);
/// 2027-01-15T08:00Z, when the made-up sessions begin.
const BEGAN: Timestamp = Timestamp::from_unix_us(1_800_000_000_000_000);

/// One session's made-up ping: who it is, whom it asks, and what comes.
#[derive(Debug, Clone)]
struct Ping {
    session: i64,
    asn: Option<u32>,
    destination: &'static str,
    samples: Vec<PingSample>,
}

fn reply(seq: u32, at: Duration, rtt_us: u64) -> PingSample {
    let rtt = Duration::from_micros(rtt_us);
    let reply = PingReply { rtt, from: IpAddr::V4(Ipv4Addr::LOCALHOST), ttl: None, clock: Clock::Kernel };
    PingSample { seq, at, outcome: PingOutcome::Reply(reply) }
}

/// A probe each minute with round trips of 1, 2, 3, … ms, each tenth of which is lost.
fn each_minute(session: i64, asn: Option<u32>, destination: &'static str, probes: u32) -> Ping {
    let sample = |seq| {
        let at = Duration::from_mins(u64::from(seq));
        let lost = PingSample { seq, at, outcome: PingOutcome::Lost };
        if seq % 10 == 9 { lost } else { reply(seq, at, u64::from(seq + 1) * 1_000) }
    };
    Ping { session, asn, destination, samples: (0..probes).map(sample).collect() }
}

fn row_of(n: i64, asn: Option<u32>) -> SessionRow {
    let mut row = made_up::row(n);
    row.key_hash = None;
    row.overview.network = asn.map(|number| AutonomousSystem { number, name: Some(format!("Net {number}")) });
    row
}

fn record(n: u32, what: Test) -> TestRecord {
    TestRecord {
        id: TestId::try_from(n).expect("not zero"),
        what,
        when: When::Now,
        issued_by: "a test".into(),
        issued: BEGAN,
        started: Some(BEGAN),
        ended: None,
        outcome: None,
        summary: None,
        samples: 0,
    }
}

fn ping_to(destination: &str) -> Test {
    Test::Ping(PingTest::to(destination.parse().expect("a host")))
}

impl Ping {
    fn head(&self) -> Vec<Change> {
        let row = Change::Session(Box::new(row_of(self.session, self.asn)));
        vec![row, Change::Test(Box::new(record(1, ping_to(self.destination))))]
    }

    /// Gives the samples from one place on, up to another, as they come from the client.
    fn part(&self, from: usize, until: usize) -> (Change, u64) {
        let sequenced = (from..until).map(|at| SequencedSample {
            sequence: Sequence::new(at as u64 + 1),
            test: TestId::FIRST,
            sample: Sample::Ping(self.samples[at]),
        });
        (Change::Samples(sequenced.collect()), until as u64)
    }

    async fn store(&self, handle: &Store) {
        let (samples, through) = self.part(0, self.samples.len());
        commit(handle, self.session, [self.head(), vec![samples]].concat(), through).await;
    }
}

async fn commit(handle: &Store, session: i64, changes: Vec<Change>, through: u64) {
    let commit = Commit { session: id(session), changes, through: Some(Sequence::new(through)) };
    handle.submit(commit).await.expect("runs").await.expect("answered").expect("stored");
}

/// Sums everything up in steps of so many samples.
async fn catch_up(handle: &Store, samples: usize) {
    let mut after = None;
    loop {
        let step = handle.roll_up(after, samples, 3).await.expect("summed up");
        if step.sessions == 0 {
            return;
        }
        after = step.after;
    }
}

fn scope(subject: HistorySubject) -> HistoryScope {
    let period = HistoryPeriod { from: BEGAN, until: BEGAN.after(HOUR * 24 * 30) };
    HistoryScope { subject, period, utc_offset_minutes: 0 }
}

fn destination(name: &str) -> HistoryScope {
    scope(HistorySubject::Destination(name.into()))
}

async fn series(handle: &Store, scope: HistoryScope) -> Vec<HistorySeries> {
    handle.history(scope).await.expect("readable").0
}

async fn whole(handle: &Store, scope: HistoryScope) -> HistoryFigures {
    let mut series = series(handle, scope).await;
    assert!(series.len() < 2, "one kind by one method: {series:?}");
    series.pop().map(|of| of.whole).unwrap_or_default()
}

/// All that history's tables hold.
fn tables(file: &Path) -> Vec<String> {
    let connection = Connection::open(file).expect("opens");
    let rows = |sql: &str| {
        let mut statement = connection.prepare(sql).expect("sound");
        let rows = statement.query_map((), |row| row.get(0)).expect("rows");
        rows.collect::<Result<Vec<String>, _>>().expect("texts")
    };
    let key = "hour || ' ' || destination || ' ' || kind || ' ' || method || ' ' || asn || ' ' || sent || ' ' || \
               received || ' ' || hex(spread)";
    let pieces = rows(&format!("SELECT session_id || ' ' || {key} FROM history_pieces ORDER BY 1"));
    let tests = rows("SELECT session_id || ' ' || test_id || ' ' || hex(probes) FROM history_tests ORDER BY 1");
    let sums = rows(&format!("SELECT {key} FROM history_sums ORDER BY 1"));
    [pieces, tests, sums].concat()
}

#[tokio::test]
async fn days_hours_and_providers_are_told_apart_and_together() {
    let place = Place::new();
    let handle = place.open();
    for ping in [
        each_minute(1, Some(64_500), "a.example", 120),
        each_minute(2, Some(64_501), "a.example", 20),
        each_minute(3, None, "b.example", 10),
    ] {
        ping.store(&handle).await;
    }
    assert_eq!(handle.history(destination("a.example")).await.expect("readable"), (vec![], 3), "not summed up yet");
    catch_up(&handle, 1_000).await;
    let (found, behind) = handle.history(destination("a.example")).await.expect("readable");
    assert_eq!((found.len(), behind), (1, 0));
    let of = &found[0];
    assert_eq!((of.kind, of.method.as_str()), (HistoryKind::PingIcmp, "ping/1"));
    assert_eq!((of.whole.count, of.whole.received), (140, 126));
    let hours: Vec<_> = of.hours.iter().map(|hour| (hour.hour, hour.figures.count)).collect();
    assert_eq!(hours, [(8, 80), (9, 60)]);
    assert_eq!(of.days.iter().map(|day| day.from.to_string()).collect::<Vec<_>>(), ["2027-01-15T00:00:00.000000Z"]);

    let both = |asn| scope(HistorySubject::Both("a.example".into(), asn));
    assert_eq!(whole(&handle, both(64_501)).await.count, 20);
    assert_eq!(whole(&handle, both(64_502)).await, HistoryFigures::default());
    assert_eq!(whole(&handle, scope(HistorySubject::Provider(64_500))).await.count, 120);
    assert_eq!(whole(&handle, scope(HistorySubject::Provider(0))).await.count, 10);

    let subjects = handle.history_subjects(scope(HistorySubject::Provider(0)).period, 2).await.expect("readable");
    let destinations: Vec<_> = subjects.destinations.iter().map(|of| (of.name.as_str(), of.count)).collect();
    assert_eq!(destinations, [("a.example", 140), ("b.example", 10)]);
    let providers: Vec<_> = subjects.providers.iter().map(|of| (of.asn, of.name.as_deref(), of.count)).collect();
    assert_eq!(providers, [(64_500, Some("Net 64500"), 120), (64_501, Some("Net 64501"), 20)]);
}

#[tokio::test]
async fn the_sessions_behind_a_point_come_worst_first() {
    let place = Place::new();
    let handle = place.open();
    let silent = Ping {
        samples: vec![PingSample { seq: 0, at: Duration::ZERO, outcome: PingOutcome::Lost }],
        ..each_minute(3, None, "a.example", 0)
    };
    for ping in [each_minute(1, None, "a.example", 20), each_minute(2, Some(64_500), "a.example", 90), silent] {
        ping.store(&handle).await;
    }
    catch_up(&handle, 1_000).await;
    let point = |hour, subject| ListHistorySessions {
        scope: scope(subject),
        hour,
        kind: HistoryKind::PingIcmp,
        method: "ping/1".into(),
        limit: None,
    };
    let all = HistorySubject::Destination("a.example".into());
    let found = handle.history_sessions(point(None, all.clone()), 2).await.expect("readable");
    assert_eq!(found.total, 3);
    let order: Vec<_> = found.sessions.iter().map(|of| (of.id(), of.figures.count, of.figures.p95.is_some())).collect();
    assert_eq!(order, [(id(3), 1, false), (id(2), 90, true)]);
    let later = handle.history_sessions(point(Some(9), all), 9).await.expect("readable");
    assert_eq!(later.sessions.iter().map(|of| (of.id(), of.figures.count)).collect::<Vec<_>>(), [(id(2), 30)]);
    for subject in [HistorySubject::Provider(64_500), HistorySubject::Both("a.example".into(), 64_500)] {
        let found = handle.history_sessions(point(None, subject), 9).await.expect("readable");
        assert_eq!(found.sessions.iter().map(HistorySession::id).collect::<Vec<_>>(), [id(2)]);
    }
}

/// However the samples are spread over commits, steps and restarts, the tables come out the same.
#[tokio::test]
async fn each_sample_counts_once_however_it_comes() {
    let pings = [each_minute(1, Some(7), "a.example", 200), each_minute(2, Some(7), "a.example", 150)];
    let at_once = Place::new();
    let handle = at_once.open();
    for ping in &pings {
        ping.store(&handle).await;
    }
    catch_up(&handle, 1_000_000).await;
    drop(handle);

    let piecemeal = Place::new();
    let mut after = None;
    for from in (0..200).step_by(40) {
        let handle = piecemeal.open();
        for ping in &pings {
            let (from, until) = (from.min(ping.samples.len()), (from + 40).min(ping.samples.len()));
            let (samples, through) = ping.part(from, until);
            // What is not acknowledged comes again.
            let (again, _) = ping.part(0, until);
            let changes = [ping.head(), vec![samples, again]].concat();
            commit(&handle, ping.session, changes, through).await;
        }
        // Not to the end: what is left is gone on with after a restart.
        for _ in 0..4 {
            after = handle.roll_up(after, 7, 3).await.expect("summed up").after;
        }
        drop(handle);
        after = None;
    }
    let handle = piecemeal.open();
    catch_up(&handle, 7).await;
    drop(handle);
    assert_eq!(tables(&piecemeal.file()), tables(&at_once.file()));
}

/// Two that read the same samples at one time, as before and after a kill between reading and writing.
#[tokio::test]
async fn a_step_that_is_taken_twice_counts_once() {
    let place = Place::new();
    let handle = place.open();
    each_minute(1, None, "a.example", 50).store(&handle).await;
    each_minute(2, None, "a.example", 50).store(&handle).await;
    let (a, b) = tokio::join!(handle.roll_up(None, 60, 9), handle.roll_up(None, 60, 9));
    a.expect("summed up");
    b.expect("summed up");
    catch_up(&handle, 60).await;
    let figures = whole(&handle, destination("a.example")).await;
    assert_eq!((figures.count, figures.received), (100, 90));
}

#[tokio::test]
async fn a_deleted_session_takes_its_part_along() {
    let place = Place::new();
    let handle = place.open();
    each_minute(1, Some(7), "a.example", 100).store(&handle).await;
    catch_up(&handle, 1_000).await;
    drop(handle);
    let alone = tables(&place.file());
    let handle = place.open();
    each_minute(2, None, "a.example", 130).store(&handle).await;
    commit(&handle, 2, vec![Change::Test(Box::new(load(2, Direction::Upload, 3.0, false)))], 131).await;
    catch_up(&handle, 1_000).await;
    let removed = handle.delete(id(2), Timestamp::from_unix_us(0)).await.expect("removed").expect("there");
    assert_eq!((removed.tests, removed.samples, removed.history_hours), (2, 130, 3));
    drop(handle);
    assert_eq!(tables(&place.file()), alone);
    let handle = place.open();
    handle.delete(id(1), Timestamp::from_unix_us(0)).await.expect("removed");
    drop(handle);
    assert_eq!(tables(&place.file()), [""; 0], "nothing of it is left");
}

/// A session that is deleted between the reading and the writing of a step leaves nothing in the sums.
#[tokio::test]
async fn what_is_deleted_meanwhile_does_not_come_back() {
    let place = Place::new();
    let handle = place.open();
    each_minute(1, Some(7), "a.example", 100).store(&handle).await;
    let (rolled, removed) =
        tokio::join!(handle.roll_up(None, 1_000, 9), handle.delete(id(1), Timestamp::from_unix_us(0)));
    rolled.expect("done");
    removed.expect("removed");
    catch_up(&handle, 1_000).await;
    drop(handle);
    assert_eq!(tables(&place.file()), [""; 0]);
}

#[tokio::test]
async fn samples_that_are_kept_no_longer_stay_in_history() {
    let place = Place::new();
    let handle = place.open();
    let ping = each_minute(1, None, "a.example", 60);
    ping.store(&handle).await;
    let ended = made_up::ended(row_of(1, None), EndReason::Staff);
    commit(&handle, 1, vec![Change::Session(Box::new(ended))], 60).await;
    let later = Timestamp::from_unix_us(i64::MAX);
    assert_eq!(handle.thin_out(later, 100, later).await, Ok(0), "not before they are summed up");
    catch_up(&handle, 1_000).await;
    assert_eq!(handle.thin_out(later, 100, later).await, Ok(60));
    let before = whole(&handle, destination("a.example")).await;
    assert_eq!(before.count, 60);
    // Late data of an ended session: a probe that was counted, told again, and a new one.
    let late = |sequence, seq| SequencedSample {
        sequence: Sequence::new(sequence),
        test: TestId::FIRST,
        sample: Sample::Ping(reply(seq, Duration::from_mins(1), 5_000)),
    };
    commit(&handle, 1, vec![Change::Samples(vec![late(61, 3), late(62, 60)])], 62).await;
    catch_up(&handle, 1_000).await;
    let after = whole(&handle, destination("a.example")).await;
    assert_eq!((after.count, after.received), (61, before.received + 1));
}

#[tokio::test]
async fn what_came_before_the_network_was_known_moves_to_it() {
    let place = Place::new();
    let handle = place.open();
    let mut ping = each_minute(1, None, "a.example", 40);
    ping.store(&handle).await;
    catch_up(&handle, 1_000).await;
    let provider = |asn| scope(HistorySubject::Provider(asn));
    assert_eq!(whole(&handle, provider(0)).await.count, 40);
    // Only the row changes: no sample comes.
    ping.asn = Some(7);
    commit(&handle, 1, ping.head(), 40).await;
    catch_up(&handle, 1_000).await;
    assert_eq!(whole(&handle, provider(0)).await.count, 0);
    assert_eq!(whole(&handle, provider(7)).await.count, 40);
    // Another network later: what was measured from the first one stays its.
    ping.asn = Some(8);
    commit(&handle, 1, ping.head(), 40).await;
    catch_up(&handle, 1_000).await;
    assert_eq!((whole(&handle, provider(7)).await.count, whole(&handle, provider(8)).await.count), (40, 0));
    assert_eq!(whole(&handle, destination("a.example")).await.count, 40);
}
