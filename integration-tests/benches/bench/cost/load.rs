//! The throughput engine at full speed, where nothing but the machine is in the way: goodput, and the processor's time
//! of both ends for each gigabit, beside iperf3 with as many connections. Plain and with TLS.

use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use cnc_integration_tests::listener::Listener;
use cnc_integration_tests::programs::cpu_time;
use cnc_lab::{Host, Lab, Scenario};
use serde_json::Value;
use tempfile::TempDir;
use tokio::runtime::{Builder, Handle};
use tokio::time::Instant;

use super::usage::run as usage;
use crate::certificates::certificates;
use crate::figure::{Bound, Figure, median};
use crate::peer::{Running, on, version};

/// Turns of each program, in as many as fit into the time.
const TURNS: usize = 3;
/// How long may be measured in each place: once it is over no turn begins any more, and the table says how many there were.
const PLACE_TIME: Duration = Duration::from_secs(100);
const SECONDS: &str = "2";
/// More than any machine moves in that time.
const MOST_BYTES: &str = "100000000000";
const FLOWS: [&str; 2] = ["1", "4"];

/// What ours is to reach, as shares of iperf3's: goodput, and the processor's time a gigabit; plain, and with TLS.
const PLAIN: [f64; 2] = [1.0, 1.0];
const TLS: [f64; 2] = [0.8, 1.6];
/// Why TLS misses its goals where it does, as a profile shows.
const SEALED: &str = "AES at both ends is two fifths of it, and what arrives is copied out of the kernel";

/// Where both ends are: in one host, and in two.
const PLACES: [(&str, [&str; 2]); 2] = [("loopback", ["server", "server"]), ("veth", ["client", "server"])];

/// Measures it.
pub(crate) fn run() -> Result<Vec<Figure>> {
    ensure!(cnc_lab::root_or_skip("cost-load"), "it needs root");
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let version = version("iperf3").context("iperf3 is not there")?;
    let mut figures = Vec::new();
    for (place, [client, server]) in PLACES {
        let lab = Lab::build(&Scenario::named("plain")?)?;
        let ends = Ends::start(lab.host(client)?, &lab.host(server)?, runtime.handle())?;
        let of = |flows| [true, false].map(|download| Case::new(flows, download));
        let mut cases: Vec<_> = FLOWS.into_iter().flat_map(of).collect();
        let began = Instant::now();
        for _ in 0..TURNS {
            for case in &mut cases {
                if case.turns.is_empty() || began.elapsed() < PLACE_TIME {
                    case.turns.push(case.turn(&ends)?);
                }
            }
        }
        figures.extend(cases.iter().flat_map(|case| case.figures(place, &version)));
    }
    Ok(figures)
}

/// One way with so many connections, and what it took in its turns.
struct Case {
    flows: &'static str,
    download: bool,
    turns: Vec<Turn>,
}

/// A turn of each: ours, iperf3, and ours with TLS.
struct Turn {
    plain: Cost,
    peer: Cost,
    secure: Cost,
}

/// Gives which of ours a figure is of.
type Pick = fn(&Turn) -> &Cost;

impl Case {
    const fn new(flows: &'static str, download: bool) -> Self {
        Self { flows, download, turns: Vec::new() }
    }

    fn way(&self) -> &'static str {
        if self.download { "download" } else { "upload" }
    }

    fn turn(&self, ends: &Ends) -> Result<Turn> {
        Ok(Turn {
            plain: ends.ours(&ends.plain, self)?,
            peer: ends.iperf3(self)?,
            secure: ends.ours(&ends.secure, self)?,
        })
    }

    /// Gives goodput and processor's time, plain and with TLS.
    fn figures(&self, place: &str, version: &str) -> Vec<Figure> {
        let kinds: [(_, Pick, _, _); 2] =
            [("plain", |turn| &turn.plain, PLAIN, ""), ("TLS", |turn| &turn.secure, TLS, SEALED)];
        let figures = kinds.into_iter().flat_map(|(how, ours, [rate, cpu], why)| {
            let figure = move |what: &str, unit, of: fn(&Cost) -> f64, goal: Bound| Figure {
                name: format!("{}, {place}, {} flows, {how}: {what}", self.way(), self.flows),
                unit,
                ours: median(self.turns.iter().map(|turn| of(ours(turn))).collect()),
                peer: median(self.turns.iter().map(|turn| of(&turn.peer)).collect()),
                goal: goal.into(),
                version: format!("{version}, plain"),
                turns: self.turns.len(),
                why,
            };
            [
                figure("goodput", "Gb/s", |cost| cost.rate, Bound::LeastOfPeer(rate)),
                figure("CPU, both ends", "s/Gb", |cost| cost.cpu, Bound::MostOfPeer(cpu)),
            ]
        });
        figures.collect()
    }
}

/// What one turn took.
struct Cost {
    /// In Gbit/s, at the receiver.
    rate: f64,
    /// Processor's time of both ends in seconds a gigabit.
    cpu: f64,
}

/// A listener without TLS and one with it, and an iperf3, where ours and its client go to.
struct Ends {
    client: Host,
    address: String,
    plain: Listener,
    secure: Listener,
    peer: Running,
    certificates: TempDir,
}

impl Ends {
    fn start(client: Host, server: &Host, runtime: &Handle) -> Result<Self> {
        let address = server.v4().to_string();
        let certificates = certificates(&address)?;
        let path = |name| certificates.path().join(name).to_str().context("a path in UTF-8").map(str::to_owned);
        let (cert, key) = (path("cert.pem")?, path("key.pem")?);
        let listener = |port: u16, more: &[&str]| {
            let (command, listen) = (on(server, "cnc-listener")?, format!("{address}:{port}"));
            anyhow::Ok(runtime.block_on(Listener::start_by(command, &listen, "public_speed = true", more)))
        };
        Ok(Self {
            client,
            plain: listener(7080, &["--behind-tls-proxy"])?,
            secure: listener(7443, &["--tls-cert", &cert, "--tls-key", &key])?,
            peer: Running::start(on(server, "iperf3")?.arg("-s"))?,
            address,
            certificates,
        })
    }

    fn ours(&self, listener: &Listener, case: &Case) -> Result<Cost> {
        // What a listener says of itself does not tell whether it speaks TLS.
        let is_secure = listener.process() == self.secure.process();
        let scheme = if is_secure { "https" } else { "http" };
        let way = case.way();
        let mut command = on(&self.client, "cnc")?;
        command
            .args(["speed", &format!("{scheme}://{}", listener.address()), "--json", "--full", "--flows"])
            .arg(case.flows);
        command.args(["-t", &format!("{SECONDS}s"), "--max-bytes", MOST_BYTES, "--direction", way, "--ca"]);
        command.arg(self.certificates.path().join("ca.pem"));
        Cost::of(&mut command, listener.process(), |said| {
            let summary: Value = serde_json::from_str(said.lines().last()?).ok()?;
            Some((summary[way]["goodput_bps"].as_f64()?, summary[way]["bytes"].as_f64()?))
        })
    }

    fn iperf3(&self, case: &Case) -> Result<Cost> {
        let mut command = on(&self.client, "iperf3")?;
        command.args(["-J", "-P", case.flows, "-t", SECONDS, "-c", &self.address]).args(case.download.then_some("-R"));
        Cost::of(&mut command, self.peer.id(), |said| {
            let told: Value = serde_json::from_str(said).ok()?;
            let sum = &told["end"]["sum_received"];
            Some((sum["bits_per_second"].as_f64()?, sum["bytes"].as_f64()?))
        })
    }
}

impl Cost {
    /// Runs a client against a server's process; `told` reads bits a second and bytes.
    fn of(command: &mut Command, server: u32, told: impl Fn(&str) -> Option<(f64, f64)>) -> Result<Self> {
        let before = cpu_time(server);
        let client = usage(command)?;
        let cpu = client.cpu + cpu_time(server).saturating_sub(before);
        let (bps, bytes) = told(&client.said).with_context(|| format!("{command:?} told: {}", client.said))?;
        Ok(Self { rate: bps / 1e9, cpu: cpu.as_secs_f64() / (bytes * 8.0 / 1e9) })
    }
}
