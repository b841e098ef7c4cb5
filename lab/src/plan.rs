//! What must be set up for a scenario: namespaces, and the batch files for `ip`, `tc`, `nft` and `ethtool` in each.
//! Pure text; `setup` runs it.

use std::fmt::Write;

mod firewall;

use crate::scenario::{Direction, Link, Node, NodeKind, Scenario, Shaping, net4, net6};

/// The first half of every namespace's name, so that leftovers can be told from others' namespaces.
pub(crate) const PREFIX: &str = "cnclab-";

/// The wire's ports: frames that come in at one leave at the other.
pub(crate) const PORTS: [&str; 2] = ["first", "second"];

/// The nftables counters of a silent router's own messages.
pub(crate) const SILENCED: &str = "silenced";

/// The time that may pass at full rate at once: a late timer on a busy machine must not lower the rate.
const BURST: std::time::Duration = std::time::Duration::from_millis(5);
/// Two full frames: `tbf` never sends a packet larger than its burst.
const SMALLEST_BURST_BYTES: u64 = 3_100;

/// Settings of every host and router. Congestion control is named because the machine's own default must not
/// decide what a queue looks like: Reno fills queues, and every kernel lets a namespace have it. ICMP is unlimited
/// because limits are a scenario's to make.
const NODE_SYSCTLS: &[(&str, &str)] = &[
    ("net.ipv6.conf.all.disable_ipv6", "0"),
    ("net.ipv6.conf.default.disable_ipv6", "0"),
    ("net.ipv6.conf.all.accept_dad", "0"),
    ("net.ipv6.conf.default.accept_dad", "0"),
    ("net.ipv6.conf.default.accept_ra", "0"),
    ("net.ipv6.conf.default.router_solicitations", "0"),
    ("net.ipv4.conf.all.rp_filter", "0"),
    ("net.ipv4.conf.default.rp_filter", "0"),
    ("net.ipv4.icmp_ratelimit", "0"),
    ("net.ipv4.icmp_ratemask", "0"),
    ("net.ipv6.icmp.ratelimit", "0"),
    ("net.ipv4.tcp_congestion_control", "reno"),
];

/// Settings that not every kernel has per namespace; where they are missing the limit is the machine's.
pub(crate) const OPTIONAL_SYSCTLS: &[(&str, &str)] =
    &[("net.ipv4.icmp_msgs_per_sec", "1000000"), ("net.ipv4.icmp_msgs_burst", "1000000")];

/// Flows are told apart by ports too, as providers' routers do.
const BY_PORTS: &[(&str, &str)] =
    &[("net.ipv4.fib_multipath_hash_policy", "1"), ("net.ipv6.fib_multipath_hash_policy", "1")];

/// A wire is no machine: it speaks no IP itself.
const WIRE_SYSCTLS: &[(&str, &str)] =
    &[("net.ipv6.conf.all.disable_ipv6", "1"), ("net.ipv6.conf.default.disable_ipv6", "1")];

/// Everything to set up, in order.
pub(crate) struct Plan {
    /// For `ip -batch` outside: namespaces and the wires between them.
    pub(crate) create: String,
    /// What to do inside of each.
    pub(crate) spaces: Vec<Space>,
    /// The wires that need a relay.
    pub(crate) relays: Vec<RelayPlan>,
}

/// One namespace.
#[derive(Debug, Default)]
pub(crate) struct Space {
    pub(crate) name: String,
    /// Set before there is any device, so that devices inherit.
    pub(crate) sysctls: Vec<(String, String)>,
    /// For `ip -batch`.
    pub(crate) ip: String,
    /// For `tc -batch`.
    pub(crate) tc: String,
    /// For `nft -f`.
    pub(crate) nft: String,
    /// The devices whose offloads go off, so that frames have their real size and checksum.
    pub(crate) real_frames: Vec<String>,
    /// Whether it is a host or router, with the optional settings.
    pub(crate) is_node: bool,
}

/// A wire with delay, jitter or loss.
pub(crate) struct RelayPlan {
    pub(crate) link: usize,
    pub(crate) space: String,
    pub(crate) directions: [Direction; 2],
}

/// The namespace of a host or router.
pub(crate) fn node_space(lab: &str, node: &Node) -> String {
    format!("{lab}-{}", node.name)
}

/// The namespace of a link's wire. Node names have no dot, so the two never meet.
pub(crate) fn wire_space(lab: &str, link: usize) -> String {
    format!("{lab}.wire{link}")
}

/// Plans `scenario` with namespaces that begin with `lab`.
pub(crate) fn plan(scenario: &Scenario, lab: &str) -> Plan {
    let mut plan = Plan { create: String::new(), spaces: Vec::new(), relays: Vec::new() };
    for index in 0..scenario.nodes.len() {
        plan.spaces.push(node(scenario, lab, index));
    }
    for (index, link) in scenario.links.iter().enumerate() {
        if !is_impaired(link) {
            continue;
        }
        let space = wire(index, link, lab);
        if needs_relay(link) {
            plan.relays.push(RelayPlan { link: index, space: space.name.clone(), directions: link.directions });
        }
        plan.spaces.push(space);
    }
    for space in &plan.spaces {
        line(&mut plan.create, format_args!("netns add {}", space.name));
    }
    for (index, link) in scenario.links.iter().enumerate() {
        connect(scenario, lab, index, link, &mut plan.create);
    }
    plan
}

fn is_impaired(link: &Link) -> bool {
    needs_relay(link) || link.directions.iter().any(|way| way.shaping.is_some())
}

/// Whether who polices must see the frames of a link as they are on a wire, and not what offloads make of several.
fn is_near_police(scenario: &Scenario, link: &Link) -> bool {
    let polices = |node: usize| firewall::policed(scenario, node).next().is_some();
    link.ends.iter().any(|end| polices(*end))
}

fn needs_relay(link: &Link) -> bool {
    link.directions.iter().any(|way| !way.delay.is_zero() || !way.jitter.is_zero() || way.loss.is_some())
}

/// Device names count up in the order of the node's links.
fn device(scenario: &Scenario, node: usize, link: usize) -> String {
    let before = scenario.links_of(node).take_while(|(index, _)| *index != link).count();
    format!("eth{before}")
}

fn mac(link: usize, end: usize) -> String {
    format!("02:c0:00:00:{link:02x}:{:02x}", end + 1)
}

fn connect(scenario: &Scenario, lab: &str, index: usize, link: &Link, create: &mut String) {
    let ends = [0, 1].map(|end| {
        let node = link.ends[end];
        let (name, space) = (device(scenario, node, index), node_space(lab, &scenario.nodes[node]));
        format!("{name} address {} netns {space}", mac(index, end))
    });
    if is_impaired(link) {
        let wire = wire_space(lab, index);
        for (end, port) in ends.iter().zip(PORTS) {
            line(create, format_args!("link add {end} type veth peer name {port} netns {wire}"));
        }
    } else {
        line(create, format_args!("link add {} type veth peer name {}", ends[0], ends[1]));
    }
}

fn node(scenario: &Scenario, lab: &str, index: usize) -> Space {
    let node = &scenario.nodes[index];
    let mut space = Space { name: node_space(lab, node), is_node: true, ..Space::default() };
    let forwarding = if matches!(node.kind, NodeKind::Router { .. }) { "1" } else { "0" };
    space.sysctls = owned(NODE_SYSCTLS);
    space.sysctls.extend(owned(&[("net.ipv4.ip_forward", forwarding), ("net.ipv6.conf.all.forwarding", forwarding)]));
    if node.manners.ecmp {
        space.sysctls.extend(owned(BY_PORTS));
    }
    space.sysctls.extend(node.sysctls.iter().cloned());
    line(&mut space.ip, format_args!("link set dev lo up"));
    for (link_index, end) in scenario.links_of(index) {
        let (link, dev) = (&scenario.links[link_index], device(scenario, index, link_index));
        let peer = 1 - end;
        line(&mut space.ip, format_args!("addr add {}/24 dev {dev}", link.v4[end]));
        line(&mut space.ip, format_args!("addr add {}/64 dev {dev} nodad", link.v6[end]));
        line(&mut space.ip, format_args!("link set dev {dev} up"));
        // Known neighbours: no first packet waits for address resolution, none is counted as lost.
        for address in [link.v4[peer].to_string(), link.v6[peer].to_string()] {
            line(
                &mut space.ip,
                format_args!("neigh replace {address} lladdr {} dev {dev} nud permanent", mac(link_index, peer)),
            );
        }
        if let Some(mtu) = link.mtu {
            line(&mut space.ip, format_args!("link set dev {dev} mtu {mtu}"));
        }
        if is_impaired(link) || is_near_police(scenario, link) {
            space.real_frames.push(dev);
        }
    }
    routes(scenario, index, &mut space.ip);
    space.nft = firewall::rules(scenario, index);
    space
}

fn routes(scenario: &Scenario, node: usize, ip: &mut String) {
    let via = |link: usize, end: usize| (scenario.links[link].v4[1 - end], scenario.links[link].v6[1 - end]);
    let own: Vec<_> = scenario.links_of(node).collect();
    if let ([(link, end)], NodeKind::Host { .. }) = (own.as_slice(), scenario.nodes[node].kind) {
        let neighbour = scenario.links[*link].ends[1 - end];
        if matches!(scenario.nodes[neighbour].kind, NodeKind::Router { .. }) {
            let (v4, v6) = via(*link, *end);
            line(ip, format_args!("route add default via {v4}"));
            line(ip, format_args!("route add default via {v6}"));
        }
        return;
    }
    for (target, link) in scenario.links.iter().enumerate() {
        let Some(next) = scenario.next_link(node, target).filter(|next| *next != target) else { continue };
        let ways = if scenario.nodes[node].manners.ecmp { scenario.next_links(node, target) } else { vec![next] };
        let (mut v4, mut v6) = (String::new(), String::new());
        for way in &ways {
            let end = scenario.links[*way].end_of(node).expect("each is a link of the node");
            let (next4, next6) = via(*way, end);
            let word = if ways.len() > 1 { " nexthop" } else { "" };
            v4 = format!("{v4}{word} via {next4}");
            v6 = format!("{v6}{word} via {next6}");
        }
        line(ip, format_args!("route add {}/24{v4}", net4(link.v4[0])));
        line(ip, format_args!("route add {}/64{v6}", net6(link.v6[0])));
    }
}

fn wire(index: usize, link: &Link, lab: &str) -> Space {
    let mut space = Space { name: wire_space(lab, index), sysctls: owned(WIRE_SYSCTLS), ..Space::default() };
    space.real_frames.extend(PORTS.map(str::to_owned));
    for (end, port) in PORTS.iter().enumerate() {
        line(&mut space.ip, format_args!("link set dev {port} up"));
        // What leaves at a port comes from the other end.
        if let Some(Shaping { rate, queue_bytes }) = link.directions[1 - end].shaping {
            let burst = rate.bytes_in(BURST).max(SMALLEST_BURST_BYTES);
            // The negative overhead takes the Ethernet header off: the rate is one of IP packets.
            line(
                &mut space.tc,
                format_args!(
                    "qdisc add dev {port} root handle 1: stab overhead -14 tbf rate {}bit burst {burst} limit {queue_bytes}",
                    rate.bits_per_second()
                ),
            );
        }
        if !needs_relay(link) {
            let out = PORTS[1 - end];
            line(&mut space.tc, format_args!("qdisc add dev {port} clsact"));
            line(
                &mut space.tc,
                format_args!(
                    "filter add dev {port} ingress protocol all u32 match u32 0 0 action mirred egress redirect dev {out}"
                ),
            );
        }
    }
    space
}

fn owned(settings: &[(&str, &str)]) -> Vec<(String, String)> {
    settings.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn line(text: &mut String, line: std::fmt::Arguments<'_>) {
    writeln!(text, "{line}").expect("writing to a string cannot fail");
}

#[cfg(test)]
mod tests;
