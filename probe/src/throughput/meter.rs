//! From running totals to samples, and the round trips taken beside the load.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use cnc_model::Sample;
use cnc_model::throughput::{Direction, Phase, Ramp, ThroughputSample};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

use super::open::handshake;
use crate::Sink;

/// How often a TCP handshake is made beside the load: often enough for a median within seconds, seldom enough that
/// no host takes it for an attack.
const HANDSHAKE_INTERVAL: Duration = Duration::from_millis(500);

/// Makes samples of totals.
pub(super) struct Meter<'a> {
    sink: &'a Sink,
    direction: Direction,
    ramp: Ramp,
    at: Duration,
    bytes: u64,
    rtts: LoadedRtts,
}

impl<'a> Meter<'a> {
    /// Begins at zero bytes and time.
    pub(super) fn start(sink: &'a Sink, direction: Direction, peer: Option<SocketAddr>) -> Self {
        let rtts = LoadedRtts::start(peer);
        Self { sink, direction, ramp: Ramp::default(), at: Duration::ZERO, bytes: 0, rtts }
    }

    /// Gives the total told so far.
    pub(super) const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Tells whether the rate has been the same for so long that the test may end.
    pub(super) fn is_stable(&self) -> bool {
        self.ramp.is_stable()
    }

    /// Tells the interval from the last total to this one, both by the receiver's clock.
    pub(super) fn tell(&mut self, at: Duration, bytes: u64, flows: usize) {
        self.tell_as(at, bytes, flows, Ramp::observe);
    }

    /// Tells an interval in which senders had stopped already and flows ended one after the other: it is no part of
    /// the steady state.
    pub(super) fn tell_ending(&mut self, at: Duration, bytes: u64, flows: usize) {
        self.tell_as(at, bytes, flows, |_, _, _| Phase::Ramp);
    }

    fn tell_as(&mut self, at: Duration, bytes: u64, flows: usize, phase: fn(&mut Ramp, Duration, u64) -> Phase) {
        let interval = at.saturating_sub(self.at);
        if interval.is_zero() {
            return;
        }
        let arrived = bytes.saturating_sub(self.bytes);
        self.sink.send(Sample::Throughput(ThroughputSample {
            direction: self.direction,
            at,
            interval,
            flow_count: u16::try_from(flows.max(1)).unwrap_or(u16::MAX),
            bytes: arrived,
            phase: phase(&mut self.ramp, interval, arrived),
            rtt: self.rtts.take(),
        }));
        (self.at, self.bytes) = (at, self.bytes.max(bytes));
    }
}

/// Round trips of TCP handshakes made beside the load. Dropping it stops them.
struct LoadedRtts {
    latest: Arc<AtomicU64>,
    _handshakes: JoinSet<()>,
}

impl LoadedRtts {
    /// Begins, where there is an address to shake hands with.
    fn start(peer: Option<SocketAddr>) -> Self {
        let latest = Arc::<AtomicU64>::default();
        let mut handshakes = JoinSet::new();
        if let Some(peer) = peer {
            handshakes.spawn(shake_hands(peer, Arc::clone(&latest)));
        }
        Self { latest, _handshakes: handshakes }
    }

    /// Gives the latest round trip once.
    fn take(&self) -> Option<Duration> {
        let nanos = self.latest.swap(0, Ordering::Relaxed);
        (nanos > 0).then(|| Duration::from_nanos(nanos))
    }
}

async fn shake_hands(peer: SocketAddr, latest: Arc<AtomicU64>) {
    let mut pace = interval(HANDSHAKE_INTERVAL);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // The first would meet no load yet.
    pace.tick().await;
    // Liveness: ends when the meter is dropped.
    loop {
        pace.tick().await;
        if let Some(rtt) = handshake(peer).await {
            latest.store(u64::try_from(rtt.as_nanos()).unwrap_or(0), Ordering::Relaxed);
        }
    }
}
