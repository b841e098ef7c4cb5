//! What can be run: each kind of test with its parameters and the bounds that every value keeps.

use std::fmt;
use std::num::NonZeroU16;
use std::time::Duration;

use thiserror::Error;

use crate::ping::Pacing;
use crate::{Destination, Family, HostName, Ttl};

/// One test with all that is needed to run it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Test {
    /// Describe the machine.
    System,
    /// Measure round-trip time and loss.
    Ping(PingTest),
    /// Find the path.
    Trace(TraceTest),
    /// Measure goodput towards the client.
    Download(ThroughputTest),
    /// Measure goodput from the client.
    Upload(ThroughputTest),
    /// Find the largest packet that the path carries.
    Mtu(MtuTest),
    /// Ask resolvers for a name.
    Dns(DnsTest),
    /// Make one HTTP request and time its phases.
    Http(HttpTest),
}

/// The kinds of test, without parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TestKind {
    /// See [`Test::System`].
    System,
    /// See [`Test::Ping`].
    Ping,
    /// See [`Test::Trace`].
    Trace,
    /// See [`Test::Download`].
    Download,
    /// See [`Test::Upload`].
    Upload,
    /// See [`Test::Mtu`].
    Mtu,
    /// See [`Test::Dns`].
    Dns,
    /// See [`Test::Http`].
    Http,
}

impl TestKind {
    /// Every kind, in the order in which people read them.
    pub const ALL: [Self; 8] =
        [Self::System, Self::Ping, Self::Trace, Self::Download, Self::Upload, Self::Mtu, Self::Dns, Self::Http];

    /// Gives the word for it on screens, on command lines and in columns.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Ping => "ping",
            Self::Trace => "trace",
            Self::Download => "download",
            Self::Upload => "upload",
            Self::Mtu => "mtu",
            Self::Dns => "dns",
            Self::Http => "http",
        }
    }
}

impl fmt::Display for TestKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// Parameters of a ping.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PingTest {
    /// What is pinged.
    pub destination: Destination,
    /// Which IP version to use.
    pub family: Family,
    /// What a probe is.
    pub protocol: PingProtocol,
    /// How many probes are sent: 1 to [`MAX_PROBES`].
    pub count: u32,
    /// The time between two sends, or its mean: [`MIN_INTERVAL`] to [`MAX_WAIT`].
    pub interval: Duration,
    /// How the sends are spread over time.
    pub pacing: Pacing,
    /// How long a reply is waited for before its probe counts as lost: up to [`MAX_WAIT`].
    pub timeout: Duration,
    /// Bytes of payload after the protocol's header: up to [`MAX_PAYLOAD_BYTES`].
    pub payload_bytes: u16,
}

/// What a ping's probe is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PingProtocol {
    /// An ICMP echo request; its reply is the echo.
    Icmp,
    /// A TCP SYN to a port; SYN/ACK and RST are both replies.
    Tcp(NonZeroU16),
    /// A UDP datagram to an echo port.
    Udp(NonZeroU16),
}

/// Parameters of a trace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceTest {
    /// Where the path leads.
    pub destination: Destination,
    /// Which IP version to use.
    pub family: Family,
    /// What a probe is.
    pub protocol: TraceProtocol,
    /// How flows are told apart where paths split.
    pub strategy: Multipath,
    /// How many rounds of one probe for each TTL: 1 to [`MAX_ROUNDS`].
    pub rounds: u32,
    /// The time between the starts of two rounds: [`MIN_ROUND_INTERVAL`] to [`MAX_WAIT`].
    pub interval: Duration,
    /// The furthest TTL that is tried.
    pub max_hops: Ttl,
    /// Whether hops' names are looked up.
    pub names: bool,
}

/// What a trace's probe is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TraceProtocol {
    /// ICMP echo requests.
    Icmp,
    /// UDP datagrams, to the port where one is given.
    Udp(Option<NonZeroU16>),
    /// TCP SYNs to a port.
    Tcp(NonZeroU16),
}

/// How a trace's probes are spread over flows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Multipath {
    /// A flow of its own for each probe, as the first traceroute did.
    Classic,
    /// One constant flow, so that routers that split by flow show one path.
    #[default]
    Paris,
    /// One flow a round, told apart by the IP identifier.
    Dublin,
}

/// Parameters of a download or an upload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ThroughputTest {
    /// The other end.
    pub peer: ThroughputPeer,
    /// TCP connections, opened first and started together: 1 to [`MAX_FLOWS`].
    pub flows: u8,
    /// The most connections: more are added while that raises the goodput. At least `flows`, at most [`MAX_FLOWS`].
    pub most_flows: u8,
    /// How long bytes flow: [`MIN_LOAD`] to [`MAX_LOAD`].
    pub duration: Duration,
    /// Bytes after which the test stops: 1 to [`MAX_BYTES`].
    pub max_bytes: u64,
    /// Whether it stops as soon as its rate has been stable for [`STABLE_FOR`](crate::throughput::steady::STABLE_FOR).
    pub stops_early: bool,
}

/// Parameters of a search for the path's MTU.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MtuTest {
    /// Where the path leads.
    pub destination: Destination,
    /// Which IP version to use.
    pub family: Family,
}

/// Parameters of a question to resolvers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DnsTest {
    /// The name whose addresses are asked for.
    pub name: HostName,
    /// Who is asked; `None`: each of the system's DNS servers, and the system's own resolver.
    pub server: Option<Destination>,
}

/// Parameters of an HTTP request. Redirections are not followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpTest {
    /// An HTTP or HTTPS address, checked by the one who opens it.
    pub url: String,
    /// Which IP version to use.
    pub family: Family,
}

/// The other end of a download or upload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ThroughputPeer {
    /// The listener's speed endpoints.
    Listener,
    /// An HTTP or HTTPS address, checked by the one who opens it.
    Url(String),
}

/// The most probes of one ping; percentiles are exact up to here.
pub const MAX_PROBES: u32 = 100_000;
/// The shortest time between probes: beyond 1,000 a second it is a load, not a measurement.
pub const MIN_INTERVAL: Duration = Duration::from_millis(1);
/// The longest interval or timeout: nobody is served by waiting longer for one reply.
pub const MAX_WAIT: Duration = Duration::from_mins(1);
/// The most payload of one probe that fits an IPv4 packet with ICMP or UDP header.
pub const MAX_PAYLOAD_BYTES: u16 = 65_507;
/// The most rounds of one trace.
pub const MAX_ROUNDS: u32 = 10_000;
/// The shortest time between rounds: routers answer each source about once a second.
pub const MIN_ROUND_INTERVAL: Duration = Duration::from_millis(50);
/// The most TCP connections of one throughput test.
pub const MAX_FLOWS: u8 = 32;
/// The shortest throughput test: below it the ramp is all there is.
pub const MIN_LOAD: Duration = Duration::from_millis(500);
/// The longest throughput test.
pub const MAX_LOAD: Duration = Duration::from_mins(5);
/// The most bytes of one throughput test, each way.
pub const MAX_BYTES: u64 = 100_000_000_000;
/// The most of a body that an HTTP test reads: its phases are timed, not its goodput.
pub const MAX_HTTP_BYTES: u64 = 1 << 20;
/// The longest URL taken.
pub const MAX_URL_BYTES: usize = 2_048;

/// A parameter outside its bounds.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{what} must be {allowed}, not {given}")]
pub struct InvalidTest {
    /// The parameter's name.
    pub what: &'static str,
    /// What it may be.
    pub allowed: String,
    /// What it was.
    pub given: String,
}

fn within<T: PartialOrd + fmt::Debug + Copy>(what: &'static str, value: T, min: T, max: T) -> Result<(), InvalidTest> {
    if value >= min && value <= max {
        return Ok(());
    }
    Err(InvalidTest { what, allowed: format!("{min:?} to {max:?}"), given: format!("{value:?}") })
}

impl PingTest {
    /// How a ping is run where nobody says otherwise.
    #[must_use]
    pub fn to(destination: Destination) -> Self {
        Self {
            destination,
            family: Family::Any,
            protocol: PingProtocol::Icmp,
            count: 10,
            interval: Duration::from_secs(1),
            pacing: Pacing::Fixed,
            timeout: Duration::from_secs(2),
            payload_bytes: 56,
        }
    }
}

impl TraceTest {
    /// How a trace is run where nobody says otherwise.
    #[must_use]
    pub fn to(destination: Destination) -> Self {
        Self {
            destination,
            family: Family::Any,
            protocol: TraceProtocol::Icmp,
            strategy: Multipath::Paris,
            rounds: 10,
            interval: Duration::from_secs(1),
            max_hops: Ttl::try_from(30).unwrap_or(Ttl::FIRST),
            names: true,
        }
    }
}

impl ThroughputTest {
    /// How throughput is measured where nobody says otherwise.
    #[must_use]
    pub fn against(peer: ThroughputPeer) -> Self {
        Self {
            peer,
            flows: 4,
            most_flows: 8,
            duration: Duration::from_secs(10),
            max_bytes: 1_000_000_000,
            stops_early: true,
        }
    }

    fn check(&self) -> Result<(), InvalidTest> {
        let Self { peer, flows, most_flows, duration, max_bytes, stops_early: _ } = self;
        within("flows", *flows, 1, MAX_FLOWS)?;
        within("most flows", *most_flows, *flows, MAX_FLOWS)?;
        within("duration", *duration, MIN_LOAD, MAX_LOAD)?;
        within("max bytes", *max_bytes, 1, MAX_BYTES)?;
        match peer {
            ThroughputPeer::Listener => Ok(()),
            ThroughputPeer::Url(url) => check_url(url),
        }
    }
}

fn check_url(url: &str) -> Result<(), InvalidTest> {
    if url.starts_with("http://") || url.starts_with("https://") {
        return within("the URL's length", url.len(), 8, MAX_URL_BYTES);
    }
    let given = url.chars().take(60).collect();
    Err(InvalidTest { what: "the URL", allowed: "http://… or https://…".into(), given })
}

impl Test {
    /// Gives the kind.
    #[must_use]
    pub const fn kind(&self) -> TestKind {
        match self {
            Self::System => TestKind::System,
            Self::Ping(_) => TestKind::Ping,
            Self::Trace(_) => TestKind::Trace,
            Self::Download(_) => TestKind::Download,
            Self::Upload(_) => TestKind::Upload,
            Self::Mtu(_) => TestKind::Mtu,
            Self::Dns(_) => TestKind::Dns,
            Self::Http(_) => TestKind::Http,
        }
    }

    /// Holds every parameter against its bounds. Values from the wire, a file or a command line pass here first.
    ///
    /// # Errors
    /// Names the first parameter that is out of bounds.
    pub fn checked(self) -> Result<Self, InvalidTest> {
        match &self {
            Self::Dns(dns) if dns.name.address().is_some() => {
                let (allowed, given) = ("a name like example.com".into(), dns.name.to_string());
                return Err(InvalidTest { what: "what is asked for", allowed, given });
            }
            Self::System | Self::Mtu(_) | Self::Dns(_) => {}
            Self::Ping(ping) => {
                within("count", ping.count, 1, MAX_PROBES)?;
                within("interval", ping.interval, MIN_INTERVAL, MAX_WAIT)?;
                within("timeout", ping.timeout, MIN_INTERVAL, MAX_WAIT)?;
                within("payload bytes", ping.payload_bytes, 0, MAX_PAYLOAD_BYTES)?;
            }
            Self::Trace(trace) => {
                within("rounds", trace.rounds, 1, MAX_ROUNDS)?;
                within("interval", trace.interval, MIN_ROUND_INTERVAL, MAX_WAIT)?;
            }
            Self::Download(load) | Self::Upload(load) => load.check()?,
            Self::Http(http) => check_url(&http.url)?,
        }
        Ok(self)
    }

    /// Says in a few words what it does, for lists and headings: `ping example.com`.
    #[must_use]
    pub fn title(&self) -> String {
        match self {
            Self::System => "system information".into(),
            Self::Ping(ping) => match ping.protocol {
                PingProtocol::Icmp => format!("ping {}", ping.destination),
                PingProtocol::Tcp(port) => format!("ping {} (TCP port {port})", ping.destination),
                PingProtocol::Udp(port) => format!("ping {} (UDP port {port})", ping.destination),
            },
            Self::Trace(trace) => format!("trace {}", trace.destination),
            Self::Download(load) => format!("download from {}", load.peer),
            Self::Upload(load) => format!("upload to {}", load.peer),
            Self::Mtu(mtu) => format!("mtu {}", mtu.destination),
            Self::Dns(DnsTest { name, server: None }) => format!("dns {name}"),
            Self::Dns(DnsTest { name, server: Some(server) }) => format!("dns {name} by {server}"),
            Self::Http(http) => format!("http {}", http.url),
        }
    }

    /// Gives about how many bytes it moves at the most, both ways together; `None` where nothing is sent.
    #[must_use]
    pub fn bytes_at_most(&self) -> Option<u64> {
        /// Headers of IPv6 and ICMP, the larger case.
        const HEADERS: u64 = 48;
        match self {
            Self::System => None,
            Self::Ping(ping) => Some(u64::from(ping.count) * (u64::from(ping.payload_bytes) + HEADERS) * 2),
            Self::Trace(trace) => Some(u64::from(trace.rounds) * u64::from(trace.max_hops.get()) * 2 * 100),
            Self::Download(load) | Self::Upload(load) => Some(load.max_bytes),
            // A search of a dozen steps, each tried twice.
            Self::Mtu(_) => Some(2 * 12 * 2 * 1_500),
            // Two questions and one for a name that nobody has, to a handful of servers.
            Self::Dns(_) => Some(3 * 4 * 2 * 512),
            Self::Http(_) => Some(MAX_HTTP_BYTES),
        }
    }
}

impl fmt::Display for ThroughputPeer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Listener => f.write_str("listener"),
            Self::Url(url) => url.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ping(change: impl FnOnce(&mut PingTest)) -> Test {
        let mut ping = PingTest::to(Destination::Listener);
        change(&mut ping);
        Test::Ping(ping)
    }

    fn load(change: impl FnOnce(&mut ThroughputTest)) -> Test {
        let mut load = ThroughputTest::against(ThroughputPeer::Listener);
        change(&mut load);
        Test::Upload(load)
    }

    #[test]
    fn defaults_are_within_bounds() {
        for test in [ping(|_| ()), Test::Trace(TraceTest::to(Destination::Gateway)), load(|_| ()), Test::System] {
            assert_eq!(test.clone().checked(), Ok(test));
        }
    }

    #[test]
    fn what_is_out_of_bounds_is_named() {
        let cases = [
            (ping(|p| p.count = 0), "count must be 1 to 100000, not 0"),
            (ping(|p| p.interval = Duration::ZERO), "interval must be 1ms to 60s, not 0ns"),
            (ping(|p| p.timeout = Duration::from_secs(61)), "timeout must be 1ms to 60s, not 61s"),
            (ping(|p| p.payload_bytes = 65_508), "payload bytes must be 0 to 65507, not 65508"),
            (load(|l| l.flows = 33), "flows must be 1 to 32, not 33"),
            (
                Test::Dns(DnsTest { name: "192.0.2.1".parse().expect("an address"), server: None }),
                "what is asked for must be a name like example.com, not 192.0.2.1",
            ),
            (
                Test::Http(HttpTest { url: "example.com".into(), family: Family::Any }),
                "the URL must be http://… or https://…, not example.com",
            ),
            (load(|l| l.most_flows = 3), "most flows must be 4 to 32, not 3"),
            (load(|l| l.max_bytes = 0), "max bytes must be 1 to 100000000000, not 0"),
            (
                load(|l| l.peer = ThroughputPeer::Url("ftp://x".into())),
                "the URL must be http://… or https://…, not ftp://x",
            ),
        ];
        for (test, message) in cases {
            assert_eq!(test.checked().expect_err("out of bounds").to_string(), message);
        }
    }
}
