//! `truth`: what is told beside what is: packet captures, shapers, queues and counters in networks with known faults,
//! and beside what others tell of the same networks. All programs take turns in one network.

pub(crate) mod added;
mod capture;
mod ends;
pub(crate) mod loss;
pub(crate) mod path;
pub(crate) mod rtt;
pub(crate) mod speed;

/// Turns of each program; the middle one counts.
const TURNS: usize = 5;
