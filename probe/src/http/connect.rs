//! The TCP connection to a name's addresses, as browsers make it: the next address gets its chance soon, beside the
//! one before. Knows no HTTP.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use cnc_model::http::HttpSummary;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use crate::route;

/// How long one address may take to accept a connection: two lost SYNs.
const CONNECT_WAIT: Duration = Duration::from_secs(5);
/// The head start of one address before the next is tried beside it (RFC 8305), as browsers have it.
const HEAD_START: Duration = Duration::from_millis(250);
/// The most addresses tried.
const MAX_ADDRESSES: usize = 4;

/// What became of one address.
struct Tried {
    nth: usize,
    socket: SocketAddr,
    took: Duration,
    stream: io::Result<TcpStream>,
}

/// Connects to the address that accepts first; the time is that one's handshake. The error says in words why none did.
pub(super) async fn connect(port: u16, addresses: &[IpAddr], summary: &mut HttpSummary) -> Result<TcpStream, String> {
    let mut left = addresses.iter().take(MAX_ADDRESSES).map(|&address| route::with_scope(address, port)).enumerate();
    let mut trying = JoinSet::new();
    let mut first: Option<Tried> = None;
    loop {
        if let Some((nth, socket)) = left.next() {
            trying.spawn(attempt(nth, socket));
        }
        let ended = if left.len() > 0 {
            match timeout(HEAD_START, trying.join_next()).await {
                Ok(ended) => ended,
                Err(_) => continue,
            }
        } else {
            // Liveness: each attempt has its limit.
            trying.join_next().await
        };
        match ended {
            None => break,
            Some(Ok(Tried { socket, took, stream: Ok(stream), .. })) => {
                summary.measured.address = Some(socket.ip());
                summary.tcp = Some(took);
                // Without it a request waits for nothing; it only goes out whole a little later.
                stream.set_nodelay(true).ok();
                return Ok(stream);
            }
            // The first address is the one that the system prefers, so its error tells most.
            Some(Ok(failed)) if first.as_ref().is_none_or(|first| failed.nth < first.nth) => first = Some(failed),
            Some(Ok(_) | Err(_)) => {}
        }
    }
    let Some(Tried { socket, stream: Err(error), .. }) = first else { return Err("there is no address".into()) };
    summary.measured.address = Some(socket.ip());
    Err(refused(socket, &error))
}

async fn attempt(nth: usize, socket: SocketAddr) -> Tried {
    let began = Instant::now();
    let late = || io::Error::new(io::ErrorKind::TimedOut, "nobody answered in time");
    let stream = timeout(CONNECT_WAIT, TcpStream::connect(socket)).await.unwrap_or_else(|_| Err(late()));
    Tried { nth, socket, took: began.elapsed(), stream }
}

fn refused(socket: SocketAddr, error: &io::Error) -> String {
    let said = error.to_string();
    // The number says nothing to people.
    format!("no connection to {socket}: {}", said.split(" (os error").next().unwrap_or(&said))
}
