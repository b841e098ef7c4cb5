//! `truth`: what is told beside what is: packet captures, shapers, queues and counters in networks with known faults,
//! and beside what others tell of the same networks. All programs take turns in one network.

pub(crate) mod added;
mod capture;
mod ends;
pub(crate) mod loss;
pub(crate) mod path;
pub(crate) mod rtt;
pub(crate) mod speed;

/// Gives how many turns each program has; the middle one counts. `BENCH_TURNS` says another number.
fn so_often() -> usize {
    std::env::var("BENCH_TURNS").ok().and_then(|turns| turns.parse().ok()).unwrap_or(5)
}
