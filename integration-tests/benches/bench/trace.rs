//! `trace`: how soon a path of ten hops at 40 ms is known, beside the tracers that people use, each as fast as its
//! options make it and as it comes.
//!
//! The programs take turns in the same network; the middle one of five turns counts. A time is from the program's
//! start to its end, to the first hop on its output, or to the last that answered.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use cnc_integration_tests::programs::program;
use cnc_lab::{Host, Lab, Scenario};
use tokio::time::Instant;

use crate::figure::{Figure, median};

/// Turns of each program; the middle one counts.
const TURNS: usize = 5;

/// The networks, what they are called in figures, and in which time ours is to be done.
const NETWORKS: [(&str, &str, f64); 3] = [
    ("path10", "all answer", 60.0),
    ("path10-silent", "hops 3, 6, 7 silent", 170.0),
    ("path10-dead", "dead after hop 5", 1_000.0),
];

/// When ours is to show the first hop.
const FIRST_MS: f64 = 45.0;

/// One way of tracing: our name for it, and its command line but for the address.
type Way = (&'static str, &'static [&'static str]);

/// Ours, by each protocol.
const OURS: [Way; 3] = [
    ("icmp", &["cnc", "trace", "-n", "-c", "1", "--json", "--protocol", "icmp"]),
    ("udp", &["cnc", "trace", "-n", "-c", "1", "--json", "--protocol", "udp"]),
    ("tcp", &["cnc", "trace", "-n", "-c", "1", "--json", "--protocol", "tcp"]),
];

/// The peers, and beside which of ours they stand. Tuned means as fast as this very path allows: mtr waits 100 ms for
/// what has not answered, whatever the path.
const PEERS: &[(usize, Way)] = &[
    (0, ("traceroute -I, one query", &["traceroute", "-n", "-I", "-q", "1", "-w", "1"])),
    (0, ("traceroute -I", &["traceroute", "-n", "-I"])),
    (0, ("mtr, tuned", &["mtr", "-n", "-r", "-c", "1", "-i", "0.01", "-G", "0.1", "-Z", "1"])),
    (0, ("scamper, tuned", &["scamper", "-p", "1000", "-c", "trace -P icmp-paris -q 1 -w 1 -W 0", "-i"])),
    (
        0,
        (
            "trippy, tuned",
            &["trip", "--mode", "json", "-C", "1", "-i", "50ms", "-T", "900ms", "-g", "10ms", "--dns-timeout", "1ms"],
        ),
    ),
    (1, ("traceroute, one query", &["traceroute", "-n", "-q", "1", "-w", "1"])),
    (2, ("traceroute -T, one query", &["traceroute", "-n", "-T", "-p", "80", "-q", "1", "-w", "1"])),
];

/// What one run took, in milliseconds.
#[derive(Debug, Clone, Copy)]
struct Took {
    first: f64,
    known: f64,
    done: f64,
}

/// Measures it.
pub(crate) fn run() -> Result<Vec<Figure>> {
    ensure!(cnc_lab::root_or_skip("trace"), "it needs root");
    let mut figures = Vec::new();
    let peers: Vec<_> = PEERS.iter().filter(|(_, (_, words))| version(words[0]).is_some()).collect();
    ensure!(!peers.is_empty(), "no peer is installed: cargo xtask bench installs them");
    for (scenario, what, goal) in NETWORKS {
        let lab = Lab::build(&Scenario::named(scenario)?)?;
        let (client, server) = (lab.host("client")?, lab.host("server")?.v4().to_string());
        let (mut ours, mut theirs) = ([const { Vec::new() }; OURS.len()], vec![Vec::new(); peers.len()]);
        for _ in 0..TURNS {
            for (way, turns) in OURS.iter().zip(&mut ours) {
                turns.push(time(&client, way.1, &server)?);
            }
            for ((_, way), turns) in peers.iter().zip(&mut theirs) {
                turns.push(time(&client, way.1, &server)?);
            }
        }
        let mut tell = |which: &str, of: fn(&Took) -> f64, goal: f64| {
            for ((carrier, way), turns) in peers.iter().zip(&theirs) {
                let name = format!("trace by {}, {what}: {which}", OURS[*carrier].0);
                figures.push(figure(name, way, [&ours[*carrier], turns], of, goal));
            }
        };
        tell("done", |took| took.done, goal);
        match scenario {
            "path10" => tell("first hop shown", |took| took.first, FIRST_MS),
            "path10-dead" => tell("known part shown", |took| took.known, goal),
            _ => {}
        }
    }
    Ok(figures)
}

fn figure(name: String, peer: &Way, turns: [&Vec<Took>; 2], of: fn(&Took) -> f64, goal: f64) -> Figure {
    let [ours, theirs] = turns.map(|turns| median(turns.iter().map(of).collect()));
    let version = version(peer.1[0]).unwrap_or_default();
    Figure {
        name,
        unit: "ms",
        ours,
        peer: theirs,
        goal: format!("<= {goal} ms, < 1 x"),
        version: format!("{}: {version}", peer.0),
    }
}

/// Runs a tracer on a host.
fn time(host: &Host, words: &[&str], address: &str) -> Result<Took> {
    let ours = program("cnc");
    let file = if words[0] == "cnc" { ours.as_path() } else { Path::new(words[0]) };
    host.run(|| {
        let began = Instant::now();
        let ms = |elapsed: Duration| elapsed.as_secs_f64() * 1_000.0;
        let mut command = Command::new(file);
        command.args(&words[1..]).arg(address).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().with_context(|| format!("cannot start {}", words[0]))?;
        let said = child.stdout.take().context("its output is piped")?;
        let (mut first, mut known) = (None, None);
        for line in BufReader::new(said).lines() {
            let line = line?;
            // Ours, as JSON; the others begin with the distance, and have an address of the lab's where one answered.
            let is_hop = line.contains(r#""outcome":"hop""#)
                || line.trim_start().starts_with(|c: char| c.is_ascii_digit()) && line.contains("10.77.");
            if is_hop {
                let now = ms(began.elapsed());
                first = first.or(Some(now));
                known = Some(now);
            }
        }
        // A destination that never answers is no success to some.
        child.wait()?;
        let done = ms(began.elapsed());
        Ok(Took { first: first.unwrap_or(done), known: known.unwrap_or(done), done })
    })?
}

/// Gives what a program says of its version; `None` where it is not there.
fn version(program: &str) -> Option<String> {
    let flag = if program == "scamper" { "-v" } else { "--version" };
    let output = Command::new(program).arg(flag).stdin(Stdio::null()).output().ok()?;
    let text = [output.stdout, output.stderr].concat();
    Some(String::from_utf8_lossy(&text).lines().next().unwrap_or_default().trim().to_owned())
}
