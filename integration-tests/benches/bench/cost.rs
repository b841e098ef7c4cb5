//! `cost`: what measuring takes of the machine it runs on, beside what others take for the same.

pub(crate) mod load;
pub(crate) mod ping;
pub(crate) mod program;
mod usage;

/// Turns of each program; the middle one counts.
const TURNS: usize = 5;
