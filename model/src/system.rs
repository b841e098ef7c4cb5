//! The machine that the client runs on. Fields that the system did not tell are `None`: *not measured*.

use std::net::IpAddr;
use std::time::Duration;

use crate::BitRate;

/// A machine's description.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SystemInfo {
    /// The operating system's name, like `Debian GNU/Linux`.
    pub os_name: Option<String>,
    /// Its version, like `12`.
    pub os_version: Option<String>,
    /// The kernel's version.
    pub kernel: Option<String>,
    /// The processor architecture that the program runs as, like `x86_64`.
    pub architecture: String,
    /// The machine's name: only with a consent of its own.
    pub host_name: Option<String>,
    /// The processor.
    pub cpu: Cpu,
    /// Physical memory.
    pub memory: Memory,
    /// Virtual memory beyond the physical: swap or page files.
    pub swap: Memory,
    /// Since the machine started.
    pub uptime: Option<Duration>,
    /// Network interfaces, loopback included.
    pub interfaces: Vec<Interface>,
    /// Default gateways, the preferred first.
    pub gateways: Vec<IpAddr>,
    /// Configured DNS servers, in the system's order.
    pub resolvers: Vec<IpAddr>,
    /// The interface by which packets to the Internet leave.
    pub leaves_by: Option<String>,
    /// The proxy for the web that is configured, and who names it, without user or password.
    pub proxy: Option<String>,
}

impl SystemInfo {
    /// Gives the tunnel by which packets to the Internet leave, where it is one.
    #[must_use]
    pub fn tunnel(&self) -> Option<&Interface> {
        const NAMES: [&str; 6] = ["tun", "tap", "wg", "ppp", "utun", "ipsec"];
        let leaves_by = self.leaves_by.as_deref()?;
        let interface = self.interfaces.iter().find(|interface| interface.name == leaves_by)?;
        let by_name = || {
            NAMES.iter().any(|name| {
                leaves_by.strip_prefix(name).is_some_and(|rest| rest.chars().all(|digit| digit.is_ascii_digit()))
            })
        };
        let is_tunnel = match interface.kind {
            InterfaceKind::Tunnel => true,
            InterfaceKind::Unknown | InterfaceKind::Virtual | InterfaceKind::Ethernet => by_name(),
            InterfaceKind::Loopback | InterfaceKind::Wireless | InterfaceKind::Mobile => false,
        };
        is_tunnel.then_some(interface)
    }
}

/// A processor.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Cpu {
    /// The maker's name for it.
    pub model: Option<String>,
    /// Logical cores.
    pub cores: Option<u32>,
    /// The share of all cores that was busy when looked at, 0 to 1.
    pub load: Option<f64>,
}

/// An amount of memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Memory {
    /// All there is, in bytes.
    pub total_bytes: Option<u64>,
    /// What programs could still get, in bytes.
    pub available_bytes: Option<u64>,
}

/// A network interface. Its MAC address is not taken.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Interface {
    /// The system's name for it.
    pub name: String,
    /// What carries it, where the system tells.
    pub kind: InterfaceKind,
    /// Whether it is up.
    pub up: Option<bool>,
    /// The link's speed.
    pub speed: Option<BitRate>,
    /// The largest packet, in bytes.
    pub mtu_bytes: Option<u32>,
    /// Its addresses with prefix lengths.
    pub addresses: Vec<InterfaceAddress>,
    /// Packets received with errors since the machine started.
    pub receive_errors: Option<u64>,
    /// Packets not sent because of errors since the machine started.
    pub transmit_errors: Option<u64>,
    /// Received packets that were dropped.
    pub receive_drops: Option<u64>,
    /// Packets to send that were dropped.
    pub transmit_drops: Option<u64>,
    /// How strongly Wi-Fi is received, in dBm: -50 is strong, -80 weak.
    pub signal_dbm: Option<i32>,
}

/// Says in a word how good Wi-Fi is that is received so strongly, in dBm: above -60 everything goes, below -70 calls begin to
/// suffer, below -80 little goes at all.
#[must_use]
pub const fn signal_word(dbm: i32) -> &'static str {
    match dbm {
        -60.. => "strong",
        -70..=-61 => "fair",
        -80..=-71 => "weak",
        ..-80 => "very weak",
    }
}

/// An address of an interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InterfaceAddress {
    /// The address.
    pub address: IpAddr,
    /// The length of its network's prefix, in bits.
    pub prefix_bits: u8,
}

/// What carries an interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum InterfaceKind {
    /// The system does not tell.
    #[default]
    Unknown,
    /// The machine itself.
    Loopback,
    /// A cable.
    Ethernet,
    /// Wi-Fi.
    Wireless,
    /// A mobile network.
    Mobile,
    /// A tunnel, as VPNs make.
    Tunnel,
    /// Bridges, containers' and virtual machines' interfaces.
    Virtual,
}

impl InterfaceKind {
    /// Gives the word for it on screens and in JSON.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Loopback => "loopback",
            Self::Ethernet => "ethernet",
            Self::Wireless => "wireless",
            Self::Mobile => "mobile",
            Self::Tunnel => "tunnel",
            Self::Virtual => "virtual",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_word_for_a_signal_begins_where_it_should() {
        for (dbm, word) in [
            (-30, "strong"),
            (-60, "strong"),
            (-61, "fair"),
            (-70, "fair"),
            (-71, "weak"),
            (-80, "weak"),
            (-81, "very weak"),
        ] {
            assert_eq!(signal_word(dbm), word, "{dbm} dBm");
        }
    }
}
