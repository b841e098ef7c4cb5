//! How a dead connection is found: by the kernel, which costs an idle session nothing; by HTTP/2's pings only what hangs.

use std::io;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;

/// How long a connection is silent before the kernel tries it, and how often it then does.
const TRY_AFTER: Duration = Duration::from_secs(5);
const TRY_EVERY: Duration = Duration::from_secs(2);
/// Tries without an answer after which the connection is given up: a dead one is found within about 10 s.
const TRIES: u32 = 3;
/// How long what was sent may stay unacknowledged (`TCP_USER_TIMEOUT`, RFC 5482): the kernel's own patience is a
/// quarter of an hour.
#[cfg(target_os = "linux")]
const UNACKNOWLEDGED: Duration = Duration::from_secs(30);
/// How often HTTP/2 asks whether the peer is there: a proxy may keep a connection up whose client is gone, a client
/// may hang. As long as a lost stream's grace; ten thousand idle sessions asked more often would keep the listener busy.
pub(super) const PING_EVERY: Duration = Duration::from_mins(2);
/// How long the answer may take.
pub(super) const PONG_WITHIN: Duration = Duration::from_secs(5);

/// Makes the kernel find out that the other end is gone.
pub(super) fn watch(tcp: &TcpStream) -> io::Result<()> {
    let socket = SockRef::from(tcp);
    let keepalive = TcpKeepalive::new().with_time(TRY_AFTER).with_interval(TRY_EVERY).with_retries(TRIES);
    socket.set_tcp_keepalive(&keepalive)?;
    #[cfg(target_os = "linux")]
    socket.set_tcp_user_timeout(Some(UNACKNOWLEDGED))?;
    Ok(())
}
