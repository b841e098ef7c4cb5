//! Who reaches whom over which link: shortest ways through routers, and the true path between two nodes.
//! Pure; the same answers fill the routing tables and serve as ground truth.

use std::{
    collections::VecDeque,
    net::{Ipv4Addr, Ipv6Addr},
    time::Duration,
};

use crate::scenario::{Link, NodeKind, Scenario};

/// One hop of the true path, as a trace should find it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hop {
    /// Counted from 1.
    pub ttl: u8,
    /// The node's name in the scenario.
    pub name: String,
    /// The IPv4 address it answers from.
    pub v4: Ipv4Addr,
    /// The IPv6 address it answers from.
    pub v6: Ipv6Addr,
    /// Whether it keeps silent: a router without time-exceeded, or a mute host.
    pub silent: bool,
}

impl Link {
    /// Which end the node is: 0, 1, or not on this link.
    pub(crate) fn end_of(&self, node: usize) -> Option<usize> {
        self.ends.iter().position(|end| *end == node)
    }
}

impl Scenario {
    /// Finds a node's index by its name.
    #[must_use]
    pub fn node(&self, name: &str) -> Option<usize> {
        self.nodes.iter().position(|node| node.name == name)
    }

    /// The node's links, each with the end that it is. Their order numbers its devices.
    pub(crate) fn links_of(&self, node: usize) -> impl Iterator<Item = (usize, usize)> {
        self.links.iter().enumerate().filter_map(move |(index, link)| Some((index, link.end_of(node)?)))
    }

    /// For each node the distance from `from` and the first link of the shortest way there; ties go to the earlier link.
    pub(crate) fn next_hops(&self, from: usize) -> Vec<Option<(usize, usize)>> {
        let mut found = vec![None; self.nodes.len()];
        let mut queue = VecDeque::from([(from, 0, None)]);
        while let Some((at, distance, first)) = queue.pop_front() {
            let forwards = at == from || matches!(self.nodes[at].kind, NodeKind::Router { .. });
            for (link, end) in self.links_of(at).filter(|_| forwards) {
                let next = self.links[link].ends[1 - end];
                if next != from && found[next].is_none() {
                    let first = first.unwrap_or(link);
                    found[next] = Some((distance + 1, first));
                    queue.push_back((next, distance + 1, Some(first)));
                }
            }
        }
        found
    }

    /// The link over which `at` sends to addresses of link `to`; `None` when it reaches neither end.
    pub(crate) fn next_link(&self, at: usize, to: usize) -> Option<usize> {
        if self.links[to].end_of(at).is_some() {
            return Some(to);
        }
        let ways = self.next_hops(at);
        self.links[to]
            .ends
            .iter()
            .filter_map(|end| ways[*end])
            .min_by_key(|(distance, _)| *distance)
            .map(|(_, first)| first)
    }

    /// All links over which the ways from `at` to addresses of link `to` are equally short, in the file's order.
    pub(crate) fn next_links(&self, at: usize, to: usize) -> Vec<usize> {
        let targets = self.links[to].ends;
        let distance = |from: usize| {
            if targets.contains(&from) {
                return Some(0);
            }
            let ways = self.next_hops(from);
            targets.iter().filter_map(|end| ways[*end]).map(|(distance, _)| distance).min()
        };
        if self.links[to].end_of(at).is_some() {
            return vec![to];
        }
        let forwards = |node: usize| matches!(self.nodes[node].kind, NodeKind::Router { .. });
        let ways = self.links_of(at).filter_map(|(link, end)| {
            let next = self.links[link].ends[1 - end];
            (forwards(next) || targets.contains(&next)).then(|| Some((distance(next)?, link))).flatten()
        });
        let ways: Vec<_> = ways.collect();
        let least = ways.iter().map(|(distance, _)| *distance).min();
        ways.into_iter().filter(|(distance, _)| Some(*distance) == least).map(|(_, link)| link).collect()
    }

    /// The nodes that a packet from `from` to the first address of `to` meets, each with the link it came by.
    pub(crate) fn walk(&self, from: usize, to: usize) -> Vec<(usize, usize)> {
        let mut walked = Vec::new();
        let Some((target, _)) = self.links_of(to).next() else { return walked };
        let mut at = from;
        while at != to && walked.len() < self.nodes.len() {
            let Some(link) = self.next_link(at, target) else { break };
            at = self.links[link].ends[1 - self.links[link].end_of(at).expect("next_link gives a link of the node")];
            walked.push((at, link));
        }
        walked
    }

    /// The hops a trace from `from` to the first address of `to` should find, the destination last.
    /// Empty when a node is unknown.
    #[must_use]
    pub fn path(&self, from: &str, to: &str) -> Vec<Hop> {
        let (Some(from), Some(to)) = (self.node(from), self.node(to)) else { return Vec::new() };
        let walked = self.walk(from, to);
        let Some(&(_, source)) = walked.first() else { return Vec::new() };
        let hop = |(ttl, &(node, came_by)): (usize, &(usize, usize))| {
            // A router answers from the device that leads back; the destination from the address that was asked.
            let link = if node == to { came_by } else { self.next_link(node, source)? };
            let end = self.links[link].end_of(node)?;
            let silent = match self.nodes[node].kind {
                NodeKind::Host { mute } => mute,
                NodeKind::Router { silent } => silent && node != to,
            };
            let (v4, v6) = (self.links[link].v4[end], self.links[link].v6[end]);
            Some(Hop { ttl: u8::try_from(ttl + 1).ok()?, name: self.nodes[node].name.clone(), v4, v6, silent })
        };
        walked.iter().enumerate().filter_map(hop).collect()
    }

    /// The sum of the configured delays one way: what a packet needs at least, jitter and queues aside.
    #[must_use]
    pub fn delay(&self, from: &str, to: &str) -> Duration {
        let (Some(from), Some(to)) = (self.node(from), self.node(to)) else { return Duration::ZERO };
        let along = self.walk(from, to).into_iter();
        along
            .filter_map(|(node, link)| Some(self.links[link].directions[1 - self.links[link].end_of(node)?].delay))
            .sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(scenario: &Scenario, from: &str, to: &str) -> Vec<(u8, String, String, bool)> {
        let hops = scenario.path(from, to).into_iter();
        hops.map(|hop| (hop.ttl, hop.name, hop.v4.to_string(), hop.silent)).collect()
    }

    #[test]
    fn the_path_is_told_with_the_addresses_that_answer() {
        let scenario = Scenario::parse(
            r#"
            description = "three hops"
            [hosts.client]
            [hosts.server]
            [routers.r1]
            [routers.r2]
            silent = true
            [[links]]
            between = ["client", "r1"]
            [[links]]
            between = ["r2", "r1"]
            delay = "5ms"
            back.delay = "7ms"
            [[links]]
            between = ["r2", "server"]
            delay = "1ms"
            "#,
        )
        .unwrap();
        let hop = |ttl, name: &str, v4: &str, silent| (ttl, name.to_owned(), v4.to_owned(), silent);
        let there =
            [hop(1, "r1", "10.77.0.2", false), hop(2, "r2", "10.77.1.1", true), hop(3, "server", "10.77.2.2", false)];
        assert_eq!(names(&scenario, "client", "server"), there);
        let back =
            [hop(1, "r2", "10.77.2.1", true), hop(2, "r1", "10.77.1.2", false), hop(3, "client", "10.77.0.1", false)];
        assert_eq!(names(&scenario, "server", "client"), back);
        assert_eq!(scenario.delay("client", "server"), Duration::from_millis(8));
        assert_eq!(scenario.delay("server", "client"), Duration::from_millis(6));
    }

    #[test]
    fn every_embedded_scenario_has_a_path_both_ways() {
        for name in Scenario::names() {
            let scenario = Scenario::named(name).unwrap();
            let (there, back) = (scenario.path("client", "server"), scenario.path("server", "client"));
            assert!(!there.is_empty(), "{name}");
            assert_eq!(there.len(), back.len(), "{name}");
        }
    }
}
