//! What would help where the system does not let this program open a socket to measure with.

use std::io;
use std::net::IpAddr;

use socket2::{Domain, Protocol, Socket, Type};

use crate::ProbeError;

/// Fails when this program may not open the raw socket that trippy-core's traces need.
pub(crate) fn check_raw_socket(address: IpAddr) -> Result<(), ProbeError> {
    let (domain, protocol) = match address {
        IpAddr::V4(_) => (Domain::IPV4, Protocol::ICMPV4),
        IpAddr::V6(_) => (Domain::IPV6, Protocol::ICMPV6),
    };
    match Socket::new(domain, Type::RAW, Some(protocol)) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            Err(ProbeError::NoPermission { what: "tracing a path", hint: raw_hint() })
        }
        // What else may be wrong, the engine finds and says itself.
        _ => Ok(()),
    }
}

/// Where Linux keeps the groups whose programs may open ICMP datagram sockets, for IPv4 and IPv6 alike.
#[cfg(target_os = "linux")]
const PING_GROUPS: &str = "/proc/sys/net/ipv4/ping_group_range";

/// Says what opens ICMP echo to this program.
#[cfg(target_os = "linux")]
pub(crate) fn icmp_hint() -> String {
    let groups = std::fs::read_to_string(PING_GROUPS).unwrap_or_default();
    let groups = groups.split_whitespace().collect::<Vec<_>>().join(" ");
    let now = if groups.is_empty() { String::new() } else { format!(", now \"{groups}\"") };
    format!(
        "open ICMP sockets to users (net.ipv4.ping_group_range{now}) with: sysctl -w \
         net.ipv4.ping_group_range=\"0 2147483647\"; or give this program the capability CAP_NET_RAW with: setcap \
         cap_net_raw+ep on its file; or run it as root; or measure with TCP instead"
    )
}

/// Says what opens raw sockets to this program.
#[cfg(target_os = "linux")]
fn raw_hint() -> String {
    "trace with one constant flow (strategy paris), which needs no permission; or give this program the capability \
     CAP_NET_RAW with: setcap cap_net_raw+ep on its file; or run it as root"
        .into()
}

/// Says what opens ICMP echo to this program.
#[cfg(all(unix, not(target_os = "linux")))]
pub(crate) fn icmp_hint() -> String {
    "run this program as administrator, or measure with TCP instead".into()
}

/// Says what opens raw sockets to this program.
#[cfg(not(target_os = "linux"))]
fn raw_hint() -> String {
    "trace by ICMP with one constant flow (strategy paris), which needs no permission; or run this program as \
     administrator"
        .into()
}
