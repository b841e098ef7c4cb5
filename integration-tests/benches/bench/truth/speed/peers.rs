//! What others tell of a line: how they are started, and how their words are read.

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::ours::Direction;
use crate::figure::mean;
use crate::peer::{Running, on, version};
use crate::truth::ends::Ends;

/// How long each measures: its figure is the mean over all of it. Ours ends by itself after about as long.
const SECONDS: &str = "5";
/// Live samples of this first time, in seconds, are none of a steady line.
pub(super) const SKIPPED: f64 = 1.0;

/// What one program told of one direction.
#[derive(Debug, Clone, Copy)]
pub(super) struct Told {
    /// How far its figure is off the truth, in percent.
    pub(super) off: f64,
    /// After how many seconds it had a figure within half a percent of the truth; infinite when it never had.
    pub(super) known: f64,
    /// The standard deviation of its live samples after the first second, in percent of their mean; not a number
    /// where it has none each 100 ms.
    pub(super) deviation: f64,
}

/// Reads the rate, and the live samples' where there are any, all in bits a second.
type Read = fn(&str) -> Option<(f64, Vec<f64>)>;

/// Another program.
pub(super) struct Peer {
    pub(super) program: &'static str,
    /// Its server's options.
    server: &'static [&'static str],
    /// Its client's options, the address aside.
    client: fn(Direction) -> Vec<&'static str>,
    read: Read,
    /// Whether it has samples each 100 ms.
    pub(super) is_live: bool,
}

/// All of them.
pub(super) const PEERS: [Peer; 2] = [
    Peer { program: "iperf3", server: &["-s"], client: iperf3, read: of_iperf3, is_live: true },
    Peer { program: "nuttcp", server: &["-S", "--nofork"], client: nuttcp, read: of_nuttcp, is_live: false },
];

impl Peer {
    /// Starts its server.
    pub(super) fn serve(&self, ends: &Ends) -> Result<Running> {
        Running::start(on(&ends.server, self.program)?.args(self.server))
    }

    /// Lets it measure one direction.
    pub(super) fn measure(&self, ends: &Ends, direction: Direction, truth: f64) -> Result<Told> {
        let mut command = on(&ends.client, self.program)?;
        let output = command.args((self.client)(direction)).arg(&ends.address).output()?;
        let text = String::from_utf8_lossy(&output.stdout);
        let (bps, live) = (self.read)(&text).with_context(|| format!("{command:?} tells no rate: {text}"))?;
        let off = (bps / truth - 1.0).abs() * 100.0;
        let known = if off <= 0.5 { SECONDS.parse()? } else { f64::INFINITY };
        Ok(Told { off, known, deviation: deviation(live) })
    }

    /// Gives its version, and how it measured.
    pub(super) fn title(&self) -> String {
        let version = version(self.program).unwrap_or_default();
        let version = version.split_whitespace().take(2).collect::<Vec<_>>().join(" ");
        format!("{version}, 4 connections, {SECONDS} s")
    }
}

fn iperf3(direction: Direction) -> Vec<&'static str> {
    let mut words = vec!["-J", "-P", "4", "-i", "0.1", "-t", SECONDS];
    words.extend((direction == Direction::Download).then_some("-R"));
    words.push("-c");
    words
}

/// What its receiver says, as JSON.
fn of_iperf3(text: &str) -> Option<(f64, Vec<f64>)> {
    let told: Value = serde_json::from_str(text).ok()?;
    let live = told["intervals"].as_array()?.iter().map(|interval| &interval["sum"]);
    // The last one is what is left over.
    let live = live.filter(|sum| {
        sum["start"].as_f64().is_some_and(|start| start >= SKIPPED)
            && sum["seconds"].as_f64().is_some_and(|seconds| seconds > 0.05)
    });
    let live = live.filter_map(|sum| sum["bits_per_second"].as_f64()).collect();
    Some((told["end"]["sum_received"]["bits_per_second"].as_f64()?, live))
}

fn nuttcp(direction: Direction) -> Vec<&'static str> {
    let mut words = vec!["-fparse", "-N4", "-T", SECONDS];
    words.extend((direction == Direction::Download).then_some("-r"));
    words
}

/// `megabytes=11.4 real_seconds=5.02 rate_Mbps=19.1 …`.
fn of_nuttcp(text: &str) -> Option<(f64, Vec<f64>)> {
    let rate = text.split_whitespace().find_map(|word| word.strip_prefix("rate_Mbps="))?;
    Some((rate.parse::<f64>().ok()? * 1e6, Vec::new()))
}

/// Gives some rates' standard deviation in percent of their mean; not a number for none.
pub(super) fn deviation(rates: impl IntoIterator<Item = f64>) -> f64 {
    let rates: Vec<_> = rates.into_iter().collect();
    let middle = mean(&rates);
    let squares: Vec<_> = rates.iter().map(|rate| (rate - middle).powi(2)).collect();
    mean(&squares).sqrt() / middle * 100.0
}
