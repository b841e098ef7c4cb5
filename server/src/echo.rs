//! The UDP echo beside the one port: it gives back what a client with a live session sends, and nothing else.

use std::net::SocketAddr;

use cnc_probe::respond::{Asked, EchoSocket};
use tokio_util::sync::CancellationToken;

use crate::grpc::Services;

/// Opens it on the number of the TCP port. Somebody else may hold that for UDP: then there is no echo, sessions are
/// given no token for one, and all else goes on.
pub(crate) fn open(address: SocketAddr) -> Option<EchoSocket> {
    match EchoSocket::bind(address) {
        Ok(socket) => Some(socket),
        Err(error) => {
            tracing::warn!(%address, %error, "there is no UDP echo: sessions cannot ping this listener by UDP");
            None
        }
    }
}

/// Answers until told to stop.
// Liveness: ended by `stop`.
pub(crate) async fn serve(socket: EchoSocket, services: Services, stop: CancellationToken) {
    let running = socket.run(|asked| is_let(&services, asked));
    if let Some(Err(error)) = stop.run_until_cancelled(running).await {
        tracing::error!(%error, "the UDP echo failed");
    }
}

fn is_let(services: &Services, asked: Asked) -> bool {
    let Services { sessions, limits, metrics, .. } = services;
    let Asked { token, from, bytes } = asked;
    if !token.is_some_and(|token| sessions.echo_token_valid(&token)) {
        metrics.echo_denied();
        return false;
    }
    if limits.echo(from, bytes).is_err() {
        return false;
    }
    metrics.echoed();
    true
}
