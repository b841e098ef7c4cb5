//! Downloads and uploads: payload over plain HTTP/1.1, one connection a flow, counted where it arrives.
//!
//! All flows are opened first and started at one instant. A download is counted here; an upload by the listener,
//! which tells its count and clock while the bytes flow. Nothing is added for headers or lost packets.

mod carrier;
mod course;
mod download;
mod exchange;
mod latency;
mod meter;
mod open;
mod probing;
mod sanity;
pub(crate) mod target;
mod turn;
mod upload;

use std::convert::Infallible;
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use cnc_model::Family;
use cnc_model::responsiveness::Responsiveness;
use cnc_model::test::ThroughputTest;
use cnc_model::throughput::{Direction, Growth, StoppedBy, Witness};
use hyper::body::Body;
use rustls::ClientConfig;
use secrecy::SecretString;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use self::exchange::{Bulk, Exchange};
use self::open::Peer;
use crate::tunnel::Proxy;
use crate::{Engine, ProbeError, Sink};

/// The other end of a throughput test and how it may be reached.
#[derive(Clone)]
pub struct SpeedTarget {
    /// The listener's own address like `https://cnc.example.com`, or that of a file.
    pub url: String,
    /// Which of the two it is.
    pub endpoint: Endpoint,
    /// Opens the listener's speed endpoints.
    pub token: Option<SecretString>,
    /// Which IP version to use.
    pub family: Family,
    /// Whom to trust.
    pub tls: Arc<ClientConfig>,
    /// A proxy that leads to the target. What is measured then is the way through it; round trips, which would be the
    /// proxy's, are not.
    pub proxy: Option<Proxy>,
    /// Tells whether an address may be measured against. Asked for every address before it is connected to, those
    /// that a redirection leads to included. What a proxy connects to it alone knows: `admit` is not asked then.
    pub admit: Arc<dyn Fn(IpAddr) -> bool + Send + Sync>,
    /// Told, with their number, that others measure and this test waits for its turn.
    pub waiting: Option<Waiting>,
}

/// Takes how many others measure.
pub type Waiting = Arc<dyn Fn(u32) + Send + Sync>;

impl fmt::Debug for SpeedTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { url, endpoint, family, .. } = self;
        f.debug_struct("SpeedTarget").field("url", url).field("endpoint", endpoint).field("family", family).finish()
    }
}

/// What answers at a URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Endpoint {
    /// A listener, with its speed endpoints below the URL.
    Listener,
    /// A file to download.
    File,
}

impl Endpoint {
    /// Takes a URL without a path for a listener's and any other for a file's.
    #[must_use]
    pub fn of_url(url: &str) -> Self {
        let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
        match rest.split_once('/') {
            None | Some((_, "")) => Self::Listener,
            Some(_) => Self::File,
        }
    }
}

/// What a throughput test's samples do not tell.
#[derive(Debug, Clone, PartialEq)]
pub struct Transfer {
    /// By which means it was measured.
    pub engine: Engine,
    /// The address that was measured against; `None` when it was cancelled before one was found, and through a proxy,
    /// which alone knows it.
    pub address: Option<IpAddr>,
    /// What ended it.
    pub stopped_by: StoppedBy,
    /// Payload bytes that this machine sent; `None` for a download, whose sender does not tell.
    pub sender_bytes: Option<u64>,
    /// Median round trip before the load, by the same means as those of the samples.
    pub idle_rtt: Option<Duration>,
    /// What the load left to everything else; `None` where no probes went beside it, or were not answered.
    pub responsiveness: Option<Responsiveness>,
    /// What the listener saw of it; `None` without a listener that says so.
    pub listener: Option<Witness>,
}

/// Moves bytes as the test says and sends a sample every 100 ms. It stops when the time is over, the bytes are moved,
/// the file ends, or it is cancelled, and then at once; an upload waits shortly for what is still on its way.
/// The test's `peer` is not looked at: the caller has made `target` of it.
///
/// # Errors
/// Fails when the peer cannot be reached, refuses, or breaks off before a byte has moved.
pub async fn throughput(
    direction: Direction,
    target: &SpeedTarget,
    test: &ThroughputTest,
    sink: &Sink,
    cancel: &CancellationToken,
) -> Result<Transfer, ProbeError> {
    if direction == Direction::Upload && target.endpoint == Endpoint::File {
        return Err(ProbeError::Unsupported { what: "only a listener takes uploads" });
    }
    let load = Load { target, test, sink, cancel };
    match direction {
        Direction::Download => download::run(&load).await,
        Direction::Upload => upload::run(&load).await,
    }
}

impl Transfer {
    /// What is known before anything was tried.
    const fn begin(is_tls: bool, target: &SpeedTarget) -> Self {
        Self {
            engine: match (is_tls, &target.proxy) {
                (false, None) => Engine::Http,
                (true, None) => Engine::Https,
                (false, Some(_)) => Engine::HttpByProxy,
                (true, Some(_)) => Engine::HttpsByProxy,
            },
            address: None,
            stopped_by: StoppedBy::Cancelled,
            sender_bytes: None,
            idle_rtt: None,
            responsiveness: None,
            listener: None,
        }
    }
}

/// What a test's two directions have in common.
struct Load<'a> {
    target: &'a SpeedTarget,
    test: &'a ThroughputTest,
    sink: &'a Sink,
    cancel: &'a CancellationToken,
}

impl Load<'_> {
    /// Gives what decides about further connections. Only a listener gets them: a stranger's host gave nobody leave.
    fn growth(&self) -> Growth {
        let most = match self.target.endpoint {
            Endpoint::Listener => self.test.most_flows,
            Endpoint::File => self.test.flows,
        };
        Growth::new(self.test.flows, most)
    }

    /// Tells whether probes may go beside the load: a listener answers them, and a proxy would answer in its place.
    fn can_probe(&self, peer: &Peer) -> bool {
        self.target.endpoint == Endpoint::Listener && peer.address().is_some()
    }

    /// Gives the bytes that a connection which is added may bring; all together never pass the test's limit by more
    /// than is under way.
    fn added_share(&self) -> u64 {
        (self.test.max_bytes / u64::from(self.test.most_flows.max(1))).max(1)
    }

    /// Divides the bytes that the test may move among its flows. A flow without any is left out.
    fn shares(&self) -> Vec<u64> {
        let flows = u64::from(self.test.flows.max(1)).min(self.test.max_bytes.max(1));
        let (share, rest) = (self.test.max_bytes / flows, self.test.max_bytes % flows);
        (0..flows).map(|flow| share + u64::from(flow < rest)).collect()
    }
}

/// Opens so many connections side by side.
async fn open_flows<B>(peer: &Peer, bulk: Bulk, flows: usize) -> Result<Vec<Exchange<B>>, ProbeError>
where
    B: Body<Data = Bytes, Error = Infallible> + Send + Unpin + 'static,
{
    let mut opening = JoinSet::new();
    for _ in 0..flows {
        let peer = peer.clone();
        opening.spawn(async move { Exchange::open(&peer, bulk).await });
    }
    let mut open = Vec::with_capacity(flows);
    // Liveness: opening a connection has its own time limits.
    while let Some(exchange) = opening.join_next().await {
        open.push(exchange.unwrap_or_else(|panic| Err(ProbeError::panicked(&panic)))?);
    }
    Ok(open)
}

/// Draws an id that no other test has; nothing secret depends on it.
fn run_id() -> String {
    let draw = || RandomState::new().hash_one(std::process::id());
    format!("{:016x}{:016x}", draw(), draw())
}

#[cfg(test)]
mod tests;
