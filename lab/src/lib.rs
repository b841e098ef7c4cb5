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
//! A scenario file names hosts and routers and links them. Two hosts are always there, `client` and `server`. A link's
//! settings hold for both directions; `forward` (first end to second) and `back` say otherwise for one:
//!
//! ```
//! let scenario = cnc_lab::Scenario::parse(r#"
//!     description = "a slow last mile behind a silent router"
//!
//!     [hosts.client.sysctl]
//!     "net.ipv4.ping_group_range" = "0 2147483647"
//!     [hosts.server]
//!     # mute = true          # drops all that arrives
//!     [routers.home]
//!     [routers.provider]
//!     silent = true          # drops its own time-exceeded messages
//!     # black_hole = true    # drops its own messages that a packet is too big
//!     # ecmp = true          # spreads flows over all ways that are equally short
//!     # nat = true           # hides who is on the client's side
//!     # no_v6 = true         # passes no IPv6 on
//!     # drop = [53]                # drops what goes to port 53, TCP and UDP
//!     # redirect = { 80 = 8080 }   # leads what goes to port 80 to its own port 8080
//!
//!     [[links]]
//!     between = ["client", "home"]
//!     v4 = ["192.168.1.2", "192.168.1.1"]      # else 10.77.LINK.1 and .2; v6 likewise, else fd77:0:0:LINK::1
//!
//!     [[links]]
//!     between = ["home", "provider"]
//!     rate = "20mbit"                          # of IP packets
//!     queue = "100ms"                          # or bytes: "250kb"; else 50ms
//!     delay = "10ms"
//!     jitter = "2ms"                           # 0 to 2 ms on top, order kept
//!     seed = 7                                 # of the random numbers
//!     back.rate = "100mbit"
//!     forward.loss = "every 10th"              # or at random: "2%"
//!     # mtu = 1400                             # of both ends
//!     # police = "20mbit"                      # drops what is beyond it; at a router's end
//!
//!     [[links]]
//!     between = ["provider", "server"]
//! "#)?;
//! assert_eq!(scenario.path("client", "server").len(), 3);
//! # Ok::<(), cnc_lab::ScenarioError>(())
//! ```
//!
//! Every impaired link has a namespace of its own, the *wire*, between its two ends: what happens there does not
//! depend on what the ends' kernels do. Frames pass through it by the relay (delay, jitter, loss), or by a `tc`
//! redirect when there is only a rate; `tbf` is on the port where they leave.
//!
//! Processes that a test started on a host are the test's to end: a lab that is dropped takes away the network's names
//! and wires, not what still runs there.

mod capture;
mod error;
mod host;
mod lab;
mod namespace;
mod plan;
mod relay;
mod scenario;
mod setup;
mod topology;

pub use capture::{Capture, Frame};
pub use error::LabError;
pub use host::Host;
pub use lab::{Counts, Lab};
pub use namespace::Entered;
pub use scenario::{
    CLIENT, Direction, Link, Loss, Manners, Node, NodeKind, Queue, Rate, SERVER, Scenario, ScenarioError, Shaping,
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
