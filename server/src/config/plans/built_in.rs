//! The plans that every listener has: what to measure for which complaint. Pure.
//!
//! Each keeps to what a client's policy lets a listener ask, and to the time that its description says on a normal line.

use std::num::NonZeroU16;
use std::time::Duration;

use axum::http::Uri;
use cnc_model::test::{DnsTest, HttpTest, MtuTest, PingProtocol, PingTest, ThroughputPeer, ThroughputTest, TraceTest};
use cnc_model::{Destination, Family, HostName, Plan, Test};

use super::{DEFAULT_PLAN, MAX_TESTS};

/// The most known places that a plan other than the default looks at: each costs the caller time.
const FEW: usize = 3;
/// The payload of 20 ms of telephone speech (G.711) with its RTP header.
const SPEECH_BYTES: u16 = 172;

/// What is known of where the plans will be used.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known<'c> {
    /// How users reach the listener, without a slash at its end.
    pub(super) url: Option<&'c str>,
    /// Places that every client should reach.
    pub(super) destinations: &'c [HostName],
}

/// Gives all of them.
pub(super) fn plans(known: Known<'_>) -> Vec<Plan> {
    let mut plans =
        vec![default(known), quick(known), voip(), slow_web(known), slow_download(known), drops(known), vpn(known)];
    for plan in &mut plans {
        plan.stages.retain(|stage| !stage.is_empty());
    }
    plans
}

/// The machine first; then the way, side by side, while nothing loads it; then what programs need of it; then the load,
/// one direction at a time.
fn default(known: Known<'_>) -> Plan {
    let hosts = || known.hosts(MAX_TESTS / 2 - 2);
    let near = [Destination::Gateway, Destination::Resolver, Destination::Listener];
    let pings = near.into_iter().chain(hosts()).map(|to| ping(to, 10, 200));
    let traces = std::iter::once(Destination::Listener).chain(hosts()).map(|to| trace(to, 3));
    let path = pings.chain(traces).collect();
    let uses = known.names(1).map(dns).chain(known.answers(Family::Any)).chain([mtu(Destination::Listener)]).collect();
    let load = load(10);
    let stages = vec![vec![Test::System], path, uses, vec![Test::Download(load.clone())], vec![Test::Upload(load)]];
    plan(DEFAULT_PLAN, "a bit of everything, within a minute: the machine, the way, names, web, throughput", stages)
}

fn quick(known: Known<'_>) -> Plan {
    let ping = |to| Test::Ping(PingTest { timeout: Duration::from_secs(1), ..pings(to, 10, 100) });
    let path = TraceTest { rounds: 1, names: false, ..TraceTest::to(Destination::Listener) };
    let first = [Test::System, ping(Destination::Gateway), ping(Destination::Listener), Test::Trace(path)];
    let stages = vec![
        first.into_iter().chain(known.answers(Family::Any)).collect(),
        vec![Test::Download(load(3))],
        vec![Test::Upload(load(3))],
    ];
    plan("quick", "a first look, within 15 seconds", stages)
}

/// Speech is small packets at a steady pace, and suffers from what others on the line do.
fn voip() -> Plan {
    let speech = PingTest { payload_bytes: SPEECH_BYTES, ..pings(Destination::Listener, 500, 20) };
    let stages = vec![
        vec![Test::System],
        vec![Test::Ping(speech), ping(Destination::Gateway, 100, 100)],
        vec![trace(Destination::Listener, 3)],
        vec![Test::Download(load(5))],
        vec![Test::Upload(load(5))],
    ];
    plan("voip", "calls that break up: packets like those of speech, alone and beside a full line", stages)
}

fn slow_web(known: Known<'_>) -> Plan {
    let near = [Destination::Gateway, Destination::Resolver, Destination::Listener];
    let families = if known.name().is_some() { vec![Family::V4, Family::V6] } else { vec![Family::Any] };
    let own = families.into_iter().filter_map(|family| known.answers(family));
    let places = known.places().map(|name| http(format!("https://{name}/"), Family::Any));
    let stages = vec![
        vec![Test::System],
        near.into_iter().map(|to| ping(to, 10, 200)).collect(),
        known.names(FEW).map(dns).collect(),
        own.chain(places).collect(),
        vec![mtu(Destination::Listener)],
        vec![Test::Download(load(5))],
    ];
    plan("slow-web", "pages that come slowly: names, connections, IPv4 and IPv6, packets' size", stages)
}

/// One flow alone is slowed by loss and distance; many at once by the line.
fn slow_download(_: Known<'_>) -> Plan {
    let flows = |flows| vec![Test::Download(ThroughputTest { flows, ..load(10) })];
    let stages = vec![
        vec![Test::System],
        vec![
            ping(Destination::Gateway, 50, 100),
            ping(Destination::Listener, 50, 100),
            trace(Destination::Listener, 5),
        ],
        vec![mtu(Destination::Listener)],
        flows(1),
        flows(8),
    ];
    plan("slow-download", "slow downloads: by one flow and by eight, with the way and the packets' size", stages)
}

fn drops(known: Known<'_>) -> Plan {
    let near = [Destination::Gateway, Destination::Resolver, Destination::Listener];
    let pings = near.into_iter().chain(known.hosts(FEW)).map(|to| ping(to, 600, 1_000));
    let path = TraceTest { rounds: 60, interval: Duration::from_secs(10), ..TraceTest::to(Destination::Listener) };
    let stages = vec![vec![Test::System], pings.chain([Test::Trace(path)]).collect()];
    plan("drops", "a line that fails now and then: ten minutes of pings and traces", stages)
}

/// A VPN shows in what differs: ICMP from TCP, one resolver from another, the packets' size on one way from the other.
fn vpn(known: Known<'_>) -> Plan {
    let by_tcp = known
        .port()
        .map(|port| PingTest { protocol: PingProtocol::Tcp(port), ..pings(Destination::Listener, 20, 200) });
    let to = || std::iter::once(Destination::Listener).chain(known.hosts(FEW));
    let path = to().map(|to| ping(to, 20, 200)).chain(by_tcp.map(Test::Ping)).chain(to().map(|to| trace(to, 3)));
    let stages = vec![
        vec![Test::System],
        path.collect(),
        known.names(FEW).map(dns).chain(known.answers(Family::Any)).chain(to().map(mtu)).collect(),
        vec![Test::Download(load(5))],
        vec![Test::Upload(load(5))],
    ];
    plan("vpn", "trouble with a VPN or a proxy: the same places by other means, names, packets' size", stages)
}

impl Known<'_> {
    fn hosts(&self, most: usize) -> impl Iterator<Item = Destination> {
        self.destinations.iter().take(most).cloned().map(Destination::Host)
    }

    /// Gives known places that have a name, without those that are addresses.
    fn places(&self) -> impl Iterator<Item = &HostName> {
        self.destinations.iter().filter(|name| name.address().is_none()).take(FEW)
    }

    /// Gives names to ask resolvers for, the listener's own first.
    fn names(&self, most: usize) -> impl Iterator<Item = HostName> {
        self.name().into_iter().chain(self.places().cloned()).take(most)
    }

    fn uri(&self) -> Option<Uri> {
        self.url?.parse().ok()
    }

    /// Gives the listener's name; `None` where it is an address, or not known.
    fn name(&self) -> Option<HostName> {
        let host = self.uri()?.host()?.trim_matches(['[', ']']).parse::<HostName>().ok()?;
        host.address().is_none().then_some(host)
    }

    /// Gives the port at which users reach the listener.
    fn port(&self) -> Option<NonZeroU16> {
        let uri = self.uri()?;
        let default = if uri.scheme_str() == Some("https") { 443 } else { 80 };
        NonZeroU16::new(uri.port_u16().unwrap_or(default))
    }

    /// Asks the listener for the page whose only right answer is known.
    fn answers(&self, family: Family) -> Option<Test> {
        self.uri()?;
        Some(http(format!("{}/generate_204", self.url?), family))
    }
}

fn plan(name: &str, description: &str, stages: Vec<Vec<Test>>) -> Plan {
    Plan { name: name.into(), description: description.into(), stages }
}

fn pings(to: Destination, count: u32, interval_ms: u64) -> PingTest {
    PingTest { count, interval: Duration::from_millis(interval_ms), ..PingTest::to(to) }
}

fn ping(to: Destination, count: u32, interval_ms: u64) -> Test {
    Test::Ping(pings(to, count, interval_ms))
}

fn trace(to: Destination, rounds: u32) -> Test {
    Test::Trace(TraceTest { rounds, ..TraceTest::to(to) })
}

fn mtu(destination: Destination) -> Test {
    Test::Mtu(MtuTest { destination, family: Family::Any })
}

fn dns(name: HostName) -> Test {
    Test::Dns(DnsTest { name, server: None })
}

fn http(url: String, family: Family) -> Test {
    Test::Http(HttpTest { url, family })
}

fn load(seconds: u64) -> ThroughputTest {
    ThroughputTest { duration: Duration::from_secs(seconds), ..ThroughputTest::against(ThroughputPeer::Listener) }
}
