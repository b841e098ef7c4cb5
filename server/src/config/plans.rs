//! Plans: those that are built in, and those that the operator writes, which go before.

use std::collections::BTreeMap;
use std::num::NonZeroU16;

use cnc_model::ping::Pacing;
use cnc_model::test::{
    DnsTest, HttpTest, MtuTest, Multipath, PingProtocol, PingTest, ThroughputPeer, ThroughputTest, TraceProtocol,
    TraceTest,
};
use cnc_model::{Destination, Family, HostName, Plan, Test, Ttl};
use toml::Spanned;
use toml::de::DeValue;

use self::built_in::Known;
use super::reader::{Reading, Section, shown};

mod built_in;

/// The plan that sessions begin with where nobody says otherwise.
pub const DEFAULT_PLAN: &str = "default";
/// The most stages of a plan: beyond it nobody follows what is going on.
pub(super) const MAX_STAGES: usize = 32;
/// The most tests of a stage: side by side, more would measure each other.
pub(super) const MAX_TESTS: usize = 64;

/// The plans by name; there is always one called [`DEFAULT_PLAN`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plans(BTreeMap<String, Plan>);

impl Plans {
    /// Makes the plans of a listener that is reached at `url`, as far as that is known.
    pub(super) fn new(url: Option<&str>, destinations: &[HostName], own: &[Plan]) -> Self {
        let built_in = built_in::plans(Known { url, destinations });
        let all = built_in.into_iter().chain(own.iter().cloned());
        Self(all.map(|plan| (plan.name.clone(), plan)).collect())
    }

    /// Gives a plan by its name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Plan> {
        self.0.get(name)
    }

    /// Gives all plans in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = &Plan> {
        self.0.values()
    }
}

/// Reads one `[plan.NAME]`.
pub(super) fn read<'t>(reading: &Reading<'t>, name: &str, value: &Spanned<DeValue<'t>>) -> Option<Plan> {
    let section = Section::within(reading, format!("plan.{name}"), value)?;
    let description = section.text("description").unwrap_or_default();
    let stages = stages(&section);
    section.finish();
    Some(Plan { name: name.to_owned(), description, stages: stages? })
}

fn stages(section: &Section<'_, '_>) -> Option<Vec<Vec<Test>>> {
    let allowed = "a list of stages: one [[plan.NAME.stage]] for each, with tests = […]";
    let Some(value) = section.value("stage") else {
        section.wrong(format_args!("needs {allowed}"));
        return None;
    };
    let Some(array) = value.get_ref().as_array() else {
        section.wrong_value("stage", value, format_args!("must be {allowed}, not {}", shown(value.get_ref())));
        return None;
    };
    if array.len() > MAX_STAGES {
        section.wrong_value("stage", value, format_args!("must have at most {MAX_STAGES}, not {}", array.len()));
    }
    Some(array.iter().filter_map(|stage| tests(section.reading, stage)).collect())
}

fn tests<'t>(reading: &Reading<'t>, stage: &Spanned<DeValue<'t>>) -> Option<Vec<Test>> {
    let section = Section::within(reading, "stage", stage)?;
    let allowed = "a list of tests like { ping = \"example.com\", count = 20 }";
    let value = section.value("tests");
    let array = value.and_then(|value| value.get_ref().as_array());
    let tests = match (value, array) {
        (_, Some(array)) if !array.is_empty() && array.len() <= MAX_TESTS => {
            Some(array.iter().filter_map(|value| test(reading, value)).collect())
        }
        (Some(value), _) => {
            section.wrong_value("tests", value, format_args!("must be {allowed}, 1 to {MAX_TESTS} of them"));
            None
        }
        (None, _) => {
            section.wrong(format_args!("needs tests = {allowed}"));
            None
        }
    };
    section.finish();
    tests
}

/// Reads one test: the key that names its kind holds what it is aimed at.
fn test<'t>(reading: &Reading<'t>, value: &Spanned<DeValue<'t>>) -> Option<Test> {
    let section = Section::within(reading, "test", value)?;
    let kinds = [
        section.value("system").map(|_| system(&section)),
        section.value("ping").map(|_| ping(&section)),
        section.value("trace").map(|_| trace(&section)),
        section.value("download").map(|_| throughput(&section, "download").map(Test::Download)),
        section.value("upload").map(|_| throughput(&section, "upload").map(Test::Upload)),
        section.value("mtu").map(|_| mtu(&section)),
        section.value("dns").map(|_| dns(&section)),
        section.value("http").map(|_| http(&section)),
    ];
    let mut kinds = kinds.into_iter().flatten();
    let (first, second) = (kinds.next(), kinds.next());
    let (Some(test), None) = (first, second) else {
        section.wrong("needs exactly one of system = true, ping, trace, download, upload, mtu, dns and http");
        return None;
    };
    section.finish();
    match test?.checked() {
        Ok(test) => Some(test),
        Err(error) => {
            reading.mistake(value.span().start, error.to_string());
            None
        }
    }
}

fn system(section: &Section<'_, '_>) -> Option<Test> {
    if section.flag("system")? {
        return Some(Test::System);
    }
    section.wrong("system = false is no test: leave it out");
    None
}

const DESTINATION: &str = "\"gateway\", \"resolver\", \"listener\", a host name or an address";

fn ping(section: &Section<'_, '_>) -> Option<Test> {
    let mut ping = PingTest::to(section.parsed::<Destination>("ping", DESTINATION)?);
    ping.family = family(section).unwrap_or(ping.family);
    let protocol = section.read("protocol", "\"icmp\", \"tcp:PORT\" or \"udp:PORT\"", ping_protocol);
    ping.protocol = protocol.unwrap_or(ping.protocol);
    ping.count = section.number("count", "a whole number").unwrap_or(ping.count);
    ping.interval = section.duration("interval").unwrap_or(ping.interval);
    let pacing = section.read("pacing", "\"fixed\" or \"poisson\"", pacing);
    ping.pacing = pacing.unwrap_or(ping.pacing);
    ping.timeout = section.duration("timeout").unwrap_or(ping.timeout);
    ping.payload_bytes = section.number("payload_bytes", "a whole number").unwrap_or(ping.payload_bytes);
    Some(Test::Ping(ping))
}

fn trace(section: &Section<'_, '_>) -> Option<Test> {
    let mut trace = TraceTest::to(section.parsed::<Destination>("trace", DESTINATION)?);
    trace.family = family(section).unwrap_or(trace.family);
    let protocol = section.read("protocol", "\"icmp\", \"udp\", \"udp:PORT\" or \"tcp:PORT\"", trace_protocol);
    trace.protocol = protocol.unwrap_or(trace.protocol);
    let strategy = section.read("strategy", "\"classic\", \"paris\" or \"dublin\"", strategy);
    trace.strategy = strategy.unwrap_or(trace.strategy);
    trace.rounds = section.number("rounds", "a whole number").unwrap_or(trace.rounds);
    trace.interval = section.duration("interval").unwrap_or(trace.interval);
    let hops = section.number::<u8>("max_hops", "a whole number from 1 to 255");
    trace.max_hops = hops.and_then(|hops| Ttl::try_from(u32::from(hops)).ok()).unwrap_or(trace.max_hops);
    trace.names = section.flag("names").unwrap_or(trace.names);
    Some(Test::Trace(trace))
}

fn throughput(section: &Section<'_, '_>, key: &'static str) -> Option<ThroughputTest> {
    let peer = section.text(key)?;
    let peer = if peer == "listener" { ThroughputPeer::Listener } else { ThroughputPeer::Url(peer) };
    let mut load = ThroughputTest::against(peer);
    if let Some(flows) = section.number("flows", "a whole number") {
        (load.flows, load.most_flows) = (flows, flows);
    }
    load.most_flows = section.number("most_flows", "a whole number").unwrap_or(load.most_flows);
    load.duration = section.duration("duration").unwrap_or(load.duration);
    load.max_bytes = section.number("max_bytes", "a whole number").unwrap_or(load.max_bytes);
    load.stops_early = section.flag("stops_early").unwrap_or(load.stops_early);
    Some(load)
}

fn mtu(section: &Section<'_, '_>) -> Option<Test> {
    let destination = section.parsed::<Destination>("mtu", DESTINATION)?;
    Some(Test::Mtu(MtuTest { destination, family: family(section).unwrap_or_default() }))
}

fn dns(section: &Section<'_, '_>) -> Option<Test> {
    let name = section.parsed::<HostName>("dns", "a name like \"example.com\"")?;
    let server = section.value("server").map(|_| section.parsed::<Destination>("server", DESTINATION));
    // A server that cannot be read was told of; asking all in its place would be another test.
    Some(Test::Dns(DnsTest { name, server: server.map_or(Some(None), |server| server.map(Some))? }))
}

fn http(section: &Section<'_, '_>) -> Option<Test> {
    let url = section.text("http")?;
    Some(Test::Http(HttpTest { url, family: family(section).unwrap_or_default() }))
}

fn family(section: &Section<'_, '_>) -> Option<Family> {
    section.read("family", "\"any\", \"v4\" or \"v6\"", |text| match text {
        "any" => Some(Family::Any),
        "v4" => Some(Family::V4),
        "v6" => Some(Family::V6),
        _ => None,
    })
}

fn pacing(text: &str) -> Option<Pacing> {
    [Pacing::Fixed, Pacing::Poisson].into_iter().find(|pacing| pacing.word() == text)
}

/// Reads `icmp`, `tcp:PORT` or `udp:PORT`.
pub(crate) fn ping_protocol(text: &str) -> Option<PingProtocol> {
    match text.split_once(':') {
        None if text == "icmp" => Some(PingProtocol::Icmp),
        Some(("tcp", port)) => port.parse().ok().map(PingProtocol::Tcp),
        Some(("udp", port)) => port.parse().ok().map(PingProtocol::Udp),
        None | Some(_) => None,
    }
}

/// Reads `icmp`, `udp`, `udp:PORT` or `tcp:PORT`.
pub(crate) fn trace_protocol(text: &str) -> Option<TraceProtocol> {
    match text.split_once(':') {
        None if text == "icmp" => Some(TraceProtocol::Icmp),
        None if text == "udp" => Some(TraceProtocol::Udp(None)),
        Some(("udp", port)) => port.parse::<NonZeroU16>().ok().map(|port| TraceProtocol::Udp(Some(port))),
        Some(("tcp", port)) => port.parse().ok().map(TraceProtocol::Tcp),
        None | Some(_) => None,
    }
}

/// Reads `classic`, `paris` or `dublin`.
pub(crate) fn strategy(text: &str) -> Option<Multipath> {
    match text {
        "classic" => Some(Multipath::Classic),
        "paris" => Some(Multipath::Paris),
        "dublin" => Some(Multipath::Dublin),
        _ => None,
    }
}
