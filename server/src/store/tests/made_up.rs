//! Made-up values of every kind for the tests.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::num::NonZeroU16;
use std::time::Duration;

use cnc_model::dns::{DnsOutcome, DnsSummary, ResolverAnswer};
use cnc_model::http::HttpSummary;
use cnc_model::message::When;
use cnc_model::mtu::MtuSummary;
use cnc_model::network::AutonomousSystem;
use cnc_model::outcome::{Failure, Reason};
use cnc_model::ping::{Clock, PingFold, PingOutcome, PingReply, PingSample};
use cnc_model::responsiveness::LoadedProbes;
use cnc_model::session::{EndReason, SequencedSample, SessionOverview, SessionState, TestRecord};
use cnc_model::summary::Measured;
use cnc_model::system::SystemInfo;
use cnc_model::test::{DnsTest, HttpTest, MtuTest, PingProtocol, PingTest, ThroughputPeer, ThroughputTest, TraceTest};
use cnc_model::throughput::{Direction, Phase, StoppedBy, ThroughputEnd, ThroughputFold, ThroughputSample};
use cnc_model::trace::{HopOutcome, HopReply, HopSample, TraceFold};
use cnc_model::{Destination, Family, Outcome, Sample, Sequence, SessionId, Summary, Test, TestId, Timestamp, Ttl};

use crate::roles::Role;
use crate::store::{SessionRow, TokenRow};

const V4: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const V6: IpAddr = IpAddr::V6(Ipv6Addr::LOCALHOST);

/// The `n`th session, older ones having the smaller ids.
pub(super) fn id(n: i64) -> SessionId {
    SessionId::new(Timestamp::from_unix_us(1_800_000_000_000_000 + n * 1_000), 5)
}

pub(super) fn row(n: i64) -> SessionRow {
    let at = |offset| Timestamp::from_unix_us(1_800_000_000_000_000 + n * 1_000 + offset);
    SessionRow {
        overview: SessionOverview {
            id: id(n),
            label: "Ms Müller's <office>".into(),
            plan: "default".into(),
            walk_in: n % 2 == 0,
            code: None,
            state: SessionState::Active,
            connected: true,
            created: at(0),
            joined: Some(at(1)),
            ended: None,
            client_version: Some("0.1.0".into()),
            public_address: Some(V6),
            network: (n == 1).then(|| AutonomousSystem { number: u32::MAX, name: Some("Example".into()) }),
            clock_offset_us: Some(-17),
            stored: Sequence::NONE,
        },
        consented: Some(at(2)),
        code_hash: None,
        key_hash: (n == 1).then_some([7; 32]),
    }
}

pub(super) fn ended(mut row: SessionRow, reason: EndReason) -> SessionRow {
    row.overview.state = SessionState::Ended(reason);
    row.overview.ended = Some(row.overview.created);
    row
}

pub(super) fn token() -> TokenRow {
    TokenRow {
        id: "t1".into(),
        name: "helpdesk".into(),
        role: Role::Support,
        hash: [9; 32],
        created: Timestamp::from_unix_us(1),
        created_by: "admin".into(),
        last_used: None,
        revoked: None,
    }
}

fn test_id(n: u32) -> TestId {
    TestId::try_from(n).expect("not zero")
}

/// A test that failed before it began.
pub(super) fn test(n: u32) -> TestRecord {
    let mut ping = PingTest::to("example.com".parse().expect("a host"));
    ping.protocol = PingProtocol::Tcp(NonZeroU16::MIN);
    TestRecord {
        id: test_id(n),
        what: Test::Ping(ping),
        when: When::Now,
        issued_by: "plan default".into(),
        issued: Timestamp::from_unix_us(3),
        started: None,
        ended: Some(Timestamp::from_unix_us(4)),
        outcome: Some(Outcome::Failed(Failure::new(Reason::NoPermission, "may not").with_hint("be root"))),
        summary: None,
        samples: 0,
    }
}

/// The `n`th kind of test, completed with figures.
pub(super) fn completed(n: u32) -> TestRecord {
    let measured = Measured {
        host: "example.com".into(),
        address: Some(V4),
        method: "m/1".into(),
        engine: "made up".into(),
        shed: 3,
    };
    let load = ThroughputTest::against(ThroughputPeer::Listener);
    let (what, summary) = match n {
        2 => (Test::Ping(PingTest::to(Destination::Gateway)), Summary::Ping(ping().summary(measured))),
        3 => (Test::Trace(TraceTest::to(Destination::Resolver)), Summary::Trace(trace().summary(measured))),
        4 => (Test::Upload(load), Summary::Throughput(throughput(measured))),
        6 => {
            let test = MtuTest { destination: Destination::Listener, family: Family::V6 };
            let found = MtuSummary {
                measured,
                path_mtu_bytes: Some(1_420),
                interface_mtu_bytes: Some(1_500),
                black_hole: true,
                limited_by: None,
                probes: 9,
            };
            (Test::Mtu(test), Summary::Mtu(found))
        }
        7 => {
            let test = DnsTest { name: "example.com".parse().expect("a name"), server: Some(Destination::Resolver) };
            let answer = ResolverAnswer {
                address: Some(V4),
                rtt: Some(Duration::from_micros(1_500)),
                outcome: DnsOutcome::Answered(0),
                answers: vec![V4],
                hijacks: Some(false),
            };
            (Test::Dns(test), Summary::Dns(DnsSummary { measured, resolvers: vec![answer] }))
        }
        8 => {
            let test = HttpTest { url: "https://example.com/".into(), family: Family::Any };
            let took = |us| Some(Duration::from_micros(us));
            let http = HttpSummary {
                measured,
                status: Some(200),
                dns: took(1),
                tcp: took(2),
                tls: took(3),
                first_byte: took(4),
                total: took(20),
                bytes: 17,
                ..HttpSummary::default()
            };
            (Test::Http(test), Summary::Http(http))
        }
        _ => (Test::System, Summary::System(SystemInfo { os_name: Some("Linux".into()), ..SystemInfo::default() })),
    };
    TestRecord {
        what,
        when: When::Stage(n),
        started: Some(Timestamp::from_unix_us(5)),
        outcome: Some(Outcome::Completed),
        summary: Some(summary),
        ..test(n)
    }
}

fn ping() -> PingFold {
    let mut fold = PingFold::default();
    for sample in ping_samples() {
        fold.observe(&sample);
    }
    fold
}

fn trace() -> TraceFold {
    let mut fold = TraceFold::default();
    for sample in hop_samples() {
        fold.observe(&sample);
    }
    fold
}

fn throughput(measured: Measured) -> cnc_model::throughput::ThroughputSummary {
    let mut fold = ThroughputFold::default();
    for sample in throughput_samples() {
        fold.observe(&sample);
    }
    let probes = LoadedProbes { tcp: vec![us(7)], tls: vec![], http_new: vec![us(8)], http_loaded: vec![us(9)] };
    fold.summary(ThroughputEnd {
        measured,
        direction: Direction::Upload,
        stopped_by: StoppedBy::Bytes,
        sender_bytes: Some(1 << 40),
        idle_rtt: Some(Duration::from_micros(900)),
        responsiveness: probes.summary(us(2)),
        listener: None,
    })
}

const fn us(n: u64) -> Duration {
    Duration::from_micros(n)
}

fn ping_samples() -> Vec<PingSample> {
    let reply = |from, ttl, clock| PingReply { rtt: us(1_234), from, ttl, clock };
    let outcomes = [
        PingOutcome::Reply(reply(V4, Ttl::try_from(64).ok(), Clock::Kernel)),
        PingOutcome::Reply(reply(V6, None, Clock::User)),
        PingOutcome::Lost,
        PingOutcome::Late(reply(V4, Some(Ttl::FIRST), Clock::User)),
        PingOutcome::Unreachable { from: Some(V6) },
        PingOutcome::Unreachable { from: None },
        PingOutcome::NotSent,
    ];
    (0..).zip(outcomes).map(|(seq, outcome)| PingSample { seq, at: us(u64::from(seq) * 1_000), outcome }).collect()
}

fn hop_samples() -> Vec<HopSample> {
    let reply = |address| HopReply { address, rtt: us(0) };
    let outcomes = [
        HopOutcome::Hop(reply(V4)),
        HopOutcome::Silent,
        HopOutcome::Destination(reply(V6)),
        HopOutcome::Unreachable(reply(V4)),
    ];
    let ttl = |n| Ttl::try_from(n).expect("valid");
    (1..).zip(outcomes).map(|(n, outcome)| HopSample { round: 7, ttl: ttl(n), at: us(5), outcome }).collect()
}

fn throughput_samples() -> Vec<ThroughputSample> {
    let sample = |direction, phase, rtt| ThroughputSample {
        direction,
        at: us(100_001),
        interval: us(99_999),
        flow_count: 4,
        bytes: 1 << 33,
        phase,
        rtt,
    };
    vec![sample(Direction::Download, Phase::Ramp, None), sample(Direction::Upload, Phase::Steady, Some(us(40_000)))]
}

/// Samples of every kind and outcome, spread over the tests 2 to 4.
pub(super) fn samples() -> Vec<SequencedSample> {
    let ping = ping_samples().into_iter().map(|sample| (2, Sample::Ping(sample)));
    let hops = hop_samples().into_iter().map(|sample| (3, Sample::Hop(sample)));
    let throughput = throughput_samples().into_iter().map(|sample| (4, Sample::Throughput(sample)));
    (1..)
        .zip(ping.chain(hops).chain(throughput))
        .map(|(n, (test, sample))| SequencedSample { sequence: Sequence::new(n), test: test_id(test), sample })
        .collect()
}
