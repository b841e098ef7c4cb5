//! The machine's description.

use cnc_model::BitRate;
use cnc_model::system::{Cpu, Interface, InterfaceAddress, InterfaceKind, Memory, SystemInfo};

use crate::scalar::{
    MAX_NAME_BYTES, address, addresses, bit_rate, bounded, count, cut, duration, octets, optional_text, ratio, text,
    us, whole,
};
use crate::{Invalid, v1};

/// The most interfaces of one machine: hosts of containers have hundreds. A client leaves out those beyond it.
pub const MAX_INTERFACES: usize = 256;
/// The most addresses of one interface. A client leaves out those beyond it.
pub const MAX_INTERFACE_ADDRESSES: usize = 256;
/// The most gateways, and the most DNS servers. A client leaves out those beyond it, the least preferred.
pub const MAX_SERVERS: usize = 64;

impl From<SystemInfo> for v1::SystemInfo {
    fn from(system: SystemInfo) -> Self {
        let SystemInfo {
            os_name,
            os_version,
            kernel,
            architecture,
            host_name,
            cpu,
            memory,
            swap,
            uptime,
            interfaces,
            gateways,
            resolvers,
            leaves_by,
            proxy,
        } = system;
        let name = |name: Option<String>| name.map(|name| cut(name, MAX_NAME_BYTES));
        Self {
            os_name: name(os_name),
            os_version: name(os_version),
            kernel: name(kernel),
            architecture: cut(architecture, MAX_NAME_BYTES),
            host_name: name(host_name),
            cpu: Some(cpu.into()),
            memory: Some(memory.into()),
            swap: Some(swap.into()),
            uptime_us: uptime.map(us),
            interfaces: interfaces.into_iter().take(MAX_INTERFACES).map(Into::into).collect(),
            gateways: gateways.into_iter().take(MAX_SERVERS).map(octets).collect(),
            resolvers: resolvers.into_iter().take(MAX_SERVERS).map(octets).collect(),
            leaves_by: leaves_by.map(|name| cut(name, MAX_NAME_BYTES)),
            proxy: proxy.map(|proxy| cut(proxy, MAX_NAME_BYTES)),
        }
    }
}

impl TryFrom<v1::SystemInfo> for SystemInfo {
    type Error = Invalid;

    fn try_from(wire: v1::SystemInfo) -> Result<Self, Invalid> {
        let v1::SystemInfo {
            os_name,
            os_version,
            kernel,
            architecture,
            host_name,
            cpu,
            memory,
            swap,
            uptime_us,
            interfaces,
            gateways,
            resolvers,
            leaves_by,
            proxy,
        } = wire;
        bounded("SystemInfo.interfaces", &interfaces, MAX_INTERFACES)?;
        Ok(Self {
            os_name: optional_text("SystemInfo.os_name", os_name, MAX_NAME_BYTES)?,
            os_version: optional_text("SystemInfo.os_version", os_version, MAX_NAME_BYTES)?,
            kernel: optional_text("SystemInfo.kernel", kernel, MAX_NAME_BYTES)?,
            architecture: text("SystemInfo.architecture", architecture, MAX_NAME_BYTES)?,
            host_name: optional_text("SystemInfo.host_name", host_name, MAX_NAME_BYTES)?,
            cpu: cpu.unwrap_or_default().try_into()?,
            memory: memory.unwrap_or_default().try_into()?,
            swap: swap.unwrap_or_default().try_into()?,
            uptime: uptime_us.map(|us| duration("SystemInfo.uptime_us", us)).transpose()?,
            interfaces: interfaces.into_iter().map(TryInto::try_into).collect::<Result<_, _>>()?,
            gateways: addresses("SystemInfo.gateways", &gateways, MAX_SERVERS)?,
            resolvers: addresses("SystemInfo.resolvers", &resolvers, MAX_SERVERS)?,
            leaves_by: optional_text("SystemInfo.leaves_by", leaves_by, MAX_NAME_BYTES)?,
            proxy: optional_text("SystemInfo.proxy", proxy, MAX_NAME_BYTES)?,
        })
    }
}

impl From<Cpu> for v1::Cpu {
    fn from(cpu: Cpu) -> Self {
        let Cpu { model, cores, load } = cpu;
        Self { model: model.map(|model| cut(model, MAX_NAME_BYTES)), cores, load_ratio: load }
    }
}

impl TryFrom<v1::Cpu> for Cpu {
    type Error = Invalid;

    fn try_from(wire: v1::Cpu) -> Result<Self, Invalid> {
        let v1::Cpu { model, cores, load_ratio } = wire;
        Ok(Self {
            model: optional_text("Cpu.model", model, MAX_NAME_BYTES)?,
            cores,
            load: load_ratio.map(|load| ratio("Cpu.load_ratio", load)).transpose()?,
        })
    }
}

impl From<Memory> for v1::Memory {
    fn from(memory: Memory) -> Self {
        let Memory { total_bytes, available_bytes } = memory;
        Self { total_bytes: total_bytes.map(whole), available_bytes: available_bytes.map(whole) }
    }
}

impl TryFrom<v1::Memory> for Memory {
    type Error = Invalid;

    fn try_from(wire: v1::Memory) -> Result<Self, Invalid> {
        let v1::Memory { total_bytes, available_bytes } = wire;
        Ok(Self {
            total_bytes: total_bytes.map(|bytes| count("Memory.total_bytes", bytes)).transpose()?,
            available_bytes: available_bytes.map(|bytes| count("Memory.available_bytes", bytes)).transpose()?,
        })
    }
}

impl From<Interface> for v1::Interface {
    fn from(interface: Interface) -> Self {
        let Interface {
            name,
            kind,
            up,
            speed,
            mtu_bytes,
            addresses,
            receive_errors,
            transmit_errors,
            receive_drops,
            transmit_drops,
            signal_dbm,
        } = interface;
        Self {
            name: cut(name, MAX_NAME_BYTES),
            kind: v1::InterfaceKind::from(kind).into(),
            up,
            speed_bps: speed.map(BitRate::bps),
            mtu_bytes,
            addresses: addresses.into_iter().take(MAX_INTERFACE_ADDRESSES).map(Into::into).collect(),
            receive_errors: receive_errors.map(whole),
            transmit_errors: transmit_errors.map(whole),
            receive_drops: receive_drops.map(whole),
            transmit_drops: transmit_drops.map(whole),
            signal_dbm,
        }
    }
}

impl TryFrom<v1::Interface> for Interface {
    type Error = Invalid;

    fn try_from(wire: v1::Interface) -> Result<Self, Invalid> {
        let v1::Interface {
            name,
            kind,
            up,
            speed_bps,
            mtu_bytes,
            addresses,
            receive_errors,
            transmit_errors,
            receive_drops,
            transmit_drops,
            signal_dbm,
        } = wire;
        bounded("Interface.addresses", &addresses, MAX_INTERFACE_ADDRESSES)?;
        let counter = |field, counter: Option<u64>| counter.map(|value| count(field, value)).transpose();
        Ok(Self {
            name: text("Interface.name", name, MAX_NAME_BYTES)?,
            kind: v1::InterfaceKind::try_from(kind).unwrap_or_default().into(),
            up,
            speed: speed_bps.map(|bps| bit_rate("Interface.speed_bps", bps)).transpose()?,
            mtu_bytes,
            addresses: addresses.into_iter().map(TryInto::try_into).collect::<Result<_, _>>()?,
            receive_errors: counter("Interface.receive_errors", receive_errors)?,
            transmit_errors: counter("Interface.transmit_errors", transmit_errors)?,
            receive_drops: counter("Interface.receive_drops", receive_drops)?,
            transmit_drops: counter("Interface.transmit_drops", transmit_drops)?,
            signal_dbm,
        })
    }
}

impl From<InterfaceAddress> for v1::InterfaceAddress {
    fn from(interface: InterfaceAddress) -> Self {
        let InterfaceAddress { address, prefix_bits } = interface;
        Self { address: octets(address), prefix_bits: prefix_bits.into() }
    }
}

impl TryFrom<v1::InterfaceAddress> for InterfaceAddress {
    type Error = Invalid;

    fn try_from(wire: v1::InterfaceAddress) -> Result<Self, Invalid> {
        let v1::InterfaceAddress { address: octets, prefix_bits } = wire;
        let address = address("InterfaceAddress.address", &octets)?;
        let longest = if address.is_ipv4() { 32 } else { 128 };
        match u8::try_from(prefix_bits) {
            Ok(prefix_bits) if prefix_bits <= longest => Ok(Self { address, prefix_bits }),
            _ => Err(Invalid::malformed("InterfaceAddress.prefix_bits", format!("{prefix_bits} is over {longest}"))),
        }
    }
}

impl From<InterfaceKind> for v1::InterfaceKind {
    fn from(kind: InterfaceKind) -> Self {
        match kind {
            InterfaceKind::Unknown => Self::Unspecified,
            InterfaceKind::Loopback => Self::Loopback,
            InterfaceKind::Ethernet => Self::Ethernet,
            InterfaceKind::Wireless => Self::Wireless,
            InterfaceKind::Mobile => Self::Mobile,
            InterfaceKind::Tunnel => Self::Tunnel,
            InterfaceKind::Virtual => Self::Virtual,
        }
    }
}

impl From<v1::InterfaceKind> for InterfaceKind {
    fn from(wire: v1::InterfaceKind) -> Self {
        match wire {
            v1::InterfaceKind::Unspecified => Self::Unknown,
            v1::InterfaceKind::Loopback => Self::Loopback,
            v1::InterfaceKind::Ethernet => Self::Ethernet,
            v1::InterfaceKind::Wireless => Self::Wireless,
            v1::InterfaceKind::Mobile => Self::Mobile,
            v1::InterfaceKind::Tunnel => Self::Tunnel,
            v1::InterfaceKind::Virtual => Self::Virtual,
        }
    }
}
