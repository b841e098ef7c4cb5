//! What other systems tell beyond sysinfo: the DNS servers. The rest stays *not measured*.

use std::net::{IpAddr, Ipv6Addr};
use std::path::Path;

use super::Link;

/// Not told here.
pub(super) fn gateways(_root: &Path) -> Vec<IpAddr> {
    Vec::new()
}

/// Gives the configured DNS servers.
pub(super) fn resolvers(_root: &Path) -> Vec<IpAddr> {
    let servers = hickory_resolver::system_conf::read_system_conf()
        .map(|(config, _)| config.name_servers().iter().map(|server| server.ip).collect());
    servers.unwrap_or_default()
}

/// Not told here.
pub(super) fn link_local_scope(_root: &Path, _address: Ipv6Addr) -> Option<u32> {
    None
}

/// Not told here.
pub(super) fn link(_root: &Path, _name: &str) -> Link {
    Link::default()
}
