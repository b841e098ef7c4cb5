//! Whether this machine knows a way to an address, asked of the system before the first probe.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

use crate::ProbeError;

/// A port for asking only: connecting a UDP socket sends nothing.
const ANY_PORT: u16 = 9;

/// Fails when the system has no route to the address, or forbids to use it.
pub(crate) fn check(address: SocketAddr) -> Result<(), ProbeError> {
    let unspecified: IpAddr = match address {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let mut target = address;
    target.set_port(ANY_PORT);
    match UdpSocket::bind((unspecified, 0)).and_then(|socket| socket.connect(target)) {
        Err(source) if source.kind() == io::ErrorKind::PermissionDenied => Err(ProbeError::NoPermission {
            what: "to send to this address",
            hint: "a broadcast address cannot be measured; else look at this machine's firewall and routes".into(),
        }),
        Err(source) => Err(ProbeError::NoRoute { address: address.ip(), source }),
        Ok(()) => Ok(()),
    }
}

/// Gives the address that this machine would send from; `None` without a route.
pub(crate) fn source(address: SocketAddr) -> Option<IpAddr> {
    let unspecified: IpAddr = match address {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = UdpSocket::bind((unspecified, 0)).ok()?;
    socket.connect(address).ok()?;
    socket.local_addr().ok().map(|local| local.ip())
}

/// Adds to a link-local address the interface behind which it is known; `None` of it leaves the choice to the system.
pub(crate) fn with_scope(address: IpAddr, port: u16) -> SocketAddr {
    let mut target = SocketAddr::new(address, port);
    if let SocketAddr::V6(v6) = &mut target
        && v6.ip().is_unicast_link_local()
    {
        v6.set_scope_id(crate::system::link_local_scope(*v6.ip()).unwrap_or(0));
    }
    target
}
