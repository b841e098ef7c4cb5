//! Each object as scripts see it. A changed or vanished key is a breaking change.

use std::net::IpAddr;
use std::num::NonZeroU16;
use std::time::Duration;

use cnc_model::message::When;
use cnc_model::network::AutonomousSystem;
use cnc_model::ping::{Clock, PingOutcome, PingReply, PingSample, PingSummary};
use cnc_model::responsiveness::LoadedProbes;
use cnc_model::session::{
    Absence, EndReason, SequencedSample, SessionOverview, SessionRecord, SessionState, TestRecord, WatchEvent,
};
use cnc_model::stats::RttSummary;
use cnc_model::summary::Measured;
use cnc_model::system::{Cpu, Interface, InterfaceAddress, InterfaceKind, Memory, SystemInfo};
use cnc_model::test::{PingProtocol, PingTest, ThroughputPeer, ThroughputTest, TraceTest};
use cnc_model::throughput::{
    Confidence, Direction, Phase, StoppedBy, TcpInfo, ThroughputSample, ThroughputSummary, Witness,
};
use cnc_model::trace::{HopAddress, HopOutcome, HopReply, HopSample, HopSummary, Segment, TraceSummary};
use cnc_model::{
    BitRate, Code, Destination, Failure, Outcome, Plan, Reason, Sample, Sequence, SessionId, Summary, Test, TestId,
    Timestamp, Ttl,
};
use insta::assert_snapshot;

use super::line;
use crate::support::{
    CreatedSession, CreatedToken, DeletedSession, History, HistoryDay, HistoryDestination, HistoryFigures, HistoryHour,
    HistoryKind, HistoryOrigin, HistoryProvider, HistorySeries, HistorySession, HistorySessions, HistorySubjects, Role,
    Token,
};

fn ip(last: u8) -> IpAddr {
    IpAddr::from([192, 0, 2, last])
}

fn us(us: u64) -> Duration {
    Duration::from_micros(us)
}

fn ttl(ttl: u32) -> Ttl {
    Ttl::try_from(ttl).expect("in range")
}

fn measured(method: &str) -> Measured {
    Measured {
        host: "example.com".into(),
        address: Some(ip(7)),
        method: method.into(),
        engine: "some engine".into(),
        shed: 0,
    }
}

fn rtts() -> RttSummary {
    RttSummary::of((1..=20).map(|n| us(n * 1_017)).collect()).expect("not empty")
}

fn ping(outcome: PingOutcome) -> Sample {
    Sample::Ping(PingSample { seq: 3, at: us(600_017), outcome })
}

fn reply(clock: Clock, ttl: Option<Ttl>) -> PingReply {
    PingReply { rtt: us(12_345), from: ip(7), ttl, clock }
}

/// The lines of several objects, one under the other.
fn lines<T: serde::Serialize>(objects: impl IntoIterator<Item = T>) -> String {
    objects.into_iter().map(|object| line(&object) + "\n").collect()
}

#[test]
fn ping_samples() {
    assert_snapshot!(lines([
        super::sample(&ping(PingOutcome::Reply(reply(Clock::Kernel, Some(ttl(57)))))),
        super::sample(&ping(PingOutcome::Lost)),
        super::sample(&ping(PingOutcome::Late(reply(Clock::User, None)))),
        super::sample(&ping(PingOutcome::Unreachable { from: Some(ip(1)) })),
        super::sample(&ping(PingOutcome::Unreachable { from: None })),
        super::sample(&ping(PingOutcome::NotSent)),
    ]));
}

fn ping_summary() -> PingSummary {
    PingSummary {
        measured: measured("ping/1"),
        sent: 10,
        received: 9,
        loss_ratio: Some(0.1),
        late: 0,
        duplicates: 0,
        reordered: 0,
        unreachable: 0,
        not_sent: 0,
        rtt: Some(rtts()),
        jitter: Some(us(1_017)),
        pdv: Some(us(18_306)),
    }
}

#[test]
fn ping_summaries() {
    let nothing = PingSummary {
        measured: Measured { address: None, ..measured("ping/1") },
        sent: 0,
        received: 0,
        loss_ratio: None,
        rtt: None,
        jitter: None,
        pdv: None,
        ..ping_summary()
    };
    assert_snapshot!(lines([super::ping_summary(&ping_summary()), super::ping_summary(&nothing)]));
}

#[test]
fn trace_samples() {
    let reply = HopReply { address: ip(1), rtt: us(1_500) };
    let hop = |outcome| Sample::Hop(HopSample { round: 0, ttl: ttl(2), at: us(20), outcome });
    assert_snapshot!(lines([
        super::sample(&hop(HopOutcome::Hop(reply))),
        super::sample(&hop(HopOutcome::Silent)),
        super::sample(&hop(HopOutcome::Destination(reply))),
        super::sample(&hop(HopOutcome::Unreachable(reply))),
    ]));
}

fn example() -> AutonomousSystem {
    AutonomousSystem { number: 64_500, name: Some("Example Networks".into()) }
}

fn trace_summary() -> TraceSummary {
    let answering = HopSummary {
        ttl: ttl(1),
        addresses: vec![
            HopAddress { address: ip(1), name: Some("router.example".into()), network: Some(example()) },
            HopAddress { address: ip(2), name: None, network: None },
        ],
        sent: 10,
        received: 10,
        loss_ratio: Some(0.0),
        loss_persists: false,
        rtt: Some(rtts()),
        segment: Some(Segment::Access),
    };
    let silent = HopSummary {
        ttl: ttl(2),
        addresses: vec![],
        received: 0,
        loss_ratio: Some(1.0),
        rtt: None,
        segment: None,
        ..answering.clone()
    };
    TraceSummary { measured: measured("trace/1"), reached: false, rounds: 10, hops: vec![answering, silent] }
}

#[test]
fn trace_summaries() {
    assert_snapshot!(line(&super::trace_summary(&trace_summary())));
}

#[test]
fn speed_samples() {
    let sample = ThroughputSample {
        direction: Direction::Download,
        at: us(100_003),
        interval: us(100_000),
        flow_count: 4,
        bytes: 250_000,
        phase: Phase::Ramp,
        rtt: None,
    };
    let loaded =
        ThroughputSample { direction: Direction::Upload, phase: Phase::Steady, rtt: Some(us(30_500)), ..sample };
    assert_snapshot!(lines([super::sample(&Sample::Throughput(sample)), super::sample(&Sample::Throughput(loaded))]));
}

fn download() -> ThroughputSummary {
    ThroughputSummary {
        measured: Measured { host: "http://example.com/file".into(), ..measured("throughput/3") },
        direction: Direction::Download,
        goodput: BitRate::of(25_000_000, Duration::from_secs(10)),
        steady: None,
        bytes: 25_000_000,
        duration: Duration::from_secs(10),
        flows: 4,
        confidence: Confidence::Low,
        stopped_by: StoppedBy::Duration,
        sender_bytes: None,
        idle_rtt: None,
        loaded_rtt: None,
        added_rtt: None,
        responsiveness: None,
        listener: None,
    }
}

#[test]
fn speed_summaries() {
    let probes = LoadedProbes {
        tcp: vec![us(90_000)],
        tls: vec![us(91_000)],
        http_new: vec![us(92_000)],
        http_loaded: vec![us(120_000), us(120_000)],
    };
    let upload = ThroughputSummary {
        direction: Direction::Upload,
        steady: Some(BitRate::from_bps(19_500_000.5).expect("finite")),
        confidence: Confidence::High,
        stopped_by: StoppedBy::Bytes,
        sender_bytes: Some(25_000_100),
        idle_rtt: Some(us(10_000)),
        loaded_rtt: Some(us(90_000)),
        added_rtt: Some(us(81_500)),
        responsiveness: probes.summary(us(4_000_000)),
        listener: Some(Witness {
            tcp: Some(TcpInfo {
                sent_bytes: 1_000,
                retransmitted_bytes: 10,
                min_rtt: Some(us(9_000)),
                rtt: None,
                busy: us(5_000_000),
                rwnd_limited: us(400_000),
                sndbuf_limited: us(0),
            }),
            cpu_load: Some(0.25),
            tests: 2,
            uplink_share: Some(0.5),
            contended: Some(true),
            waited: us(1_500_000),
        }),
        ..download()
    };
    assert_snapshot!(lines([
        super::speed_summary(Some(&download()), Some(&upload)),
        super::speed_summary(Some(&download()), None),
        super::speed_summary(None, Some(&upload)),
        super::speed_summary(None, None),
    ]));
    let either = line(&super::summary(&Summary::Throughput(upload.clone())));
    assert_eq!(either, line(&super::speed_summary(None, Some(&upload))));
}

fn system() -> SystemInfo {
    SystemInfo {
        os_name: Some("Debian GNU/Linux".into()),
        os_version: Some("12".into()),
        kernel: Some("6.1.0".into()),
        architecture: "x86_64".into(),
        host_name: None,
        cpu: Cpu { model: Some("A processor".into()), cores: Some(4), load: Some(0.25) },
        memory: Memory { total_bytes: Some(8_000_000_000), available_bytes: Some(4_000_000_000) },
        swap: Memory::default(),
        uptime: Some(Duration::from_mins(1)),
        interfaces: vec![
            Interface {
                name: "eth0".into(),
                kind: InterfaceKind::Ethernet,
                up: Some(true),
                speed: Some(BitRate::from_bps(1e9).expect("finite")),
                mtu_bytes: Some(1_500),
                addresses: vec![InterfaceAddress { address: ip(9), prefix_bits: 24 }],
                receive_errors: Some(0),
                transmit_errors: Some(0),
                receive_drops: Some(1),
                transmit_drops: Some(0),
                signal_dbm: Some(-56),
            },
            Interface { name: "x0".into(), ..Interface::default() },
        ],
        gateways: vec![ip(1)],
        resolvers: vec![ip(53), IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0x53])],
        leaves_by: Some("wg0".into()),
        proxy: Some("proxy.example:3128 (HTTPS_PROXY)".into()),
    }
}

#[test]
fn info_summaries() {
    assert_snapshot!(lines([super::info_summary(&system()), super::info_summary(&SystemInfo::default())]));
}

#[test]
fn errors() {
    let failure = Failure::new(Reason::NameNotFound, "no address for \"nowhere.example\"").with_hint("check the name");
    assert_snapshot!(
        [line(&super::failure(&failure)), line(&super::error("wrong_usage", "a host is missing", None)),].join("\n")
    );
}

fn overview(state: SessionState) -> SessionOverview {
    let created = Timestamp::from_unix_us(1_767_225_600_250_000);
    SessionOverview {
        id: SessionId::new(created, 42),
        label: "Mrs Miller, \"slow\"".into(),
        plan: "default".into(),
        walk_in: false,
        code: Some(Code::from_random(7)),
        state,
        connected: true,
        created,
        joined: Some(created.after(Duration::from_secs(9))),
        ended: None,
        client_version: Some("0.1.0".into()),
        public_address: Some(ip(99)),
        network: Some(example()),
        clock_offset_us: Some(-1_500),
        stored: Sequence::new(12),
    }
}

fn record(id: u32, what: Test, outcome: Option<Outcome>, summary: Option<Summary>) -> TestRecord {
    let issued = Timestamp::from_unix_us(1_767_225_610_000_000);
    TestRecord {
        id: TestId::try_from(id).expect("not zero"),
        what,
        when: if id == 1 { When::Stage(0) } else { When::Now },
        issued_by: "plan default".into(),
        issued,
        started: outcome.as_ref().map(|_| issued),
        ended: outcome.as_ref().map(|_| issued.after(Duration::from_millis(1_500))),
        outcome,
        summary,
        samples: 10,
    }
}

fn records() -> Vec<TestRecord> {
    let destination = || Destination::Host("example.com".parse().expect("a name"));
    let ping = PingTest { protocol: PingProtocol::Tcp(NonZeroU16::MIN), ..PingTest::to(destination()) };
    let refused = Failure::new(Reason::RefusedByPolicy, "10.0.0.1 is a private address");
    vec![
        record(1, Test::System, Some(Outcome::Completed), Some(Summary::System(SystemInfo::default()))),
        record(2, Test::Ping(ping), Some(Outcome::Completed), Some(Summary::Ping(ping_summary()))),
        record(3, Test::Trace(TraceTest::to(Destination::Gateway)), Some(Outcome::Failed(refused)), None),
        record(4, Test::Upload(ThroughputTest::against(ThroughputPeer::Listener)), None, None),
    ]
}

#[test]
fn sessions() {
    let ended = SessionOverview {
        code: None,
        connected: false,
        joined: None,
        client_version: None,
        public_address: None,
        clock_offset_us: None,
        ended: Some(Timestamp::from_unix_us(1_767_229_200_000_000)),
        ..overview(SessionState::Ended(EndReason::NeverJoined))
    };
    assert_snapshot!(lines([super::session(&overview(SessionState::Active)), super::session(&ended)]));
}

#[test]
fn tests() {
    assert_snapshot!(records().iter().map(|record| line(&super::test(record)) + "\n").collect::<String>());
}

const AWAY: Absence = Absence {
    from: Timestamp::from_unix_us(1_767_225_700_000_000),
    until: Some(Timestamp::from_unix_us(1_767_225_705_000_000)),
};

#[test]
fn session_records() {
    let record = SessionRecord {
        overview: overview(SessionState::Active),
        consented: Some(Timestamp::from_unix_us(1_767_225_611_000_000)),
        tests: records()[3..].to_vec(),
        absences: vec![AWAY, Absence { until: None, ..AWAY }],
    };
    assert_snapshot!(line(&super::record(&record)));
}

#[test]
fn watch_events() {
    let sequenced = |number| SequencedSample {
        sequence: Sequence::new(number),
        test: TestId::FIRST,
        sample: ping(PingOutcome::Lost),
    };
    let record =
        SessionRecord { overview: overview(SessionState::Joined), consented: None, tests: vec![], absences: vec![] };
    let events = [
        WatchEvent::Snapshot { record: Box::new(record), recent: vec![sequenced(4)] },
        WatchEvent::Session(Box::new(overview(SessionState::Active))),
        WatchEvent::Test(Box::new(records()[3].clone())),
        WatchEvent::Samples(vec![sequenced(5), sequenced(6)]),
        WatchEvent::Absence(AWAY),
    ];
    let lines: Vec<_> = events.iter().flat_map(super::event_lines).collect();
    assert_eq!(lines.len(), 6);
    assert_snapshot!(lines.join("\n"));
}

#[test]
fn staff_answers() {
    let created = CreatedSession {
        session: overview(SessionState::Waiting),
        code: Code::from_random(7),
        link: "https://cnc.example/j/0000-0007".into(),
    };
    let deleted =
        DeletedSession { tests: 4, samples: 1_234, documents: vec!["reports/x.html".into()], history_hours: 3 };
    let plan = Plan {
        name: "short".into(),
        description: "A first look".into(),
        stages: vec![vec![Test::System], vec![Test::Ping(PingTest::to(Destination::Gateway))]],
    };
    let token = Token {
        id: "t1".into(),
        role: Role::Support,
        name: "Anna".into(),
        created: Timestamp::from_unix_us(0),
        last_used: None,
    };
    let secret = CreatedToken { id: "t1".into(), token: "s3cret".into() };
    assert_snapshot!(
        [
            line(&super::created_session(&created)),
            line(&super::deleted_session(&deleted)),
            line(&super::plan(&plan)),
            line(&super::token(&token)),
            line(&super::created_token(&secret)),
        ]
        .join("\n")
    );
    assert!(!format!("{secret:?}").contains("s3cret"));
}

#[test]
fn history() {
    let some = HistoryFigures { count: 10, received: 9, p05: Some(900), p50: Some(1_234), p95: Some(40_000) };
    let lost = HistoryFigures { count: 2, ..HistoryFigures::default() };
    let series = |kind, method: &str, whole| HistorySeries {
        kind,
        method: method.into(),
        whole,
        days: vec![HistoryDay { from: Timestamp::from_unix_us(86_400_000_000), figures: whole }],
        hours: vec![HistoryHour { hour: 23, figures: lost }],
    };
    let history = History {
        series: vec![
            series(HistoryKind::PingTcp, "ping/1", some),
            series(HistoryKind::Upload, "throughput/3", some),
            series(HistoryKind::PingUdp, "ping/1", lost),
        ],
        method: "history/1".into(),
        error_ratio: 0.0005,
        sessions_behind: 0,
        origin: HistoryOrigin { source: "store".into(), ..HistoryOrigin::default() },
    };
    let bigquery = HistoryOrigin {
        source: "bigquery".into(),
        billed_bytes: Some(12_300_000),
        billed_total_bytes: Some(45_600_000),
        complete_until: Some(Timestamp::from_unix_us(86_400_000_000)),
        sessions_left_out: 2,
        samples_since: Some(Timestamp::from_unix_us(0)),
        probes_left_out: 3,
    };
    let subjects = HistorySubjects {
        destinations: vec![HistoryDestination { name: "example.com".into(), count: 10 }],
        providers: vec![
            HistoryProvider { asn: 64_500, name: Some("Example".into()), count: 9 },
            HistoryProvider { asn: 0, name: None, count: 1 },
        ],
        sessions_behind: 1_000,
        origin: bigquery.clone(),
    };
    let session = HistorySession { session: overview(SessionState::Active), figures: some };
    let sessions = HistorySessions { sessions: vec![session], total: 7, origin: bigquery };
    let lines = [
        super::history_lines(&history),
        super::history_subject_lines(&subjects),
        super::history_session_lines(HistoryKind::PingIcmp, &sessions),
    ];
    assert_snapshot!(lines.concat().join("\n"));
}

#[test]
fn fractions_have_no_tail() {
    for (us, expected) in [(17, "0.017"), (1, "0.001"), (33_333, "33.333"), (1_234_567, "1234.567")] {
        assert_eq!(super::ms(Duration::from_micros(us)).to_string(), expected);
    }
}
