//! Turns a file's shape into a scenario: names resolved, addresses assigned, nonsense refused with its line.

use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, Ipv6Addr},
    ops::Range,
    time::Duration,
};

use toml::Spanned;

use super::{
    CLIENT, Direction, Link, Manners, Node, NodeKind, SERVER, Scenario, ScenarioError, Shaping, file,
    file::{File, OneWay, Setting},
    net4, net6,
    units::Queue,
};

/// What a shaped link holds unless the file says otherwise: a sane router's buffer.
const DEFAULT_QUEUE: Queue = Queue::Time(Duration::from_millis(50));
/// Two full packets: with less, not even one would pass beside another.
const SMALLEST_QUEUE_BYTES: u64 = 3_000;
/// With less, the kernel takes a device's IPv6 away.
const SMALLEST_MTU: u32 = 1_280;
/// What a wire's ports carry.
const LARGEST_MTU: u32 = 1_500;
/// Keeps namespace names within the file system's and people's patience.
const LONGEST_NAME: usize = 32;
/// One /24 of the automatic addresses' /16 each.
const MOST_LINKS: usize = 250;

type Checked<T> = Result<T, ScenarioError>;

/// Makes the error for a place in the text.
pub(super) fn mistake(text: &str, span: Range<usize>, message: &str) -> ScenarioError {
    let before = text.get(..span.start).unwrap_or(text);
    ScenarioError::Mistake { line: before.matches('\n').count() + 1, message: message.trim().to_owned() }
}

pub(super) fn check(text: &str, file: File) -> Checked<Scenario> {
    let checker = Checker { text };
    let nodes = checker.nodes(file.hosts, file.routers)?;
    if file.links.len() > MOST_LINKS {
        return Err(checker.wrong(0..0, format!("{} links, but {MOST_LINKS} are the most", file.links.len())));
    }
    let mut links = Vec::new();
    for (index, link) in file.links.into_iter().enumerate() {
        let span = link.span();
        let link = checker.link(&nodes, index, link.into_inner())?;
        checker.no_clash(&nodes, &links, &link, span)?;
        links.push(link);
    }
    let scenario = Scenario { description: file.description, nodes, links };
    checker.connected(&scenario)?;
    Ok(scenario)
}

struct Checker<'a> {
    text: &'a str,
}

impl Checker<'_> {
    fn wrong(&self, span: Range<usize>, message: impl AsRef<str>) -> ScenarioError {
        mistake(self.text, span, message.as_ref())
    }

    fn nodes(
        &self,
        hosts: BTreeMap<Spanned<String>, file::Host>,
        routers: BTreeMap<Spanned<String>, file::Router>,
    ) -> Checked<Vec<Node>> {
        let mut nodes: Vec<Node> = Vec::new();
        let hosts = hosts
            .into_iter()
            .map(|(name, host)| (name, NodeKind::Host { mute: host.mute }, Ok(Manners::default()), host.sysctl));
        let routers = routers.into_iter().map(|(name, mut router)| {
            let sysctl = std::mem::take(&mut router.sysctl);
            (name, NodeKind::Router { silent: router.silent }, self.manners(router), sysctl)
        });
        for (name, kind, manners, sysctl) in hosts.chain(routers) {
            let span = name.span();
            let name = name.into_inner();
            let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            if name.is_empty() || name.len() > LONGEST_NAME || !name.chars().all(allowed) {
                let message = format!("`{name}` is no name: use a-z, 0-9 and -, at most {LONGEST_NAME} characters");
                return Err(self.wrong(span, message));
            }
            if nodes.iter().any(|node| node.name == name) {
                return Err(self.wrong(span, format!("`{name}` is a host and a router: it can be one of them")));
            }
            nodes.push(Node { name, kind, manners: manners?, sysctls: self.sysctls(sysctl)? });
        }
        for needed in [CLIENT, SERVER] {
            if !nodes.iter().any(|node| node.name == needed && matches!(node.kind, NodeKind::Host { .. })) {
                return Err(self.wrong(0..0, format!("there is no [hosts.{needed}]: every scenario has one")));
            }
        }
        Ok(nodes)
    }

    fn manners(&self, router: file::Router) -> Checked<Manners> {
        let file::Router { silent: _, black_hole, ecmp, nat, no_v6, drop, redirect, sysctl: _ } = router;
        let mut ports = BTreeMap::new();
        for (from, to) in redirect {
            let port = from.get_ref().parse::<u16>().ok().filter(|port| *port > 0 && to > 0);
            let Some(port) = port else {
                return Err(self.wrong(from.span(), "ports are led to ports: write it like { 80 = 8080 }"));
            };
            ports.insert(port, to);
        }
        Ok(Manners { black_hole, ecmp, nat, no_v6, drop, redirect: ports })
    }

    fn sysctls(&self, settings: BTreeMap<Spanned<String>, Setting>) -> Checked<Vec<(String, String)>> {
        let mut checked = Vec::new();
        for (key, value) in settings {
            let allowed = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
            if !key.get_ref().starts_with("net.") || key.get_ref().contains("..") || !key.get_ref().chars().all(allowed)
            {
                let message = format!("sysctl `{}`: only those under `net.` belong to a namespace", key.get_ref());
                return Err(self.wrong(key.span(), message));
            }
            let value = match value {
                Setting::Text(text) => text,
                Setting::Number(number) => number.to_string(),
            };
            checked.push((key.into_inner(), value));
        }
        Ok(checked)
    }

    fn link(&self, nodes: &[Node], index: usize, link: file::Link) -> Checked<Link> {
        let [first, second] = link.between.get_ref();
        let ends = [self.end(nodes, first)?, self.end(nodes, second)?];
        if ends[0] == ends[1] {
            return Err(self.wrong(link.between.span(), "a link needs two different ends"));
        }
        let v4 = self.v4(index, link.v4.as_ref())?;
        let v6 = self.v6(index, link.v6.as_ref())?;
        let mtu = link.mtu.map(|mtu| self.mtu(&mtu)).transpose()?;
        let both = OneWay {
            police: link.police,
            rate: link.rate,
            queue: link.queue,
            delay: link.delay,
            jitter: link.jitter,
            loss: link.loss,
            seed: link.seed,
        };
        // Two seeds a link, so that the directions do not lose in step.
        let seed = u64::try_from(index).unwrap_or(u64::MAX) * 2;
        let directions =
            [self.direction(&both, &link.forward, seed + 1)?, self.direction(&both, &link.back, seed + 2)?];
        let polices = |end: usize| directions[end].police.is_some();
        let is_host = |end: usize| matches!(nodes[ends[end]].kind, NodeKind::Host { .. });
        if (0..2).any(|end| polices(end) && is_host(end)) {
            return Err(self.wrong(link.between.span(), "only routers police: let the end that sends be one"));
        }
        Ok(Link { ends, v4, v6, mtu, directions })
    }

    fn mtu(&self, mtu: &Spanned<u32>) -> Checked<u32> {
        if (SMALLEST_MTU..=LARGEST_MTU).contains(mtu.get_ref()) {
            return Ok(*mtu.get_ref());
        }
        let message = format!("an MTU is from {SMALLEST_MTU} (the least for IPv6) to {LARGEST_MTU}");
        Err(self.wrong(mtu.span(), message))
    }

    fn end(&self, nodes: &[Node], name: &Spanned<String>) -> Checked<usize> {
        nodes.iter().position(|node| node.name == *name.get_ref()).ok_or_else(|| {
            let known: Vec<_> = nodes.iter().map(|node| node.name.as_str()).collect();
            let message = format!("no host or router is called `{}`; there are: {}", name.get_ref(), known.join(", "));
            self.wrong(name.span(), message)
        })
    }

    fn v4(&self, index: usize, given: Option<&Spanned<[Ipv4Addr; 2]>>) -> Checked<[Ipv4Addr; 2]> {
        let Some(given) = given else {
            let third = u8::try_from(index).expect("MOST_LINKS fits a byte");
            return Ok([Ipv4Addr::new(10, 77, third, 1), Ipv4Addr::new(10, 77, third, 2)]);
        };
        let pair = *given.get_ref();
        if pair[0] == pair[1] || net4(pair[0]) != net4(pair[1]) {
            return Err(self.wrong(given.span(), "a link's IPv4 addresses are two different ones of one /24"));
        }
        if pair.iter().any(|ip| ip.is_loopback() || ip.is_multicast() || [0, 255].contains(&ip.octets()[3])) {
            return Err(self.wrong(given.span(), "these IPv4 addresses cannot be a machine's"));
        }
        Ok(pair)
    }

    fn v6(&self, index: usize, given: Option<&Spanned<[Ipv6Addr; 2]>>) -> Checked<[Ipv6Addr; 2]> {
        let Some(given) = given else {
            let fourth = u16::try_from(index).expect("MOST_LINKS fits a byte");
            return Ok([1, 2].map(|end| Ipv6Addr::new(0xfd77, 0, 0, fourth, 0, 0, 0, end)));
        };
        let pair = *given.get_ref();
        if pair[0] == pair[1] || net6(pair[0]) != net6(pair[1]) {
            return Err(self.wrong(given.span(), "a link's IPv6 addresses are two different ones of one /64"));
        }
        if pair.iter().any(|ip| ip.is_loopback() || ip.is_multicast() || ip.is_unspecified()) {
            return Err(self.wrong(given.span(), "these IPv6 addresses cannot be a machine's"));
        }
        Ok(pair)
    }

    fn direction(&self, both: &OneWay, own: &OneWay, seed: u64) -> Checked<Direction> {
        let queue = own.queue.as_ref().or(both.queue.as_ref());
        let shaping = match (own.rate.or(both.rate), queue) {
            (None, None) => None,
            (None, Some(queue)) => {
                return Err(self.wrong(queue.span(), "a queue needs a rate: without one it never fills"));
            }
            (Some(rate), queue) => {
                let queue_bytes = queue.map_or(DEFAULT_QUEUE, |queue| *queue.get_ref()).bytes(rate);
                if queue_bytes < SMALLEST_QUEUE_BYTES {
                    let message =
                        format!("a queue of {queue_bytes} bytes is too small: {SMALLEST_QUEUE_BYTES} are two packets");
                    return Err(self.wrong(queue.map_or(0..0, Spanned::span), message));
                }
                Some(Shaping { rate, queue_bytes })
            }
        };
        Ok(Direction {
            police: own.police.or(both.police),
            shaping,
            delay: own.delay.or(both.delay).map_or(Duration::ZERO, |time| time.0),
            jitter: own.jitter.or(both.jitter).map_or(Duration::ZERO, |time| time.0),
            loss: own.loss.or(both.loss),
            seed: own.seed.or(both.seed).unwrap_or(seed),
        })
    }

    fn no_clash(&self, nodes: &[Node], before: &[Link], link: &Link, span: Range<usize>) -> Checked<()> {
        for other in before {
            let same_ends = other.ends == link.ends || other.ends == [link.ends[1], link.ends[0]];
            let names = other.ends.map(|end| nodes[end].name.as_str()).join(" and ");
            if same_ends {
                return Err(self.wrong(span, format!("{names} are linked already")));
            }
            if net4(other.v4[0]) == net4(link.v4[0]) || net6(other.v6[0]) == net6(link.v6[0]) {
                return Err(self.wrong(span, format!("the link between {names} has addresses of the same net already")));
            }
        }
        Ok(())
    }

    /// Every node can be reached from the client through routers alone.
    fn connected(&self, scenario: &Scenario) -> Checked<()> {
        let client = scenario.node(CLIENT).expect("checked with the names");
        let routes = scenario.next_hops(client);
        let lost = scenario.nodes.iter().enumerate().find(|(index, _)| *index != client && routes[*index].is_none());
        match lost {
            None => Ok(()),
            Some((_, node)) => {
                let message = format!(
                    "`{}` cannot be reached from the client: link it (only routers pass packets on)",
                    node.name
                );
                Err(self.wrong(0..0, message))
            }
        }
    }
}
