//! The largest packet that a path carries in one piece (`mtu/1`).

use std::net::IpAddr;

use crate::summary::Measured;

/// The name and version of this method, stored with every result.
pub const METHOD: &str = "mtu/1";

/// The least that every IPv4 path must carry to a host (RFC 791), where the search begins.
pub const MIN_V4_BYTES: u32 = 576;
/// The least that every IPv6 path must carry (RFC 8200).
pub const MIN_V6_BYTES: u32 = 1_280;

/// What a search for the path's MTU found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MtuSummary {
    /// What was measured, and how.
    pub measured: Measured,
    /// The largest packet, IP header included, that arrived undivided; `None` when not even the smallest did.
    pub path_mtu_bytes: Option<u32>,
    /// The MTU of the interface that leads there: the search's upper end.
    pub interface_mtu_bytes: Option<u32>,
    /// Whether larger packets vanish without a word: no router says "too big", so that senders never learn.
    pub black_hole: bool,
    /// The router that said "too big" at the narrowest place.
    pub limited_by: Option<IpAddr>,
    /// Packets that were sent.
    pub probes: u32,
}
