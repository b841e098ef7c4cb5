//! The words, as people read them.

use std::net::IpAddr;

use cnc_model::ping::{Clock, PingFold, PingOutcome, PingReply, PingSample};
use cnc_model::responsiveness::{LoadedProbes, Responsiveness};
use cnc_model::summary::Measured;
use cnc_model::system::{Cpu, Interface, InterfaceAddress, InterfaceKind, Memory, SystemInfo};
use cnc_model::throughput::{Phase, ThroughputEnd, ThroughputFold, ThroughputSample};
use cnc_model::throughput::{TcpInfo, Witness};
use cnc_model::trace::{HopOutcome, HopReply, HopSample, TraceFold};
use cnc_model::{BitRate, Reason, Ttl};

use super::*;

const MS: Duration = Duration::from_millis(1);

fn ip(last: u8) -> IpAddr {
    IpAddr::from([192, 0, 2, last])
}

fn shown(summary: &Summary) -> String {
    let ending = ending(&Outcome::Completed, Some(summary));
    std::iter::once(ending).chain(lines(summary)).collect::<Vec<_>>().join("\n")
}

#[test]
fn of_a_ping() {
    let mut fold = PingFold::default();
    for seq in 0..20 {
        let reply = PingReply { rtt: MS * (20 + seq), from: ip(1), ttl: None, clock: Clock::Kernel };
        let outcome = if seq % 10 == 9 { PingOutcome::Lost } else { PingOutcome::Reply(reply) };
        fold.observe(&PingSample { seq, at: MS * 100 * seq, outcome });
    }
    insta::assert_snapshot!(shown(&Summary::Ping(fold.summary(Measured { shed: 2, ..Measured::default() }))));
}

#[test]
fn of_a_ping_without_an_answer() {
    let mut fold = PingFold::default();
    fold.observe(&PingSample { seq: 0, at: MS, outcome: PingOutcome::Lost });
    insta::assert_snapshot!(shown(&Summary::Ping(fold.summary(Measured::default()))));
}

#[test]
fn of_a_trace() {
    let mut fold = TraceFold::default();
    let hop = |n: u8| HopOutcome::Hop(HopReply { address: ip(n), rtt: MS * u32::from(n) });
    for round in 0..4 {
        let end = HopOutcome::Destination(HopReply { address: ip(9), rtt: MS * 9 });
        let split = hop(if round % 2 == 0 { 4 } else { 5 });
        let limited = if round == 0 { hop(2) } else { HopOutcome::Silent };
        for (ttl, outcome) in (1..).zip([hop(1), limited, HopOutcome::Silent, split, end]) {
            fold.observe(&HopSample { round, ttl: Ttl::try_from(ttl).expect("a TTL"), at: MS, outcome });
        }
    }
    fold.name(ip(1), "router.home".into());
    fold.name(ip(9), format!("{}.example", "long".repeat(20)));
    insta::assert_snapshot!(shown(&Summary::Trace(fold.summary(Measured::default()))));
}

fn responsiveness() -> Responsiveness {
    let probes = |ms| vec![MS * ms; 40];
    let found = LoadedProbes { tcp: probes(44), tls: probes(46), http_new: probes(45), http_loaded: probes(58) };
    found.summary(Duration::from_secs(3)).expect("everything was answered")
}

#[test]
fn of_a_download() {
    let mut fold = ThroughputFold::default();
    for n in 0..40 {
        fold.observe(&ThroughputSample {
            direction: Direction::Download,
            at: MS * 100 * (n + 1),
            interval: MS * 100,
            flow_count: 4,
            bytes: 250_000,
            phase: if n < 10 { Phase::Ramp } else { Phase::Steady },
            rtt: Some(MS * 45),
        });
    }
    let end = ThroughputEnd {
        measured: Measured::default(),
        direction: Direction::Download,
        stopped_by: StoppedBy::Duration,
        sender_bytes: Some(12_000_000),
        idle_rtt: Some(MS * 12),
        responsiveness: Some(responsiveness()),
        listener: Some(Witness {
            tcp: Some(TcpInfo { busy: MS * 4_000, rwnd_limited: MS * 480, ..TcpInfo::default() }),
            cpu_load: Some(0.3),
            tests: 2,
            uplink_share: Some(0.4),
            contended: Some(true),
            waited: MS * 6_500,
        }),
    };
    insta::assert_snapshot!(shown(&Summary::Throughput(fold.summary(end))));
}

#[test]
fn of_a_machine() {
    let up = Interface {
        name: "eth0".into(),
        kind: InterfaceKind::Ethernet,
        up: Some(true),
        speed: BitRate::from_bps(1e9).ok(),
        mtu_bytes: Some(1_500),
        addresses: vec![InterfaceAddress { address: ip(7), prefix_bits: 24 }],
        receive_errors: Some(3),
        ..Interface::default()
    };
    let down = Interface { name: "wlan0".into(), up: Some(false), ..Interface::default() };
    insta::assert_snapshot!(shown(&Summary::System(SystemInfo {
        os_name: Some("Debian GNU/Linux".into()),
        os_version: Some("12".into()),
        architecture: "x86_64".into(),
        cpu: Cpu { model: Some("Some CPU".into()), cores: Some(8), load: Some(0.123) },
        memory: Memory { total_bytes: Some(16 << 30), available_bytes: Some(9 << 30) },
        swap: Memory { total_bytes: Some(0), available_bytes: Some(0) },
        uptime: Some(Duration::from_hours(50)),
        interfaces: vec![up, down],
        gateways: vec![ip(1)],
        ..SystemInfo::default()
    })));
}

#[test]
fn endings_are_told_and_strangers_words_made_harmless() {
    let failed = Failure::new(Reason::NoRoute, "no \u{1b}[31mroute").with_hint("plug it in");
    assert_eq!(ending(&Outcome::Failed(failed.clone()), None), "failed: no [31mroute");
    assert_eq!(failure(&failed), ["no [31mroute", "What would help: plug it in"]);
    assert_eq!(ending(&Outcome::Cancelled, None), "stopped");
}
