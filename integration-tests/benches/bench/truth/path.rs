//! How soon a path of ten hops at 40 ms is known, beside the tracers that people use, each as fast as its options
//! make it and as it comes. With idle cores, and with all of them busy.
//!
//! A time is from the program's start to its end, to the first hop on its output, or to the last that answered.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use cnc_integration_tests::busy::Busy;
use cnc_lab::{Host, Lab, Scenario};
use rustix::process::{Pid, Signal, kill_process};
use tokio::time::Instant;

use super::so_often;
use crate::figure::{Bound, Figure, Goal, median};
use crate::peer::{cnc, version};

/// The networks, what they are called in figures, and in which time ours is to be done.
const NETWORKS: [(&str, &str, f64); 3] = [
    ("path10", "all answer", 60.0),
    ("path10-silent", "hops 3, 6, 7 silent", 170.0),
    ("path10-dead", "dead after hop 5", 1_000.0),
];

/// When ours is to show the first hop.
const FIRST_MS: f64 = 45.0;

/// Why a goal is missed where it is by a little: both take a round trip and what starting a program takes.
const LEVEL: &str = "level with traceroute: from run to run the two change places";

/// So long a program may trace: some would be at it for minutes. One that is ended then is told with this time.
const LONGEST: Duration = Duration::from_secs(2);

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
    (1, ("tracepath", &["tracepath", "-n"])),
    (2, ("traceroute -T, one query", &["traceroute", "-n", "-T", "-p", "80", "-q", "1", "-w", "1"])),
];

/// What one run took, in milliseconds.
#[derive(Debug, Clone, Copy)]
struct Took {
    first: f64,
    known: f64,
    done: f64,
}

/// The turns of ours, and of the peers that are there.
struct Turns {
    ours: [Vec<Took>; OURS.len()],
    peers: Vec<(&'static (usize, Way), Vec<Took>)>,
}

/// Measures it with idle cores.
pub(crate) fn idle() -> Result<Vec<Figure>> {
    let mut figures = Vec::new();
    for (scenario, what, most) in NETWORKS {
        let turns = Turns::take(scenario)?;
        let goal = |most| Goal::from(Bound::Most(most)).and(Bound::MostOfPeer(1.0));
        // Some stop waiting for a destination at once: that is no merit.
        let done = if scenario == "path10-dead" { Bound::Most(most).into() } else { goal(most) };
        figures.extend(turns.beside(&format!("{what}: done"), |took| took.done, &done));
        match scenario {
            "path10" => {
                let name = format!("{what}: first hop shown");
                figures.extend(turns.beside(&name, |took| took.first, &goal(FIRST_MS)));
            }
            "path10-dead" => {
                figures.extend(turns.beside(&format!("{what}: known part shown"), |took| took.known, &goal(most)));
            }
            _ => {}
        }
    }
    Ok(figures)
}

/// Measures it with busy cores. Which programs get a core when is the system's to say: only the peers' times of the
/// same minute say what is long.
pub(crate) fn busy() -> Result<Vec<Figure>> {
    let (scenario, what, _) = NETWORKS[0];
    let loops = Busy::begin();
    let turns = Turns::take(scenario)?;
    drop(loops);
    Ok(turns.beside(&format!("{what}, cores busy: done"), |took| took.done, &Bound::MostOfPeer(1.0).into()))
}

impl Turns {
    fn take(scenario: &str) -> Result<Self> {
        ensure!(cnc_lab::root_or_skip("truth-path"), "it needs root");
        let is_there = |way: &Way| version(way.1[0]).is_some();
        let peers = PEERS.iter().filter(|(_, way)| is_there(way)).map(|peer| (peer, Vec::new()));
        let mut turns = Self { ours: [const { Vec::new() }; OURS.len()], peers: peers.collect() };
        ensure!(!turns.peers.is_empty(), "no peer is installed: cargo xtask bench installs them");
        let lab = Lab::build(&Scenario::named(scenario)?)?;
        let (client, server) = (lab.host("client")?, lab.host("server")?.v4().to_string());
        for _ in 0..so_often() {
            for (way, turns) in OURS.iter().zip(&mut turns.ours) {
                turns.push(time(&client, way.1, &server)?);
            }
            for ((_, way), turns) in &mut turns.peers {
                turns.push(time(&client, way.1, &server)?);
            }
        }
        Ok(turns)
    }

    /// Puts each peer beside ours by the same protocol.
    fn beside(&self, what: &str, of: impl Fn(&Took) -> f64, goal: &Goal) -> Vec<Figure> {
        let middle = |turns: &[Took]| median(turns.iter().map(&of).collect());
        let figure = |((carrier, way), theirs): &(&(usize, Way), Vec<Took>)| Figure {
            name: format!("path by {}, {what}", OURS[*carrier].0),
            unit: "ms",
            ours: middle(&self.ours[*carrier]),
            peer: middle(theirs),
            goal: goal.clone(),
            version: format!("{}: {}", way.0, version(way.1[0]).unwrap_or_default()),
            turns: so_often(),
            why: LEVEL,
        };
        self.peers.iter().map(figure).collect()
    }
}

/// Runs a tracer on a host.
fn time(host: &Host, words: &[&str], address: &str) -> Result<Took> {
    let file = if words[0] == "cnc" { cnc()? } else { words[0].into() };
    host.run(|| {
        let began = Instant::now();
        let ms = |elapsed: Duration| elapsed.as_secs_f64() * 1_000.0;
        let mut command = Command::new(file);
        command.args(&words[1..]).arg(address).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().with_context(|| format!("cannot start {}", words[0]))?;
        let said = child.stdout.take().context("its output is piped")?;
        let (mut first, mut known) = (None, None);
        let (over, is_over) = sync_channel::<()>(1);
        let process = Pid::from_child(&child);
        thread::scope(|scope| {
            // Liveness: the sender is dropped when the output has ended.
            scope.spawn(move || {
                if is_over.recv_timeout(LONGEST) == Err(RecvTimeoutError::Timeout) {
                    // It may just have ended by itself.
                    kill_process(process, Signal::KILL).ok();
                }
            });
            let _over = over;
            for line in BufReader::new(said).lines() {
                if is_hop(&line?) {
                    let now = ms(began.elapsed());
                    first = first.or(Some(now));
                    known = Some(now);
                }
            }
            std::io::Result::Ok(())
        })?;
        // A destination that never answers is no success to some.
        child.wait()?;
        let done = ms(began.elapsed());
        Ok(Took { first: first.unwrap_or(done), known: known.unwrap_or(done), done })
    })?
}

/// Ours are JSON; the others' begin with the distance, and have an address of the lab's where one answered.
fn is_hop(line: &str) -> bool {
    line.contains(r#""outcome":"hop""#)
        || line.trim_start().starts_with(|c: char| c.is_ascii_digit()) && line.contains("10.77.")
}
