//! The largest packet that a path carries in one piece, and whether larger ones vanish without a word (`mtu/1`).
//!
//! Packets of growing size are sent undivided. A router that says "too big" names the next size to try; where none
//! does, the size is found by halving, and then the path is a black hole for larger packets. One packet is under way
//! at a time: what is wanted is the size, and routers that are asked too fast fall silent.

use std::net::IpAddr;

use tokio_util::sync::CancellationToken;

use crate::{Engine, ProbeError};

#[cfg(target_os = "linux")]
mod linux;
#[cfg(any(test, target_os = "linux", windows))]
mod search;
#[cfg(windows)]
mod windows;

#[cfg(target_os = "linux")]
use linux as platform;
#[cfg(windows)]
use windows as platform;

/// What a search found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PathMtu {
    /// The largest packet that arrived; `None` when not even the smallest did.
    pub path_bytes: Option<u32>,
    /// The MTU of the interface that leads there.
    pub interface_bytes: Option<u32>,
    /// Whether larger packets vanish without a word.
    pub black_hole: bool,
    /// Who said "too big" at the narrowest place.
    pub limited_by: Option<IpAddr>,
    /// Packets sent.
    pub probes: u32,
}

/// Searches the path to an address. Cancelled, it gives what it has found so far.
///
/// # Errors
/// Fails where the system permits no way of asking, or has none.
#[cfg(any(target_os = "linux", windows))]
pub async fn path_mtu(target: IpAddr, cancel: &CancellationToken) -> Result<(Engine, PathMtu), ProbeError> {
    let socket = crate::route::with_scope(target, 0);
    crate::route::check(socket)?;
    let mut prober = platform::open(socket)?;
    let mut found = PathMtu::default();
    let searched = cancel.run_until_cancelled(search::search(&mut prober, target.is_ipv4(), &mut found)).await;
    searched.unwrap_or(Ok(()))?;
    Ok((prober.engine(), found))
}

/// Searches nothing: what is sent here would be divided.
///
/// # Errors
/// Always.
#[cfg(not(any(target_os = "linux", windows)))]
#[expect(clippy::unused_async, reason = "other systems can")]
pub async fn path_mtu(_target: IpAddr, _cancel: &CancellationToken) -> Result<(Engine, PathMtu), ProbeError> {
    Err(ProbeError::Unsupported { what: "finding a path's MTU is not possible on this system yet" })
}
