//! How far the goodput that is told is off from what a shaper lets through, after which time it is known, and how
//! steady its live samples are, beside iperf3, nuttcp and crusader with as many connections in the same networks.
//!
//! Slow networks are measured side by side, each in its own namespaces: all of them together keep no core busy.

mod ours;
mod peers;

use std::thread;

use anyhow::{Context as _, Result, ensure};
use cnc_integration_tests::busy::Busy;
use tokio::runtime::{Builder, Handle};

use self::ours::Direction;
use self::peers::{PEERS, Peer, Told};
use super::ends::{Ends, Line};
use super::so_often;
use crate::figure::{Bound, Figure, Goal, median};
use crate::peer::{Running, version};

/// What the bottleneck's queue holds, in milliseconds: more than the longest round trip, so that it never runs dry.
const QUEUE: u32 = 50;
/// And so much where nothing is to be lost: a lost packet holds back what came after it, at any receiver.
const DEEP_QUEUE: u32 = 1_000;
/// After which time ours is to be within half a percent for good, in seconds, where the round trip is no longer than 40 ms.
const KNOWN: f64 = 3.0;
/// Why it may be later.
const SETTLING: &str =
    "settled at 2 s where the rate is quiet, else at 2.75 s: four averages; 0.5 s later behind added connections";
/// And why with BBR, where packets are under way for long: what has arrived in total stays behind the line's rate all
/// the time, by 0.1 to 0.15 s of it.
const HELD_BACK: &str =
    "BBR overfills the queue: 0.1 s of data always waits behind what was lost, now more and then less";
/// What live samples may deviate by, in percent.
const STEADY: f64 = 1.0;

/// What ours may be off by in percent, by rate in Mbit/s and round trip in milliseconds.
const GOALS: [(u32, u32, f64); 6] =
    [(5, 0, 1.0), (20, 0, 0.3), (20, 40, 0.3), (100, 0, 0.3), (100, 40, 0.3), (500, 0, 1.0)];

/// Measures the slow networks.
pub(crate) fn slow() -> Result<Vec<Figure>> {
    run(&[(5, 0), (5, 40), (20, 0), (20, 40)])
}

/// Measures those of 100 Mbit/s. The delayed ones one at a time: the delay's relay takes half a core of each, and two
/// of them keep both cores busy, by which BBR takes packets that wait there for a slower line.
pub(crate) fn hundred() -> Result<Vec<Figure>> {
    let mut figures = run(&[(100, 0)])?;
    for control in CONTROLS {
        figures.extend(side_by_side(vec![Line { rate: 100, delay: 40, queue: QUEUE, control }])?);
    }
    Ok(figures)
}

/// Measures the fast one, one congestion control after the other.
pub(crate) fn fast() -> Result<Vec<Figure>> {
    ensure!(cnc_lab::root_or_skip("truth-speed"), "it needs root");
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let mut figures = Vec::new();
    for control in CONTROLS {
        figures.extend(lane(Line { rate: 500, delay: 0, queue: QUEUE, control }, runtime.handle())?);
    }
    Ok(figures)
}

/// Measures one of the slow ones while all cores are busy.
pub(crate) fn busy() -> Result<Vec<Figure>> {
    let loops = Busy::begin();
    let mut figures = side_by_side(vec![Line { rate: 20, delay: 40, queue: QUEUE, control: "cubic" }])?;
    drop(loops);
    for figure in &mut figures {
        figure.name = figure.name.replacen(':', ", cores busy:", 1);
    }
    Ok(figures)
}

/// Measures how steady live samples are where nothing is lost.
pub(crate) fn live() -> Result<Vec<Figure>> {
    let lines = [(20, 0), (20, 40), (100, 0)];
    side_by_side(lines.map(|(rate, delay)| Line { rate, delay, queue: DEEP_QUEUE, control: "cubic" }).to_vec())
}

const CONTROLS: [&str; 2] = ["cubic", "bbr"];

/// Measures networks with either congestion control, side by side.
fn run(networks: &[(u32, u32)]) -> Result<Vec<Figure>> {
    let line = |(rate, delay)| CONTROLS.map(|control| Line { rate, delay, queue: QUEUE, control });
    side_by_side(networks.iter().copied().flat_map(line).collect())
}

fn side_by_side(lines: Vec<Line>) -> Result<Vec<Figure>> {
    ensure!(cnc_lab::root_or_skip("truth-speed"), "it needs root");
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let handle = runtime.handle();
    let figures = thread::scope(|scope| {
        let running: Vec<_> = lines.into_iter().map(|line| scope.spawn(move || lane(line, handle))).collect();
        let join = |lane: thread::ScopedJoinHandle<'_, _>| lane.join().expect("a lane tells its errors");
        running.into_iter().map(join).collect::<Result<Vec<Vec<_>>>>()
    })?;
    Ok(figures.into_iter().flatten().collect())
}

/// What all programs told in their turns, of one direction.
struct Turns {
    ours: Vec<Told>,
    peers: Vec<(&'static Peer, Vec<Told>)>,
}

/// Measures one network.
fn lane(line: Line, runtime: &Handle) -> Result<Vec<Figure>> {
    let ends = Ends::start(&line, runtime)?;
    let is_live = line.queue == DEEP_QUEUE;
    let is_wanted = |peer: &&Peer| version(peer.program).is_some() && (!is_live || peer.is_live);
    let peers: Vec<_> = PEERS.iter().filter(is_wanted).collect();
    ensure!(!peers.is_empty(), "no peer is installed: cargo xtask bench installs them");
    let _servers = peers.iter().map(|peer| peer.serve(&ends)).collect::<Result<Vec<Running>>>()?;
    let mut turns = Direction::BOTH
        .map(|_| Turns { ours: Vec::new(), peers: peers.iter().map(|peer| (*peer, Vec::new())).collect() });
    for _ in 0..so_often() {
        let ours = ours::measure(&ends, line.truth_bps()).with_context(|| format!("cnc, {line:?}"))?;
        for ((turns, ours), direction) in turns.iter_mut().zip(ours).zip(Direction::BOTH) {
            turns.ours.push(ours);
            for (peer, told) in &mut turns.peers {
                let one = peer.measure(&ends, direction, line.truth_bps());
                told.push(one.with_context(|| format!("{}, {line:?}", peer.program))?);
            }
        }
    }
    let name = |direction: Direction, what: &str| {
        let Line { rate, delay, control, .. } = line;
        format!("{} {rate} Mbit/s, {delay} ms, {control}: {what}", direction.word())
    };
    let figures = turns.iter().zip(Direction::BOTH).flat_map(|(turns, direction)| {
        let goal = GOALS.iter().find(|goal| (goal.0, goal.1) == (line.rate, line.delay));
        let name = |what: &str| name(direction, what);
        if is_live {
            return turns.live(&name);
        }
        let mut figures = turns.figures(&name, &goal.map_or(Goal::NONE, |goal| Bound::Most(goal.2).into()));
        if line.control == "bbr" && line.delay > 0 {
            for figure in &mut figures {
                figure.why = HELD_BACK;
            }
        }
        figures
    });
    Ok(figures.collect())
}

impl Turns {
    fn figures(&self, name: &dyn Fn(&str) -> String, goal: &Goal) -> Vec<Figure> {
        let mut figures = self.beside(&name("off by"), "%", goal, |told| middle(told, |told| told.off));
        // Of every turn, so the worst is told.
        let worst = |told: &[Told]| told.iter().map(|told| told.known).fold(0.0, f64::max);
        let known = self.beside(&name("within 0.5 %, worst turn"), "s", &Bound::Most(KNOWN).into(), worst);
        figures.extend(known.into_iter().map(|figure| Figure { why: SETTLING, ..figure }));
        figures
    }

    fn live(&self, name: &dyn Fn(&str) -> String) -> Vec<Figure> {
        let goal = Bound::Most(STEADY).into();
        self.beside(&name("live samples deviate"), "%", &goal, |told| middle(told, |told| told.deviation))
    }

    /// Puts ours beside each peer that tells it.
    fn beside(&self, name: &str, unit: &'static str, goal: &Goal, of: impl Fn(&[Told]) -> f64) -> Vec<Figure> {
        let figure = |(peer, told): &(&Peer, Vec<Told>)| Figure {
            name: name.to_owned(),
            unit,
            ours: of(&self.ours),
            peer: of(told),
            goal: goal.clone(),
            version: peer.title(),
            turns: self.ours.len(),
            why: "",
        };
        self.peers.iter().map(figure).filter(|figure| !figure.peer.is_nan()).collect()
    }
}

fn middle(told: &[Told], of: fn(&Told) -> f64) -> f64 {
    median(told.iter().map(of).collect())
}
