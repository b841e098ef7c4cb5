//! A scenario: which hosts and routers there are, how they are linked, and what is wrong with the links.
//! Reads text and checks it; never touches a system.

mod check;
mod file;
mod units;

use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, Ipv6Addr},
    time::Duration,
};

pub use units::{Loss, Queue, Rate};

/// The host every scenario has that asks.
pub const CLIENT: &str = "client";
/// The host every scenario has that is asked.
pub const SERVER: &str = "server";

macro_rules! embedded {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("../scenarios/", $name, ".toml")))),*]
    };
}

const EMBEDDED: &[(&str, &str)] = embedded![
    "asymmetric-delay",
    "asymmetric100-10",
    "bufferbloat20",
    "captive-portal",
    "dead-destination",
    "delay40",
    "dns-dead",
    "dns-lying",
    "ecmp",
    "icmp-limited",
    "loss10",
    "loss2",
    "lossy-first-hop",
    "lossy-home",
    "mtu-black-hole",
    "mtu-step",
    "nat",
    "path10",
    "path10-dead",
    "path10-silent",
    "path7",
    "plain",
    "policer20",
    "rate20",
    "rate20-delay40",
    "tls-interception",
    "v6-broken",
];

/// A checked description of a network; every address is assigned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scenario {
    /// One line for people.
    pub description: String,
    /// Hosts and routers, in the order of their names, hosts first.
    pub nodes: Vec<Node>,
    /// The wires between them, in the file's order.
    pub links: Vec<Link>,
}

/// A host or a router.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// The name in the scenario.
    pub name: String,
    /// Whether it passes packets on.
    pub kind: NodeKind,
    /// What a router does beside forwarding; nothing for hosts.
    pub manners: Manners,
    /// Settings written under `/proc/sys` in its namespace, after the lab's own.
    pub sysctls: Vec<(String, String)>,
}

/// What a node does with packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeKind {
    /// Is an end of connections.
    Host {
        /// Drops all that arrives, as a dead or firewalled machine.
        mute: bool,
    },
    /// Forwards.
    Router {
        /// Drops its own time-exceeded messages: traces show a hole there.
        silent: bool,
    },
}

/// What a router does with others' packets beside passing them on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is there or not, by itself")]
pub struct Manners {
    /// Drops its own messages that a packet is too big: larger ones vanish without a word.
    pub black_hole: bool,
    /// Spreads flows over all ways that are equally short, by addresses and ports.
    pub ecmp: bool,
    /// Hides who is on the client's side behind its own addresses.
    pub nat: bool,
    /// Passes no IPv6 on, and does not say so.
    pub no_v6: bool,
    /// Ports of TCP and UDP on the way to others that it drops without a word.
    pub drop: Vec<u16>,
    /// Ports of TCP and UDP on the way to others, and its own that it leads them to; nobody listens there by itself.
    pub redirect: BTreeMap<u16, u16>,
}

/// A wire between two nodes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Indices into [`Scenario::nodes`].
    pub ends: [usize; 2],
    /// The ends' addresses, in one /24.
    pub v4: [Ipv4Addr; 2],
    /// The ends' addresses, in one /64.
    pub v6: [Ipv6Addr; 2],
    /// The largest packet that both ends send; `None` for Ethernet's 1,500 bytes.
    pub mtu: Option<u32>,
    /// What happens to packets from the first end to the second, and back.
    pub directions: [Direction; 2],
}

/// What happens to packets on their way along a link. First come loss, delay and jitter, then rate and queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Direction {
    /// The rate beyond which packets are dropped at once, without a queue, once a second's worth has passed at any rate.
    pub police: Option<Rate>,
    /// The rate it is shaped to, with the bytes its queue holds.
    pub shaping: Option<Shaping>,
    /// Time added to every packet.
    pub delay: Duration,
    /// The most time added on top, uniform at random; order is kept.
    pub jitter: Duration,
    /// Which packets are lost.
    pub loss: Option<Loss>,
    /// Where the random numbers start: the same seed and traffic lose the same packets.
    pub seed: u64,
}

/// A rate with its queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shaping {
    /// The rate of IP packets.
    pub rate: Rate,
    /// What waits at most, in bytes of IP packets.
    pub queue_bytes: u64,
}

impl Shaping {
    /// The longest a packet can wait in the full queue.
    #[must_use]
    pub fn longest_wait(&self) -> Duration {
        Duration::from_secs(self.queue_bytes * 8).div_f64(bits_as_float(self.rate))
    }
}

#[expect(clippy::cast_precision_loss, reason = "rates stay below 2^52")]
fn bits_as_float(rate: Rate) -> f64 {
    rate.bits_per_second() as f64
}

/// A mistake in a scenario.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScenarioError {
    /// The text is no scenario.
    #[error("line {line}: {message}")]
    Mistake {
        /// Counted from 1.
        line: usize,
        /// What is wrong and what would be right.
        message: String,
    },
    /// No embedded scenario has this name.
    #[error("no scenario is called `{name}`; there are: {}", Scenario::names().collect::<Vec<_>>().join(", "))]
    Unknown {
        /// The name asked for.
        name: String,
    },
}

impl Scenario {
    /// Gives an embedded scenario.
    ///
    /// # Errors
    /// [`ScenarioError::Unknown`] names those there are.
    pub fn named(name: &str) -> Result<Self, ScenarioError> {
        let text = EMBEDDED.iter().find(|(known, _)| *known == name).map(|(_, text)| text);
        Self::parse(text.ok_or_else(|| ScenarioError::Unknown { name: name.to_owned() })?)
    }

    /// Lists the embedded scenarios' names, sorted.
    pub fn names() -> impl Iterator<Item = &'static str> {
        EMBEDDED.iter().map(|(name, _)| *name)
    }

    /// Reads a scenario's TOML.
    ///
    /// # Errors
    /// [`ScenarioError::Mistake`] with the line and what would be right.
    pub fn parse(text: &str) -> Result<Self, ScenarioError> {
        let file = toml::from_str(text).map_err(|error: toml::de::Error| {
            check::mistake(text, error.span().unwrap_or_default(), error.message())
        })?;
        check::check(text, file)
    }
}

/// The /24 of an address.
pub(crate) fn net4(address: Ipv4Addr) -> Ipv4Addr {
    Ipv4Addr::from_bits(address.to_bits() & !0xff)
}

/// The /64 of an address.
pub(crate) fn net6(address: Ipv6Addr) -> Ipv6Addr {
    Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX))
}

#[cfg(test)]
mod tests;
