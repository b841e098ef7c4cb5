//! What Windows tells of its network adapters. What they mean is read here; how they are asked, in `adapters`.

mod adapters;
mod load;

use std::net::{IpAddr, Ipv6Addr};
use std::path::Path;

use cnc_model::system::{Interface, InterfaceAddress, InterfaceKind};

use super::bit_rate;
#[cfg(windows)]
pub(super) use load::times;

/// Servers that Windows lists where it knows none: addresses of the long withdrawn site-local range.
const PLACEHOLDERS: u128 = 0xfec0_0000_0000_ffff_0000_0000_0000_0000;

/// A network adapter as the system tells of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Adapter {
    /// The name that its user sees.
    name: String,
    /// What made it.
    description: String,
    /// A number of IANA's for its kind.
    kind: u32,
    is_up: bool,
    /// Its number for link-local addresses.
    v6_index: u32,
    /// In bits a second; all ones where it is not known.
    speed: u64,
    mtu: u32,
    /// How much its routes count: less is preferred.
    v4_metric: u32,
    v6_metric: u32,
    addresses: Vec<(IpAddr, u8)>,
    gateways: Vec<IpAddr>,
    servers: Vec<IpAddr>,
    counters: Option<Counters>,
}

/// What it has counted since the machine started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Counters {
    receive_errors: u64,
    transmit_errors: u64,
    receive_drops: u64,
    transmit_drops: u64,
}

impl Adapter {
    const fn metric(&self, address: IpAddr) -> u32 {
        if address.is_ipv4() { self.v4_metric } else { self.v6_metric }
    }
}

/// Gives the default gateways, IPv4 before IPv6, in the order of their adapters' metrics.
pub(super) fn gateways(_root: &Path) -> Vec<IpAddr> {
    gateways_of(&adapters::all())
}

/// Gives the configured DNS servers, in the order of their adapters' metrics.
pub(super) fn resolvers(_root: &Path) -> Vec<IpAddr> {
    resolvers_of(&adapters::all())
}

/// Finds the number of the adapter whose gateway this address is.
pub(super) fn link_local_scope(_root: &Path, address: Ipv6Addr) -> Option<u32> {
    let adapters = adapters::all();
    adapters.iter().find(|adapter| adapter.gateways.contains(&address.into())).map(|adapter| adapter.v6_index)
}

/// Describes all adapters, those without hardware, too.
pub(super) fn interfaces() -> Vec<Interface> {
    adapters::all().into_iter().map(interface).collect()
}

fn gateways_of(adapters: &[Adapter]) -> Vec<IpAddr> {
    let mut found: Vec<_> = up(adapters)
        .flat_map(|adapter| {
            adapter.gateways.iter().map(|&gateway| (gateway.is_ipv6(), adapter.metric(gateway), gateway))
        })
        .filter(|(.., gateway)| !gateway.is_unspecified())
        .collect();
    found.sort_by_key(|&(is_v6, metric, _)| (is_v6, metric));
    each_once(found.into_iter().map(|(.., gateway)| gateway))
}

fn resolvers_of(adapters: &[Adapter]) -> Vec<IpAddr> {
    let mut up: Vec<_> = up(adapters).collect();
    up.sort_by_key(|adapter| adapter.v4_metric.min(adapter.v6_metric));
    let is_real = |server: &IpAddr| match server {
        IpAddr::V4(_) => true,
        IpAddr::V6(v6) => v6.to_bits() >> 8 != PLACEHOLDERS >> 8,
    };
    each_once(up.into_iter().flat_map(|adapter| adapter.servers.clone()).filter(is_real))
}

fn up(adapters: &[Adapter]) -> impl Iterator<Item = &Adapter> {
    adapters.iter().filter(|adapter| adapter.is_up)
}

fn each_once(addresses: impl Iterator<Item = IpAddr>) -> Vec<IpAddr> {
    let mut once = Vec::new();
    for address in addresses {
        if !once.contains(&address) {
            once.push(address);
        }
    }
    once
}

fn interface(adapter: Adapter) -> Interface {
    let counters = adapter.counters;
    Interface {
        kind: kind(adapter.kind, &adapter.description),
        up: Some(adapter.is_up),
        speed: Some(adapter.speed).filter(|&speed| speed != u64::MAX).and_then(bit_rate),
        // Loopback's is all ones: there is no largest packet.
        mtu_bytes: Some(adapter.mtu).filter(|mtu| (1..u32::MAX).contains(mtu)),
        addresses: adapter
            .addresses
            .into_iter()
            .map(|(address, prefix_bits)| InterfaceAddress { address, prefix_bits })
            .collect(),
        receive_errors: counters.map(|counters| counters.receive_errors),
        transmit_errors: counters.map(|counters| counters.transmit_errors),
        receive_drops: counters.map(|counters| counters.receive_drops),
        transmit_drops: counters.map(|counters| counters.transmit_drops),
        // Since Windows 11 24H2 only those who may know the location are told.
        signal_dbm: None,
        name: adapter.name,
    }
}

/// Tells the kind by IANA's number, and where that says Ethernet, by who made it: so do many that have no cable.
fn kind(number: u32, description: &str) -> InterfaceKind {
    const WITHOUT_CABLE: [&str; 5] = ["Virtual", "Hyper-V", "VMware", "Npcap", "Bluetooth"];
    let is_of = |makers: &[&str]| makers.iter().any(|maker| description.contains(maker));
    match number {
        24 => InterfaceKind::Loopback,
        71 => InterfaceKind::Wireless,
        243 | 244 => InterfaceKind::Mobile,
        // PPP, what is a tunnel by name, and what drivers without hardware are, such as WireGuard's.
        23 | 53 | 131 => InterfaceKind::Tunnel,
        6 if is_of(&["TAP-", "Tunnel", "VPN"]) => InterfaceKind::Tunnel,
        6 if is_of(&WITHOUT_CABLE) => InterfaceKind::Virtual,
        6 => InterfaceKind::Ethernet,
        _ => InterfaceKind::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use cnc_model::BitRate;

    use super::*;

    fn addresses(texts: &[&str]) -> Vec<IpAddr> {
        texts.iter().map(|text| text.parse().expect("an address")).collect()
    }

    fn adapter(metrics: (u32, u32), gateways: &[&str], servers: &[&str]) -> Adapter {
        Adapter {
            is_up: true,
            v4_metric: metrics.0,
            v6_metric: metrics.1,
            gateways: addresses(gateways),
            servers: addresses(servers),
            ..Adapter::default()
        }
    }

    #[test]
    fn gateways_and_servers_come_in_the_order_of_metrics() {
        let cable = adapter((25, 45), &["192.0.2.1", "fe80::1"], &["192.0.2.53", "fec0:0:0:ffff::1"]);
        let wireless = adapter((50, 35), &["192.0.2.254", "0.0.0.0"], &["192.0.2.53", "2001:db8::53"]);
        let vpn = adapter((5, 5), &[], &["10.0.0.53"]);
        let down = Adapter { is_up: false, ..adapter((1, 1), &["192.0.2.9"], &["192.0.2.9"]) };
        let all = [wireless, down, cable, vpn];
        assert_eq!(gateways_of(&all), addresses(&["192.0.2.1", "192.0.2.254", "fe80::1"]));
        assert_eq!(resolvers_of(&all), addresses(&["10.0.0.53", "192.0.2.53", "2001:db8::53"]));
        assert_eq!((gateways_of(&[]), resolvers_of(&[])), (vec![], vec![]));
    }

    #[test]
    fn adapters_are_told_apart() {
        let cases = [
            (24, "Software Loopback Interface 1", InterfaceKind::Loopback),
            (6, "Intel(R) Ethernet Connection I219-LM", InterfaceKind::Ethernet),
            (6, "Hyper-V Virtual Ethernet Adapter", InterfaceKind::Virtual),
            (6, "TAP-Windows Adapter V9", InterfaceKind::Tunnel),
            (6, "Bluetooth Device (Personal Area Network)", InterfaceKind::Virtual),
            (53, "WireGuard Tunnel", InterfaceKind::Tunnel),
            (71, "Intel(R) Wi-Fi 6 AX201", InterfaceKind::Wireless),
            (243, "Generic Mobile Broadband Adapter", InterfaceKind::Mobile),
            (1, "", InterfaceKind::Unknown),
        ];
        for (number, description, expected) in cases {
            assert_eq!(kind(number, description), expected, "{description}");
        }
    }

    #[test]
    fn what_is_not_known_is_not_measured() {
        let told = interface(Adapter { speed: u64::MAX, mtu: u32::MAX, ..Adapter::default() });
        assert_eq!((told.up, told.speed, told.mtu_bytes, told.receive_errors), (Some(false), None, None, None));
        let counters = Some(Counters { receive_errors: 1, transmit_errors: 2, receive_drops: 3, transmit_drops: 4 });
        let told = interface(Adapter { is_up: true, speed: 2_500_000_000, mtu: 1_500, counters, ..Adapter::default() });
        assert_eq!((told.speed.map(BitRate::mbps), told.mtu_bytes), (Some(2_500.0), Some(1_500)));
        assert_eq!((told.transmit_errors, told.receive_drops), (Some(2), Some(3)));
    }
}
