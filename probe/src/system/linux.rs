//! What Linux tells in `/proc`, `/sys` and `/etc`. Files that are missing or odd give nothing and never fail.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;

use cnc_model::BitRate;
use cnc_model::system::InterfaceKind;

use super::{Link, bit_rate};

/// A route that goes through a gateway and is up (`RTF_UP | RTF_GATEWAY`).
const GATEWAY_FLAGS: u32 = 0x3;
/// systemd-resolved's own addresses: the real servers are in another file.
const STUBS: [IpAddr; 2] = [IpAddr::V4(Ipv4Addr::new(127, 0, 0, 53)), IpAddr::V4(Ipv4Addr::new(127, 0, 0, 54))];

/// Gives the default gateways, IPv4 before IPv6, in the order of their metrics.
pub(super) fn gateways(root: &Path) -> Vec<IpAddr> {
    let mut found: Vec<(u8, u32, IpAddr)> = Vec::new();
    for line in read(root, "proc/net/route").lines() {
        found.extend(v4_gateway(line).map(|(metric, address)| (4, metric, address.into())));
    }
    for line in read(root, "proc/net/ipv6_route").lines() {
        found.extend(v6_gateway(line).map(|(metric, address, _)| (6, metric, address.into())));
    }
    found.sort_by_key(|&(family, metric, _)| (family, metric));
    let mut gateways = Vec::with_capacity(found.len());
    for (_, _, address) in found {
        if !gateways.contains(&address) {
            gateways.push(address);
        }
    }
    gateways
}

/// Gives the configured DNS servers; those behind systemd-resolved where that is in front.
pub(super) fn resolvers(root: &Path) -> Vec<IpAddr> {
    let listed = nameservers(&read(root, "etc/resolv.conf"));
    if listed.iter().any(|address| STUBS.contains(address)) {
        let behind = nameservers(&read(root, "run/systemd/resolve/resolv.conf"));
        if !behind.is_empty() {
            return behind;
        }
    }
    listed
}

/// Finds the index of the interface whose IPv6 default gateway this address is.
pub(super) fn link_local_scope(root: &Path, address: Ipv6Addr) -> Option<u32> {
    let routes = read(root, "proc/net/ipv6_route");
    let interface = routes.lines().filter_map(v6_gateway).find(|&(_, gateway, _)| gateway == address)?.2;
    read_number(root, &format!("sys/class/net/{interface}/ifindex"))
}

/// Describes an interface.
pub(super) fn link(root: &Path, name: &str) -> Link {
    let file = |leaf: &str| format!("sys/class/net/{name}/{leaf}");
    let flags = u32::from_str_radix(read(root, &file("flags")).trim().trim_start_matches("0x"), 16).ok();
    let is_up = flags.map(|flags| flags & 1 == 1);
    Link {
        kind: kind(root, name),
        up: match read(root, &file("operstate")).trim() {
            "up" => Some(true),
            // Interfaces without a link of their own, like loopback and tunnels, know no other state.
            "unknown" => is_up,
            "" => None,
            _ => Some(false),
        },
        speed: link_speed(root, &file("speed")),
        receive_drops: read_number(root, &file("statistics/rx_dropped")),
        transmit_drops: read_number(root, &file("statistics/tx_dropped")),
        signal_dbm: signal(&read(root, "proc/net/wireless"), name),
    }
}

/// Reads an interface's line of `/proc/net/wireless`, the old wireless extensions' list, which also today's drivers
/// fill: state, link quality, level. A level above 0 is one of an older driver's own scale.
fn signal(list: &str, name: &str) -> Option<i32> {
    let line = list.lines().find_map(|line| line.trim_start().strip_prefix(name)?.strip_prefix(':'))?;
    let level = line.split_whitespace().nth(2)?.trim_end_matches('.').parse::<i32>().ok()?;
    // Drivers without a connection say 0, or the lowest that fits.
    (-200..0).contains(&level).then_some(level)
}

/// Reads a speed in megabits a second; -1 and nothing mean that the driver does not know it.
fn link_speed(root: &Path, path: &str) -> Option<BitRate> {
    read_number::<u64>(root, path).and_then(|megabits| bit_rate(megabits * 1_000_000))
}

fn kind(root: &Path, name: &str) -> InterfaceKind {
    let exists = |leaf: &str| root.join("sys/class/net").join(name).join(leaf).exists();
    let uevent = read(root, &format!("sys/class/net/{name}/uevent"));
    let device_type = uevent.lines().find_map(|line| line.strip_prefix("DEVTYPE=")).unwrap_or_default();
    match (read_number::<u32>(root, &format!("sys/class/net/{name}/type")), device_type) {
        (None, _) => InterfaceKind::Unknown,
        // ARPHRD_LOOPBACK
        (Some(772), _) => InterfaceKind::Loopback,
        (_, "wlan") => InterfaceKind::Wireless,
        // ARPHRD_RAWIP, as modems without Ethernet framing have
        (_, "wwan") | (Some(519), _) => InterfaceKind::Mobile,
        // ARPHRD_TUNNEL, _TUNNEL6, _SIT, _IPGRE, _IP6GRE, _NONE
        (_, "wireguard") | (Some(768 | 769 | 776 | 778 | 823 | 65_534), _) => InterfaceKind::Tunnel,
        (Some(1), _) if exists("wireless") || exists("phy80211") => InterfaceKind::Wireless,
        (Some(1), _) if exists("tun_flags") => InterfaceKind::Tunnel,
        (Some(1), "") if exists("device") => InterfaceKind::Ethernet,
        (Some(1), _) => InterfaceKind::Virtual,
        _ => InterfaceKind::Unknown,
    }
}

/// Reads a line of `/proc/net/route`: metric and gateway, when it is a default route through one.
fn v4_gateway(line: &str) -> Option<(u32, Ipv4Addr)> {
    let columns: Vec<_> = line.split_whitespace().collect();
    let hex = |column: usize| columns.get(column).and_then(|text| u32::from_str_radix(text, 16).ok());
    let is_default = hex(1)? == 0 && hex(7)? == 0 && hex(3)? & GATEWAY_FLAGS == GATEWAY_FLAGS;
    let metric = columns.get(6)?.parse().ok()?;
    // The kernel prints the address as the machine's own integer.
    is_default.then_some((metric, Ipv4Addr::from(hex(2)?.to_ne_bytes())))
}

/// Reads a line of `/proc/net/ipv6_route`: metric, gateway and interface, when it is a default route through one.
fn v6_gateway(line: &str) -> Option<(u32, Ipv6Addr, &str)> {
    let columns: Vec<_> = line.split_whitespace().collect();
    let hex = |column: usize| columns.get(column).and_then(|text| u128::from_str_radix(text, 16).ok());
    let flags = u32::try_from(hex(8)?).ok()?;
    let is_default = hex(0)? == 0 && hex(1)? == 0 && hex(4)? != 0 && flags & GATEWAY_FLAGS == GATEWAY_FLAGS;
    let metric = u32::try_from(hex(5)?).ok()?;
    is_default.then_some((metric, Ipv6Addr::from(hex(4)?), *columns.get(9)?))
}

fn nameservers(text: &str) -> Vec<IpAddr> {
    text.lines()
        .filter_map(|line| {
            let mut words = line.split_whitespace();
            let address = words.next().filter(|&word| word == "nameserver").and_then(|_| words.next())?;
            let address = address.split_once('%').map_or(address, |(address, _interface)| address);
            address.parse().ok()
        })
        .collect()
}

fn read(root: &Path, path: &str) -> String {
    fs::read_to_string(root.join(path)).unwrap_or_default()
}

fn read_number<T: std::str::FromStr>(root: &Path, path: &str) -> Option<T> {
    read(root, path).trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    /// A root folder that holds these files.
    fn root(files: &[(&str, &str)]) -> TempDir {
        let root = tempfile::tempdir().expect("a folder");
        for (path, text) in files {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
            fs::write(path, text).expect("a file");
        }
        root
    }

    fn addresses(texts: &[&str]) -> Vec<IpAddr> {
        texts.iter().map(|text| text.parse().expect("an address")).collect()
    }

    const HEADER: &str = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n";

    #[test]
    fn gateways_come_in_the_order_of_their_metrics() {
        let route = |gateway: [u8; 4], metric: u32| {
            format!("eth0\t00000000\t{:08X}\t0003\t0\t0\t{metric}\t00000000\t0\t0\t0\n", u32::from_ne_bytes(gateway))
        };
        let local = format!("eth0\t{:08X}\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n", 0x0002_00C0);
        let v4 = [HEADER, &route([192, 0, 2, 254], 600), &local, &route([192, 0, 2, 1], 100)].concat();
        let zero = "0".repeat(32);
        let v6 = format!(
            "{zero} 00 {zero} 00 fe800000000000000000000000000001 00000400 00000002 00000000 00000003     wlan0\n\
             {zero} 00 {zero} 00 {zero} ffffffff 00000001 00000000 00200200       lo\n"
        );
        let root =
            root(&[("proc/net/route", &v4), ("proc/net/ipv6_route", &v6), ("sys/class/net/wlan0/ifindex", "7\n")]);
        assert_eq!(gateways(root.path()), addresses(&["192.0.2.1", "192.0.2.254", "fe80::1"]));
        assert_eq!(link_local_scope(root.path(), "fe80::1".parse().expect("valid")), Some(7));
        assert_eq!(link_local_scope(root.path(), "fe80::2".parse().expect("valid")), None);
    }

    #[test]
    fn a_stub_resolver_gives_way_to_the_servers_behind_it() {
        let stub = ("etc/resolv.conf", "# by systemd\nnameserver 127.0.0.53\noptions edns0\n");
        let behind = ("run/systemd/resolve/resolv.conf", "nameserver 192.0.2.53\nnameserver fe80::53%eth0\n");
        assert_eq!(resolvers(root(&[stub, behind]).path()), addresses(&["192.0.2.53", "fe80::53"]));
        assert_eq!(resolvers(root(&[stub]).path()), addresses(&["127.0.0.53"]));
        let plain = ("etc/resolv.conf", "search example.com\nnameserver 192.0.2.1 \nnameserver x\n");
        assert_eq!(resolvers(root(&[plain, behind]).path()), addresses(&["192.0.2.1"]));
    }

    #[test]
    fn links_are_told_apart() {
        let cases: &[(&[(&str, &str)], InterfaceKind)] = &[
            (&[("type", "772")], InterfaceKind::Loopback),
            (&[("type", "1"), ("device/vendor", "x")], InterfaceKind::Ethernet),
            (
                &[("type", "1"), ("uevent", "DEVTYPE=wlan\nINTERFACE=l0\n"), ("device/vendor", "")],
                InterfaceKind::Wireless,
            ),
            (&[("type", "1"), ("uevent", "DEVTYPE=bridge\n")], InterfaceKind::Virtual),
            (&[("type", "1")], InterfaceKind::Virtual),
            (&[("type", "65534"), ("uevent", "DEVTYPE=wireguard\n")], InterfaceKind::Tunnel),
            (&[("type", "1"), ("tun_flags", "0x1002")], InterfaceKind::Tunnel),
            (&[("type", "519"), ("uevent", "DEVTYPE=wwan\n")], InterfaceKind::Mobile),
            (&[], InterfaceKind::Unknown),
        ];
        for (files, expected) in cases {
            let paths: Vec<_> = files.iter().map(|(leaf, text)| (format!("sys/class/net/l0/{leaf}"), *text)).collect();
            let files: Vec<_> = paths.iter().map(|(path, text)| (path.as_str(), *text)).collect();
            assert_eq!(kind(root(&files).path(), "l0"), *expected, "{files:?}");
        }
    }

    #[test]
    fn wireless_signals_are_read() {
        let list = "Inter-| sta-|   Quality        |   Discarded packets               | Missed | WE\n \
                    face | tus | link level noise |  nwid  crypt   frag  retry   misc | beacon | 22\n \
                    wlan0: 0000   54.  -56.  -256        0      0      0      0      7        0\n\
                    wlp2s0: 0000   70   -40   -256        0      0      0      0      7        0\n \
                    wlan1: 0000    0    0    0        0      0      0      0      0        0\n \
                    wlan2: 0000   30.   160.  0        0      0      0      0      0        0\n";
        let read = ["wlan0", "wlp2s0", "wlan1", "wlan2", "wlan", "eth0"].map(|name| signal(list, name));
        assert_eq!(read, [Some(-56), Some(-40), None, None, None, None]);
        assert_eq!(signal("", "wlan0"), None);
    }

    #[test]
    fn a_link_tells_speed_state_and_drops() {
        let file = |leaf: &str| format!("sys/class/net/e/{leaf}");
        let (state, speed, flags) = (file("operstate"), file("speed"), file("flags"));
        let (rx, tx) = (file("statistics/rx_dropped"), file("statistics/tx_dropped"));
        let up = root(&[(&state, "up\n"), (&speed, "2500\n"), (&flags, "0x1003"), (&rx, "12\n"), (&tx, "0\n")]);
        let told = link(up.path(), "e");
        assert_eq!((told.up, told.receive_drops, told.transmit_drops), (Some(true), Some(12), Some(0)));
        assert_eq!(told.speed.map(BitRate::mbps), Some(2_500.0));
        let down = root(&[(&state, "down\n"), (&speed, "-1\n")]);
        assert_eq!(link(down.path(), "e"), Link { up: Some(false), ..Link::default() });
        let unknown = root(&[(&state, "unknown\n"), (&flags, "0x9\n")]);
        assert_eq!(link(unknown.path(), "e").up, Some(true));
    }

    #[test]
    fn missing_and_odd_files_give_nothing() {
        let empty = root(&[]);
        assert_eq!((gateways(empty.path()), resolvers(empty.path())), (vec![], vec![]));
        assert_eq!(link(empty.path(), "none"), Link::default());
        let odd = root(&[("proc/net/route", "a b\n\u{fffd}\n1 2 3 4 5 6 7 8"), ("proc/net/ipv6_route", "z\n")]);
        assert!(gateways(odd.path()).is_empty());
    }
}
