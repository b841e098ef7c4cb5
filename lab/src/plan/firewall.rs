//! What nodes do to packets beyond forwarding them, as nftables' rules. Pure text.

use std::fmt::Write as _;

use super::{SILENCED, device};
use crate::scenario::{CLIENT, NodeKind, Rate, Scenario};

/// Gives the rules of a node; nothing where it has none.
pub(super) fn rules(scenario: &Scenario, node: usize) -> String {
    let chains = match scenario.nodes[node].kind {
        NodeKind::Host { mute: false } => String::new(),
        NodeKind::Host { mute: true } => "chain arriving {
                type filter hook input priority 0; policy accept;
                iif lo accept
                icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept
                counter drop
            }"
        .to_owned(),
        NodeKind::Router { silent } => router(scenario, node, silent),
    };
    if chains.is_empty() { chains } else { format!("table inet lab {{\n{chains}\n}}") }
}

/// Lists the devices beyond whose rate a node drops what it sends.
pub(super) fn policed(scenario: &Scenario, node: usize) -> impl Iterator<Item = (String, Rate)> {
    let ways = scenario.links_of(node);
    ways.filter_map(move |(link, end)| {
        let rate = scenario.links[link].directions[end].police?;
        Some((device(scenario, node, link), rate))
    })
}

fn router(scenario: &Scenario, node: usize, silent: bool) -> String {
    let manners = &scenario.nodes[node].manners;
    let mut leaving = String::new();
    let mut counters = String::new();
    if silent {
        counters = format!("counter {SILENCED} {{ }}\n");
        leaving = format!(
            "icmp type time-exceeded counter name {SILENCED} drop\nicmpv6 type time-exceeded counter name {SILENCED} drop\n"
        );
    }
    if manners.black_hole {
        leaving += "icmp type destination-unreachable icmp code frag-needed drop\nicmpv6 type packet-too-big drop\n";
    }
    let mut passing = if manners.no_v6 { "meta nfproto ipv6 drop\n" } else { "" }.to_owned();
    for port in &manners.drop {
        writeln!(passing, "meta l4proto {{ tcp, udp }} th dport {port} counter drop").expect("a string takes it");
    }
    let redirected = manners.redirect.iter().fold(String::new(), |mut rules, (from, to)| {
        writeln!(rules, "meta l4proto {{ tcp, udp }} th dport {from} fib daddr type != local redirect to :{to}")
            .expect("a string takes it");
        rules
    });
    let policing = policed(scenario, node).fold(String::new(), |mut rules, (device, rate)| {
        let bytes = rate.bits_per_second() / 8;
        // Linux's bucket holds a second's worth, and a burst on top of that where one is named.
        writeln!(rules, "oifname \"{device}\" limit rate over {bytes} bytes/second burst 0 bytes counter drop")
            .expect("a string takes it");
        rules
    });
    let hidden = if manners.nat { hiding(scenario, node) } else { String::new() };
    let chains = [
        ("leaving", "filter hook output priority 0", leaving.as_str()),
        ("passing", "filter hook forward priority 0", &passing),
        ("redirecting", "nat hook prerouting priority dstnat", &redirected),
        ("policing", "filter hook postrouting priority 0", &policing),
        ("hiding", "nat hook postrouting priority srcnat", &hidden),
    ];
    let chains = chains.into_iter().filter(|(_, _, rules)| !rules.is_empty());
    chains.fold(counters, |text, (name, hook, rules)| {
        text + &format!("chain {name} {{\ntype {hook}; policy accept;\n{rules}\n}}\n")
    })
}

/// Gives what leaves on any side but the client's the router's own address.
fn hiding(scenario: &Scenario, node: usize) -> String {
    let client = scenario.node(CLIENT).expect("every scenario has one");
    let towards = scenario.links_of(client).next().and_then(|(link, _)| scenario.next_link(node, link));
    towards.map_or_else(String::new, |link| format!("oifname != \"{}\" masquerade", device(scenario, node, link)))
}
