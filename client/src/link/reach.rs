//! The way to the listener, step by step: name, TCP, a proxy, TLS. Where a step fails, that step is named.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use cnc_model::HostName;
use cnc_probe::race::race;
use cnc_probe::tunnel::{self, TunnelError};
use rustls::pki_types::ServerName;
use thiserror::Error;
use tokio::net::{TcpStream, lookup_host};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::io::{Io, Way};
use super::liveness;
use crate::config::ListenerUrl;
use crate::proxy::Proxy;
use crate::tls::{self, Tls};

/// How long the system may take to find the name.
const NAME_WAIT: Duration = Duration::from_secs(5);
/// How long all connection attempts together may take: two lost SYNs are survived.
const TCP_WAIT: Duration = Duration::from_secs(8);
/// How long the TLS handshake may take.
const TLS_WAIT: Duration = Duration::from_secs(8);
/// The most addresses tried: a name has no more in earnest.
const MAX_ADDRESSES: usize = 8;

/// Why the listener cannot be reached.
#[derive(Debug, Error)]
pub enum Unreached {
    /// Its name has no address.
    #[error("the name {host} cannot be found")]
    Name {
        /// The name.
        host: String,
        /// What the system said.
        source: io::Error,
    },
    /// Nobody answered the question for its name.
    #[error("nobody answered when asked for the address of {host}")]
    NameTimeout {
        /// The name.
        host: String,
    },
    /// No connection to any of its addresses.
    #[error("no connection to {address}")]
    Tcp {
        /// The first address, which the system prefers.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The proxy does not lead there.
    #[error("the proxy {proxy} does not lead to the listener")]
    Proxy {
        /// The proxy.
        proxy: String,
        /// What it said.
        source: TunnelError,
    },
    /// No agreement on encryption.
    #[error("no secure connection to {host}: {why}")]
    Tls {
        /// The host.
        host: String,
        /// What is wrong.
        why: String,
    },
    /// Connected, but what answers is no listener.
    #[error("what answers at {host} is no listener: {why}")]
    NoListener {
        /// The host.
        host: String,
        /// What it said.
        why: String,
    },
    /// The listener does not take this client.
    #[error("the listener refused: {why}")]
    Refused {
        /// What it said.
        why: String,
    },
    /// The listener has too much to do for this client at the moment.
    #[error("the listener says: {why}")]
    Busy {
        /// What it said.
        why: String,
    },
    /// The stream was up and broke off.
    #[error("the connection broke off: {why}")]
    Broken {
        /// What was seen.
        why: String,
    },
}

impl Unreached {
    /// Says what would help.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Name { .. } => "check the address's spelling, and whether this computer is online",
            Self::NameTimeout { .. } => "this computer's DNS server does not answer: check whether it is online",
            Self::Tcp { source, .. } if source.kind() == io::ErrorKind::ConnectionRefused => {
                "the computer there answers, but no listener runs on that port: check the address and the port"
            }
            Self::Tcp { source, .. }
                if matches!(source.kind(), io::ErrorKind::NetworkUnreachable | io::ErrorKind::HostUnreachable) =>
            {
                "check whether this computer is connected to a network"
            }
            Self::Tcp { .. } => "check whether this computer is online; a firewall on the way may block it",
            Self::Proxy { source, .. } => source.hint(),
            Self::Busy { .. } => "wait for some minutes and try again",
            Self::Tls { .. } => "check this computer's clock, and tell your support person what is said above",
            Self::NoListener { .. } => {
                "check the address with your support person; a network's log-in page may answer in its place: open any \
                 web page"
            }
            Self::Refused { .. } => "ask your support person for a new code",
            Self::Broken { .. } => "check whether this computer is still online",
        }
    }

    /// Tells whether trying again can help a client that had been connected before.
    #[must_use]
    pub const fn may_pass(&self) -> bool {
        match self {
            Self::Refused { .. } => false,
            Self::Name { .. }
            | Self::NameTimeout { .. }
            | Self::Tcp { .. }
            | Self::Proxy { .. }
            | Self::Busy { .. }
            | Self::Tls { .. }
            | Self::NoListener { .. }
            | Self::Broken { .. } => true,
        }
    }
}

/// A connection to the listener, ready for HTTP/2.
#[derive(Debug)]
pub(super) struct Reached {
    pub(super) io: Io,
    /// The listener's address; `None` where a proxy leads to a name that has none here.
    pub(super) peer: Option<SocketAddr>,
    /// This end's address.
    pub(super) local: IpAddr,
}

/// A connection that is on its way while this end gets ready to talk. Dropping it gives it up.
#[derive(Debug)]
pub struct Knock(JoinSet<Result<Connected, Unreached>>);

/// A connection to the listener, and the listener's address where it is known here.
type Connected = (TcpStream, Option<SocketAddr>);

impl Knock {
    /// Sets out.
    #[must_use]
    pub fn begin(url: ListenerUrl, proxy: Option<Proxy>) -> Self {
        let mut connecting = JoinSet::new();
        connecting.spawn(async move { come(&url, proxy.as_ref()).await });
        Self(connecting)
    }

    /// Waits until it is there.
    async fn connected(mut self) -> Result<Connected, Unreached> {
        // Liveness: connecting has time limits of its own.
        let connected = self.0.join_next().await.and_then(Result::ok);
        connected.unwrap_or_else(|| Err(Unreached::Broken { why: "a fault in this program".into() }))
    }
}

/// Connects to the listener, or goes on where somebody has knocked.
pub(super) async fn reach(
    url: &ListenerUrl,
    tls: Option<&Tls>,
    proxy: Option<&Proxy>,
    knock: Option<Knock>,
) -> Result<Reached, Unreached> {
    let broken = |error: io::Error| Unreached::Broken { why: error.to_string() };
    let (tcp, peer) = match knock {
        Some(knock) => knock.connected().await?,
        None => come(url, proxy).await?,
    };
    let local = tcp.local_addr().map_err(broken)?.ip();
    // Nagle's algorithm would hold a sample back until the one before it is acknowledged; without the option it
    // still works, only slower.
    tcp.set_nodelay(true).ok();
    // Without it HTTP/2's pings find out, later.
    liveness::watch(&tcp).ok();
    let way = match tls {
        None => Way::Plain(tcp),
        Some(tls) => Way::Tls(Box::new(encrypt(url, tls, tcp).await?)),
    };
    Ok(Reached { io: Io::new(way), peer, local })
}

/// Comes to where the listener hears, itself or behind its proxy.
async fn come(url: &ListenerUrl, proxy: Option<&Proxy>) -> Result<Connected, Unreached> {
    match proxy {
        None => {
            let tcp = connect(url.host(), url.port()).await?;
            let peer = tcp.peer_addr().map_err(|error| Unreached::Broken { why: error.to_string() })?;
            Ok((tcp, Some(peer)))
        }
        Some(proxy) => {
            let through = through(url, proxy).await;
            let tcp = through.map_err(|source| Unreached::Proxy { proxy: proxy.to_string(), source })?;
            // What is measured to the listener goes around the proxy, where its name is known here.
            Ok((tcp, addresses(url.host(), url.port()).await.ok().and_then(|found| found.first().copied())))
        }
    }
}

async fn through(url: &ListenerUrl, proxy: &Proxy) -> Result<TcpStream, TunnelError> {
    let mut tcp = match connect(&proxy.host, proxy.port).await {
        Ok(tcp) => tcp,
        Err(Unreached::Tcp { source, .. }) => return Err(TunnelError::NoWay(source.to_string())),
        Err(other) => return Err(TunnelError::NoWay(other.to_string())),
    };
    tunnel::through(&mut tcp, proxy, url.host(), url.port()).await?;
    Ok(tcp)
}

/// Connects to the first address that answers, each with a head start before the next.
async fn connect(host: &HostName, port: u16) -> Result<TcpStream, Unreached> {
    let addresses = addresses(host, port).await?;
    let first = addresses[0];
    match timeout(TCP_WAIT, race(addresses, TCP_WAIT)).await {
        Ok(Ok(connected)) => Ok(connected.stream),
        Ok(Err(failed)) => {
            let (address, source) = failed.unwrap_or_else(|| (first, io::ErrorKind::AddrNotAvailable.into()));
            Err(Unreached::Tcp { address, source })
        }
        Err(_) => Err(Unreached::Tcp { address: first, source: io::ErrorKind::TimedOut.into() }),
    }
}

/// Finds a host's addresses, at least one, the families taking turns.
async fn addresses(host: &HostName, port: u16) -> Result<Vec<SocketAddr>, Unreached> {
    if let Some(address) = host.address() {
        return Ok(vec![SocketAddr::new(address, port)]);
    }
    let found = match timeout(NAME_WAIT, lookup_host((host.as_str(), port))).await {
        Ok(Ok(found)) => found.collect::<Vec<_>>(),
        Ok(Err(source)) => return Err(Unreached::Name { host: host.to_string(), source }),
        Err(_) => return Err(Unreached::NameTimeout { host: host.to_string() }),
    };
    let first_is_v6 = found.first().is_some_and(SocketAddr::is_ipv6);
    let (first, second): (Vec<_>, Vec<_>) = found.into_iter().partition(|address| address.is_ipv6() == first_is_v6);
    let mut second = second.into_iter();
    let mut turns: Vec<_> = first.into_iter().flat_map(|one| [Some(one), second.next()]).flatten().collect();
    turns.extend(second);
    turns.truncate(MAX_ADDRESSES);
    if turns.is_empty() {
        return Err(Unreached::Name { host: host.to_string(), source: io::ErrorKind::NotFound.into() });
    }
    Ok(turns)
}

async fn encrypt(url: &ListenerUrl, tls: &Tls, tcp: TcpStream) -> Result<TlsStream<TcpStream>, Unreached> {
    let failed = |why: String| Unreached::Tls { host: url.host().to_string(), why };
    let name = match url.host().address() {
        Some(address) => ServerName::from(address),
        None => ServerName::try_from(url.host().as_str().to_owned()).map_err(|error| failed(error.to_string()))?,
    };
    match timeout(TLS_WAIT, TlsConnector::from(Arc::clone(&tls.config)).connect(name, tcp)).await {
        Ok(Ok(stream)) => Ok(stream),
        Ok(Err(error)) => Err(failed(match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
            Some(inner) => tls::words(inner, tls.seen.issuer().as_deref()),
            None => error.to_string(),
        })),
        Err(_) => Err(failed("nobody answered the greeting in time".into())),
    }
}
