//! Uploads: bodies of noise go out as fast as the network takes them; the listener tells what has arrived.

mod body;
mod counts;

use std::hash::{BuildHasher, RandomState};
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
use super::exchange::{self, Bulk, Exchange};
use super::latency::Latency;
use super::meter::Meter;
use super::open::Peer;
use super::sanity::Bound;
use super::target::Target;
use super::{Load, Transfer, open_flows};
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
    let Ready { peer, target, latency, transfer, flows, counts, sending } = ready;
    let mut upload = Upload {
        meter: Meter::start(load.sink, Direction::Upload, &latency, load.growth()),
        running: JoinSet::new(),
        counts,
        arrived: 0,
        answered: 0,
        held: None,
        broken: None,
    };
    let began = Instant::now();
    sending.begin(began);
    for (exchange, request) in flows {
        upload.running.spawn(exchange.run(request, answer));
    }
    let further = || further(load, &peer, &target, &sending);
    let stopped_by = upload.watch(load, began + load.test.duration, &sending, further).await;
    let (stopped_by, goodput) = upload.finish(stopped_by)?;
    Bound::towards(peer.address()).hold(goodput)?;
    Ok(Transfer { stopped_by, sender_bytes: Some(sending.sent()), ..transfer })
}

/// All that is needed to start.
struct Ready {
    peer: Peer,
    /// Where bodies go.
    target: Target,
    latency: Latency,
    transfer: Transfer,
    flows: Vec<(Exchange<Noise>, Request<Noise>)>,
    counts: CountReader,
    sending: Arc<Sending>,
}

async fn prepare(load: &Load<'_>, base: Target) -> Result<Ready, ProbeError> {
    let peer = Peer::find(base, load.target).await?;
    let latency = Latency::idle(&peer).await;
    let token = load.target.token.as_ref();
    let run = run_id();
    let counts = CountReader::open(&peer, &peer.target.below(&format!("/speed/counts?run={run}")), token).await?;
    let sending = Arc::new(Sending::new(load.test.max_bytes));
    let target = peer.target.below(&format!("/speed/upload?run={run}"));
    let shares = load.shares();
    let mut flows = Vec::with_capacity(shares.len());
    for (exchange, share) in open_flows(&peer, Bulk::Write, shares.len()).await?.into_iter().zip(shares) {
        let body = Noise::new(&sending, share);
        flows.push((exchange, exchange::request(Method::POST, &target, token, body)?));
    }
    let address = peer.address().map(|address| address.ip());
    let transfer = Transfer { address, idle_rtt: latency.idle, ..Transfer::begin(peer.target.is_tls, load.target) };
    Ok(Ready { peer, target, latency, transfer, flows, counts, sending })
}

/// Makes a connection more, which sends its share; `None` when there is no request to make. Where it fails, the test
/// goes on without it.
fn further(
    load: &Load<'_>,
    peer: &Peer,
    target: &Target,
    sending: &Arc<Sending>,
) -> Option<impl Future<Output = Result<Option<Uploaded>, ProbeError>> + Send + 'static> {
    let body = Noise::new(sending, load.added_share());
    let request = exchange::request(Method::POST, target, load.target.token.as_ref(), body).ok()?;
    let peer = peer.clone();
    Some(async move {
        let Ok(exchange) = Exchange::open(&peer, Bulk::Write).await else { return Ok(None) };
        Ok(exchange.run(request, answer).await.unwrap_or_default())
    })
}

/// Draws an id that no other test has; nothing secret depends on it.
fn run_id() -> String {
    let draw = || RandomState::new().hash_one(std::process::id());
    format!("{:016x}{:016x}", draw(), draw())
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
    async fn watch<F>(
        &mut self,
        load: &Load<'_>,
        end: Instant,
        sending: &Sending,
        further: impl Fn() -> Option<F>,
    ) -> StoppedBy
    where
        F: Future<Output = Result<Option<Uploaded>, ProbeError>> + Send + 'static,
    {
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
                () = load.cancel.cancelled() => return StoppedBy::Cancelled,
                () = sleep_until(deadline) => {
                    if let Some(stopped_by) = stopped_by {
                        return stopped_by;
                    }
                    sending.stop();
                    stopped_by = Some(StoppedBy::Duration);
                    deadline += DRAIN_WAIT;
                }
                Some(flow) = self.running.join_next() => self.end(flow),
                count = self.counts.next() => match count {
                    Ok(count) => {
                        self.take(count, stopped_by.is_some());
                        if stopped_by.is_none() && load.test.stops_early && self.meter.is_stable() {
                            sending.stop();
                            stopped_by = Some(StoppedBy::Stable);
                            deadline = Instant::now() + DRAIN_WAIT;
                        } else if stopped_by.is_none() {
                            for more in (0..self.meter.grow(load.test)).filter_map(|_| further()) {
                                self.running.spawn(more);
                            }
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
            Some(held) => self.meter.tell_ending(moment(held.at_ms), held.bytes, self.running.len()),
            None => {}
        }
        if is_draining {
            self.held = Some(count);
        } else {
            self.meter.tell(moment(count.at_ms), count.bytes, self.running.len());
        }
    }

    /// Tells what is left to tell, and gives the mean of all.
    fn finish(mut self, stopped_by: StoppedBy) -> Result<(StoppedBy, BitRate), ProbeError> {
        if let Some(last) = self.held.filter(|held| held.bytes > self.meter.bytes()) {
            self.meter.tell_ending(moment(last.last_ms), last.bytes, self.running.len());
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
