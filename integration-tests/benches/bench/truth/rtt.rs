//! Round trips beside those of a packet capture at the same host, probe by probe: what a program tells less what the
//! kernel's stamps of the same two packets say. With idle cores, and with all of them busy.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use cnc_integration_tests::busy::Busy;
use cnc_lab::{Host, Lab, Scenario};
use serde_json::Value;

use super::capture::{Capture, Truth};
use super::so_often;
use crate::figure::{Bound, Figure, Goal, median, quantile};
use crate::peer::{on, version};

/// Round trips of the networks in milliseconds, while the cores are idle and while they are busy.
const IDLE: [u32; 3] = [5, 40, 200];
const BUSY: u32 = 5;

/// How many probes a turn has: with 300 a p99 is the third worst.
const PROBES: u16 = 50;
const BUSY_PROBES: u16 = 300;
/// scamper leaves no less than 100 ms between probes, and has so many for each of the others', lest all wait for it: which
/// makes its worst ones fewer, not more.
const SCAMPERS_SHARE: u16 = 5;

/// What ours may be off by at p99, in microseconds: from the capture, beyond the best peer, and with busy cores.
const OFF: f64 = 200.0;
const OFF_ABOVE_PEER: f64 = 50.0;
const OFF_BUSY: f64 = 50.0;

/// What is told to be below the path's minimum by more than programs round at 5 ms, in milliseconds, is false.
const ROUNDED: f64 = 0.01;

/// A program that pings.
struct Pinger {
    /// Its name, and its options for 10 ms between probes; `COUNT` is the number of probes.
    words: &'static [&'static str],
    /// It sends one probe for so many of the others'.
    seldom: u16,
    /// Reads sequence numbers and round trips in milliseconds.
    read: fn(&str) -> Vec<(u16, f64)>,
}

/// Ours, then the peers.
const PINGERS: [Pinger; 5] = [
    Pinger { words: &["cnc", "ping", "-i", "10ms", "-W", "1s", "--json", "-c", "COUNT"], seldom: 1, read: of_cnc },
    Pinger { words: &["fping", "-q", "-p", "10", "-t", "1000", "-C", "COUNT"], seldom: 1, read: of_fping },
    Pinger { words: &["ping", "-n", "-i", "0.01", "-W", "1", "-c", "COUNT"], seldom: 1, read: of_ping },
    Pinger { words: &["mtr", "--raw", "-n", "-i", "0.01", "-G", "1", "-c", "COUNT"], seldom: 1, read: of_mtr },
    Pinger {
        words: &["scamper", "-O", "json", "-p", "1000", "-c", "ping -c COUNT -i 0.1", "-i"],
        seldom: SCAMPERS_SHARE,
        read: of_scamper,
    },
];

/// What one turn of a program found.
struct Turn {
    /// How far off each value is, in microseconds, the least first.
    off: Vec<f64>,
    /// Values below the path's minimum.
    below: usize,
}

/// Measures it with idle cores.
pub(crate) fn idle() -> Result<Vec<Figure>> {
    let mut figures = Vec::new();
    for delay in IDLE {
        let turns = taken(delay, PROBES)?;
        let worst = |turn: &Turn| {
            let mut off: Vec<_> = turn.off.iter().map(|off| off.abs()).collect();
            off.sort_by(f64::total_cmp);
            quantile(&off, 0.99)
        };
        let goal = Goal::from(Bound::Most(OFF)).and(Bound::MostAbovePeer(OFF_ABOVE_PEER));
        let name = format!("RTT {delay} ms, idle: off the capture, p99");
        figures.extend(beside(&name, "us", &turns, &goal, |turns| median(turns.iter().map(worst).collect())));
    }
    Ok(figures)
}

/// Measures it with busy cores.
pub(crate) fn busy() -> Result<Vec<Figure>> {
    let loops = Busy::begin();
    let turns = taken(BUSY, BUSY_PROBES)?;
    drop(loops);
    let over = |turns: &[Turn]| median(turns.iter().map(|turn| quantile(&turn.off, 0.99)).collect());
    #[expect(clippy::cast_precision_loss, reason = "some thousand values")]
    let below = |turns: &[Turn]| turns.iter().map(|turn| turn.below).sum::<usize>() as f64;
    let name = format!("RTT {BUSY} ms, cores busy:");
    let mut figures =
        beside(&format!("{name} p99 over the kernel's own time"), "us", &turns, &Bound::Most(OFF_BUSY).into(), over);
    figures.extend(beside(&format!("{name} values below the path's"), "", &turns, &Bound::Most(0.0).into(), below));
    Ok(figures)
}

/// Puts ours beside each peer.
fn beside(
    name: &str,
    unit: &'static str,
    turns: &[Vec<Turn>],
    goal: &Goal,
    of: impl Fn(&[Turn]) -> f64,
) -> Vec<Figure> {
    let figure = |(pinger, turns_of): (&Pinger, &Vec<Turn>)| Figure {
        name: name.to_owned(),
        unit,
        ours: of(&turns[0]),
        peer: of(turns_of),
        goal: goal.clone(),
        version: version(pinger.words[0]).unwrap_or_default(),
        turns: so_often(),
        why: "",
    };
    PINGERS.iter().zip(turns).skip(1).map(figure).collect()
}

/// Gives the turns of each program in a network with this round trip.
fn taken(delay: u32, probes: u16) -> Result<Vec<Vec<Turn>>> {
    ensure!(cnc_lab::root_or_skip("truth-rtt"), "it needs root");
    let lab = Lab::build(&scenario(delay)?)?;
    let (client, server) = (lab.host("client")?, lab.host("server")?.v4().to_string());
    let least = lab.round_trip("client", "server")?;
    let mut taken: Vec<Vec<Turn>> = PINGERS.iter().map(|_| Vec::new()).collect();
    for _ in 0..so_often() {
        for (pinger, taken) in PINGERS.iter().zip(&mut taken) {
            let turn = pinger.turn(&client, &server, probes, least);
            taken.push(turn.with_context(|| format!("{} at {delay} ms", pinger.words[0]))?);
        }
    }
    Ok(taken)
}

impl Pinger {
    fn turn(&self, client: &Host, server: &str, probes: u16, least: Duration) -> Result<Turn> {
        let capture = Capture::start(client)?;
        let probes = probes / self.seldom;
        let words = self.words[1..].iter().map(|word| word.replace("COUNT", &probes.to_string()));
        let output = on(client, self.words[0])?.args(words).arg(server).output()?;
        let truth: Truth = capture.end()?;
        let text = [output.stdout, output.stderr].concat();
        let told = (self.read)(&String::from_utf8_lossy(&text));
        let least = least.as_secs_f64() * 1e3 - ROUNDED;
        let real = |(seq, told): &(u16, f64)| Some((*told, *truth.get(seq)?));
        let (mut off, mut below) = (Vec::new(), 0);
        for (told, real) in told.iter().filter_map(real) {
            off.push((told - real) * 1e3);
            below += usize::from(told < least);
        }
        ensure!(off.len() * 2 > usize::from(probes), "only {} of {probes} values are in the capture", off.len());
        off.sort_by(f64::total_cmp);
        Ok(Turn { off, below })
    }
}

fn of_cnc(text: &str) -> Vec<(u16, f64)> {
    let reply = |line: &str| {
        let sample: Value = serde_json::from_str(line).ok().filter(|line: &Value| line["outcome"] == "reply")?;
        Some((u16::try_from(sample["seq"].as_u64()? & 0xffff).ok()?, sample["rtt_ms"].as_f64()?))
    };
    text.lines().filter_map(reply).collect()
}

/// `10.77.1.2 : 5.12 5.10 - 5.11`, in the order of sending.
fn of_fping(text: &str) -> Vec<(u16, f64)> {
    let values = text.split_once(" : ").map_or("", |(_, values)| values).split_whitespace();
    (0..).zip(values).filter_map(|(seq, value)| Some((seq, value.parse().ok()?))).collect()
}

/// `64 bytes from 10.77.1.2: icmp_seq=1 ttl=63 time=5.12 ms`.
fn of_ping(text: &str) -> Vec<(u16, f64)> {
    let word = |line: &str, name: &str| {
        line.split_whitespace().find_map(|word| word.strip_prefix(name)?.strip_prefix('=')?.parse::<f64>().ok())
    };
    let seq = |line: &str| line.split_once("icmp_seq=")?.1.split_whitespace().next()?.parse().ok();
    text.lines().filter_map(|line| Some((seq(line)?, word(line, "time")?))).collect()
}

/// `p 1 5120 33005`: the hop, microseconds, the sequence number.
fn of_mtr(text: &str) -> Vec<(u16, f64)> {
    let reply = |line: &str| {
        let mut words = line.strip_prefix("p ")?.split_whitespace().skip(1);
        let micros: f64 = words.next()?.parse().ok()?;
        Some((words.next()?.parse().ok()?, micros / 1e3))
    };
    text.lines().filter_map(reply).collect()
}

/// A line of JSON for each ping, with all its answers.
fn of_scamper(text: &str) -> Vec<(u16, f64)> {
    let ping = |line: &str| serde_json::from_str(line).ok().filter(|line: &Value| line["type"] == "ping");
    let value = |answer: &Value| Some((u16::try_from(answer["seq"].as_u64()?).ok()?, answer["rtt"].as_f64()?));
    let values = |ping: Value| ping["responses"].as_array().into_iter().flatten().filter_map(value).collect::<Vec<_>>();
    text.lines().filter_map(ping).flat_map(values).collect()
}

fn scenario(delay: u32) -> Result<Scenario> {
    Ok(Scenario::parse(&format!(
        "description = \"a known delay\"\n[hosts.client]\n[hosts.server]\n[routers.r1]\n\
         [[links]]\nbetween = [\"client\", \"r1\"]\n\
         [[links]]\nbetween = [\"r1\", \"server\"]\ndelay = \"{}us\"\n",
        delay * 500
    ))?)
}
