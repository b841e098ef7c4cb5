//! The program itself, as it is handed out: its size, how soon it is there, and the memory it holds while it measures.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use cnc_integration_tests::listener::Listener;
use cnc_lab::{Host, Lab, Scenario};
use tempfile::TempDir;
use tokio::runtime::{Builder, Handle};
use tokio::time::Instant;

use super::TURNS;
use crate::certificates::certificates;
use crate::figure::{Bound, Figure, median};
use crate::peer::{Running, cnc, on, version};

/// Starts are short, and differ: the middle one of so many counts.
const STARTS: usize = 21;
/// How often memory is looked at; the kernel itself remembers the most.
const LOOK: Duration = Duration::from_millis(10);

/// The goals: megabytes, shared libraries, milliseconds, milliseconds over three round trips, mebibytes.
const SIZE_MB: f64 = 8.0;
const LIBRARIES: f64 = 0.0;
const FIRST_LINE_MS: f64 = 20.0;
const FIRST_WORD_MS: f64 = 3.0 * 40.0 + 5.0;
const MEMORY_MIB: f64 = 20.0;

/// What whoever comes is asked for: to measure by all means, one after the other.
const PLAN: &str = r#"
operator = "the benchmarks"
public_speed = true

[plan.default]
description = "everything"

[[plan.default.stage]]
tests = [{ ping = "listener", count = 200, interval = "10ms" }, { trace = "listener", rounds = 3 }, { system = true }]

[[plan.default.stage]]
tests = [{ download = "listener", duration = "3s" }]

[[plan.default.stage]]
tests = [{ upload = "listener", duration = "3s" }]
"#;

/// How long that takes at the most.
const PLANNED: Duration = Duration::from_secs(10);

/// Measures it.
pub(crate) fn run() -> Result<Vec<Figure>> {
    ensure!(cnc_lab::root_or_skip("cost-program"), "it needs root");
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let mut figures = size()?;
    figures.push(first_line()?);
    figures.push(first_word(runtime.handle())?);
    figures.push(memory(runtime.handle())?);
    Ok(figures)
}

fn figure(name: &str, unit: &'static str, [ours, peer]: [f64; 2], goal: f64, version: &str) -> Figure {
    let (name, version) = (format!("cnc: {name}"), version.to_owned());
    Figure { name, unit, ours, peer, goal: Bound::Most(goal).into(), version, turns: 1, why: "" }
}

#[expect(clippy::cast_precision_loss, reason = "figures for people")]
fn size() -> Result<Vec<Figure>> {
    let file = cnc()?;
    let bytes = file.metadata()?.len() as f64;
    let linked = Command::new("ldd").arg(&file).output().context("ldd is not there")?;
    let libraries = String::from_utf8_lossy(&linked.stdout).lines().filter(|line| line.contains("=>")).count() as f64;
    let none = "no peer";
    Ok(vec![
        figure("size", "MB", [bytes / 1e6, f64::NAN], SIZE_MB, none),
        figure("shared libraries it needs", "", [libraries, f64::NAN], LIBRARIES, none),
    ])
}

/// Times from a program's start to the first line on its standard output that tells of something, in milliseconds.
/// Then it is ended.
fn until(command: &mut Command, tells: &str) -> Result<f64> {
    let began = Instant::now();
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
    let mut child = child.with_context(|| format!("cannot start {command:?}"))?;
    let said = BufReader::new(child.stdout.take().context("it is piped")?);
    let told = said.lines().map_while(Result::ok).find(|line| line.contains(tells));
    let took = began.elapsed().as_secs_f64() * 1e3;
    child.kill()?;
    child.wait()?;
    told.with_context(|| format!("{command:?} never told of {tells:?}"))?;
    Ok(took)
}

fn first_line() -> Result<Figure> {
    let (file, mut ours, mut theirs) = (cnc()?, Vec::new(), Vec::new());
    for _ in 0..STARTS {
        ours.push(until(Command::new(&file).args(["ping", "-c", "1", "127.0.0.1"]), "")?);
        theirs.push(until(Command::new("ping").args(["-c", "1", "127.0.0.1"]), "")?);
    }
    let version = version("ping").context("ping is not there")?;
    let figure = figure("start to first line", "ms", [median(ours), median(theirs)], FIRST_LINE_MS, &version);
    Ok(Figure { turns: STARTS, ..figure })
}

/// A listener with TLS in a network, and who joins it.
struct Secure {
    client: Host,
    url: String,
    certificates: TempDir,
    /// The joining client's: nothing is there from before.
    home: TempDir,
    _listener: Listener,
    /// The last to go: the listener runs in it.
    lab: Lab,
}

impl Secure {
    fn start(scenario: &str, runtime: &Handle) -> Result<Self> {
        let lab = Lab::build(&Scenario::named(scenario)?)?;
        let (client, server) = (lab.host("client")?, lab.host("server")?);
        let address = server.v4().to_string();
        let certificates = certificates(&address)?;
        let [cert, key] = ["cert.pem", "key.pem"].map(|name| certificates.path().join(name));
        let path = |path: &Path| path.to_str().context("a path in UTF-8").map(str::to_owned);
        let (cert, key, listen) = (path(&cert)?, path(&key)?, format!("{address}:7443"));
        let command = on(&server, "cnc-listener")?;
        let tls = ["--tls-cert", &cert, "--tls-key", &key];
        let listener = runtime.block_on(Listener::start_by(command, &listen, PLAN, &tls));
        let url = format!("https://{listen}");
        Ok(Self { client, url, certificates, home: tempfile::tempdir()?, _listener: listener, lab })
    }

    /// Has `cnc` join it.
    fn join(&self, command: &mut Command) {
        command.args(["run", "--yes", "--allow-lan", "--listener", &self.url, "--ca"]).arg(self.ca());
        for place in ["HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME"] {
            command.env(place, self.home.path());
        }
    }

    fn ca(&self) -> PathBuf {
        self.certificates.path().join("ca.pem")
    }
}

/// Times from the start of `cnc run` to the listener's first word, over 40 ms with TLS; beside a request by curl, whose
/// protocol needs as many round trips.
fn first_word(runtime: &Handle) -> Result<Figure> {
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..TURNS {
        // A listener of its own for each: a client that was here before is not what is timed.
        let place = Secure::start("delay40", runtime)?;
        let mut cnc = Command::new(cnc()?);
        place.join(&mut cnc);
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--noproxy", "*", "--cacert"]).arg(place.ca()).arg(format!("{}/healthz", place.url));
        // Entering the network takes its time, too, and is neither's: the thread is there already.
        ours.push(place.client.run(|| until(&mut cnc, "Agreed in advance"))??);
        theirs.push(place.client.run(|| until(&mut curl, "ok"))??);
    }
    let version = version("curl").context("curl is not there")?;
    let version = version.split(" (").next().unwrap_or_default();
    let both = [median(ours), median(theirs)];
    let figure = figure("start to the listener's first word, 40 ms, TLS", "ms", both, FIRST_WORD_MS, version);
    Ok(Figure { turns: TURNS, ..figure })
}

/// Gives the most memory held through a whole plan; beside iperf3's.
fn memory(runtime: &Handle) -> Result<Figure> {
    let place = Secure::start("plain", runtime)?;
    let mut cnc = on(&place.client, "cnc")?;
    place.join(&mut cnc);
    let ours = most_memory(&mut cnc)?;
    let server = place.lab.host("server")?;
    let _peer = Running::start(on(&server, "iperf3")?.arg("-s"))?;
    let mut iperf3 = on(&place.client, "iperf3")?;
    let theirs = most_memory(iperf3.args(["-P", "4", "-t", "5", "-c", &server.v4().to_string()]))?;
    let version = version("iperf3").context("iperf3 is not there")?;
    Ok(figure("memory while it measures", "MiB", [ours, theirs], MEMORY_MIB, &version))
}

/// Runs a program for as long as a plan takes, and gives the most memory that it held, in MiB.
fn most_memory(command: &mut Command) -> Result<f64> {
    let running = Running::start(command)?;
    let (_over, is_over) = sync_channel::<()>(1);
    let (began, mut most) = (Instant::now(), 0.0);
    while began.elapsed() < PLANNED {
        // Nobody sends: it waits.
        is_over.recv_timeout(LOOK).ok();
        let status = std::fs::read_to_string(format!("/proc/{}/status", running.id())).unwrap_or_default();
        let told = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix("kB"));
        // Once it has ended nothing is told any more.
        let Some(kib) = told.and_then(|kib| kib.trim().parse::<f64>().ok()) else { break };
        most = kib / 1_024.0;
    }
    ensure!(most > 0.0, "{command:?} ended at once");
    Ok(most)
}
