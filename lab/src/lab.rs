//! A running lab: what tests hold. Building and removing, its hosts, the truth about its paths and losses.

use std::{
    collections::BTreeMap,
    process,
    sync::atomic::{AtomicU32, AtomicU64, Ordering},
    time::Duration,
};

use crate::{
    error::LabError,
    host::Host,
    plan::{self, PORTS, PREFIX, SILENCED},
    relay::Relay,
    scenario::{Link, Scenario},
    setup::{self, Spaces},
    topology::Hop,
};

/// Tells the labs of one process apart.
static LABS: AtomicU32 = AtomicU32::new(0);

/// A network that runs as its scenario says. Dropping it removes it, after panics too; many run side by side.
pub struct Lab {
    scenario: Scenario,
    prefix: String,
    /// By link. Before `spaces`: relays end before their devices go.
    relays: BTreeMap<usize, Relay>,
    spaces: Spaces,
}

/// What really happened to packets on one direction of a link.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// IP packets that the relay saw, lost ones included; 0 on a link without delay, jitter and loss.
    pub packets: u64,
    /// Packets lost because the scenario says so.
    pub lost: u64,
    /// Packets dropped because the shaped link's queue was full.
    pub queue_drops: u64,
    /// Bytes of IP packets that wait in the shaped link's queue at this moment.
    pub backlog_bytes: u64,
    /// Packets the relay itself had to drop, for lack of room. Not 0: the link was asked for more than a relay can.
    pub relay_drops: u64,
}

impl Lab {
    /// Builds a network. First removes what killed processes left behind.
    ///
    /// # Errors
    /// [`LabError::NeedsRoot`], [`LabError::Missing`], or what the system refused; nothing is left behind then.
    pub fn build(scenario: &Scenario) -> Result<Self, LabError> {
        setup::check_machine()?;
        setup::sweep().map_err(LabError::system("cannot look for leftovers of killed labs"))?;
        let prefix = format!("{PREFIX}{}-{}", process::id(), LABS.fetch_add(1, Ordering::Relaxed));
        let plan = plan::plan(scenario, &prefix);
        let spaces = Spaces::make(&plan)?;
        let mut relays = BTreeMap::new();
        for wanted in &plan.relays {
            let relay = Relay::start(spaces.get(&wanted.space), &wanted.directions);
            let relay = relay.map_err(LabError::system(format!("cannot start the relay of {}", wanted.space)))?;
            relays.insert(wanted.link, relay);
        }
        Ok(Self { scenario: scenario.clone(), prefix, relays, spaces })
    }

    /// Gives what the lab was built from.
    #[must_use]
    pub fn scenario(&self) -> &Scenario {
        &self.scenario
    }

    /// Gives a host or router.
    ///
    /// # Errors
    /// [`LabError::UnknownNode`] names those there are.
    pub fn host(&self, name: &str) -> Result<Host, LabError> {
        Ok(self.host_at(self.index(name)?))
    }

    /// Lists all hosts and routers.
    pub fn hosts(&self) -> impl Iterator<Item = Host> {
        (0..self.scenario.nodes.len()).map(|index| self.host_at(index))
    }

    /// Gives the hops that a trace between two nodes should find, the destination last.
    ///
    /// # Errors
    /// [`LabError::UnknownNode`].
    pub fn path(&self, from: &str, to: &str) -> Result<Vec<Hop>, LabError> {
        self.index(from).and(self.index(to))?;
        Ok(self.scenario.path(from, to))
    }

    /// Gives the time that a packet needs at least from one node to another and back, as configured.
    ///
    /// # Errors
    /// [`LabError::UnknownNode`].
    pub fn round_trip(&self, from: &str, to: &str) -> Result<Duration, LabError> {
        self.index(from).and(self.index(to))?;
        Ok(self.scenario.delay(from, to) + self.scenario.delay(to, from))
    }

    /// Counts what happened so far to packets sent by `from` on its direct link to `to`.
    ///
    /// # Errors
    /// [`LabError::UnknownNode`], [`LabError::NotLinked`], or `tc`'s.
    pub fn counts(&self, from: &str, to: &str) -> Result<Counts, LabError> {
        let ends = [self.index(from)?, self.index(to)?];
        let not_linked = || LabError::NotLinked { from: from.to_owned(), to: to.to_owned() };
        let mut links = self.scenario.links.iter().enumerate();
        let both = |link: &Link| ends.iter().all(|end| link.end_of(*end).is_some());
        let (index, link) = links.find(|(_, link)| ends[0] != ends[1] && both(link)).ok_or_else(not_linked)?;
        let way = link.end_of(ends[0]).ok_or_else(not_linked)?;
        let mut counts = Counts::default();
        if let Some(relay) = self.relays.get(&index) {
            let counters = relay.counters(way).map_err(LabError::system("cannot ask the relay's socket"))?;
            let own = [&counters.overflowed, &counters.refused, &counters.missed].map(read);
            counts = Counts {
                packets: read(&counters.packets),
                lost: read(&counters.lost),
                queue_drops: 0,
                backlog_bytes: 0,
                relay_drops: own.iter().sum(),
            };
        }
        if link.directions[way].shaping.is_some() {
            let queue = self.queue(index, PORTS[1 - way])?;
            let told = |what: &str| queue.iter().filter_map(|queue| queue[what].as_u64()).sum();
            (counts.queue_drops, counts.backlog_bytes) = (told("drops"), told("backlog"));
            // What the queue refuses from the relay is told to both.
            counts.relay_drops = counts.relay_drops.saturating_sub(counts.queue_drops);
        }
        Ok(counts)
    }

    /// Counts the time-exceeded messages that a silent router kept to itself; 0 for any other.
    ///
    /// # Errors
    /// [`LabError::UnknownNode`], or `nft`'s.
    pub fn silenced(&self, router: &str) -> Result<u64, LabError> {
        let listing = self.ask(self.host(router)?.namespace(), "nft", &["-j", "list", "counters"])?;
        let objects = listing["nftables"].as_array().into_iter().flatten();
        let counters = objects.map(|object| &object["counter"]).filter(|counter| counter["name"] == SILENCED);
        Ok(counters.filter_map(|counter| counter["packets"].as_u64()).sum())
    }

    fn host_at(&self, index: usize) -> Host {
        let node = &self.scenario.nodes[index];
        let links = || self.scenario.links_of(index).map(|(link, end)| (&self.scenario.links[link], end));
        Host {
            name: node.name.clone(),
            space: self.spaces.get(&plan::node_space(&self.prefix, node)).clone(),
            v4: links().map(|(link, end)| link.v4[end]).collect(),
            v6: links().map(|(link, end)| link.v6[end]).collect(),
        }
    }

    /// Gives what `tc` tells of a port's shapers.
    fn queue(&self, link: usize, port: &str) -> Result<Vec<serde_json::Value>, LabError> {
        let space = plan::wire_space(&self.prefix, link);
        let listing = self.ask(&space, "tc", &["-s", "-j", "qdisc", "show", "dev", port])?;
        Ok(listing.as_array().into_iter().flatten().filter(|queue| queue["kind"] == "tbf").cloned().collect())
    }

    /// Runs a program that answers in JSON inside of a namespace.
    fn ask(&self, space: &str, program: &str, arguments: &[&str]) -> Result<serde_json::Value, LabError> {
        let run = || setup::run_batch(Some(space), program, arguments, "");
        let output = self.spaces.get(space).run(run).map_err(LabError::system(format!("cannot enter {space}")))??;
        serde_json::from_slice(&output).map_err(|error| LabError::Command {
            command: format!("{program} {}", arguments.join(" ")),
            space: Some(space.to_owned()),
            message: format!("its answer is no JSON: {error}"),
        })
    }

    fn index(&self, name: &str) -> Result<usize, LabError> {
        self.scenario.node(name).ok_or_else(|| {
            let known: Vec<_> = self.scenario.nodes.iter().map(|node| node.name.as_str()).collect();
            LabError::UnknownNode { name: name.to_owned(), known: known.join(", ") }
        })
    }
}

fn read(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}
