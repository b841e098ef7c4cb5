//! `truth`: how far the goodput that is told is off from what the shaper lets through, beside iperf3 in the same
//! networks with the same number of connections. Five turns each, taken in turn; the middle one counts.
//!
//! The shaper's rate is one of IP packets, so of each 1,500 bytes 1,448 are payload.

use std::process::{Child, Stdio};

use anyhow::{Context as _, Result, ensure};
use cnc_integration_tests::listener::Listener;
use cnc_integration_tests::programs::program;
use cnc_lab::{Host, Lab, Scenario};
use serde_json::Value;

use crate::figure::{Figure, median};

/// Turns of each program; the middle one counts.
const TURNS: usize = 5;
/// The rates in Mbit/s, and how far off ours may be in parts per million without delay and with it.
const RATES: [(u32, u32, Option<u32>); 4] =
    [(5, 10_000, None), (20, 3_000, Some(3_000)), (100, 3_000, Some(3_000)), (500, 10_000, None)];
/// Round trips in milliseconds.
const DELAYS: [u32; 2] = [0, 40];
/// How long iperf3 measures: its mean is over all of it.
const PEER_SECONDS: &str = "5";
/// Ours ends by itself when it knows; a line that never is stable takes so long.
const OUR_SECONDS: &str = "10s";

/// Measures it.
pub(crate) fn run() -> Result<Vec<Figure>> {
    ensure!(cnc_lab::root_or_skip("truth"), "it needs root");
    let version = version()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let mut figures = Vec::new();
    for (rate, still, delayed) in RATES {
        for delay in DELAYS {
            let goal = if delay == 0 { Some(still) } else { delayed };
            let lab = Lab::build(&scenario(rate, delay)?)?;
            let (client, server) = (lab.host("client")?, lab.host("server")?);
            let ends = runtime.block_on(Ends::start(client, server))?;
            let turns = (0..TURNS).map(|_| ends.turn(f64::from(rate) * 1e6 * 1_448.0 / 1_500.0));
            let turns = turns.collect::<Result<Vec<_>>>()?;
            figures.extend(told(&format!("{rate} Mbit/s, {delay} ms"), &turns, goal, &version));
        }
    }
    Ok(figures)
}

/// What one turn found: how far off each was, in parts per million, and when ours ended, in seconds; down, then up.
#[derive(Debug, Clone, Copy)]
struct Turn {
    ours: [f64; 2],
    peer: [f64; 2],
    took: [f64; 2],
}

/// A listener and an iperf3 on one side, and where their clients are started.
struct Ends {
    client: Host,
    address: String,
    listener: Listener,
    _peer: Peer,
}

/// An iperf3 server. Dropping it ends it.
struct Peer(Child);

impl Ends {
    async fn start(client: Host, server: Host) -> Result<Self> {
        let address = server.v4().to_string();
        let cnc_listener = program("cnc-listener");
        let command = server.command(cnc_listener.to_str().context("a path in UTF-8")?);
        // No proxy is there, but nobody else is either: a network of its own.
        let listen = format!("{address}:7443");
        let listener = Listener::start_by(command, &listen, "public_speed = true", &["--behind-tls-proxy"]).await;
        let peer = server.command("iperf3").args(["-s", "-B", &address]).stdout(Stdio::null()).spawn();
        let peer = Peer(peer.context("iperf3 cannot be started")?);
        Ok(Self { client, address, listener, _peer: peer })
    }

    fn turn(&self, truth: f64) -> Result<Turn> {
        let off = |bps: f64| (bps / truth - 1.0).abs() * 1e6;
        let cnc = program("cnc");
        let mut ours = self.client.command(cnc.to_str().context("a path in UTF-8")?);
        let ours = ours.args(["speed", self.listener.url(), "-t", OUR_SECONDS, "--json"]).output()?;
        let told = String::from_utf8(ours.stdout)?;
        let summary: Value = serde_json::from_str(told.lines().last().context("nothing told")?)?;
        let ours = |what: &str| ["download", "upload"].map(|way| summary[way][what].as_f64().unwrap_or(f64::NAN));
        Ok(Turn {
            ours: ours("steady_bps").map(off),
            took: ours("duration_ms").map(|ms| ms / 1e3),
            peer: [off(self.iperf3(&["-R"])?), off(self.iperf3(&[])?)],
        })
    }

    /// Gives what iperf3's receiver says.
    fn iperf3(&self, direction: &[&str]) -> Result<f64> {
        let mut peer = self.client.command("iperf3");
        let peer = peer.args(["-c", &self.address, "-J", "-P", "4", "-t", PEER_SECONDS]).args(direction).output()?;
        let told: Value = serde_json::from_slice(&peer.stdout).context("iperf3 tells no JSON")?;
        told["end"]["sum_received"]["bits_per_second"].as_f64().with_context(|| format!("iperf3: {}", told["error"]))
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // Where it is gone already there is nothing to end.
        self.0.kill().and_then(|()| self.0.wait()).ok();
    }
}

fn told(network: &str, turns: &[Turn], goal: Option<u32>, version: &str) -> Vec<Figure> {
    let middle = |of: &dyn Fn(&Turn) -> f64| median(turns.iter().map(of).collect());
    let mut figures = Vec::new();
    for (nth, way) in ["download", "upload"].into_iter().enumerate() {
        let figure = |name: &str, unit, ours, peer, goal| Figure {
            name: format!("truth: {way}, {network}, {name}"),
            unit,
            ours,
            peer,
            goal,
            version: version.to_owned(),
        };
        let goal = goal.map_or_else(|| "none".to_owned(), |ppm| format!("≤ {ppm}"));
        let off = (middle(&|turn| turn.ours[nth]), middle(&|turn| turn.peer[nth]));
        figures.push(figure("off by", "ppm", off.0, off.1, goal));
        let took = middle(&|turn| turn.took[nth]);
        figures.push(figure("ends after", "s", took, PEER_SECONDS.parse().unwrap_or(f64::NAN), "≤ 5".into()));
    }
    figures
}

fn scenario(rate: u32, delay: u32) -> Result<Scenario> {
    let delay = if delay == 0 { String::new() } else { format!("delay = \"{}ms\"", delay / 2) };
    Ok(Scenario::parse(&format!(
        "description = \"a known rate\"\n[hosts.client]\n[hosts.server]\n[routers.r1]\n[routers.r2]\n\
         [[links]]\nbetween = [\"client\", \"r1\"]\n\
         [[links]]\nbetween = [\"r1\", \"r2\"]\nrate = \"{rate}mbit\"\nqueue = \"50ms\"\n\
         [[links]]\nbetween = [\"r2\", \"server\"]\n{delay}\n"
    ))?)
}

fn version() -> Result<String> {
    let said = std::process::Command::new("iperf3").arg("--version").output();
    let said = String::from_utf8(said.context("needs iperf3: cargo xtask bench installs it")?.stdout)?;
    let name = said.split_whitespace().take(2).collect::<Vec<_>>().join(" ");
    Ok(format!("{name}, 4 connections, {PEER_SECONDS} s"))
}
