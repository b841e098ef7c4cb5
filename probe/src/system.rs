//! The machine's description: what sysinfo tells, and what the platform's own file adds. Nothing here fails: what
//! the system does not tell stays *not measured*. MAC addresses are never read.

#[cfg(target_os = "linux")]
mod linux;
// Beside their own systems, where their tests run: what they read is text, or structures of this crate's own.
#[cfg(any(test, all(unix, not(target_os = "linux"))))]
#[cfg_attr(any(target_os = "linux", windows), expect(dead_code, reason = "only its tests run here"))]
mod macos;
#[cfg(any(test, windows))]
#[cfg_attr(not(windows), expect(dead_code, reason = "only its tests run here"))]
mod windows;

use std::net::{IpAddr, Ipv6Addr, UdpSocket};
use std::path::Path;
use std::time::Duration;

use cnc_model::BitRate;
#[cfg(not(windows))]
use cnc_model::system::InterfaceAddress;
use cnc_model::system::{Cpu, Interface, InterfaceKind, Memory, SystemInfo};
use sysinfo::{CpuRefreshKind, MemoryRefreshKind, RefreshKind};
#[cfg(not(windows))]
use sysinfo::{InterfaceOperationalState, NetworkData, Networks};

#[cfg(target_os = "linux")]
use self::linux as platform;
#[cfg(all(unix, not(target_os = "linux")))]
use self::macos as platform;
#[cfg(windows)]
use self::windows as platform;

/// Where the system's files are; only tests look elsewhere.
const ROOT: &str = "/";

/// Describes this machine. It takes a fifth of a second, which the CPU's load is measured over. The machine's name is
/// part of it only when `names` is true.
pub async fn system(names: bool) -> SystemInfo {
    let root = Path::new(ROOT);
    let interfaces = interfaces(root);
    SystemInfo {
        leaves_by: local_address().and_then(|local| holder(&interfaces, local)),
        os_name: sysinfo::System::name().ok(),
        os_version: sysinfo::System::os_version().ok(),
        kernel: sysinfo::System::kernel_version().ok(),
        architecture: std::env::consts::ARCH.to_owned(),
        host_name: if names { sysinfo::System::host_name().ok() } else { None },
        uptime: sysinfo::System::uptime().ok().map(Duration::from_secs),
        interfaces,
        gateways: platform::gateways(root),
        resolvers: platform::resolvers(root),
        ..hardware().await
    }
}

/// Gives the configured DNS servers, in the system's order.
#[must_use]
pub fn resolvers() -> Vec<IpAddr> {
    platform::resolvers(Path::new(ROOT))
}

/// Finds the interface behind which a link-local address is a gateway; `None` when it is none.
pub(crate) fn link_local_scope(address: Ipv6Addr) -> Option<u32> {
    platform::link_local_scope(Path::new(ROOT), address)
}

/// Gives the address from which a packet to the Internet would leave, by the routes that hold now, those of VPNs that
/// have tables of their own included. Nothing is sent: connecting a UDP socket only asks for the way.
fn local_address() -> Option<IpAddr> {
    // Addresses of no one (RFC 5737, RFC 3849), which no route but the default one leads to.
    let nobody =
        [(IpAddr::from([203, 0, 113, 1]), "0.0.0.0:0"), (IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, 1]), "[::]:0")];
    nobody.into_iter().find_map(|(address, own)| {
        let socket = UdpSocket::bind(own).ok()?;
        socket.connect((address, 9)).ok()?;
        socket.local_addr().ok().map(|local| local.ip()).filter(|local| !local.is_loopback())
    })
}

fn holder(interfaces: &[Interface], local: IpAddr) -> Option<String> {
    let holds = |interface: &&Interface| interface.addresses.iter().any(|held| held.address == local);
    interfaces.iter().find(holds).map(|interface| interface.name.clone())
}

/// Describes processor and memory.
async fn hardware() -> SystemInfo {
    let cpu = CpuRefreshKind::nothing();
    let cpu = if cfg!(windows) { cpu } else { cpu.with_usage() };
    let what = RefreshKind::nothing().with_cpu(cpu).with_memory(MemoryRefreshKind::everything());
    let Ok(mut system) = sysinfo::System::new_with_specifics(what) else {
        return SystemInfo::default();
    };
    let load = load(&mut system).await;
    let some = |bytes: u64| (bytes > 0).then_some(bytes);
    let swap_bytes = system.total_swap();
    SystemInfo {
        cpu: Cpu {
            model: system.cpus().first().map(|cpu| cpu.brand().trim().to_owned()).filter(|model| !model.is_empty()),
            cores: u32::try_from(system.cpus().len()).ok().filter(|&cores| cores > 0),
            load,
        },
        memory: Memory {
            total_bytes: some(system.total_memory()),
            available_bytes: some(system.total_memory()).map(|_| system.available_memory()),
        },
        // A machine without swap has none of it: that is measured, unlike a memory of nothing.
        swap: Memory { total_bytes: Some(swap_bytes), available_bytes: Some(system.free_swap()) },
        ..SystemInfo::default()
    }
}

/// Measures the share of all cores that is busy, 0 to 1.
#[cfg(not(windows))]
async fn load(system: &mut sysinfo::System) -> Option<f64> {
    tokio::time::sleep(sysinfo::MINIMUM_CPU_UPDATE_INTERVAL).await;
    system.refresh_cpu_usage();
    let load = f64::from(system.global_cpu_usage()) / 100.0;
    load.is_finite().then_some(load.clamp(0.0, 1.0))
}

#[cfg(windows)]
async fn load(_system: &mut sysinfo::System) -> Option<f64> {
    let before = platform::times()?;
    tokio::time::sleep(sysinfo::MINIMUM_CPU_UPDATE_INTERVAL).await;
    platform::times()?.load_since(before)
}

/// Describes all network interfaces, sorted by name.
fn interfaces(root: &Path) -> Vec<Interface> {
    let mut interfaces = unsorted_interfaces(root);
    interfaces.sort_by(|a, b| a.name.cmp(&b.name));
    interfaces
}

/// sysinfo would leave out those without a MAC address there, and so most VPNs.
#[cfg(windows)]
fn unsorted_interfaces(_root: &Path) -> Vec<Interface> {
    platform::interfaces()
}

#[cfg(not(windows))]
fn unsorted_interfaces(root: &Path) -> Vec<Interface> {
    let Ok(networks) = Networks::new_with_refreshed_list() else {
        return Vec::new();
    };
    networks.iter().map(|(name, data)| interface(root, name.to_string_lossy().into_owned(), data)).collect()
}

/// Gives the MTU of the interface that has the address; `None` where there is no largest packet.
#[cfg(windows)]
pub(crate) fn mtu_of(local: IpAddr) -> Option<u32> {
    let interfaces = interfaces(Path::new(ROOT));
    interfaces.iter().find(|interface| interface.addresses.iter().any(|held| held.address == local))?.mtu_bytes
}

/// Gives the speed of the cable whose interface has the address; `None` for any other kind and where the system does
/// not tell.
pub(crate) fn cable_speed(local: IpAddr) -> Option<BitRate> {
    let interfaces = interfaces(Path::new(ROOT));
    let has = |interface: &&Interface| interface.addresses.iter().any(|held| held.address == local);
    let found = interfaces.iter().filter(|interface| interface.kind == InterfaceKind::Ethernet).find(has)?;
    found.speed
}

#[cfg(not(windows))]
fn interface(root: &Path, name: String, data: &NetworkData) -> Interface {
    let link = platform::link(root, &name);
    let addresses: Vec<_> = data
        .ip_networks()
        .iter()
        .map(|network| InterfaceAddress { address: network.addr, prefix_bits: network.prefix })
        .collect();
    let is_loopback = addresses.iter().any(|a| a.address.is_loopback());
    let state = data.operational_state();
    let is_down = matches!(state, InterfaceOperationalState::Down | InterfaceOperationalState::NotPresent);
    let up = (state == InterfaceOperationalState::Up || is_down).then_some(!is_down);
    Interface {
        kind: if is_loopback { InterfaceKind::Loopback } else { link.kind },
        up: link.up.or(up),
        speed: link.speed.or_else(|| data.transmit_link_speed().and_then(bit_rate)),
        mtu_bytes: u32::try_from(data.mtu()).ok().filter(|&mtu| mtu > 0),
        addresses,
        receive_errors: Some(data.total_errors_on_received()),
        transmit_errors: Some(data.total_errors_on_transmitted()),
        receive_drops: link.receive_drops,
        transmit_drops: link.transmit_drops,
        signal_dbm: link.signal_dbm,
        name,
    }
}

fn bit_rate(bps: u64) -> Option<BitRate> {
    #[expect(clippy::cast_precision_loss, reason = "no link moves 2^53 bits a second")]
    BitRate::from_bps(bps as f64).ok().filter(|rate| *rate > BitRate::ZERO)
}

/// What the platform tells of an interface beyond what sysinfo does.
#[cfg(any(test, not(windows)))]
#[derive(Debug, Default, PartialEq)]
struct Link {
    kind: InterfaceKind,
    up: Option<bool>,
    speed: Option<BitRate>,
    receive_drops: Option<u64>,
    transmit_drops: Option<u64>,
    signal_dbm: Option<i32>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn this_machine_is_described_and_its_name_kept_back() {
        let info = system(false).await;
        assert!(info.os_name.is_some() && info.kernel.is_some());
        assert!(info.memory.total_bytes.is_some_and(|bytes| bytes > 1_000_000));
        assert!(info.cpu.cores.is_some_and(|cores| cores > 0));
        assert!(info.cpu.load.is_some_and(|load| (0.0..=1.0).contains(&load)));
        assert!(info.uptime.is_some_and(|uptime| !uptime.is_zero()));
        assert_eq!(info.host_name, None);
        let loopback = info.interfaces.iter().find(|i| i.kind == InterfaceKind::Loopback).expect("loopback");
        assert!(loopback.addresses.iter().any(|a| a.address.is_loopback()));
        assert!(system(true).await.host_name.is_some());
    }
}
