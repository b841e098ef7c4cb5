//! A thousand bad days. No peer: what counts is that each ends as it should.

use anyhow::{Result, bail, ensure};
use cnc_integration_tests::chaos::live;
use tokio::task::JoinSet;

use crate::figure::{Bound, Figure};

/// Days that are lived. `CHAOS_DAYS` says another number.
const DAYS: u64 = 1_000;
/// Days that are lived at a time: they wait most of the time, and recover in time where the machine is not overrun.
const SIDE_BY_SIDE: usize = 12;

/// Runs it.
pub(crate) fn run() -> Result<Vec<Figure>> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let days = std::env::var("CHAOS_DAYS").ok().and_then(|days| days.parse().ok()).unwrap_or(DAYS);
    let well = runtime.block_on(lived(days))?;
    let count = |days: u64| f64::from(u32::try_from(days).unwrap_or(u32::MAX));
    Ok(vec![Figure {
        name: "chaos: days that ended as they should".to_owned(),
        unit: "days",
        ours: count(well),
        peer: count(days),
        goal: Bound::LeastOfPeer(1.0).into(),
        version: "what was asked for".to_owned(),
        turns: 1,
        why: "",
    }])
}

async fn lived(days: u64) -> Result<u64> {
    let mut seeds = 1..=days;
    let (mut living, mut well) = (JoinSet::new(), 0);
    loop {
        while living.len() < SIDE_BY_SIDE
            && let Some(seed) = seeds.next()
        {
            living.spawn(async move { (seed, tokio::spawn(live(seed)).await) });
        }
        let Some(day) = living.join_next().await else { return Ok(well) };
        match day? {
            (_, Ok(None)) => bail!("it needs root"),
            (seed, Ok(Some(verdict))) => {
                let (faults, troubles) = (verdict.faults.join("\n  "), verdict.troubles);
                ensure!(faults.is_empty(), "CHAOS_SEED={seed}, after {troubles:?}:\n  {faults}");
                well += 1;
            }
            (seed, Err(panic)) => bail!("CHAOS_SEED={seed}: {panic}"),
        }
    }
}
