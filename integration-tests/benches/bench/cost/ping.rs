//! Pings of many targets from one process, as fast as it can: probes a second, and the processor's time for each,
//! beside fping and beside a bare loop on one ICMP socket.
//!
//! The targets are loopback addresses in a namespace, whose kernel answers within the send: what is measured is the
//! program's own work and that of the kernel for it. As fping tells its figures at the end, so the samples of ours wait
//! in their queues, which hold them all, until their ping has ended: somebody who watches hundreds of pings live costs
//! about a microsecond a sample more, and that is no part of pinging.

use std::net::{IpAddr, Ipv4Addr};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use cnc_lab::{Host, Lab, Scenario};
use cnc_model::ping::PingOutcome;
use cnc_model::test::{MIN_INTERVAL, PingProtocol, PingTest};
use cnc_model::{Destination, Family, Sample};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::TURNS;
use super::usage::{Usage, run as usage};
use crate::figure::{Bound, Figure, median};
use crate::peer::{on, version};

mod bare;

/// Targets at once.
const TARGETS: u16 = 400;
/// The first of them; the others follow it.
const FIRST: Ipv4Addr = Ipv4Addr::new(127, 0, 1, 1);
/// Probes to each: all together fewer than fping has numbers for in ten seconds.
const PROBES: u32 = 150;
/// What ours is to reach, as shares of fping's: probes a second, and the processor's time a probe.
const RATE: f64 = 1.5;
const CPU: f64 = 0.7;

/// Users may send ICMP, as on most systems of today.
const NETWORK: &str = r#"
description = "a host that pings itself"
[hosts.client.sysctl]
"net.ipv4.ping_group_range" = "0 2147483647"
[hosts.server]
[[links]]
between = ["client", "server"]
"#;

/// Measures it.
pub(crate) fn run() -> Result<Vec<Figure>> {
    ensure!(cnc_lab::root_or_skip("cost-ping"), "it needs root");
    let lab = Lab::build(&Scenario::parse(NETWORK)?)?;
    let client = lab.host("client")?;
    let mut turns: [Vec<Cost>; 3] = Default::default();
    for _ in 0..TURNS {
        turns[0].push(own(&client, "product")?);
        turns[1].push(fping(&client)?);
        turns[2].push(own(&client, "bare")?);
    }
    let middle = |who: usize, of: fn(&Cost) -> f64| median(turns[who].iter().map(of).collect());
    let peers = [(1, version("fping").context("fping is not there")?), (2, "a bare ICMP socket".to_owned())];
    let figure = |what: &str, unit, who: usize, of: fn(&Cost) -> f64, goal: Bound, version: &str| Figure {
        name: format!("ping {TARGETS} targets: {what}"),
        unit,
        ours: middle(0, of),
        peer: middle(who, of),
        goal: if who == 1 { goal.into() } else { crate::figure::Goal::NONE },
        version: version.to_owned(),
        turns: TURNS,
        why: "what the kernel itself takes of it is the bare socket's row",
    };
    let figures = peers.iter().flat_map(|(who, version)| {
        [
            figure("probes", "k/s", *who, |cost| cost.rate / 1e3, Bound::LeastOfPeer(RATE), version),
            figure("CPU a probe", "us", *who, |cost| cost.cpu_us, Bound::MostOfPeer(CPU), version),
        ]
    });
    Ok(figures.collect())
}

/// What one turn took.
struct Cost {
    /// Answered probes a second.
    rate: f64,
    /// Processor's time a probe.
    cpu_us: f64,
}

impl Cost {
    fn of(usage: &Usage, answered: f64) -> Self {
        Self { rate: answered / usage.elapsed.as_secs_f64(), cpu_us: usage.cpu.as_secs_f64() * 1e6 / answered }
    }
}

fn targets() -> impl Iterator<Item = IpAddr> {
    (0..TARGETS).map(|nth| IpAddr::from(Ipv4Addr::from(FIRST.to_bits() + u32::from(nth))))
}

fn fping(client: &Host) -> Result<Cost> {
    let mut command = on(client, "fping")?;
    command.args(["-q", "-i", "0", "-p", "1", "-t", "1000", "-c", &PROBES.to_string()]);
    let usage = usage(command.args(targets().map(|target| target.to_string())))?;
    Ok(Cost::of(&usage, f64::from(PROBES) * f64::from(TARGETS)))
}

/// Lets this program ping as a process of its own.
fn own(client: &Host, how: &str) -> Result<Cost> {
    let mut command = Command::new("ip");
    command.args(["netns", "exec", client.namespace()]).arg(std::env::current_exe()?).args(["--pinger", how]);
    let usage = usage(&mut command)?;
    let answered: f64 = usage.said.trim().parse().with_context(|| format!("it said: {}", usage.said))?;
    ensure!(answered >= 0.99 * f64::from(PROBES) * f64::from(TARGETS), "{how}: only {answered} answers");
    Ok(Cost::of(&usage, answered))
}

/// Is a pinging process, and prints how many answers there were.
pub(crate) fn pinger(how: Option<&str>) -> Result<()> {
    let answered = match how {
        Some("product") => {
            // As the client has it.
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(3).enable_all().build()?;
            runtime.block_on(product())?
        }
        Some("bare") => bare::ping(targets(), PROBES)?,
        _ => bail!("--pinger wants product or bare"),
    };
    crate::figure::say(answered);
    Ok(())
}

/// Pings all targets by the product's own engine.
async fn product() -> Result<usize> {
    let test = PingTest {
        family: Family::V4,
        protocol: PingProtocol::Icmp,
        count: PROBES,
        interval: MIN_INTERVAL,
        timeout: Duration::from_secs(1),
        ..PingTest::to(Destination::Listener)
    };
    let mut pings = JoinSet::new();
    for target in targets() {
        let test = test.clone();
        pings.spawn(async move {
            let (sink, mut samples) = cnc_probe::sink();
            cnc_probe::ping(target, &test, &sink, &CancellationToken::new()).await?;
            let is_reply = |ping: &cnc_model::ping::PingSample| matches!(ping.outcome, PingOutcome::Reply(_));
            let mut replies = 0;
            while let Ok(sample) = samples.try_recv() {
                replies += usize::from(matches!(&sample, Sample::Ping(ping) if is_reply(ping)));
            }
            Ok(replies)
        });
    }
    let answered = pings.join_all().await;
    Ok(answered.into_iter().collect::<Result<Vec<_>, cnc_probe::ProbeError>>()?.iter().sum())
}
