//! The command line: what can be typed, and which test it means. It checks values and starts nothing.

use std::num::NonZeroU16;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use cnc_model::throughput::Direction;
use cnc_model::{Code, Family, HostName, Ttl};

mod asked;
mod duration;
mod reach;

pub use reach::{DnsArgs, HttpArgs, MtuArgs};

/// The whole command line.
#[derive(Debug, Parser)]
#[command(name = "cnc", version, about = ABOUT, after_help = EXAMPLES)]
#[command(args_conflicts_with_subcommands = true, disable_help_subcommand = true)]
pub struct Cli {
    /// What to do; nothing given means `run`.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// The flags of `run`, which may stand without its name.
    #[command(flatten)]
    pub run: RunArgs,
}

const ABOUT: &str =
    "Client Network Checker: measures this computer's network together with a support person, or by hand";
const EXAMPLES: &str = "\
Without a command it is `cnc run`.

Examples:
  cnc run --listener https://check.example.com --code K7QX-M2PA
  cnc ping example.com";

/// What can be done.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Let a support person measure the network from this computer
    Run(RunArgs),
    /// Measure round-trip time and loss to a host
    Ping(PingArgs),
    /// Find the path to a host, hop by hop
    Trace(TraceArgs),
    /// Measure how fast data comes and goes
    Speed(SpeedArgs),
    /// Find the largest packet that the path to a host carries
    Mtu(MtuArgs),
    /// Ask this computer's DNS servers for a name
    Dns(DnsArgs),
    /// Make one HTTP request and time its phases
    Http(HttpArgs),
    /// Describe this computer and its network interfaces
    Info(InfoArgs),
}

/// Flags of `cnc run`.
#[derive(Debug, Clone, Default, Args)]
#[command(after_help = "\
Nothing is sent before you have seen what will be collected and have agreed.

Example:
  cnc run --listener https://check.example.com --code K7QX-M2PA")]
pub struct RunArgs {
    /// The listener to report to [default: the file's name, a config file, or what was built in]
    #[arg(long, value_name = "URL", env = "CNC_LISTENER", hide_env_values = true)]
    pub listener: Option<String>,
    /// The code that the support person gave you
    #[arg(long, value_name = "CODE")]
    pub code: Option<Code>,
    /// Agree to what will be collected without being asked
    #[arg(long)]
    pub yes: bool,
    /// Keep the result in this file, a JSON object a line
    #[arg(long, value_name = "FILE")]
    pub save: Option<PathBuf>,
    /// Let the listener aim tests at private addresses of this network
    #[arg(long)]
    pub allow_lan: bool,
    /// Let the listener aim tests at this computer itself
    #[arg(long)]
    pub allow_loopback: bool,
    /// Trust the certificate authority in this PEM file as well
    #[arg(long, value_name = "FILE")]
    pub ca: Option<PathBuf>,
}

/// Flags of `cnc ping`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Durations are like 200ms or 10s.

Examples:
  cnc ping example.com
  cnc ping -c 100 -i 200ms --json 192.0.2.1
  cnc ping --tcp 443 example.com")]
pub struct PingArgs {
    /// A name or an address
    pub host: HostName,
    /// How many probes
    #[arg(short = 'c', value_name = "N", default_value_t = 10)]
    pub count: u32,
    /// Time between two probes
    #[arg(short = 'i', value_name = "DUR", default_value = "1s", value_parser = duration::parse)]
    pub interval: Duration,
    /// Send at random times around that, so that nothing regular is always missed
    #[arg(long)]
    pub poisson: bool,
    /// How long to wait for a reply before it counts as lost
    #[arg(short = 'W', value_name = "DUR", default_value = "2s", value_parser = duration::parse)]
    pub timeout: Duration,
    /// Bytes of payload in each probe
    #[arg(short = 's', value_name = "BYTES", default_value_t = 56)]
    pub size: u16,
    /// Probe by TCP connections to this port instead of ICMP
    #[arg(long, value_name = "PORT", conflicts_with = "udp")]
    pub tcp: Option<NonZeroU16>,
    /// Probe by UDP datagrams to this echo port instead of ICMP
    #[arg(long, value_name = "PORT")]
    pub udp: Option<NonZeroU16>,
    #[command(flatten)]
    family: FamilyArgs,
    /// How results are written.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// Flags of `cnc trace`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  cnc trace example.com
  cnc trace --protocol tcp --port 443 -c 3 example.com")]
pub struct TraceArgs {
    /// A name or an address
    pub host: HostName,
    /// How many rounds, each with one probe for every hop
    #[arg(short = 'c', value_name = "ROUNDS", default_value_t = 10)]
    pub rounds: u32,
    /// Time between the starts of two rounds
    #[arg(short = 'i', value_name = "DUR", default_value = "1s", value_parser = duration::parse)]
    pub interval: Duration,
    /// What a probe is
    #[arg(long, value_name = "icmp|udp|tcp", value_enum, default_value_t = Protocol::Icmp, hide_possible_values = true)]
    pub protocol: Protocol,
    /// The port that UDP or TCP probes go to [default for tcp: 443]
    #[arg(long, value_name = "N")]
    pub port: Option<NonZeroU16>,
    /// How flows are told apart where paths split
    #[arg(long, value_name = "classic|paris|dublin", value_enum, default_value_t = Strategy::Paris)]
    #[arg(hide_possible_values = true)]
    pub strategy: Strategy,
    /// The furthest hop that is tried
    #[arg(short = 'm', value_name = "MAXHOPS", default_value = "30", value_parser = parse_ttl)]
    pub max_hops: Ttl,
    /// Show addresses only, without looking up names
    #[arg(short = 'n')]
    pub numeric: bool,
    #[command(flatten)]
    family: FamilyArgs,
    /// How results are written.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// Flags of `cnc speed`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  cnc speed https://check.example.com
  cnc speed --direction download -t 5s https://example.com/large.iso")]
pub struct SpeedArgs {
    /// A listener, or any HTTP(S) file to download
    pub url: String,
    /// Which way to measure [default: both for a listener, download for a file]
    #[arg(long, value_name = "download|upload|both", value_enum, hide_possible_values = true)]
    pub direction: Option<Way>,
    /// TCP connections side by side [default: 4, and up to 8 while more pay]
    #[arg(long, value_name = "N")]
    pub flows: Option<u8>,
    /// How long data flows at the most, each way
    #[arg(short = 't', value_name = "DUR", default_value = "10s", value_parser = duration::parse)]
    pub time: Duration,
    /// Bytes after which to stop, each way
    #[arg(long, value_name = "N", default_value_t = 1_000_000_000)]
    pub max_bytes: u64,
    /// Go on for the whole time even when the rate is stable before
    #[arg(long)]
    pub full: bool,
    /// Trust the certificate authority in this PEM file as well
    #[arg(long, value_name = "FILE")]
    pub ca: Option<PathBuf>,
    /// How results are written.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// Flags of `cnc info`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Example:
  cnc info --json")]
pub struct InfoArgs {
    /// How results are written.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// How results are written.
#[derive(Debug, Clone, Copy, Args)]
pub struct OutputArgs {
    /// Write one JSON object a line, for programs
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Clone, Copy, Args)]
struct FamilyArgs {
    /// Use IPv4 only
    #[arg(short = '4', conflicts_with = "v6")]
    v4: bool,
    /// Use IPv6 only
    #[arg(short = '6')]
    v6: bool,
}

impl From<FamilyArgs> for Family {
    fn from(args: FamilyArgs) -> Self {
        match (args.v4, args.v6) {
            (true, _) => Self::V4,
            (_, true) => Self::V6,
            (false, false) => Self::Any,
        }
    }
}

/// What a trace's probe is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Protocol {
    /// ICMP echo requests
    Icmp,
    /// UDP datagrams
    Udp,
    /// TCP connection attempts
    Tcp,
}

/// How a trace's probes are spread over flows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Strategy {
    /// A flow for each probe
    Classic,
    /// One constant flow
    Paris,
    /// One flow a round
    Dublin,
}

/// Which way to measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Way {
    /// Towards this computer
    Download,
    /// From this computer
    Upload,
    /// One after the other
    Both,
}

impl Way {
    /// Gives the directions in the order of measuring.
    #[must_use]
    pub const fn directions(self) -> &'static [Direction] {
        match self {
            Self::Download => &[Direction::Download],
            Self::Upload => &[Direction::Upload],
            Self::Both => &[Direction::Download, Direction::Upload],
        }
    }
}

fn parse_ttl(text: &str) -> Result<Ttl, String> {
    let number: u32 = text.parse().map_err(|_| "give a number from 1 to 255".to_owned())?;
    Ttl::try_from(number).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;
    use cnc_model::test::PingProtocol;

    use super::*;

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn no_command_is_run() {
        let cli = Cli::try_parse_from(["cnc", "--code", "K7QX-M2PA", "--yes"]).expect("valid");
        assert!(cli.command.is_none() && cli.run.yes && cli.run.code.is_some());
    }

    #[test]
    fn a_ping_means_what_was_typed() {
        let cli = Cli::try_parse_from(["cnc", "ping", "-c3", "-i", "200ms", "--tcp", "80", "-6", "example.com"]);
        let Some(Command::Ping(args)) = cli.expect("valid").command else { panic!("not a ping") };
        let test = args.test().expect("within bounds");
        assert_eq!((test.count, test.interval, test.family), (3, Duration::from_millis(200), Family::V6));
        assert_eq!(test.protocol, PingProtocol::Tcp(NonZeroU16::new(80).expect("not 0")));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for line in [
            "ping",
            "ping -4 -6 host",
            "ping --tcp 0 host",
            "ping --tcp 80 --udp 7 host",
            "ping -i soon host",
            "ping bad_host/",
            "trace -m 0 host",
            "trace --protocol sctp host",
            "speed --direction sideways http://x/",
            "run --code 12",
            "--yes ping host",
            "agent",
        ] {
            let words = std::iter::once("cnc").chain(line.split(' '));
            assert!(Cli::try_parse_from(words).is_err(), "{line}");
        }
    }

    #[test]
    fn what_is_out_of_bounds_is_refused() {
        for line in ["-c 0 host", "-i 61s host", "-s 65508 host"] {
            let words = ["cnc", "ping"].into_iter().chain(line.split(' '));
            let Some(Command::Ping(args)) = Cli::try_parse_from(words).expect("parses").command else { panic!() };
            assert!(args.test().is_err(), "{line}");
        }
    }
}
