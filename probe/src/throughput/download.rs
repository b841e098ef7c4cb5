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

use super::carrier::{Carrier, CarrierBody};
use super::course::{Course, Step};
use super::exchange::{self, Bulk, Exchange};
use super::latency::Latency;
use super::meter::Meter;
use super::open::Peer;
use super::probing::{Handover, Probing};
use super::sanity::Bound;
use super::target::Target;
use super::turn::Turn;
use super::{Endpoint, Load, Transfer, open_flows, run_id};
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
    let Ready { peer, turn, run, latency, transfer, flows } = ready;
    let began = Instant::now();
    let mut download = Download {
        load,
        meter: Meter::start(load.sink, Direction::Download, &latency, load.growth()),
        course: Course::new(load.test, load.can_probe(&peer)),
        peer,
        running: JoinSet::new(),
        total: Arc::default(),
        began,
        run,
        probing: None,
    };
    for (exchange, request) in flows {
        let counted = counted(Arc::clone(&download.total), load.test.max_bytes);
        download.running.spawn(exchange.count(request, counted));
    }
    let stopped_by = download.watch().await?;
    let Download { meter, peer, probing, running, .. } = download;
    // Cuts what is left, so that the listener sees the end.
    drop(running);
    let responsiveness = probing.and_then(Probing::end);
    let listener = Turn::over(turn, stopped_by).await;
    Bound::towards(peer.address()).hold(meter.goodput())?;
    Ok(Transfer { stopped_by, responsiveness, listener, ..transfer })
}

/// All that is needed to start.
struct Ready {
    peer: Peer,
    turn: Option<Turn>,
    run: String,
    latency: Latency,
    transfer: Transfer,
    flows: Vec<(Exchange<Nothing>, Request<Nothing>)>,
}

async fn prepare(load: &Load<'_>, target: Target) -> Result<Ready, ProbeError> {
    let peer = match load.target.endpoint {
        Endpoint::Listener => Peer::find(target, load.target).await?,
        Endpoint::File => exchange::follow(target, load.target).await?,
    };
    let run = run_id();
    let turn = Turn::take(&peer, load.target, &format!("run={run}&direction=download")).await?;
    let latency = Latency::idle(&peer).await;
    let shares = load.shares();
    let mut flows = Vec::with_capacity(shares.len());
    for (exchange, share) in open_flows(&peer, Bulk::Read, shares.len()).await?.into_iter().zip(shares) {
        let (target, token) = match load.target.endpoint {
            Endpoint::Listener => {
                (peer.target.below(&format!("/speed/download?bytes={share}&run={run}")), load.target.token.as_ref())
            }
            Endpoint::File => (peer.target.clone(), None),
        };
        flows.push((exchange, exchange::request(Method::GET, &target, token, Nothing::new())?));
    }
    let address = peer.address().map(|address| address.ip());
    let transfer = Transfer { address, idle_rtt: latency.idle, ..Transfer::begin(peer.target.is_tls, load.target) };
    Ok(Ready { peer, turn, run, latency, transfer, flows })
}

/// Counts what comes of one connection among what all bring, and tells whether they may bring more.
fn counted(total: Arc<AtomicU64>, limit: u64) -> impl FnMut(u64) -> bool {
    move |bytes| total.fetch_add(bytes, Ordering::Relaxed) + bytes < limit
}

/// Reads a body over HTTP/2 to its end, or until all flows together have brought as much as they may.
async fn count(response: Response<Incoming>, mut wants_more: impl FnMut(u64) -> bool) -> hyper::Result<()> {
    let mut body = response.into_body();
    // Liveness: dropped when the test's time is over.
    while let Some(frame) = body.frame().await {
        if !wants_more(frame?.data_ref().map_or(0, Bytes::len) as u64) {
            break;
        }
    }
    Ok(())
}

/// A download under way.
struct Download<'a> {
    load: &'a Load<'a>,
    peer: Peer,
    meter: Meter<'a>,
    course: Course,
    running: JoinSet<Result<(), ProbeError>>,
    /// What all connections together have brought.
    total: Arc<AtomicU64>,
    began: Instant,
    /// What the listener knows the test by.
    run: String,
    probing: Option<Probing>,
}

impl Download<'_> {
    /// Tells samples until something ends the test, and says what.
    async fn watch(&mut self) -> Result<StoppedBy, ProbeError> {
        let mut pace = interval_at(self.began + SAMPLE_INTERVAL, SAMPLE_INTERVAL);
        pace.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let mut broken = None;
        let stopped_by = loop {
            let flows = self.flows();
            tokio::select! {
                biased;
                () = self.load.cancel.cancelled() => break StoppedBy::Cancelled,
                () = sleep_until(self.began + self.load.test.duration) => break self.course.over(),
                Some(flow) = self.running.join_next() => {
                    broken = broken.or(flow.unwrap_or_else(|panic| Err(ProbeError::panicked(&panic))).err());
                    if self.bytes() >= self.load.test.max_bytes {
                        break StoppedBy::Bytes;
                    }
                    if self.running.is_empty() {
                        break if broken.is_some() { StoppedBy::Broken } else { StoppedBy::End };
                    }
                }
                _ = pace.tick() => {
                    self.meter.tell(self.began.elapsed(), self.bytes(), flows);
                    if let Some(stopped_by) = self.step()? {
                        return Ok(stopped_by);
                    }
                }
            }
        };
        let bytes = self.bytes();
        if let Some(error) = broken.filter(|_| bytes == 0) {
            return Err(error);
        }
        self.meter.tell(self.began.elapsed(), bytes, self.flows());
        Ok(stopped_by)
    }

    fn bytes(&self) -> u64 {
        self.total.load(Ordering::Relaxed)
    }

    /// Gives the connections that bring nothing but the load.
    fn flows(&self) -> usize {
        self.running.len() - usize::from(self.probing.is_some() && self.running.len() > 1)
    }

    /// Does what is due after a sample; says when that is to end.
    fn step(&mut self) -> Result<Option<StoppedBy>, ProbeError> {
        if self.probing.as_mut().is_some_and(Probing::has_ended) {
            self.course.cannot_probe();
        }
        match self.course.step(self.meter.at(), self.meter.bytes(), self.meter.is_stable()) {
            Step::Stop(stopped_by) => return Ok(Some(stopped_by)),
            Step::Probe => {
                let token = self.load.target.token.as_ref();
                let (probing, handover) = Probing::begin(&self.peer, token, self.meter.at(), self.meter.goodput());
                self.probing = Some(probing);
                self.meter.probed();
                let carrier = self.carrier(handover)?;
                self.running.spawn(carrier);
            }
            Step::Go if self.probing.is_none() => {
                for _ in 0..self.meter.grow(self.load.test) {
                    let further = self.further()?;
                    self.running.spawn(further);
                }
            }
            Step::Go => {}
        }
        Ok(None)
    }

    /// Gives where a connection that is added asks for its share.
    fn share(&self) -> Target {
        self.peer.target.below(&format!("/speed/download?bytes={}&run={}", self.load.added_share(), self.run))
    }

    /// Makes a connection more, which asks for its share. Where it fails, the test goes on without it.
    fn further(&self) -> Result<impl Future<Output = Result<(), ProbeError>> + Send + 'static, ProbeError> {
        let request = exchange::request(Method::GET, &self.share(), self.load.target.token.as_ref(), Nothing::new())?;
        let (peer, counted) = (self.peer.clone(), counted(Arc::clone(&self.total), self.load.test.max_bytes));
        Ok(async move {
            if let Ok(exchange) = Exchange::open(&peer, Bulk::Read).await {
                exchange.count(request, counted).await.ok();
            }
            Ok(())
        })
    }

    /// Makes the connection whose load small requests go beside. Where it fails, there are none.
    fn carrier(
        &self,
        handover: Handover,
    ) -> Result<impl Future<Output = Result<(), ProbeError>> + Send + 'static, ProbeError> {
        let token = self.load.target.token.as_ref();
        let request = exchange::request_h2(Method::GET, &self.share(), token, CarrierBody::Right(Nothing::new()))?;
        let (peer, counted) = (self.peer.clone(), counted(Arc::clone(&self.total), self.load.test.max_bytes));
        Ok(async move {
            let Ok(carrier) = Carrier::open(&peer).await else { return Ok(()) };
            if handover.send(carrier.sender()).is_ok() {
                carrier.run(request, |response| count(response, counted)).await.ok();
            }
            Ok(())
        })
    }
}
