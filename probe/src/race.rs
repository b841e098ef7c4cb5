//! A TCP connection to one of a name's addresses, as browsers make it (RFC 8305): the next address gets its chance
//! soon, beside the one before.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

/// The head start of one address before the next is tried beside it, as browsers have it.
const HEAD_START: Duration = Duration::from_millis(250);

/// The connection that was there first.
#[derive(Debug)]
pub struct Connected {
    /// The connection.
    pub stream: TcpStream,
    /// Whom it leads to.
    pub address: SocketAddr,
    /// What its own handshake took.
    pub took: Duration,
}

/// Connects to the address that accepts first; each gets so long.
///
/// # Errors
/// Gives what became of the first address, which is the one that the system prefers; `None` where there is none.
pub async fn race(addresses: Vec<SocketAddr>, each: Duration) -> Result<Connected, Option<(SocketAddr, io::Error)>> {
    let mut left = addresses.into_iter().enumerate().peekable();
    let mut trying = JoinSet::new();
    let mut failed: Option<(usize, SocketAddr, io::Error)> = None;
    loop {
        if let Some((nth, address)) = left.next() {
            trying.spawn(attempt(nth, address, each));
        }
        let ended = if left.peek().is_some() {
            match timeout(HEAD_START, trying.join_next()).await {
                Ok(ended) => ended,
                Err(_) => continue,
            }
        } else {
            // Liveness: each attempt has its limit.
            trying.join_next().await
        };
        match ended {
            None => return Err(failed.map(|(_, address, error)| (address, error))),
            Some(Ok(Ok(connected))) => return Ok(connected),
            Some(Ok(Err(one))) if failed.as_ref().is_none_or(|(nth, ..)| one.0 < *nth) => failed = Some(one),
            Some(Ok(Err(_)) | Err(_)) => {}
        }
    }
}

async fn attempt(nth: usize, address: SocketAddr, each: Duration) -> Result<Connected, (usize, SocketAddr, io::Error)> {
    let began = Instant::now();
    let late = || io::Error::new(io::ErrorKind::TimedOut, "nobody answered in time");
    let connected = timeout(each, TcpStream::connect(address)).await.unwrap_or_else(|_| Err(late()));
    match connected {
        Ok(stream) => Ok(Connected { stream, address, took: began.elapsed() }),
        Err(error) => Err((nth, address, error)),
    }
}
