//! Pings: probes at a pace of their own, each with one fate told as a sample. What a probe is, `icmp`, `tcp` and `udp` say.
//!
//! Probes overlap when the timeout exceeds the interval. The pace never waits for answers and never catches up in a
//! burst: deadlines that passed while the machine slept are skipped.

#[cfg(windows)]
mod api;
mod flight;
#[cfg(unix)]
mod icmp;
mod pace;
#[cfg(unix)]
mod stamped;
mod tcp;
mod udp;

use std::net::IpAddr;
use std::time::Duration;

use cnc_model::message::EchoToken;
use cnc_model::test::{PingProtocol, PingTest};
use tokio_util::sync::CancellationToken;

#[cfg(windows)]
use api::ping as ping_by_icmp;
#[cfg(unix)]
use icmp::ping as ping_by_icmp;

use crate::{Engine, ProbeError, Sink, route};

/// How long a reply is still waited for after its probe was told as lost. With the longest timeout and the shortest
/// interval, that many probes still have sequence numbers of their own.
pub const LATE_WAIT: Duration = Duration::from_secs(5);

/// Pings an address as the test says and sends a sample of every probe's fate, in the order in which fates are
/// known: a reply, the timeout, an ICMP error, or that it could not be sent; later maybe a late reply or a duplicate.
/// Once cancelled it returns at once and tells nothing of the probes still under way.
///
/// # Errors
/// Fails before the first probe when the system has no route or no permission.
pub async fn ping(
    address: IpAddr,
    test: &PingTest,
    sink: &Sink,
    cancel: &CancellationToken,
) -> Result<Engine, ProbeError> {
    ping_with(address, None, test, sink, cancel).await
}

/// Pings as [`ping`] does; UDP probes carry the token of a session, without which a listener gives nothing back.
///
/// # Errors
/// As [`ping`], and where the payload has no room for the token.
pub async fn ping_with(
    address: IpAddr,
    token: Option<&EchoToken>,
    test: &PingTest,
    sink: &Sink,
    cancel: &CancellationToken,
) -> Result<Engine, ProbeError> {
    let target = |port| route::with_scope(address, port);
    route::check(target(0))?;
    match test.protocol {
        PingProtocol::Icmp => ping_by_icmp(target(0), test, sink, cancel).await,
        PingProtocol::Tcp(port) => {
            let tcp = tcp::Prober { target: target(port.get()) };
            Ok(flight::ping_by(tcp, test, sink, cancel).await)
        }
        PingProtocol::Udp(port) => udp::ping(target(port.get()), token, test, sink, cancel).await,
    }
}

#[cfg(test)]
mod tests;
