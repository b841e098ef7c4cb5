//! Downloads: bodies are read as fast as they come, thrown away and counted here.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use cnc_model::throughput::{Direction, SAMPLE_INTERVAL, StoppedBy};
use http::{Method, Request, Response};
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep_until};

use super::exchange::{self, Bulk, Exchange};
use super::latency::Latency;
use super::meter::Meter;
use super::open::Peer;
use super::sanity::Bound;
use super::target::Target;
use super::{Endpoint, Load, Transfer, open_flows};
use crate::ProbeError;

type Nothing = Empty<Bytes>;

/// Downloads as the test says.
pub(super) async fn run(load: &Load<'_>) -> Result<Transfer, ProbeError> {
    let target = Target::parse(&load.target.url)?;
    let nothing_yet = Transfer::begin(target.is_tls, load.target);
    let ready = tokio::select! {
        biased;
        () = load.cancel.cancelled() => return Ok(nothing_yet),
        ready = prepare(load, target) => ready?,
    };
    let Ready { peer, latency, transfer, flows } = ready;
    let total = Arc::<AtomicU64>::default();
    let began = Instant::now();
    let mut meter = Meter::start(load.sink, Direction::Download, &latency, load.growth());
    let mut running = JoinSet::new();
    for (exchange, request) in flows {
        let (total, limit) = (Arc::clone(&total), load.test.max_bytes);
        running.spawn(exchange.run(request, move |response| count(response, total, limit)));
    }
    let stopped_by = watch(load, &peer, &mut meter, &mut running, (began, &total)).await?;
    Bound::towards(peer.address()).hold(meter.goodput())?;
    Ok(Transfer { stopped_by, ..transfer })
}

/// All that is needed to start.
struct Ready {
    peer: Peer,
    latency: Latency,
    transfer: Transfer,
    flows: Vec<(Exchange<Nothing>, Request<Nothing>)>,
}

async fn prepare(load: &Load<'_>, target: Target) -> Result<Ready, ProbeError> {
    let peer = match load.target.endpoint {
        Endpoint::Listener => Peer::find(target, load.target).await?,
        Endpoint::File => exchange::follow(target, load.target).await?,
    };
    let latency = Latency::idle(&peer).await;
    let shares = load.shares();
    let mut flows = Vec::with_capacity(shares.len());
    for (exchange, share) in open_flows(&peer, Bulk::Read, shares.len()).await?.into_iter().zip(shares) {
        let (target, token) = match load.target.endpoint {
            Endpoint::Listener => {
                (peer.target.below(&format!("/speed/download?bytes={share}")), load.target.token.as_ref())
            }
            Endpoint::File => (peer.target.clone(), None),
        };
        flows.push((exchange, exchange::request(Method::GET, &target, token, Nothing::new())?));
    }
    let address = peer.address().map(|address| address.ip());
    let transfer = Transfer { address, idle_rtt: latency.idle, ..Transfer::begin(peer.target.is_tls, load.target) };
    Ok(Ready { peer, latency, transfer, flows })
}

/// Makes a connection more, which asks for its share. Where it fails, the test goes on without it.
fn further(
    load: &Load<'_>,
    peer: &Peer,
    total: &Arc<AtomicU64>,
) -> Result<impl Future<Output = Result<(), ProbeError>> + Send + 'static, ProbeError> {
    let target = peer.target.below(&format!("/speed/download?bytes={}", load.added_share()));
    let request = exchange::request(Method::GET, &target, load.target.token.as_ref(), Nothing::new())?;
    let (peer, total, limit) = (peer.clone(), Arc::clone(total), load.test.max_bytes);
    Ok(async move {
        if let Ok(exchange) = Exchange::open(&peer, Bulk::Read).await {
            exchange.run(request, move |response| count(response, total, limit)).await.ok();
        }
        Ok(())
    })
}

/// Reads a body to its end, or until all flows together have brought as much as they may.
async fn count(response: Response<Incoming>, total: Arc<AtomicU64>, limit: u64) -> hyper::Result<()> {
    let mut body = response.into_body();
    // Liveness: dropped when the test's time is over.
    while let Some(frame) = body.frame().await {
        let bytes = frame?.data_ref().map_or(0, Bytes::len) as u64;
        if total.fetch_add(bytes, Ordering::Relaxed) + bytes >= limit {
            break;
        }
    }
    Ok(())
}

/// Tells samples until something ends the test, and says what.
async fn watch(
    load: &Load<'_>,
    peer: &Peer,
    meter: &mut Meter<'_>,
    running: &mut JoinSet<Result<(), ProbeError>>,
    (began, total): (Instant, &Arc<AtomicU64>),
) -> Result<StoppedBy, ProbeError> {
    let mut pace = interval_at(began + SAMPLE_INTERVAL, SAMPLE_INTERVAL);
    pace.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut broken = None;
    let stopped_by = loop {
        let flows = running.len();
        tokio::select! {
            biased;
            () = load.cancel.cancelled() => break StoppedBy::Cancelled,
            () = sleep_until(began + load.test.duration) => break StoppedBy::Duration,
            Some(flow) = running.join_next() => {
                broken = broken.or(flow.unwrap_or_else(|panic| Err(ProbeError::panicked(&panic))).err());
                if total.load(Ordering::Relaxed) >= load.test.max_bytes {
                    break StoppedBy::Bytes;
                }
                if running.is_empty() {
                    break if broken.is_some() { StoppedBy::Broken } else { StoppedBy::End };
                }
            }
            _ = pace.tick() => {
                meter.tell(began.elapsed(), total.load(Ordering::Relaxed), flows);
                if load.test.stops_early && meter.is_stable() {
                    return Ok(StoppedBy::Stable);
                }
                for _ in 0..meter.grow(load.test) {
                    running.spawn(further(load, peer, total)?);
                }
            }
        }
    };
    let bytes = total.load(Ordering::Relaxed);
    if let Some(error) = broken.filter(|_| bytes == 0) {
        return Err(error);
    }
    meter.tell(began.elapsed(), bytes, running.len());
    Ok(stopped_by)
}
