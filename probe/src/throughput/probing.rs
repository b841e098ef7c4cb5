//! Small requests beside a load: on new connections, whose TCP and TLS handshakes are timed too, and on one that carries
//! a load itself (draft-ietf-ippm-responsiveness-09). Bulk flows are HTTP/1.1, over which nothing can be asked beside
//! the load; so one HTTP/2 connection with a load of its own is added for as long as probes go.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use cnc_model::BitRate;
use cnc_model::responsiveness::{LoadedProbes, Responsiveness};
use http::{Method, Response};
use http_body_util::{BodyExt, Either, Empty};
use hyper::body::Incoming;
use hyper::client::conn::http2::SendRequest;
use secrecy::SecretString;
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::carrier::CarrierBody;
use super::exchange::{self, Bulk, Exchange, broken, check};
use super::open::{Alpn, Opened, Peer};
use super::target::Target;
use crate::ProbeError;

/// How often a pair of probes begins, one of each kind: 40 probes a second, of 100 that there may be.
const PAIR_EVERY: Duration = Duration::from_millis(50);
/// What a pair moves at the most, by the draft's estimate: 5,000 bytes for a new connection, 1,000 for the other.
const PAIR_BYTES: f64 = 6_000.0;
/// The share of the line's capacity that probes may take.
const SHARE: f64 = 0.05;
/// The most probes under way: those of two seconds. While so many are unanswered, none begins.
const MAX_UNDER_WAY: usize = 80;

/// Probes under way. Dropping it ends them.
pub(super) struct Probing {
    began: Duration,
    found: Found,
    tasks: JoinSet<Result<(), ProbeError>>,
}

type Found = Arc<Mutex<LoadedProbes>>;

/// Takes the connection that carries a load, once there is one. Dropped instead, the probes end.
pub(super) type Handover = oneshot::Sender<SendRequest<CarrierBody>>;

impl Probing {
    /// Begins at a load's time and with the goodput that it has come to.
    pub(super) fn begin(
        peer: &Peer,
        token: Option<&SecretString>,
        began: Duration,
        goodput: BitRate,
    ) -> (Self, Handover) {
        let (handover, carrier) = oneshot::channel();
        let found = Found::default();
        let prober = Prober {
            target: peer.target.below("/speed/probe"),
            peer: peer.clone(),
            token: token.cloned(),
            found: Arc::clone(&found),
        };
        let mut tasks = JoinSet::new();
        tasks.spawn(prober.run(carrier, pace(goodput)));
        (Self { began, found, tasks }, handover)
    }

    /// Tells whether no probe goes any more.
    pub(super) fn has_ended(&mut self) -> bool {
        self.tasks.try_join_next().is_some()
    }

    /// Gives what came of it; `None` where a kind of probe was not answered once.
    pub(super) fn end(self) -> Option<Responsiveness> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner).summary(self.began)
    }
}

/// Gives how far apart pairs begin, so that they stay below their share of the line.
fn pace(goodput: BitRate) -> Duration {
    let least = PAIR_BYTES * 8.0 / (SHARE * goodput.bps());
    PAIR_EVERY.max(Duration::try_from_secs_f64(least).unwrap_or(Duration::MAX))
}

#[derive(Clone)]
struct Prober {
    peer: Peer,
    target: Target,
    token: Option<SecretString>,
    found: Found,
}

impl Prober {
    async fn run(self, carrier: oneshot::Receiver<SendRequest<CarrierBody>>, pace: Duration) -> Result<(), ProbeError> {
        // Liveness: whoever opens the connection ends, and so does the load.
        let Ok(carrier) = carrier.await else { return Ok(()) };
        // A listener that does not know such requests says so now.
        self.clone().beside_load(carrier.clone()).await?;
        let mut under_way = JoinSet::new();
        let mut pace = interval(pace / 2);
        pace.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let mut is_new = true;
        // Liveness: ends when the load does, or when a probe fails.
        loop {
            tokio::select! {
                Some(ended) = under_way.join_next() => ended.unwrap_or_else(|panic| Err(ProbeError::panicked(&panic)))?,
                _ = pace.tick(), if under_way.len() < MAX_UNDER_WAY => {
                    let prober = self.clone();
                    if is_new {
                        under_way.spawn(prober.on_new_connection());
                    } else {
                        under_way.spawn(prober.beside_load(carrier.clone()));
                    }
                    is_new = !is_new;
                }
            }
        }
    }

    /// Opens a connection and asks for a byte over it.
    async fn on_new_connection(self) -> Result<(), ProbeError> {
        let opened = self.peer.open_as(Alpn::Http1).await?;
        let Opened { tcp, tls, .. } = opened;
        let exchange = Exchange::over(&self.peer, Bulk::Write, opened).await?;
        let request = exchange::request(Method::GET, &self.target, self.token.as_ref(), Empty::new())?;
        let asked = Instant::now();
        exchange.run(request, whole).await?;
        let http = asked.elapsed();
        self.found(|found| {
            found.tcp.push(tcp);
            found.tls.extend(tls);
            found.http_new.push(http);
        });
        Ok(())
    }

    /// Asks for a byte over the connection that carries a load.
    async fn beside_load(self, mut carrier: SendRequest<CarrierBody>) -> Result<(), ProbeError> {
        let body = Either::Right(Empty::<Bytes>::new());
        let request = exchange::request_h2(Method::GET, &self.target, self.token.as_ref(), body)?;
        let name = self.peer.name();
        let asked = Instant::now();
        let response = carrier.send_request(request).await.map_err(|error| broken(&name, &error))?;
        check(&self.target.url(), response.status())?;
        whole(response).await.map_err(|error| broken(&name, &error))?;
        let took = asked.elapsed();
        self.found(|found| found.http_loaded.push(took));
        Ok(())
    }

    fn found(&self, add: impl FnOnce(&mut LoadedProbes)) {
        add(&mut self.found.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// Reads an answer to its end.
async fn whole(response: Response<Incoming>) -> hyper::Result<()> {
    let mut body = response.into_body();
    // Liveness: dropped when the load ends.
    while let Some(frame) = body.frame().await {
        frame?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probes_stay_below_their_share_of_the_line() {
        for (mbps, expected_ms) in [(0.96, 1_000), (9.6, 100), (19.2, 50), (1_000.0, 50)] {
            let goodput = BitRate::from_bps(mbps * 1e6).expect("finite");
            assert_eq!(pace(goodput), Duration::from_millis(expected_ms), "{mbps} Mbit/s");
        }
        assert!(pace(BitRate::ZERO) > Duration::from_hours(1));
    }
}
