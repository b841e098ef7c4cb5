//! `session test ID …`: the test that is pushed, from words on the command line.

use std::num::NonZeroU16;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};
use cnc_model::ping::Pacing;
use cnc_model::test::{
    DnsTest, HttpTest, MtuTest, Multipath, PingProtocol, PingTest, ThroughputPeer, ThroughputTest, TraceProtocol,
    TraceTest,
};
use cnc_model::{Destination, Family, HostName, Test, Ttl};

use super::CliError;
use crate::duration;

#[derive(Debug, Subcommand)]
pub(super) enum TestArguments {
    /// Describe the machine
    System,
    /// Measure round-trip time and loss
    Ping(PingArguments),
    /// Find the path
    Trace(TraceArguments),
    /// Measure goodput towards the client
    Download(ThroughputArguments),
    /// Measure goodput from the client
    Upload(ThroughputArguments),
    /// Find the largest packet that the path carries
    Mtu {
        /// A host name, an address, or gateway, resolver, listener
        host: Destination,
        #[command(flatten)]
        family: FamilyArguments,
    },
    /// Ask DNS servers for a name
    Dns {
        /// The name
        name: HostName,
        /// Ask this server alone, by address or as resolver; without it all that the client's system uses
        #[arg(long, value_name = "ADDR")]
        server: Option<Destination>,
    },
    /// Make one HTTP request and time its phases
    Http {
        /// An HTTP or HTTPS address
        url: String,
        #[command(flatten)]
        family: FamilyArguments,
    },
    /// All tests of a plan, behind those that wait
    Plan {
        /// The plan's name
        name: String,
    },
}

#[derive(Debug, Args)]
#[command(disable_help_flag = false)]
pub(super) struct PingArguments {
    /// A host name, an address, or gateway, resolver, listener
    host: Destination,
    /// How many probes
    #[arg(short, long)]
    count: Option<u32>,
    /// The time between two probes, like 200ms
    #[arg(short, long, value_name = "DUR", value_parser = duration::parse)]
    interval: Option<Duration>,
    /// Send at random times around that, so that nothing regular is always missed
    #[arg(long)]
    poisson: bool,
    /// How long a reply is waited for
    #[arg(short = 'W', long, value_name = "DUR", value_parser = duration::parse)]
    timeout: Option<Duration>,
    /// Bytes of payload
    #[arg(short, long, value_name = "BYTES")]
    size: Option<u16>,
    /// Probe by TCP SYNs to this port
    #[arg(long, value_name = "PORT", conflicts_with = "udp")]
    tcp: Option<NonZeroU16>,
    /// Probe by UDP datagrams to this port
    #[arg(long, value_name = "PORT")]
    udp: Option<NonZeroU16>,
    #[command(flatten)]
    family: FamilyArguments,
}

#[derive(Debug, Args)]
pub(super) struct TraceArguments {
    /// A host name, an address, or gateway, resolver, listener
    host: Destination,
    /// How many rounds
    #[arg(short, long)]
    count: Option<u32>,
    /// The time between two rounds, like 1s
    #[arg(short, long, value_name = "DUR", value_parser = duration::parse)]
    interval: Option<Duration>,
    /// What a probe is
    #[arg(long, default_value = "icmp")]
    protocol: ProtocolArgument,
    /// The port for UDP and TCP probes; TCP wants one
    #[arg(long)]
    port: Option<NonZeroU16>,
    /// How flows are told apart where paths split
    #[arg(long, default_value = "paris")]
    strategy: StrategyArgument,
    /// The furthest distance that is tried
    #[arg(short, long, value_name = "MAXHOPS")]
    max_hops: Option<u8>,
    /// Look up no names
    #[arg(short, long)]
    no_names: bool,
    #[command(flatten)]
    family: FamilyArguments,
}

#[derive(Debug, Args)]
pub(super) struct ThroughputArguments {
    /// An HTTP or HTTPS address; without it the listener
    url: Option<String>,
    /// How many TCP connections [default: 4, and up to 8 while more pay]
    #[arg(long)]
    flows: Option<u8>,
    /// How long bytes flow, like 10s
    #[arg(short, long, value_name = "DUR", value_parser = duration::parse)]
    time: Option<Duration>,
    /// Bytes after which it stops
    #[arg(long, value_name = "N")]
    max_bytes: Option<u64>,
    /// Go on for the whole time even when the rate is stable before
    #[arg(long)]
    full: bool,
}

#[derive(Debug, Args)]
pub(super) struct FamilyArguments {
    /// IPv4 only
    #[arg(short = '4', conflicts_with = "v6")]
    v4: bool,
    /// IPv6 only
    #[arg(short = '6')]
    v6: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum ProtocolArgument {
    Icmp,
    Udp,
    Tcp,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum StrategyArgument {
    Classic,
    Paris,
    Dublin,
}

impl From<FamilyArguments> for Family {
    fn from(arguments: FamilyArguments) -> Self {
        match (arguments.v4, arguments.v6) {
            (true, _) => Self::V4,
            (_, true) => Self::V6,
            (false, false) => Self::Any,
        }
    }
}

/// What is pushed: one test, or all of a plan.
pub(super) enum Pushed {
    Test(Test),
    Plan(String),
}

impl TestArguments {
    pub(super) fn pushed(self) -> Result<Pushed, CliError> {
        let test = match self {
            Self::System => Test::System,
            Self::Ping(arguments) => Test::Ping(arguments.test()),
            Self::Trace(arguments) => Test::Trace(arguments.test()?),
            Self::Download(arguments) => Test::Download(arguments.test()),
            Self::Upload(arguments) => Test::Upload(arguments.test()),
            Self::Mtu { host, family } => Test::Mtu(MtuTest { destination: host, family: family.into() }),
            Self::Dns { name, server } => Test::Dns(DnsTest { name, server }),
            Self::Http { url, family } => Test::Http(HttpTest { url, family: family.into() }),
            Self::Plan { name } => return Ok(Pushed::Plan(name)),
        };
        test.checked().map(Pushed::Test).map_err(|error| CliError::Usage(error.to_string()))
    }
}

impl PingArguments {
    fn test(self) -> PingTest {
        let Self { host, count, interval, poisson, timeout, size, tcp, udp, family } = self;
        let default = PingTest::to(host);
        PingTest {
            family: family.into(),
            protocol: tcp.map(PingProtocol::Tcp).or(udp.map(PingProtocol::Udp)).unwrap_or(default.protocol),
            count: count.unwrap_or(default.count),
            interval: interval.unwrap_or(default.interval),
            pacing: if poisson { Pacing::Poisson } else { Pacing::Fixed },
            timeout: timeout.unwrap_or(default.timeout),
            payload_bytes: size.unwrap_or(default.payload_bytes),
            ..default
        }
    }
}

impl TraceArguments {
    fn test(self) -> Result<TraceTest, CliError> {
        let Self { host, count, interval, protocol, port, strategy, max_hops, no_names, family } = self;
        let default = TraceTest::to(host);
        let protocol = match (protocol, port) {
            (ProtocolArgument::Icmp, None) => TraceProtocol::Icmp,
            (ProtocolArgument::Icmp, Some(_)) => {
                return Err(CliError::Usage("ICMP has no ports: leave --port out".into()));
            }
            (ProtocolArgument::Udp, port) => TraceProtocol::Udp(port),
            (ProtocolArgument::Tcp, Some(port)) => TraceProtocol::Tcp(port),
            (ProtocolArgument::Tcp, None) => return Err(CliError::Usage("TCP probes want a --port".into())),
        };
        let hops = max_hops.map(|hops| Ttl::try_from(u32::from(hops))).transpose();
        Ok(TraceTest {
            family: family.into(),
            protocol,
            strategy: match strategy {
                StrategyArgument::Classic => Multipath::Classic,
                StrategyArgument::Paris => Multipath::Paris,
                StrategyArgument::Dublin => Multipath::Dublin,
            },
            rounds: count.unwrap_or(default.rounds),
            interval: interval.unwrap_or(default.interval),
            max_hops: hops.map_err(|error| CliError::Usage(error.to_string()))?.unwrap_or(default.max_hops),
            names: !no_names,
            ..default
        })
    }
}

impl ThroughputArguments {
    fn test(self) -> ThroughputTest {
        let Self { url, flows, time, max_bytes, full } = self;
        let default = ThroughputTest::against(url.map_or(ThroughputPeer::Listener, ThroughputPeer::Url));
        ThroughputTest {
            flows: flows.unwrap_or(default.flows),
            most_flows: flows.unwrap_or(default.most_flows),
            duration: time.unwrap_or(default.duration),
            max_bytes: max_bytes.unwrap_or(default.max_bytes),
            stops_early: !full,
            ..default
        }
    }
}
