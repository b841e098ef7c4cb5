//! Traces: rounds of one probe for each distance, told as samples.
//!
//! An engine of our own sends a round's probes side by side and tells each answer when it comes; it needs no privilege.
//! trippy-core does what needs flows told apart, and elsewhere than on Linux all that is not ICMP.

mod parallel;
mod path;
mod trippy;

use std::net::{IpAddr, SocketAddr};

use cnc_model::test::{Multipath, TraceProtocol, TraceTest};
use tokio_util::sync::CancellationToken;

use crate::{Engine, ProbeError, Sink, route};

/// Traces the path to an address as the test says and sends a sample for each distance up to the path's end: an answer
/// when it comes, silence when the round ends, and an answer after that, too. A round begins each interval, or when the
/// one before has ended where that is later. Once cancelled it returns at once; a round by trippy-core ends by itself
/// within a second, unheard.
///
/// # Errors
/// Fails before the first round when the system has no route or no permission, and whenever the engine fails.
pub async fn trace(
    address: IpAddr,
    test: &TraceTest,
    sink: &Sink,
    cancel: &CancellationToken,
) -> Result<Engine, ProbeError> {
    if matches!(address, IpAddr::V6(v6) if v6.is_unicast_link_local()) {
        return Err(ProbeError::Unsupported { what: "a link-local address has no path: it is one hop away" });
    }
    route::check(SocketAddr::new(address, 0))?;
    if is_ours(test) {
        return parallel::trace(address, test, sink, cancel).await;
    }
    trippy::trace(address, test, sink, cancel).await
}

/// Whether the engine of our own can do it: one constant flow, or TCP, whose probes are a flow each; ICMP alone where
/// the system does not tell who answered the others.
const fn is_ours(test: &TraceTest) -> bool {
    let is_linux = cfg!(target_os = "linux");
    match (test.protocol, test.strategy) {
        (TraceProtocol::Icmp, Multipath::Paris) => true,
        (_, Multipath::Paris) | (TraceProtocol::Tcp(_), Multipath::Classic) => is_linux,
        (TraceProtocol::Icmp | TraceProtocol::Udp(_), Multipath::Classic) | (_, Multipath::Dublin) => false,
    }
}

#[cfg(test)]
mod tests;
