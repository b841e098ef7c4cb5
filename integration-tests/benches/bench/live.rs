//! `live`: from a probe's reply at the client to a watcher.
//!
//! The real listener as a process of its own, with everything on (validate, store, publish), beside a minimal tonic
//! relay that only passes samples on. The same load from the same program, in turns, medians of all turns.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result};
use cnc_integration_tests::listener::Listener;
use tokio::runtime::Runtime;

mod lane;
mod load;
mod relay;

use crate::figure::{Figure, median, quantile};
use load::{Load, Target};

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
            let target = Target { url: listener.url().to_owned(), token: Some(listener.token()) };
            turns[0].push(quantiles(runtime.block_on(load.run(&target))?));
            drop(listener);
            let relay = Relay::start()?;
            let target = Target { url: relay.url.clone(), token: None };
            turns[1].push(quantiles(runtime.block_on(load.run(&target))?));
        }
        for (at, quantile) in ["p50", "p99"].into_iter().enumerate() {
            let middle = |side: usize| median(turns[side].iter().map(|turn| turn[at]).collect());
            let Load { streams, per_second, watchers } = load;
            figures.push(Figure {
                name: format!("live {per_second}/s {streams} streams {watchers} watchers {quantile}"),
                unit: "us",
                ours: middle(0),
                peer: middle(1),
                goal: if watchers > 1 && quantile == "p99" { "<= 1500 us" } else { "<= 1.5 x" }.to_owned(),
                version: version.clone(),
            });
        }
    }
    Ok(figures)
}

/// Is the peer, as a process of its own.
pub(crate) fn relay() -> Result<()> {
    Runtime::new()?.block_on(relay::serve())
}

fn quantiles(mut latencies: Vec<u32>) -> [f64; 2] {
    latencies.sort_unstable();
    [quantile(&latencies, 0.5), quantile(&latencies, 0.99)]
}

/// The peer's process. Dropping it stops it.
struct Relay {
    child: Child,
    url: String,
}

impl Relay {
    fn start() -> Result<Self> {
        let mut child = Command::new(std::env::current_exe()?).arg("--relay").stdout(Stdio::piped()).spawn()?;
        let said = child.stdout.take().context("its output is piped")?;
        let mut url = String::new();
        BufReader::new(said).read_line(&mut url)?;
        let url = url.trim().to_owned();
        Ok(Self { child, url })
    }
}

impl Drop for Relay {
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
