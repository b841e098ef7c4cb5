//! Twenty bad days, side by side. `cargo xtask bench chaos` lives a thousand; `CHAOS_SEED=N` lives one of them again.
//!
//! Needs root. Runs alone on the machine (see `.config/nextest.toml`), since it needs all of it.

use cnc_integration_tests::chaos::{Trouble, live};
use tokio::task::JoinSet;

/// Days that are lived.
const DAYS: u64 = 20;
/// Days that are lived at a time: each has six programs, which wait most of the time.
const SIDE_BY_SIDE: usize = 10;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_goes_wrong_what_is_stored_is_what_was_sent() {
    let seed = std::env::var("CHAOS_SEED").ok().and_then(|seed| seed.parse::<u64>().ok());
    let mut seeds = seed.map_or(1..=DAYS, |seed| seed..=seed);
    let (mut living, mut faults, mut troubles) = (JoinSet::new(), Vec::new(), Vec::new());
    loop {
        while living.len() < SIDE_BY_SIDE
            && let Some(seed) = seeds.next()
        {
            living.spawn(async move { (seed, tokio::spawn(live(seed)).await) });
        }
        let Some(lived) = living.join_next().await else { break };
        match lived.expect("it is only a wrapper") {
            (_, Ok(None)) => return,
            (_, Ok(Some(verdict))) if verdict.faults.is_empty() => {
                assert!(verdict.made > 0 && verdict.acknowledged > 0, "nothing was tried: {verdict:?}");
                troubles.extend(verdict.troubles);
            }
            (seed, Ok(Some(verdict))) => {
                let told = verdict.faults.join("\n  ");
                faults.push(format!("CHAOS_SEED={seed}, after {:?}:\n  {told}", verdict.troubles));
            }
            (seed, Err(panic)) => faults.push(format!("CHAOS_SEED={seed}: {panic}")),
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    let killed = |trouble: &Trouble| matches!(trouble, Trouble::KillClient(_));
    assert!(seed.is_some() || troubles.iter().any(killed), "what could go wrong did not: {troubles:?}");
}
