//! The machine itself.

use std::net::IpAddr;

use cnc_model::BitRate;
use cnc_model::hints::{self, Hint};
use cnc_model::system::{Cpu, Interface, InterfaceAddress, Memory, SystemInfo};
use serde::Serialize;

use super::ms;

#[derive(Serialize)]
pub(super) struct SystemBody<'a> {
    os: Os<'a>,
    host_name: Option<&'a str>,
    cpu: CpuBody<'a>,
    memory: Memories,
    uptime_ms: Option<f64>,
    interfaces: Vec<InterfaceBody<'a>>,
    gateways: &'a [IpAddr],
    resolvers: &'a [IpAddr],
    leaves_by: Option<&'a str>,
    proxy: Option<&'a str>,
    hints: Vec<HintBody>,
}

/// Something that hints at a VPN or a proxy.
#[derive(Serialize)]
pub(super) struct HintBody {
    kind: &'static str,
    message: String,
}

impl From<&Hint> for HintBody {
    fn from(hint: &Hint) -> Self {
        Self { kind: hint.word(), message: hint.to_string() }
    }
}

#[derive(Serialize)]
struct Os<'a> {
    name: Option<&'a str>,
    version: Option<&'a str>,
    kernel: Option<&'a str>,
    architecture: &'a str,
}

#[derive(Serialize)]
struct CpuBody<'a> {
    model: Option<&'a str>,
    cores: Option<u32>,
    load_ratio: Option<f64>,
}

#[derive(Serialize)]
struct Memories {
    physical: MemoryBody,
    #[serde(rename = "virtual")]
    swap: MemoryBody,
}

#[derive(Serialize)]
struct MemoryBody {
    total_bytes: Option<u64>,
    available_bytes: Option<u64>,
}

#[derive(Serialize)]
struct InterfaceBody<'a> {
    name: &'a str,
    kind: &'static str,
    up: Option<bool>,
    speed_bps: Option<f64>,
    mtu_bytes: Option<u32>,
    addresses: Vec<AddressBody>,
    receive_errors: Option<u64>,
    transmit_errors: Option<u64>,
    receive_drops: Option<u64>,
    transmit_drops: Option<u64>,
    signal_dbm: Option<i32>,
}

#[derive(Serialize)]
struct AddressBody {
    address: IpAddr,
    prefix_bits: u8,
}

impl<'a> From<&'a SystemInfo> for SystemBody<'a> {
    fn from(system: &'a SystemInfo) -> Self {
        let SystemInfo {
            os_name,
            os_version,
            kernel,
            architecture,
            host_name,
            cpu: Cpu { model, cores, load },
            memory,
            swap,
            uptime,
            interfaces,
            gateways,
            resolvers,
            leaves_by,
            proxy,
        } = system;
        Self {
            os: Os {
                name: os_name.as_deref(),
                version: os_version.as_deref(),
                kernel: kernel.as_deref(),
                architecture,
            },
            host_name: host_name.as_deref(),
            cpu: CpuBody { model: model.as_deref(), cores: *cores, load_ratio: *load },
            memory: Memories { physical: (*memory).into(), swap: (*swap).into() },
            uptime_ms: uptime.map(ms),
            interfaces: interfaces.iter().map(Into::into).collect(),
            gateways,
            resolvers,
            leaves_by: leaves_by.as_deref(),
            proxy: proxy.as_deref(),
            hints: hints::of_system(system).iter().map(Into::into).collect(),
        }
    }
}

impl From<Memory> for MemoryBody {
    fn from(memory: Memory) -> Self {
        let Memory { total_bytes, available_bytes } = memory;
        Self { total_bytes, available_bytes }
    }
}

impl<'a> From<&'a Interface> for InterfaceBody<'a> {
    fn from(interface: &'a Interface) -> Self {
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
        let address = |&InterfaceAddress { address, prefix_bits }: &_| AddressBody { address, prefix_bits };
        Self {
            name,
            kind: kind.word(),
            up: *up,
            speed_bps: speed.map(BitRate::bps),
            mtu_bytes: *mtu_bytes,
            addresses: addresses.iter().map(address).collect(),
            receive_errors: *receive_errors,
            transmit_errors: *transmit_errors,
            receive_drops: *receive_drops,
            transmit_drops: *transmit_drops,
            signal_dbm: *signal_dbm,
        }
    }
}
