//! A million inputs that nobody meant. No peer: what counts is that none finds a fault, and that nothing grows.

use anyhow::{Context as _, Result, ensure};
use cnc_integration_tests::fuzz::{Router, TARGETS, seed};

use crate::figure::{Bound, Figure};

/// Runs in all, over the targets in equal parts; requests over a socket are the slow ones, and fewer.
const RUNS: u64 = 1_000_000;
const REQUESTS: u64 = 40_000;
/// How much this process may hold more at the end than after its first runs, in MiB.
const GROWTH_MIB: f64 = 64.0;

/// Runs it.
pub(crate) fn run() -> Result<Vec<Figure>> {
    let each = (RUNS - REQUESTS) / TARGETS.len() as u64;
    for target in TARGETS {
        target.run(seed(1), each / 100);
    }
    let before = memory_mib()?;
    for target in TARGETS {
        target.run(seed(1) + each / 100, each - each / 100);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async { Router::start().await.run(seed(1), REQUESTS).await });
    let grown = memory_mib()? - before;
    ensure!(grown < GROWTH_MIB, "it grew by {grown:.0} MiB");
    let count = |runs: u64| f64::from(u32::try_from(runs).unwrap_or(u32::MAX));
    let runs = count(each * TARGETS.len() as u64 + REQUESTS);
    let figure = |name: &str, unit, ours, peer, goal: Bound| Figure {
        name: name.to_owned(),
        unit,
        ours,
        peer,
        goal: goal.into(),
        version: "what was asked for".to_owned(),
        turns: 1,
        why: "",
    };
    Ok(vec![
        figure("fuzz: inputs without a fault", "runs", runs, count(RUNS), Bound::LeastOfPeer(1.0)),
        figure("fuzz: memory at the end", "MiB", grown.max(0.0), GROWTH_MIB, Bound::MostOfPeer(1.0)),
    ])
}

fn memory_mib() -> Result<f64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix("kB"));
    let kib: u32 = resident.context("Linux tells a process's memory")?.trim().parse()?;
    Ok(f64::from(kib) / 1_024.0)
}
