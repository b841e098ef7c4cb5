//! Networks with known faults, for tests that need the truth: a scenario in TOML becomes network namespaces joined by
//! veth pairs, with `tbf` for rates, `nftables` for silence, and a relay of our own for delay, jitter and loss.
//! Knows nothing of the client or the listener.
//!
//! ```no_run
//! use cnc_lab::{Lab, Scenario};
//!
//! let lab = Lab::build(&Scenario::named("delay40")?)?;
//! let server = lab.host("server")?.v4().to_string();
//! let status = lab.host("client")?.command("ping").args(["-c", "3", &server]).status();
//! # Ok::<(), cnc_lab::LabError>(())
//! ```
//!
//! Every impaired link has a namespace of its own, the *wire*, between its two ends: what happens there does not
//! depend on what the ends' kernels do. Frames pass through it by the relay (delay, jitter, loss), or by a `tc`
//! redirect when there is only a rate; `tbf` is on the port where they leave.

mod error;
mod host;
mod lab;
mod namespace;
mod plan;
mod relay;
mod scenario;
mod setup;
mod topology;

pub use error::LabError;
pub use host::Host;
pub use lab::{Counts, Lab};
pub use namespace::Entered;
pub use scenario::{
    CLIENT, Direction, Link, Loss, Node, NodeKind, Queue, Rate, SERVER, Scenario, ScenarioError, Shaping,
};
pub use topology::Hop;

/// Tells whether a test that needs a lab can run here: `false` without root, after printing that it is skipped and why.
///
/// # Panics
/// Without root where the environment has `CI`: there a skipped test would be a lie.
#[must_use = "a test that cannot run must return"]
#[expect(clippy::print_stderr, reason = "a test's skipping must be seen where its result is")]
pub fn root_or_skip(why: &str) -> bool {
    if setup::may_make_namespaces() {
        return true;
    }
    assert!(std::env::var_os("CI").is_none(), "{why}: needs root, and CI skips nothing");
    eprintln!("SKIPPED: {why} (needs root)");
    false
}
