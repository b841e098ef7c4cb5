//! `live`: from a probe's reply at the client to a watcher.
//!
//! The real listener as a process of its own, with everything on (validate, store, publish), beside a minimal tonic
//! relay that only passes samples on. The same load from the same program, in turns, medians of all turns.

use std::io::{BufRead as _, BufReader, Lines, Write as _};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context as _, Result};
use cnc_integration_tests::listener::Listener;
use tokio::runtime::Runtime;
use tonic::transport::Endpoint;

mod catch_up;
mod lane;
mod load;
mod relay;
mod sessions;

use crate::figure::{Bound, Figure, median, quantile};
use load::{Load, Target};

pub(crate) use catch_up::{google, run as catch_up};
pub(crate) use sessions::run as sessions;

/// Turns of each side; the middle one counts.
const TURNS: usize = 3;

const LOADS: [Load; 3] = [
    Load { streams: 10, per_second: 1_000, watchers: 1 },
    Load { streams: 100, per_second: 10_000, watchers: 1 },
    Load { streams: 100, per_second: 10_000, watchers: 10 },
];

/// Measures it.
pub(crate) fn run() -> Result<Vec<Figure>> {
    let runtime = Runtime::new()?;
    let version = format!("minimal tonic {} relay", version_of("tonic")?);
    let mut figures = Vec::new();
    for load in LOADS {
        let mut turns: [Vec<[f64; 2]>; 2] = Default::default();
        for _ in 0..TURNS {
            let listener = runtime.block_on(Listener::start(""));
            let target = Target { endpoint: Endpoint::new(listener.url().to_owned())?, token: Some(listener.token()) };
            turns[0].push(quantiles(runtime.block_on(load.run(&target, 0))?));
            drop(listener);
            let relay = Peer::relay(None)?;
            let target = Target { endpoint: Endpoint::new(format!("http://{}", relay.address))?, token: None };
            turns[1].push(quantiles(runtime.block_on(load.run(&target, 0))?));
        }
        for (at, quantile) in ["p50", "p99"].into_iter().enumerate() {
            let middle = |side: usize| median(turns[side].iter().map(|turn| turn[at]).collect());
            let Load { streams, per_second, watchers } = load;
            figures.push(Figure {
                name: format!("live {per_second}/s {streams} streams {watchers} watchers {quantile}"),
                unit: "us",
                ours: middle(0),
                peer: middle(1),
                goal: if watchers > 1 && quantile == "p99" { Bound::Most(1_500.0) } else { Bound::MostOfPeer(1.5) }
                    .into(),
                version: version.clone(),
                turns: TURNS,
                why: "",
            });
        }
    }
    Ok(figures)
}

/// Is the peer, as a process of its own; with TLS where a folder with a certificate is named.
pub(crate) fn relay(certificates: Option<&Path>) -> Result<()> {
    Runtime::new()?.block_on(relay::serve(certificates))
}

fn quantiles(mut latencies: Vec<u32>) -> [f64; 2] {
    latencies.sort_unstable();
    [quantile(&latencies, 0.5), quantile(&latencies, 0.99)]
}

/// This program once more, as a process of its own that something is asked of. Dropping it stops it.
struct Peer {
    child: Child,
    asked: ChildStdin,
    said: Lines<BufReader<ChildStdout>>,
    address: SocketAddr,
}

impl Peer {
    /// Starts what first says at which address it serves.
    fn start(command: &mut Command) -> Result<Self> {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let asked = child.stdin.take().context("its input is piped")?;
        let mut said = BufReader::new(child.stdout.take().context("its output is piped")?).lines();
        let address = said.next().context("it says its address")??.parse()?;
        Ok(Self { child, asked, said, address })
    }

    /// Starts the relay; with TLS where a folder with a certificate is named.
    fn relay(certificates: Option<&Path>) -> Result<Self> {
        Self::start(Command::new(std::env::current_exe()?).arg("--relay").args(certificates))
    }

    /// Asks it for the next line that it says.
    fn ask(&mut self) -> Result<String> {
        writeln!(self.asked)?;
        Ok(self.said.next().context("it answers")??)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // Both fail only where it has ended already.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Reads a package's version from the workspace's lock file.
fn version_of(package: &str) -> Result<String> {
    let lock = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.lock"))?;
    let mut lines = lock.lines().skip_while(|line| *line != format!("name = \"{package}\""));
    let version = lines.nth(1).and_then(|line| line.strip_prefix("version = ")).context("not in the lock file")?;
    Ok(version.trim_matches('"').to_owned())
}
