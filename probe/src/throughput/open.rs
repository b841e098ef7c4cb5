//! From a target to open connections: names, admission, TCP, TLS; and the round trip of a TCP handshake.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use cnc_model::stats::nearest_rank;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};
use tokio_rustls::TlsConnector;

use super::SpeedTarget;
use super::target::Target;
use crate::{ProbeError, resolve, route};

/// How long one address may take to accept a connection: three lost SYNs.
const CONNECT_WAIT: Duration = Duration::from_secs(7);
/// How long a TLS handshake may take.
const TLS_WAIT: Duration = Duration::from_secs(10);
/// So many handshakes before the load give the idle round trip: enough for a median that one slow one does not move.
const IDLE_HANDSHAKES: usize = 5;
/// When systems send an unanswered SYN again: a handshake that takes longer tells no round trip.
const FIRST_RETRANSMISSION: Duration = Duration::from_secs(1);
/// The most payload that waits in the kernel behind what the network takes: more would only make the end of an
/// upload late and the sender's count wrong.
#[cfg(target_os = "linux")]
const UNSENT_BYTES: u32 = 32 * 1024;

/// A peer whose address is known to answer.
#[derive(Clone)]
pub(super) struct Peer {
    pub(super) target: Target,
    pub(super) address: SocketAddr,
    tls: Arc<ClientConfig>,
}

/// A connection, plain or with TLS.
pub(super) type Io = TokioIo<Box<dyn Stream>>;

/// Both directions of a byte stream.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// Cuts a connection when dropped, unless told that it is done: what waits in the kernel is thrown away instead of
/// being sent for seconds after the test.
pub(super) struct Cut(Option<std::net::TcpStream>);

impl Cut {
    /// The connection may close in peace.
    pub(super) fn spare(&mut self) {
        self.0 = None;
    }
}

impl Drop for Cut {
    fn drop(&mut self) {
        if let Some(stream) = &self.0 {
            // Where it fails the connection is gone already.
            SockRef::from(stream).set_linger(Some(Duration::ZERO)).ok();
        }
    }
}

impl Peer {
    /// Finds the first admitted address of the target that accepts connections.
    pub(super) async fn find(target: Target, speed: &SpeedTarget) -> Result<Self, ProbeError> {
        let mut failed = None;
        for address in resolve(&target.host, speed.family).await? {
            let socket = route::with_scope(address, target.port);
            let result = match admit(speed, socket) {
                Ok(()) => connect(socket).await,
                Err(error) => Err(error),
            };
            match result {
                Ok(_) => return Ok(Self { target, address: socket, tls: with_http1(&speed.tls) }),
                // The first address is the one that the system prefers, so its error tells most.
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        Err(failed.expect("a name that resolves has an address"))
    }

    /// Says who it is, for messages.
    pub(super) fn name(&self) -> String {
        if self.target.host.address().is_some() {
            self.address.to_string()
        } else {
            format!("{} ({})", self.target.host, self.address)
        }
    }

    /// Opens one connection.
    pub(super) async fn open(&self) -> Result<(Io, Cut), ProbeError> {
        let stream = connect(self.address).await?;
        let prepared = prepare(&stream).map_err(|source| ProbeError::Connect { peer: self.name(), source });
        let (stream, cut) = (stream, Cut(Some(prepared?)));
        if !self.target.is_tls {
            return Ok((TokioIo::new(Box::new(stream)), cut));
        }
        let failed = |source| ProbeError::Tls { peer: self.name(), source };
        let name = ServerName::try_from(self.target.host.as_str().to_owned())
            .map_err(|error| failed(io::Error::other(error)))?;
        let connecting = TlsConnector::from(Arc::clone(&self.tls)).connect(name, stream);
        let stream = timeout(TLS_WAIT, connecting).await.map_err(|_| failed(io::ErrorKind::TimedOut.into()))?;
        Ok((TokioIo::new(Box::new(stream.map_err(failed)?)), cut))
    }

    /// Measures the median round trip of some TCP handshakes, one after the other; `None` when none was answered.
    pub(super) async fn idle_rtt(&self) -> Option<Duration> {
        let mut rtts = Vec::with_capacity(IDLE_HANDSHAKES);
        for _ in 0..IDLE_HANDSHAKES {
            rtts.extend(handshake(self.address).await);
        }
        rtts.sort_unstable();
        nearest_rank(&rtts, 50)
    }
}

/// Measures the round trip of one TCP handshake; `None` when it is refused or takes so long that it may have been
/// repeated.
pub(super) async fn handshake(address: SocketAddr) -> Option<Duration> {
    let began = Instant::now();
    timeout(FIRST_RETRANSMISSION, TcpStream::connect(address)).await.ok()?.ok()?;
    Some(began.elapsed())
}

async fn connect(address: SocketAddr) -> Result<TcpStream, ProbeError> {
    let failed = |source| ProbeError::Connect { peer: address.to_string(), source };
    let connecting = timeout(CONNECT_WAIT, TcpStream::connect(address)).await;
    connecting.map_err(|_| failed(io::ErrorKind::TimedOut.into()))?.map_err(failed)
}

/// Sets the connection up for bulk, and gives a second handle of it.
fn prepare(stream: &TcpStream) -> io::Result<std::net::TcpStream> {
    stream.set_nodelay(true)?;
    #[cfg(target_os = "linux")]
    SockRef::from(stream).set_tcp_notsent_lowat(UNSENT_BYTES)?;
    Ok(SockRef::from(stream).try_clone()?.into())
}

/// Asks for HTTP/1.1: one connection is one flow.
fn with_http1(tls: &ClientConfig) -> Arc<ClientConfig> {
    let mut tls = tls.clone();
    tls.alpn_protocols = vec![b"http/1.1".to_vec()];
    Arc::new(tls)
}

/// Fails when the address may not be measured against, or when there is no route to it.
fn admit(speed: &SpeedTarget, socket: SocketAddr) -> Result<(), ProbeError> {
    let address = socket.ip();
    if !(speed.admit)(address) {
        return Err(ProbeError::NotAdmitted { address });
    }
    route::check(socket)
}
