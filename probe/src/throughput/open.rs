//! From a target to open connections: names, admission, TCP, TLS; and the round trip of a TCP handshake.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use cnc_model::Family;
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
use crate::tunnel::{Proxy, authority, through};
use crate::{ProbeError, resolve, route};

/// How long one address may take to accept a connection: three lost SYNs.
const CONNECT_WAIT: Duration = Duration::from_secs(7);
/// How long a TLS handshake may take.
const TLS_WAIT: Duration = Duration::from_secs(10);
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
    way: Way,
    tls: Arc<ClientConfig>,
}

/// How a peer is reached.
#[derive(Clone)]
enum Way {
    /// At an address that is known to answer.
    Direct(SocketAddr),
    /// Through a proxy that is known to lead there.
    Proxy(Proxy),
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
        let tls = with_http1(&speed.tls);
        if let Some(proxy) = &speed.proxy {
            tunnel(proxy, &target).await?;
            return Ok(Self { target, way: Way::Proxy(proxy.clone()), tls });
        }
        let mut failed = None;
        for address in resolve(&target.host, speed.family).await? {
            let socket = route::with_scope(address, target.port);
            let result = match admit(speed, socket) {
                Ok(()) => connect(socket).await,
                Err(error) => Err(error),
            };
            match result {
                Ok(_) => return Ok(Self { target, way: Way::Direct(socket), tls }),
                // The first address is the one that the system prefers, so its error tells most.
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        Err(failed.expect("a name that resolves has an address"))
    }

    /// Says who it is, for messages.
    pub(super) fn name(&self) -> String {
        match &self.way {
            Way::Direct(address) if self.target.host.address().is_some() => address.to_string(),
            Way::Direct(address) => format!("{} ({address})", self.target.host),
            Way::Proxy(proxy) => format!("{} (through the proxy {proxy})", self.target.host),
        }
    }

    /// Gives the address that is measured against; `None` where only a proxy knows it.
    pub(super) const fn address(&self) -> Option<SocketAddr> {
        match &self.way {
            Way::Direct(address) => Some(*address),
            Way::Proxy(_) => None,
        }
    }

    /// Opens one connection.
    pub(super) async fn open(&self) -> Result<(Io, Cut), ProbeError> {
        let stream = match &self.way {
            Way::Direct(address) => connect(*address).await?,
            Way::Proxy(proxy) => tunnel(proxy, &self.target).await?,
        };
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

/// Opens a connection to a target through a proxy.
async fn tunnel(proxy: &Proxy, target: &Target) -> Result<TcpStream, ProbeError> {
    let mut failed = None;
    for address in resolve(&proxy.host, Family::Any).await? {
        match connect(route::with_scope(address, proxy.port)).await {
            Ok(mut stream) => {
                let peer = authority(&target.host, target.port);
                let led = through(&mut stream, proxy, &target.host, target.port).await;
                led.map_err(|source| ProbeError::Proxy { proxy: proxy.to_string(), peer, source })?;
                return Ok(stream);
            }
            Err(error) => failed = failed.or(Some(error)),
        }
    }
    Err(failed.expect("a name that resolves has an address"))
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
