//! The TCP connection of an HTTP test: its time, and why there is none. Knows no HTTP.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use cnc_model::http::HttpSummary;
use tokio::net::TcpStream;

use crate::race::{Connected, race};
use crate::route;

/// How long one address may take to accept a connection: two lost SYNs.
const CONNECT_WAIT: Duration = Duration::from_secs(5);
/// The most addresses tried.
const MAX_ADDRESSES: usize = 4;

/// Connects to the address that accepts first; the time is that one's handshake. The error says in words why none did.
pub(super) async fn connect(port: u16, addresses: &[IpAddr], summary: &mut HttpSummary) -> Result<TcpStream, String> {
    let sockets = addresses.iter().take(MAX_ADDRESSES).map(|&address| route::with_scope(address, port));
    match race(sockets.collect(), CONNECT_WAIT).await {
        Ok(Connected { stream, address, took }) => {
            summary.measured.address = Some(address.ip());
            summary.tcp = Some(took);
            // Without it a request waits for nothing; it only goes out whole a little later.
            stream.set_nodelay(true).ok();
            Ok(stream)
        }
        Err(Some((address, error))) => {
            summary.measured.address = Some(address.ip());
            Err(refused(address, &error))
        }
        Err(None) => Err("there is no address".into()),
    }
}

fn refused(socket: SocketAddr, error: &io::Error) -> String {
    let said = error.to_string();
    // The number says nothing to people.
    format!("no connection to {socket}: {}", said.split(" (os error").next().unwrap_or(&said))
}
