//! What macOS tells: gateways by its `netstat`, links by its `ifconfig`, DNS servers by its configuration. Written by
//! those programs' documentation and outputs; it was compiled, and never run on such a machine.

use std::net::{IpAddr, Ipv6Addr};
use std::path::Path;
use std::process::{Command, Stdio};

use cnc_model::system::InterfaceKind;

use super::{Link, bit_rate};

/// Gives the default gateways, IPv4 before IPv6, in the system's order.
pub(super) fn gateways(_root: &Path) -> Vec<IpAddr> {
    let mut gateways = Vec::new();
    for family in ["inet", "inet6"] {
        for route in default_routes(&asked("/usr/sbin/netstat", &["-rn", "-f", family])) {
            if !gateways.contains(&route.gateway) {
                gateways.push(route.gateway);
            }
        }
    }
    gateways
}

/// Gives the configured DNS servers.
pub(super) fn resolvers(_root: &Path) -> Vec<IpAddr> {
    let servers = hickory_resolver::system_conf::read_system_conf()
        .map(|(config, _)| config.name_servers().iter().map(|server| server.ip).collect());
    servers.unwrap_or_default()
}

/// Finds the index of the interface whose IPv6 default gateway this address is.
pub(super) fn link_local_scope(_root: &Path, address: Ipv6Addr) -> Option<u32> {
    let routes = default_routes(&asked("/usr/sbin/netstat", &["-rn", "-f", "inet6"]));
    let route = routes.into_iter().find(|route| route.gateway == address)?;
    index(&asked("/sbin/ifconfig", &["-v", &route.interface]))
}

/// Describes an interface.
pub(super) fn link(_root: &Path, name: &str) -> Link {
    described(name, &asked("/sbin/ifconfig", &["-v", name]))
}

/// Runs one of the system's programs and gives what it said; nothing where it fails. They answer within milliseconds,
/// and are asked where a machine is described only.
fn asked(program: &str, args: &[&str]) -> String {
    let output = Command::new(program).args(args).stdin(Stdio::null()).stderr(Stdio::null()).output();
    output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default()
}

/// A route to everywhere.
#[derive(Debug, PartialEq, Eq)]
struct Route {
    gateway: IpAddr,
    interface: String,
}

/// Reads `netstat -rn`: destination, gateway, flags and interface.
fn default_routes(text: &str) -> Vec<Route> {
    let route = |line: &str| {
        let columns: Vec<_> = line.split_whitespace().collect();
        let &["default", gateway, flags, interface, ..] = columns.as_slice() else { return None };
        // Up, through a gateway; one that is bound to its interface (`I`) counts only for who asks for that.
        let is_general = flags.contains('U') && flags.contains('G') && !flags.contains('I');
        let gateway = gateway.split_once('%').map_or(gateway, |(address, _interface)| address).parse().ok()?;
        is_general.then(|| Route { gateway, interface: interface.to_owned() })
    };
    text.lines().filter_map(route).collect()
}

/// Reads the interface's index of `ifconfig -v`.
fn index(text: &str) -> Option<u32> {
    let mut words = text.lines().next()?.split_whitespace().skip_while(|&word| word != "index");
    words.nth(1)?.parse().ok()
}

/// Reads `ifconfig -v` of one interface.
fn described(name: &str, text: &str) -> Link {
    let value = |key: &str| text.lines().find_map(|line| line.trim().strip_prefix(key)?.strip_prefix(": "));
    let is_flagged = || {
        let flags = text.split_once('<')?.1.split_once('>')?.0;
        Some(flags.split(',').any(|flag| flag == "UP"))
    };
    Link {
        kind: kind(name, value("type")),
        up: value("status").map(|status| status.trim() == "active").or_else(is_flagged),
        speed: value("link rate").and_then(rate).and_then(bit_rate),
        receive_drops: None,
        transmit_drops: None,
        // The system's tools tell it only to those who may know the location.
        signal_dbm: None,
    }
}

/// Reads a rate as `866.00 Mbps` or `1.00 Gbps`, in bits a second.
fn rate(text: &str) -> Option<u64> {
    let mut words = text.split_whitespace();
    let (number, unit) = (words.next()?.parse::<f64>().ok()?, words.next()?);
    let factor = match unit {
        "Kbps" => 1e3,
        "Mbps" => 1e6,
        "Gbps" => 1e9,
        _ => return None,
    };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be within bounds")]
    (0.0..1e15).contains(&(number * factor)).then_some((number * factor) as u64)
}

/// Tells the kind by the name where that says it, and else by what the system says.
fn kind(name: &str, told: Option<&str>) -> InterfaceKind {
    let family = name.trim_end_matches(|c: char| c.is_ascii_digit());
    match (family, told.map(str::trim)) {
        ("lo", _) => InterfaceKind::Loopback,
        ("utun" | "ipsec" | "ppp" | "gif" | "stf", _) => InterfaceKind::Tunnel,
        ("bridge" | "vmenet" | "vlan" | "bond" | "feth" | "ap" | "awdl" | "llw" | "anpi", _) => InterfaceKind::Virtual,
        ("pdp_ip", _) | (_, Some("Cellular")) => InterfaceKind::Mobile,
        (_, Some("Wi-Fi")) => InterfaceKind::Wireless,
        (_, Some("Ethernet")) => InterfaceKind::Ethernet,
        _ => InterfaceKind::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use cnc_model::BitRate;

    use super::*;

    const ROUTES: &str = "Routing tables\n\nInternet:\n\
        Destination        Gateway            Flags               Netif Expire\n\
        default            192.0.2.1          UGScg                 en0\n\
        default            link#18            UCSIg           bridge100      !\n\
        default            192.0.2.129        UGScIg                en5\n\
        127                127.0.0.1          UCS                   lo0\n\n\
        Internet6:\n\
        Destination        Gateway            Flags               Netif Expire\n\
        default            fe80::1%en0        UGcg                  en0\n\
        default            fe80::%utun0       UGcIg               utun0\n\
        ::1                ::1                UHL                   lo0\n";

    #[test]
    fn gateways_are_those_of_routes_that_count_for_all() {
        let route = |gateway: &str| Route { gateway: gateway.parse().expect("valid"), interface: "en0".into() };
        assert_eq!(default_routes(ROUTES), [route("192.0.2.1"), route("fe80::1")]);
        assert_eq!(default_routes("default\ndefault x UG en0\n\u{fffd}"), []);
    }

    #[test]
    fn a_link_is_described() {
        let wireless = "en0: flags=8863<UP,BROADCAST,SMART,RUNNING,SIMPLEX,MULTICAST> mtu 1500 index 14\n\
            \teflags=41200880<TXSTART,NOAUTOIPV6LL>\n\tinet 192.0.2.7 netmask 0xffffff00 broadcast 192.0.2.255\n\
            \tmedia: autoselect\n\tstatus: active\n\ttype: Wi-Fi\n\tlink rate: 866.50 Mbps\n";
        let told = described("en0", wireless);
        assert_eq!((told.kind, told.up), (InterfaceKind::Wireless, Some(true)));
        assert_eq!((told.speed.map(BitRate::mbps), index(wireless)), (Some(866.5), Some(14)));
        let cable = "en5: flags=8822<BROADCAST,SMART,SIMPLEX> mtu 1500\n\tstatus: inactive\n\ttype: Ethernet\n";
        let told = described("en5", cable);
        assert_eq!((told.kind, told.up, told.speed), (InterfaceKind::Ethernet, Some(false), None));
        let tunnel = described("utun3", "utun3: flags=8051<UP,POINTOPOINT,RUNNING,MULTICAST> mtu 1380\n");
        assert_eq!((tunnel.kind, tunnel.up), (InterfaceKind::Tunnel, Some(true)));
        assert_eq!((described("en9", ""), index("")), (Link::default(), None));
    }

    #[test]
    fn rates_are_read_with_their_unit() {
        let cases = [
            ("1.00 Gbps", Some(1_000_000_000)),
            ("144.40 Mbps", Some(144_400_000)),
            ("-1 Mbps", None),
            ("9 furlongs", None),
        ];
        for (text, expected) in cases {
            assert_eq!(rate(text), expected, "{text}");
        }
    }
}
