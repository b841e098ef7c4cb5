//! The TCP connection of an HTTP test: its time, why there is none, and what IPv4 and IPv6 did each. Knows no HTTP.

use std::io;
use std::net::IpAddr;
use std::time::Duration;

use cnc_model::http::{FamilyReach, HttpSummary};
use tokio::net::TcpStream;

use crate::race::{Connected, Race, Try};
use crate::route;

/// How long one address may take to accept a connection: two lost SYNs.
const CONNECT_WAIT: Duration = Duration::from_secs(5);
/// How long an IP version that was not needed is still waited for: one lost SYN.
const SETTLE_WAIT: Duration = Duration::from_secs(2);
/// The most addresses tried.
const MAX_ADDRESSES: usize = 4;

/// Lines a name's addresses up.
pub(super) fn line_up(port: u16, addresses: &[IpAddr]) -> Race {
    let sockets = addresses.iter().take(MAX_ADDRESSES).map(|&address| route::with_scope(address, port));
    Race::new(sockets.collect(), CONNECT_WAIT)
}

/// Connects to the address that accepts first; the time is that one's handshake. The error says in words why none did.
pub(super) async fn connect(race: &mut Race, summary: &mut HttpSummary) -> Result<TcpStream, String> {
    match race.run().await {
        Ok(Connected { stream, address, took }) => {
            summary.measured.address = Some(address.ip());
            summary.tcp = Some(took);
            // Without it a request waits for nothing; it only goes out whole a little later.
            stream.set_nodelay(true).ok();
            Ok(stream)
        }
        Err(Some((address, error))) => {
            summary.measured.address = Some(address.ip());
            Err(format!("no connection to {address}: {}", readable(&error)))
        }
        Err(None) => Err("there is no address".into()),
    }
}

/// Gives what IPv4 and IPv6 did. What the race did not need is still tried, for a short time.
pub(super) async fn families(mut race: Race) -> (Option<FamilyReach>, Option<FamilyReach>) {
    race.settle(SETTLE_WAIT).await;
    (reach(&race, true), reach(&race, false))
}

fn reach(race: &Race, is_v4: bool) -> Option<FamilyReach> {
    let first = race.of(is_v4).next()?;
    let answered = race.of(is_v4).find_map(|tried| match tried.ended {
        Some(Ok(took)) => Some(FamilyReach { address: tried.address.ip(), tcp: Some(took), error: None }),
        Some(Err(_)) | None => None,
    });
    Some(answered.unwrap_or_else(|| FamilyReach { address: first.address.ip(), tcp: None, error: Some(fault(first)) }))
}

fn fault(tried: &Try) -> String {
    match (&tried.ended, tried.began) {
        (Some(Err(error)), _) => readable(error),
        (_, Some(began)) => format!("nobody answered in {:.1} s", began.elapsed().as_secs_f64()),
        _ => "it was not tried".to_owned(),
    }
}

fn readable(error: &io::Error) -> String {
    let said = error.to_string();
    // The number says nothing to people.
    said.split(" (os error").next().unwrap_or(&said).to_owned()
}
