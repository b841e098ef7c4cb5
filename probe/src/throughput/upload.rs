//! Uploads: bodies of noise go out as fast as the network takes them; the listener tells what has arrived.

pub(super) mod body;
mod counts;

use std::sync::Arc;
use std::time::Duration;

use cnc_model::BitRate;
use cnc_model::throughput::{Direction, StoppedBy};
use http::{Method, Request, Response};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, sleep_until};

use self::body::{Noise, Sending};
use self::counts::CountReader;
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
use super::{Load, Transfer, open_flows, run_id};
use crate::ProbeError;
use crate::respond::{Count, Uploaded};

/// How long is waited for what is still on its way when the time is over: then the connections are cut.
const DRAIN_WAIT: Duration = Duration::from_secs(2);
/// The longest answer to an upload that is read.
const MAX_ANSWER_BYTES: usize = 4 * 1024;

/// Uploads as the test says.
pub(super) async fn run(load: &Load<'_>) -> Result<Transfer, ProbeError> {
    let base = Target::parse(&load.target.url)?;
    let nothing_yet = Transfer::begin(base.is_tls, load.target);
    let ready = tokio::select! {
        biased;
        () = load.cancel.cancelled() => return Ok(nothing_yet),
        ready = prepare(load, base) => ready?,
    };
    let Ready { peer, target, turn, latency, transfer, flows, counts, sending } = ready;
    let mut upload = Upload {
        course: Course::new(load.test, load.can_probe(&peer)),
        probing: None,
        adding: Adding { load, peer: &peer, target: &target, sending: &sending },
        meter: Meter::start(load.sink, Direction::Upload, &latency, load.growth()),
        running: JoinSet::new(),
        counts,
        arrived: 0,
        answered: 0,
        held: None,
        broken: None,
    };
    let began = Instant::now();
    for (exchange, request) in flows {
        upload.running.spawn(exchange.run(request, answer));
    }
    let stopped_by = upload.watch(began + load.test.duration).await;
    let responsiveness = upload.probing.take().and_then(Probing::end);
    let (stopped_by, goodput) = upload.finish(stopped_by)?;
    let listener = Turn::over(turn, stopped_by).await;
    Bound::towards(peer.address()).hold(goodput)?;
    Ok(Transfer { stopped_by, sender_bytes: Some(sending.sent()), responsiveness, listener, ..transfer })
}

/// All that is needed to start.
struct Ready {
    peer: Peer,
    /// Where bodies go.
    target: Target,
    turn: Option<Turn>,
    latency: Latency,
    transfer: Transfer,
    flows: Vec<(Exchange<Noise>, Request<Noise>)>,
    counts: CountReader,
    sending: Arc<Sending>,
}

async fn prepare(load: &Load<'_>, base: Target) -> Result<Ready, ProbeError> {
    let peer = Peer::find(base, load.target).await?;
    let run = run_id();
    let turn = Turn::take(&peer, load.target, &format!("run={run}&direction=upload")).await?;
    let latency = Latency::idle(&peer).await;
    let token = load.target.token.as_ref();
    let counts = CountReader::open(&peer, &peer.target.below(&format!("/speed/counts?run={run}")), token).await?;
    let sending = Arc::new(Sending::new(load.test.max_bytes));
    let target = peer.target.below(&format!("/speed/upload?run={run}"));
    let shares = load.shares();
    let mut flows = Vec::with_capacity(shares.len());
    for (exchange, share) in open_flows(&peer, Bulk::Write, shares.len()).await?.into_iter().zip(shares) {
        let mut body = Noise::new(&sending, share);
        body.over(exchange.unsent());
        flows.push((exchange, exchange::request(Method::POST, &target, token, body)?));
    }
    let address = peer.address().map(|address| address.ip());
    let transfer = Transfer { address, idle_rtt: latency.idle, ..Transfer::begin(peer.target.is_tls, load.target) };
    Ok(Ready { peer, target, turn, latency, transfer, flows, counts, sending })
}

/// What connections that are added need.
struct Adding<'a> {
    load: &'a Load<'a>,
    peer: &'a Peer,
    /// Where bodies go.
    target: &'a Target,
    sending: &'a Arc<Sending>,
}

impl Adding<'_> {
    fn body(&self) -> Noise {
        Noise::new(self.sending, self.load.added_share())
    }

    /// Makes a connection more, which sends its share; `None` when there is no request to make. Where it fails, the
    /// test goes on without it.
    fn further(&self) -> Option<impl Future<Output = Result<Option<Uploaded>, ProbeError>> + Send + 'static> {
        let token = self.load.target.token.as_ref();
        let mut request = exchange::request(Method::POST, self.target, token, self.body()).ok()?;
        let peer = self.peer.clone();
        Some(async move {
            let Ok(exchange) = Exchange::open(&peer, Bulk::Write).await else { return Ok(None) };
            request.body_mut().over(exchange.unsent());
            Ok(exchange.run(request, answer).await.unwrap_or_default())
        })
    }

    /// Makes the connection whose load small requests go beside. Where it fails, there are none.
    fn carrier(
        &self,
        handover: Handover,
    ) -> Option<impl Future<Output = Result<Option<Uploaded>, ProbeError>> + Send + 'static> {
        let (token, body) = (self.load.target.token.as_ref(), CarrierBody::Left(self.body()));
        let request = exchange::request_h2(Method::POST, self.target, token, body).ok()?;
        let peer = self.peer.clone();
        Some(async move {
            let Ok(carrier) = Carrier::open(&peer).await else { return Ok(None) };
            if handover.send(carrier.sender()).is_err() {
                return Ok(None);
            }
            Ok(carrier.run(request, answer).await.unwrap_or_default())
        })
    }
}

/// Reads what the listener says of one flow; `None` when it says nothing of the kind.
async fn answer(response: Response<Incoming>) -> hyper::Result<Option<Uploaded>> {
    let mut body = response.into_body();
    let mut text = Vec::new();
    // Liveness: dropped when the drain wait is over.
    while let Some(frame) = body.frame().await {
        text.extend_from_slice(frame?.data_ref().map_or(&[], |data| data));
        if text.len() > MAX_ANSWER_BYTES {
            return Ok(None);
        }
    }
    Ok(serde_json::from_slice(&text).ok())
}

/// An upload under way.
struct Upload<'a> {
    course: Course,
    probing: Option<Probing>,
    adding: Adding<'a>,
    meter: Meter<'a>,
    running: JoinSet<Result<Option<Uploaded>, ProbeError>>,
    counts: CountReader,
    /// The latest count of what has arrived.
    arrived: u64,
    /// What the flows that have ended brought, by the listener's answers.
    answered: u64,
    /// The latest count of the drain, not told yet: if it is the last, its interval ended with the last arrival.
    held: Option<Count>,
    broken: Option<ProbeError>,
}

impl Upload<'_> {
    /// Tells samples until something ends the test and what was on its way has arrived, and says what ended it.
    async fn watch(&mut self, end: Instant) -> StoppedBy {
        let (cancel, sending) = (self.adding.load.cancel, self.adding.sending);
        let mut stopped_by = None;
        let mut deadline = end;
        loop {
            if self.running.is_empty() {
                let by_itself = if self.broken.is_some() { StoppedBy::Broken } else { StoppedBy::Bytes };
                let stopped_by = *stopped_by.get_or_insert_with(|| {
                    deadline = Instant::now() + DRAIN_WAIT;
                    by_itself
                });
                if self.arrived >= self.answered {
                    return stopped_by;
                }
            }
            // Liveness: the deadline ends it, at the second time for good; cancelled by the caller.
            tokio::select! {
                biased;
                () = cancel.cancelled() => return StoppedBy::Cancelled,
                () = sleep_until(deadline) => {
                    if let Some(stopped_by) = stopped_by {
                        return stopped_by;
                    }
                    sending.stop();
                    stopped_by = Some(self.course.over());
                    deadline += DRAIN_WAIT;
                }
                Some(flow) = self.running.join_next() => self.end(flow),
                count = self.counts.next() => match count {
                    Ok(count) => {
                        self.take(count, stopped_by.is_some());
                        if stopped_by.is_none() && let Some(why) = self.step() {
                            sending.stop();
                            stopped_by = Some(why);
                            deadline = Instant::now() + DRAIN_WAIT;
                        }
                    }
                    Err(error) => {
                        self.broken.get_or_insert(error);
                        return stopped_by.unwrap_or(StoppedBy::Broken);
                    }
                },
            }
        }
    }

    /// Does what is due after a sample; says when that is to end.
    fn step(&mut self) -> Option<StoppedBy> {
        if self.probing.as_mut().is_some_and(Probing::has_ended) {
            self.course.cannot_probe();
        }
        match self.course.step(self.meter.at(), self.meter.bytes(), self.meter.is_stable()) {
            Step::Stop(stopped_by) => return Some(stopped_by),
            Step::Probe => {
                let token = self.adding.load.target.token.as_ref();
                let (probing, handover) =
                    Probing::begin(self.adding.peer, token, self.meter.at(), self.meter.goodput());
                self.probing = Some(probing);
                self.meter.probed();
                if let Some(carrier) = self.adding.carrier(handover) {
                    self.running.spawn(carrier);
                }
            }
            Step::Go if self.probing.is_none() => {
                for _ in 0..self.meter.grow(self.adding.load.test) {
                    if let Some(further) = self.adding.further() {
                        self.running.spawn(further);
                    }
                }
            }
            Step::Go => {}
        }
        None
    }

    /// Gives the connections that bring nothing but the load.
    fn flows(&self) -> usize {
        self.running.len() - usize::from(self.probing.is_some() && self.running.len() > 1)
    }

    fn end(&mut self, flow: Result<Result<Option<Uploaded>, ProbeError>, JoinError>) {
        match flow.unwrap_or_else(|panic| Err(ProbeError::panicked(&panic))) {
            Ok(Some(uploaded)) => self.answered = self.answered.saturating_add(uploaded.bytes),
            Ok(None) => {}
            Err(error) => {
                self.broken.get_or_insert(error);
            }
        }
    }

    fn take(&mut self, count: Count, is_draining: bool) {
        self.arrived = count.bytes;
        match self.held {
            Some(held) if held.bytes == count.bytes => return,
            Some(held) => self.meter.tell_ending(moment(held.at_ms), held.bytes, self.flows()),
            None => {}
        }
        if is_draining {
            self.held = Some(count);
        } else {
            self.meter.tell(moment(count.at_ms), count.bytes, self.flows());
        }
    }

    /// Tells what is left to tell, and gives the mean of all.
    fn finish(mut self, stopped_by: StoppedBy) -> Result<(StoppedBy, BitRate), ProbeError> {
        if let Some(last) = self.held.filter(|held| held.bytes > self.meter.bytes()) {
            self.meter.tell_ending(moment(last.last_ms), last.bytes, self.flows());
        }
        match self.broken {
            Some(error) if self.meter.bytes() == 0 => Err(error),
            _ => Ok((stopped_by, self.meter.goodput())),
        }
    }
}

/// Takes the listener's time. A clock that tells nonsense gives no interval, and so no sample.
fn moment(at_ms: f64) -> Duration {
    Duration::try_from_secs_f64(at_ms / 1e3).unwrap_or_default()
}
