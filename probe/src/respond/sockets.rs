//! How connections of speed tests are set up at the responding end.

use tokio::net::TcpStream;

/// The most payload that waits in a connection's buffer behind what the network takes: small answers wait behind it, and
/// the connection's part of a slow line may be small.
#[cfg(target_os = "linux")]
const UNSENT_BYTES: u32 = 8 * 1024;

/// Keeps what waits in this machine short on a connection that carries a load and small answers beside it.
pub fn keep_short(socket: &TcpStream) {
    #[cfg(target_os = "linux")]
    // Where it cannot be set the answers are slower, which is this machine's part of the truth.
    socket2::SockRef::from(socket).set_tcp_notsent_lowat(UNSENT_BYTES).ok();
    #[cfg(not(target_os = "linux"))]
    let _ = socket;
}
