//! What a load adds to round trips beside what waits in the bottleneck's queue: its backlog, looked at each 10 ms, by
//! its rate. Beside `ping` next to iperf3, which is how people look for bufferbloat by hand.

use std::process::Stdio;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use cnc_integration_tests::busy::Busy;
use serde_json::Value;
use tokio::runtime::Builder;
use tokio::time::Instant;

use super::ends::{Ends, Line};
use super::so_often;
use crate::figure::{Bound, Figure, mean, median};
use crate::peer::{Running, on, version};

/// A bloated line. Cubic fills its queue; the default here, BBR, would not.
const LINE: Line = Line { rate: 20, delay: 10, queue: 400, control: "cubic" };
/// How often the queue is looked at.
const LOOK: Duration = Duration::from_millis(10);
/// Of which part of a load, in seconds, the means are: the queue has begun to fill, and no run has ended.
const PART: std::ops::Range<f64> = 1.0..4.5;
/// How far what is told may be off what waits, in percent.
const OFF: f64 = 10.0;
/// How long the peer's load lasts, in seconds.
const PEER_SECONDS: &str = "5";

/// The directions: the word for one, the end of the bottleneck where its queue is, and iperf3's option.
const WAYS: [(&str, [&str; 2], &[&str]); 2] = [("download", ["r2", "r1"], &["-R"]), ("upload", ["r1", "r2"], &[])];

/// When the queues were looked at, in seconds, and what waited there, by direction.
type Looks = Vec<(f64, [u64; 2])>;

/// Measures it with idle cores.
pub(crate) fn idle() -> Result<Vec<Figure>> {
    run("")
}

/// Measures it with busy cores.
pub(crate) fn busy() -> Result<Vec<Figure>> {
    let loops = Busy::begin();
    let figures = run(", cores busy");
    drop(loops);
    figures
}

fn run(how: &str) -> Result<Vec<Figure>> {
    ensure!(cnc_lab::root_or_skip("truth-added"), "it needs root");
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let ends = Ends::start(&LINE, runtime.handle())?;
    let _server = Running::start(on(&ends.server, "iperf3")?.arg("-s"))?;
    let (mut ours, mut theirs): ([Vec<f64>; 2], [Vec<f64>; 2]) = Default::default();
    for _ in 0..so_often() {
        let (lines, looks) = watched(&ends, || ends.speed(&["-t", "10s"]))?;
        for (nth, ours) in ours.iter_mut().enumerate() {
            ours.push(off(added(&lines, WAYS[nth].0)?, queued(&looks, nth)?));
        }
        for (nth, theirs) in theirs.iter_mut().enumerate() {
            let (told, looks) = watched(&ends, || by_ping(&ends, WAYS[nth].2))?;
            theirs.push(off(told, queued(&looks, nth)?));
        }
    }
    let version = format!("ping beside {}", version("iperf3").unwrap_or_default());
    let figures = WAYS.iter().zip(ours.into_iter().zip(theirs)).map(|(way, (ours, theirs))| Figure {
        name: format!("delay added by a {}{how}: off what waits in the queue", way.0),
        unit: "%",
        ours: median(ours),
        peer: median(theirs),
        goal: Bound::Most(OFF).into(),
        version: version.clone(),
        turns: so_often(),
        why: "",
    });
    Ok(figures.collect())
}

fn off(told: f64, queued: f64) -> f64 {
    (told / queued - 1.0).abs() * 100.0
}

/// Does something while the queues are looked at.
fn watched<T>(ends: &Ends, work: impl FnOnce() -> Result<T>) -> Result<(T, Looks)> {
    let (over, is_over) = sync_channel::<()>(1);
    thread::scope(|scope| {
        let looking = scope.spawn(move || {
            let (began, mut looks) = (Instant::now(), Looks::new());
            let waiting = |[from, to]: [&str; 2]| Ok::<_, anyhow::Error>(ends.lab.counts(from, to)?.backlog_bytes);
            // Liveness: the sender is dropped when the work is done.
            while is_over.recv_timeout(LOOK) == Err(RecvTimeoutError::Timeout) {
                let at = began.elapsed().as_secs_f64();
                looks.push((at, [waiting(WAYS[0].1)?, waiting(WAYS[1].1)?]));
            }
            Ok::<_, anyhow::Error>(looks)
        });
        let done = work();
        drop(over);
        Ok((done?, looking.join().expect("it tells its errors")?))
    })
}

/// Gives the mean time in milliseconds that a packet waited in a direction's queue. Its load is the longest time for which
/// something waited: what comes before a load, and the other direction's acknowledgements, wait for moments.
fn queued(looks: &Looks, way: usize) -> Result<f64> {
    let waits = |(_, waiting): &(f64, [u64; 2])| waiting[way] > 0;
    let streaks = looks.chunk_by(|one, next| waits(one) == waits(next)).filter(|streak| waits(&streak[0]));
    let began = streaks.max_by_key(|streak| streak.len()).context("nothing waited")?[0].0;
    let within = looks.iter().filter(|(at, _)| PART.contains(&(at - began)));
    #[expect(clippy::cast_precision_loss, reason = "a queue holds far less than 2^53 bytes")]
    let waits: Vec<_> = within.map(|(_, waiting)| waiting[way] as f64 * 8.0 / f64::from(LINE.rate) / 1e3).collect();
    Ok(mean(&waits))
}

/// Gives the mean of what `cnc speed` says was added to round trips that began within the part.
fn added(lines: &[Value], direction: &str) -> Result<f64> {
    let idle = lines.last().and_then(|summary| summary["idle_rtt_ms"].as_f64()).context("no idle round trip")?;
    let of_way = lines.iter().filter(|line| line["direction"] == direction);
    let added = of_way.filter_map(|sample| {
        let rtt = sample["rtt_ms"].as_f64()?;
        PART.contains(&((sample["at_ms"].as_f64()? - rtt) / 1e3)).then_some(rtt - idle)
    });
    Ok(mean(&added.collect::<Vec<_>>()))
}

/// Gives the same by ping: its replies during iperf3's load less those before it.
fn by_ping(ends: &Ends, direction: &[&str]) -> Result<f64> {
    let ping = |interval: &str, count: &str| {
        let mut command = on(&ends.client, "ping")?;
        command.args(["-n", "-i", interval, "-c", count, &ends.address]).stdout(Stdio::piped());
        Ok::<_, anyhow::Error>(command)
    };
    let idle = median(replies(&ping("0.02", "10")?.output()?.stdout).into_iter().map(|(_, rtt)| rtt).collect());
    let mut load = on(&ends.client, "iperf3")?;
    load.args(["-c", &ends.address, "-P", "4", "-t", PEER_SECONDS]).args(direction);
    let load = Running::start(&mut load)?;
    let loaded = ping("0.1", "50")?.output()?;
    drop(load);
    let within = |(seq, rtt): (u32, f64)| PART.contains(&(f64::from(seq) / 10.0)).then_some(rtt - idle);
    Ok(mean(&replies(&loaded.stdout).into_iter().filter_map(within).collect::<Vec<_>>()))
}

/// Reads sequence numbers and round trips in milliseconds from ping's words.
fn replies(text: &[u8]) -> Vec<(u32, f64)> {
    let value = |line: &str, name: &str| Some(line.split_once(name)?.1.split_whitespace().next()?.to_owned());
    let reply = |line: &str| Some((value(line, "icmp_seq=")?.parse().ok()?, value(line, "time=")?.parse().ok()?));
    String::from_utf8_lossy(text).lines().filter_map(reply).collect()
}
