//! A made-up session with one of everything, the same at every run.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use cnc_model::dns::{DnsOutcome, DnsSummary, ResolverAnswer};
use cnc_model::http::{FamilyReach, HttpSummary};
use cnc_model::message::When;
use cnc_model::mtu::MtuSummary;
use cnc_model::ping::{Clock, PingFold, PingOutcome, PingReply, PingSample};
use cnc_model::responsiveness::{LoadedProbes, Responsiveness};
use cnc_model::session::{EndReason, SessionOverview, SessionRecord, SessionState, TestRecord};
use cnc_model::summary::{Measured, Summary};
use cnc_model::system::{Cpu, Interface, InterfaceAddress, InterfaceKind, Memory, SystemInfo};
use cnc_model::test::{DnsTest, HttpTest, MtuTest, PingTest, ThroughputPeer, ThroughputTest, TraceTest};
use cnc_model::throughput::{
    Direction, Ramp, StoppedBy, TcpInfo, ThroughputEnd, ThroughputFold, ThroughputSample, Witness,
};
use cnc_model::trace::{HopOutcome, HopReply, HopSample, TraceFold};
use cnc_model::{
    BitRate, Destination, Failure, Family, Outcome, Reason, Sample, Sequence, SessionId, Test, TestId, Timestamp, Ttl,
};

/// 2026-11-20T14:03:05Z.
pub(crate) const BEGAN: Timestamp = Timestamp::from_unix_us(1_795_183_385_000_000);

/// A session and its samples while they are put together.
#[derive(Debug, Clone)]
pub(crate) struct MadeUp {
    pub(crate) record: SessionRecord,
    pub(crate) samples: BTreeMap<TestId, Vec<Sample>>,
}

/// Numbers without a pattern that are the same at every run.
pub(crate) struct Noise(u64);

impl Noise {
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

pub(crate) fn host(text: &str) -> Destination {
    text.parse().expect("a host")
}

fn measured(host: &str, address: &str, method: &str, engine: &str) -> Measured {
    Measured { host: host.into(), address: Some(ip(address)), method: method.into(), engine: engine.into(), shed: 0 }
}

impl MadeUp {
    pub(crate) fn empty(label: &str) -> Self {
        let overview = SessionOverview {
            id: SessionId::new(BEGAN, 0x00c0_ffee),
            label: label.into(),
            plan: "default".into(),
            code: None,
            state: SessionState::Ended(EndReason::PlanDone),
            walk_in: false,
            connected: false,
            created: BEGAN,
            joined: Some(BEGAN.after(Duration::from_secs(40))),
            ended: Some(BEGAN.after(Duration::from_secs(265))),
            client_version: Some("0.1.0".into()),
            public_address: Some(ip("203.0.113.42")),
            network: None,
            clock_offset_us: Some(2_400_000),
            stored: Sequence::new(812),
        };
        let consented = Some(BEGAN.after(Duration::from_secs(52)));
        Self {
            record: SessionRecord { overview, consented, tests: vec![], absences: vec![] },
            samples: BTreeMap::new(),
        }
    }

    /// Adds a test that ran, or that ended without running when there is nothing to show for it.
    pub(crate) fn add(&mut self, what: Test, outcome: Option<Outcome>, summary: Option<Summary>, samples: Vec<Sample>) {
        let number = u32::try_from(self.record.tests.len() + 1).expect("few tests");
        let id = TestId::try_from(number).expect("from 1");
        let started = BEGAN.after(Duration::from_secs(60 + u64::from(number) * 12));
        let ran = summary.is_some() || !samples.is_empty();
        self.record.tests.push(TestRecord {
            id,
            what,
            when: When::Stage(number),
            issued_by: "plan default".into(),
            issued: BEGAN,
            started: ran.then_some(started),
            ended: outcome.is_some().then(|| started.after(Duration::from_secs(10))),
            outcome,
            summary,
            samples: samples.len() as u64,
        });
        self.samples.insert(id, samples);
    }
}

/// The whole of it.
pub(crate) fn session() -> MadeUp {
    let mut made = MadeUp::empty("Anna Berger, branch office Graz, ticket 4711");
    made.add(Test::System, Some(Outcome::Completed), Some(Summary::System(machine())), vec![]);
    gateway(&mut made);
    lossy(&mut made, 100);
    path(&mut made);
    for (direction, mbps) in [(Direction::Download, 20_100), (Direction::Upload, 4_870)] {
        let (samples, summary) = load(direction, mbps, 100, StoppedBy::Duration);
        made.add(load_test(direction), Some(Outcome::Completed), Some(summary), samples);
    }
    reach(&mut made);
    failures(&mut made);
    made
}

/// What was found out about packets' size, names and a page: a narrow path, a lying resolver, a company's proxy.
fn reach(made: &mut MadeUp) {
    let measured = |host: &str, method: &str, engine: &str| Measured {
        host: host.into(),
        address: Some([203, 0, 113, 80].into()),
        method: method.into(),
        engine: engine.into(),
        shed: 0,
    };
    let mtu = MtuSummary {
        measured: measured("www.example.org", "mtu/1", "icmp datagram"),
        path_mtu_bytes: Some(1_420),
        interface_mtu_bytes: Some(1_500),
        black_hole: true,
        limited_by: None,
        probes: 14,
    };
    let test = MtuTest { destination: host("www.example.org"), family: Family::Any };
    made.add(Test::Mtu(test), Some(Outcome::Completed), Some(Summary::Mtu(mtu)), vec![]);
    let answer = |last: u8, rtt: u64, outcome, answer: [u8; 4]| ResolverAnswer {
        address: Some([192, 168, 1, last].into()),
        rtt: Some(Duration::from_millis(rtt)),
        outcome,
        answers: vec![answer.into()],
        hijacks: Some(last == 2),
    };
    let silent =
        ResolverAnswer { rtt: None, answers: vec![], hijacks: None, ..answer(3, 0, DnsOutcome::Timeout, [0; 4]) };
    let resolvers = vec![
        answer(1, 12, DnsOutcome::Answered(0), [203, 0, 113, 80]),
        answer(2, 9, DnsOutcome::Answered(0), [198, 51, 100, 9]),
        silent,
    ];
    let dns = DnsSummary { measured: measured("www.example.org", "dns/1", "dns udp"), resolvers };
    let test = DnsTest { name: "www.example.org".parse().expect("a name"), server: None };
    made.add(Test::Dns(test), Some(Outcome::Completed), Some(Summary::Dns(dns)), vec![]);
    let url = "https://check.example.org/";
    let http = HttpSummary {
        measured: measured(url, "http/1", "hyper http/1.1 over rustls"),
        status: Some(302),
        dns: Some(Duration::from_millis(21)),
        tcp: Some(Duration::from_millis(43)),
        tls: Some(Duration::from_millis(88)),
        first_byte: Some(Duration::from_millis(61)),
        total: Some(Duration::from_millis(215)),
        bytes: 512,
        tls_version: Some("TLSv1.3".into()),
        issuer: Some("Gateway CA, Example Company".into()),
        intercepted: Some(true),
        v4: Some(version([198, 51, 100, 20].into(), None)),
        v6: Some(version([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0x20].into(), Some("nobody answered in 2.3 s"))),
        proxy: None,
        location: Some("https://check.example.org/login".into()),
        error: None,
    };
    let test = HttpTest { url: url.into(), family: Family::Any };
    made.add(Test::Http(test), Some(Outcome::Completed), Some(Summary::Http(http)), vec![]);
}

fn version(address: IpAddr, error: Option<&str>) -> FamilyReach {
    let tcp = error.is_none().then_some(Duration::from_millis(43));
    FamilyReach { address, tcp, error: error.map(str::to_owned) }
}

fn failures(made: &mut MadeUp) {
    let ping = |to: &str| Test::Ping(PingTest::to(host(to)));
    let refused = Failure::new(Reason::RefusedByPolicy, "192.168.7.7 is in a private network")
        .with_hint("start cnc with --allow-lan if the user agrees to measure inside their network");
    made.add(ping("192.168.7.7"), Some(Outcome::Failed(refused)), None, vec![]);
    let unnamed = Failure::new(Reason::NameNotFound, "the name intranet.example.net has no address")
        .with_hint("check the spelling, or try it with the company’s VPN connected");
    let trace = Test::Trace(TraceTest::to(host("intranet.example.net")));
    made.add(trace, Some(Outcome::Failed(unnamed)), None, vec![]);
    let (samples, _) = load(Direction::Download, 19_800, 23, StoppedBy::Cancelled);
    made.add(load_test(Direction::Download), Some(Outcome::Cancelled), None, samples);
    made.add(ping("2001:db8::53"), None, None, vec![]);
}

fn load_test(direction: Direction) -> Test {
    let test = ThroughputTest::against(ThroughputPeer::Listener);
    match direction {
        Direction::Download => Test::Download(test),
        Direction::Upload => Test::Upload(test),
    }
}

pub(crate) fn machine() -> SystemInfo {
    SystemInfo {
        os_name: Some("Debian GNU/Linux".into()),
        os_version: Some("12".into()),
        kernel: Some("6.1.0-18-amd64".into()),
        architecture: "x86_64".into(),
        host_name: None,
        cpu: Cpu { model: Some("Intel(R) Core(TM) i5-8350U CPU @ 1.70GHz".into()), cores: Some(8), load: Some(0.118) },
        memory: Memory { total_bytes: Some(16_612_192_256), available_bytes: Some(9_205_112_832) },
        swap: Memory { total_bytes: Some(1_023_406_080), available_bytes: None },
        uptime: Some(Duration::from_mins(4_567)),
        interfaces: interfaces(),
        gateways: vec![ip("192.168.1.1")],
        resolvers: vec![ip("192.168.1.1"), ip("2001:db8:1:2::1")],
        leaves_by: Some("wlp2s0".into()),
        proxy: Some("proxy.example:3128 (HTTPS_PROXY)".into()),
    }
}

fn interfaces() -> Vec<Interface> {
    let address = |text: &str, prefix_bits| InterfaceAddress { address: ip(text), prefix_bits };
    vec![
        Interface {
            name: "wlp2s0".into(),
            kind: InterfaceKind::Wireless,
            up: Some(true),
            speed: None,
            mtu_bytes: Some(1_500),
            addresses: vec![address("192.168.1.23", 24), address("2001:db8:1:2:a1b2:c3d4:e5f6:789a", 64)],
            receive_errors: Some(0),
            transmit_errors: Some(0),
            receive_drops: Some(1_204),
            transmit_drops: Some(0),
            signal_dbm: None,
        },
        Interface {
            name: "enp0s31f6".into(),
            kind: InterfaceKind::Ethernet,
            up: Some(false),
            speed: BitRate::from_bps(1e9).ok(),
            mtu_bytes: Some(1_500),
            ..Interface::default()
        },
    ]
}

fn reply(rtt_us: u64, from: &str) -> PingOutcome {
    let rtt = Duration::from_micros(rtt_us);
    PingOutcome::Reply(PingReply { rtt, from: ip(from), ttl: None, clock: Clock::Kernel })
}

/// Folds pings into their summary and gives both.
pub(crate) fn folded(pings: Vec<PingSample>, measured: Measured) -> (Vec<Sample>, Summary) {
    let mut fold = PingFold::default();
    for ping in &pings {
        fold.observe(ping);
    }
    (pings.into_iter().map(Sample::Ping).collect(), Summary::Ping(fold.summary(measured)))
}

fn gateway(made: &mut MadeUp) {
    let mut noise = Noise(3);
    let pings = (0..10)
        .map(|seq| {
            let outcome = reply(1_900 + noise.below(700) + if seq == 6 { 3_100 } else { 0 }, "192.168.1.1");
            PingSample { seq, at: Duration::from_secs(seq.into()), outcome }
        })
        .collect();
    let (samples, summary) = folded(pings, measured("gateway", "192.168.1.1", "ping/1", "icmp datagram"));
    made.add(Test::Ping(PingTest::to(Destination::Gateway)), Some(Outcome::Completed), Some(summary), samples);
}

/// Every tenth probe lost, one of them answered late, one unreachable.
pub(crate) fn lossy(made: &mut MadeUp, count: u32) {
    let mut noise = Noise(7);
    let mut pings = Vec::new();
    for seq in 0..count {
        let at = Duration::from_millis(u64::from(seq) * 200);
        let outcome = match seq {
            47 => PingOutcome::Unreachable { from: Some(ip("198.51.100.9")) },
            n if n % 10 == 9 => PingOutcome::Lost,
            n => reply(39_800 + noise.below(900) + if n % 31 == 12 { 14_000 } else { 0 }, "93.184.216.34"),
        };
        pings.push(PingSample { seq, at, outcome });
        if seq == 69 {
            let rtt = Duration::from_millis(2_310);
            let late = PingReply { rtt, from: ip("93.184.216.34"), ttl: None, clock: Clock::Kernel };
            pings.push(PingSample { seq, at, outcome: PingOutcome::Late(late) });
        }
    }
    let (samples, summary) = folded(pings, measured("example.com", "93.184.216.34", "ping/1", "icmp datagram"));
    let test = PingTest { count, interval: Duration::from_millis(200), ..PingTest::to(host("example.com")) };
    made.add(Test::Ping(test), Some(Outcome::Completed), Some(summary), samples);
}

/// Seven hops: the third silent, the fourth limiting its own answers, loss on the last two.
fn path(made: &mut MadeUp) {
    const RTTS_US: [u64; 7] = [2_100, 9_400, 0, 12_800, 24_100, 39_600, 40_100];
    let mut noise = Noise(11);
    let (mut fold, mut samples) = (TraceFold::default(), Vec::new());
    for round in 0..10_u32 {
        for (place, &base) in (1_u8..).zip(&RTTS_US) {
            let split = place == 5 && round % 3 == 1;
            let address = IpAddr::from([198, 51, if split { 101 } else { 100 }, place]);
            let answer = HopReply { address, rtt: Duration::from_micros(base + noise.below(1 + base / 9)) };
            let outcome = match (place, round) {
                (3, _) | (4, 1 | 4 | 6 | 9) | (6 | 7, 5) => HopOutcome::Silent,
                (7, _) => HopOutcome::Destination(HopReply { address: ip("93.184.216.34"), ..answer }),
                _ => HopOutcome::Hop(answer),
            };
            let ttl = Ttl::try_from(u32::from(place)).expect("small");
            let sample = HopSample { round, ttl, at: Duration::from_secs(round.into()), outcome };
            fold.observe(&sample);
            samples.push(Sample::Hop(sample));
        }
    }
    fold.name(ip("198.51.100.1"), "fritz.box".into());
    fold.name(ip("198.51.100.2"), "bng-graz-3.access.isp.example".into());
    fold.name(ip("198.51.100.5"), "ae12-0.core2-a-very-long-router-name.vienna.transit.example".into());
    let summary = fold.summary(measured("example.com", "93.184.216.34", "trace/1", "trippy-core"));
    let test = Test::Trace(TraceTest::to(host("example.com")));
    made.add(test, Some(Outcome::Completed), Some(Summary::Trace(summary)), samples);
}

/// What a listener saw that had others to serve.
fn witness() -> Witness {
    let tcp = TcpInfo {
        sent_bytes: 25_400_000,
        retransmitted_bytes: 127_000,
        min_rtt: Some(Duration::from_millis(31)),
        rtt: Some(Duration::from_millis(212)),
        busy: Duration::from_secs(40),
        rwnd_limited: Duration::from_millis(4_800),
        sndbuf_limited: Duration::ZERO,
    };
    let (tests, waited) = (3, Duration::from_millis(4_500));
    Witness { tcp: Some(tcp), cpu_load: Some(0.31), tests, uplink_share: Some(0.42), contended: Some(true), waited }
}

/// What a line in want of a good queue leaves.
fn responsiveness() -> Responsiveness {
    let probes = |ms| vec![Duration::from_millis(ms); 40];
    let found = LoadedProbes { tcp: probes(210), tls: probes(215), http_new: probes(220), http_loaded: probes(260) };
    found.summary(Duration::from_secs(6)).expect("everything was answered")
}

fn load(direction: Direction, kbps: u64, count: u32, stopped_by: StoppedBy) -> (Vec<Sample>, Summary) {
    let mut noise = Noise(kbps);
    let (mut ramp, mut fold, mut samples) = (Ramp::default(), ThroughputFold::default(), Vec::new());
    let interval = Duration::from_millis(100);
    for n in 1..=count {
        let full = kbps * 1_000 / 8 / 10;
        let grown = full * u64::from(n.min(12)) / 12;
        let bytes = grown - grown / 50 + noise.below(1 + grown / 25) - if n == 71 { grown / 3 } else { 0 };
        let phase = ramp.observe(interval, bytes);
        let at = interval * n;
        let sample = ThroughputSample { direction, at, interval, flow_count: 4, bytes, phase, rtt: None };
        fold.observe(&sample);
        samples.push(Sample::Throughput(sample));
    }
    let bytes: u64 = samples.iter().map(|s| if let Sample::Throughput(t) = s { t.bytes } else { 0 }).sum();
    let summary = fold.summary(ThroughputEnd {
        measured: measured("https://check.example.org", "192.0.2.80", "throughput/1", "http/1.1"),
        direction,
        stopped_by,
        sender_bytes: Some(bytes + 262_144),
        idle_rtt: Some(Duration::from_micros(31_200)),
        responsiveness: (kbps > 10_000 && count == 100).then(responsiveness),
        listener: (kbps > 10_000 && count == 100).then(witness),
    });
    (samples, Summary::Throughput(summary))
}

/// Tests that ran and met silence: nobody replied, paths that end early, a link that moved little or nothing.
pub(crate) fn silence() -> MadeUp {
    let mut made = MadeUp::empty("nothing answers");
    let lost = |seq| PingSample { seq, at: Duration::from_secs(seq.into()), outcome: PingOutcome::Lost };
    let (samples, summary) =
        folded((0..5).map(lost).collect(), measured("a.example", "192.0.2.9", "ping/1", "icmp raw"));
    made.add(Test::Ping(PingTest::to(host("a.example"))), Some(Outcome::Completed), Some(summary), samples);
    for (name, end) in [("b.example", HopOutcome::Silent), ("c.example", HopOutcome::Unreachable(router(3)))] {
        let (mut fold, mut samples) = (TraceFold::default(), Vec::new());
        for (ttl, outcome) in (1..).zip([HopOutcome::Hop(router(1)), HopOutcome::Hop(router(2)), end, end, end]) {
            let ttl = Ttl::try_from(ttl).expect("small");
            let sample = HopSample { round: 0, ttl, at: Duration::ZERO, outcome };
            fold.observe(&sample);
            samples.push(Sample::Hop(sample));
        }
        let summary = fold.summary(measured(name, "192.0.2.9", "trace/1", "trippy-core"));
        let test = Test::Trace(TraceTest::to(host(name)));
        made.add(test, Some(Outcome::Completed), Some(Summary::Trace(summary)), samples);
    }
    for (direction, kbps, count) in [(Direction::Download, 0, 20), (Direction::Upload, 900, 8)] {
        let (samples, summary) = load(direction, kbps, count, StoppedBy::Broken);
        let broken = Failure::new(Reason::Unreachable, "the connections broke off");
        made.add(load_test(direction), Some(Outcome::Failed(broken)), Some(summary), samples);
    }
    made.add(Test::System, Some(Outcome::Completed), Some(Summary::System(SystemInfo::default())), vec![]);
    made
}

fn router(place: u8) -> HopReply {
    HopReply { address: IpAddr::from([198, 51, 100, place]), rtt: Duration::from_millis(u64::from(place) * 4) }
}

/// A long ping with outages of several kinds, for what thinning does.
pub(crate) fn long(made: &mut MadeUp, count: u32) {
    let mut noise = Noise(23);
    let interval = Duration::from_millis(10);
    let pings = (0..count)
        .map(|seq| {
            let outcome = match seq % 10_000 {
                3_000..3_120 => PingOutcome::Lost,
                7_400..7_420 => PingOutcome::Unreachable { from: None },
                9_000..9_003 => PingOutcome::NotSent,
                n if n % 1_777 == 5 => PingOutcome::Lost,
                n => {
                    reply(18_000 + noise.below(4_000) + if n % 611 == 0 { noise.below(60_000) } else { 0 }, "192.0.2.7")
                }
            };
            PingSample { seq, at: interval * seq, outcome }
        })
        .collect();
    let (samples, summary) = folded(pings, measured("listener", "192.0.2.7", "ping/1", "icmp raw"));
    let test = PingTest { count, interval, ..PingTest::to(Destination::Listener) };
    made.add(Test::Ping(test), Some(Outcome::Completed), Some(summary), samples);
}
