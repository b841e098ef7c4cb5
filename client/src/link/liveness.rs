//! How a dead connection is found: by the kernel where it reaches the listener itself, by HTTP/2 where a proxy is
//! in between.

use std::io;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;
use tonic::transport::Endpoint;

/// How long a connection is silent before the kernel tries it, and how often it then does.
const TRY_AFTER: Duration = Duration::from_secs(2);
const TRY_EVERY: Duration = Duration::from_secs(1);
/// Tries without an answer after which the connection is given up: a dead one is found within 5 s.
const TRIES: u32 = 3;
/// How long what was sent may stay unacknowledged (`TCP_USER_TIMEOUT`, RFC 5482).
#[cfg(any(target_os = "linux", target_os = "android"))]
const UNACKNOWLEDGED: Duration = Duration::from_secs(5);

/// How often HTTP/2 tries a connection through a proxy, where the kernel sees no further than the proxy.
const PING_THROUGH_PROXY: Duration = Duration::from_secs(2);
/// How often HTTP/2 tries any other: only a listener that hangs is found so, and ten thousand idle clients must not
/// keep it busy.
const PING_DIRECT: Duration = Duration::from_mins(1);
/// How long the answer may take.
const PONG_WAIT: Duration = Duration::from_millis(2_500);

/// Makes the kernel find out that the other end is gone.
///
/// # Errors
/// When the system does not take the settings; the connection works without them.
pub(super) fn watch(tcp: &TcpStream) -> io::Result<()> {
    let socket = SockRef::from(tcp);
    let keepalive = TcpKeepalive::new().with_time(TRY_AFTER).with_interval(TRY_EVERY).with_retries(TRIES);
    socket.set_tcp_keepalive(&keepalive)?;
    #[cfg(any(target_os = "linux", target_os = "android"))]
    socket.set_tcp_user_timeout(Some(UNACKNOWLEDGED))?;
    Ok(())
}

/// Makes HTTP/2 find out that the other end is gone, as every client of a listener does.
#[must_use]
pub fn kept_alive(endpoint: Endpoint, through_proxy: bool) -> Endpoint {
    endpoint
        .http2_keep_alive_interval(if through_proxy { PING_THROUGH_PROXY } else { PING_DIRECT })
        .keep_alive_timeout(PONG_WAIT)
        .keep_alive_while_idle(true)
}
