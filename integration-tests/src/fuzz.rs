//! Input that nobody meant: a corpus of sound input, changed at random, for everything that reads what strangers wrote.
//!
//! A target holds what must be true of whatever it reads; a fault is a panic of the target's or of the product's. Each
//! run has a seed of its own, which is told with the fault.

mod http;
mod mutate;
mod resume;
mod text;
mod wire;

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::random::Random;

pub use http::Router;

/// Something that reads what strangers wrote.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// What it is called.
    pub name: &'static str,
    run: fn(&mut Random),
}

/// All that need nothing but memory; [`Router`] is the one that needs more.
pub const TARGETS: &[Target] = &[
    Target { name: "client's messages", run: wire::client_message },
    Target { name: "listener's messages", run: wire::listener_message },
    Target { name: "staff's messages", run: wire::support },
    Target { name: "resume order", run: resume::story },
    Target { name: "config file", run: text::config },
    Target { name: "file name", run: text::file_name },
    Target { name: "code", run: text::code },
    Target { name: "URL", run: text::url },
];

impl Target {
    /// Runs it so many times, with seeds counted up from one.
    ///
    /// # Panics
    /// With the seed of the run that found a fault.
    pub fn run(&self, seed: u64, runs: u64) {
        for seed in seed..seed + runs {
            let run = || (self.run)(&mut Random::new(seed));
            if let Err(fault) = catch_unwind(AssertUnwindSafe(run)) {
                let fault = fault.downcast_ref::<String>().map_or("see above", String::as_str);
                panic!("{}: FUZZ_SEED={seed} finds a fault: {fault}", self.name);
            }
        }
    }
}

/// Gives the seed that was set, to try one again; else the one given.
#[must_use]
pub fn seed(otherwise: u64) -> u64 {
    std::env::var("FUZZ_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(otherwise)
}
