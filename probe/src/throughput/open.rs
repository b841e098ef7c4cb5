//! From a target to open connections: names, admission, TCP, TLS; and the round trip of a TCP handshake.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use cnc_model::Family;
use hyper_util::rt::TokioIo;
use rustls::client::Resumption;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ProtocolVersion};
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};
use tokio_rustls::TlsConnector;

use super::SpeedTarget;
use super::target::Target;
use crate::bulk::{Discard, Gathered};
use crate::respond::keep_short;
use crate::tunnel::{Proxy, authority, through};
use crate::{ProbeError, resolve, route};

/// How long one address may take to accept a connection: three lost SYNs.
const CONNECT_WAIT: Duration = Duration::from_secs(7);
/// How long a TLS handshake may take.
const TLS_WAIT: Duration = Duration::from_secs(10);
/// When systems send an unanswered SYN again: a handshake that takes longer tells no round trip.
const FIRST_RETRANSMISSION: Duration = Duration::from_secs(1);
/// The most payload that waits in the kernel behind what the network takes, until the flow's rate is known: more would
/// only make the end of an upload late and the sender's count wrong.
const UNSENT_BYTES: u32 = 32 * 1024;
/// The most that waits in TLS where small requests go beside a load: one record.
const SMALL_TLS_BYTES: usize = 16 * 1024;

/// A peer whose address is known to answer.
#[derive(Clone)]
pub(super) struct Peer {
    pub(super) target: Target,
    way: Way,
    /// For each of [`Alpn`]'s.
    tls: [Arc<ClientConfig>; 2],
}

/// What is to be spoken over a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Alpn {
    /// HTTP/1.1: one connection is one flow.
    Http1,
    /// HTTP/2.
    Http2,
}

/// A connection, and what its beginning took.
pub(super) struct Opened {
    pub(super) io: Io,
    pub(super) cut: Cut,
    /// The TCP handshake.
    pub(super) tcp: Duration,
    /// One round trip of the TLS handshake; `None` without TLS.
    pub(super) tls: Option<Duration>,
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
pub(super) trait Stream: AsyncRead + AsyncWrite + Discard + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Discard + Send + Unpin> Stream for T {}

/// Cuts a connection when dropped, unless told that it is done: what waits in the kernel is thrown away instead of
/// being sent for seconds after the test.
pub(super) struct Cut(Option<std::net::TcpStream>);

impl Cut {
    /// The connection may close in peace.
    pub(super) fn spare(&mut self) {
        self.0 = None;
    }
}

/// How much may wait in the kernel to be sent over a connection. A fast flow that may leave no more there than a slow one
/// spends its time on being woken.
#[derive(Debug)]
pub(super) struct Unsent {
    socket: std::net::TcpStream,
    now: u64,
}

impl Unsent {
    /// Lets about so much wait, which is what the flow carries in a moment.
    pub(super) fn follow(&mut self, bytes: u64) {
        let bytes = bytes.max(UNSENT_BYTES.into());
        if bytes >= self.now * 2 || bytes * 4 <= self.now {
            self.now = bytes;
            #[cfg(target_os = "linux")]
            // Where it cannot be set it stays as it is.
            SockRef::from(&self.socket).set_tcp_notsent_lowat(u32::try_from(bytes).unwrap_or(u32::MAX)).ok();
            #[cfg(not(target_os = "linux"))]
            let _ = &self.socket;
        }
    }
}

impl Cut {
    /// Gives what decides how much waits to be sent; `None` where the system has no further handle.
    pub(super) fn unsent(&self) -> Option<Unsent> {
        let socket = self.0.as_ref()?.try_clone().ok()?;
        Some(Unsent { socket, now: UNSENT_BYTES.into() })
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
        let tls = [Alpn::Http1, Alpn::Http2].map(|alpn| speaking(&speed.tls, alpn));
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

    /// Opens one connection for HTTP/1.1.
    pub(super) async fn open(&self) -> Result<Opened, ProbeError> {
        self.open_as(Alpn::Http1).await
    }

    /// Opens one connection. Fails where TLS is spoken and the peer does not speak HTTP/2 when asked to; without TLS
    /// that shows later.
    pub(super) async fn open_as(&self, alpn: Alpn) -> Result<Opened, ProbeError> {
        let began = Instant::now();
        let stream = match &self.way {
            Way::Direct(address) => connect(*address).await?,
            Way::Proxy(proxy) => tunnel(proxy, &self.target).await?,
        };
        let tcp = began.elapsed();
        let prepared = prepare(&stream, alpn).map_err(|source| ProbeError::Connect { peer: self.name(), source });
        let (stream, cut) = (stream, Cut(Some(prepared?)));
        if !self.target.is_tls {
            return Ok(Opened { io: TokioIo::new(Box::new(stream)), cut, tcp, tls: None });
        }
        let failed = |source| ProbeError::Tls { peer: self.name(), source };
        let name = ServerName::try_from(self.target.host.as_str().to_owned())
            .map_err(|error| failed(io::Error::other(error)))?;
        let began = Instant::now();
        let connecting = TlsConnector::from(Arc::clone(&self.tls[alpn as usize])).connect(name, Gathered::new(stream));
        let stream = timeout(TLS_WAIT, connecting).await.map_err(|_| failed(io::ErrorKind::TimedOut.into()))?;
        let mut stream = stream.map_err(failed)?;
        if alpn == Alpn::Http2 {
            stream.get_mut().1.set_buffer_limit(Some(SMALL_TLS_BYTES));
        }
        let tls = Some(began.elapsed() / round_trips(stream.get_ref().1.protocol_version()));
        if alpn == Alpn::Http2 && stream.get_ref().1.alpn_protocol() != Some(alpn.name()) {
            return Err(ProbeError::Broken { peer: self.name(), why: "it does not speak HTTP/2".to_owned() });
        }
        Ok(Opened { io: TokioIo::new(Box::new(stream)), cut, tcp, tls })
    }
}

/// Gives the round trips of a full TLS handshake until data may be sent.
const fn round_trips(version: Option<ProtocolVersion>) -> u32 {
    match version {
        Some(ProtocolVersion::TLSv1_3) => 1,
        _ => 2,
    }
}

impl Alpn {
    const fn name(self) -> &'static [u8] {
        match self {
            Self::Http1 => b"http/1.1",
            Self::Http2 => b"h2",
        }
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
fn prepare(stream: &TcpStream, alpn: Alpn) -> io::Result<std::net::TcpStream> {
    stream.set_nodelay(true)?;
    match alpn {
        #[cfg(target_os = "linux")]
        Alpn::Http1 => SockRef::from(stream).set_tcp_notsent_lowat(UNSENT_BYTES)?,
        #[cfg(not(target_os = "linux"))]
        Alpn::Http1 => {}
        Alpn::Http2 => keep_short(stream),
    }
    Ok(SockRef::from(stream).try_clone()?.into())
}

/// Asks for a protocol, and for a full handshake each time, as with a host that was never met.
fn speaking(tls: &ClientConfig, alpn: Alpn) -> Arc<ClientConfig> {
    let mut tls = tls.clone();
    tls.alpn_protocols = vec![alpn.name().to_vec()];
    tls.resumption = Resumption::disabled();
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
