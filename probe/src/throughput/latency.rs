//! Round trips before and beside a load, both by the same means: ICMP echoes where the machine permits them and the
//! peer answers, TCP handshakes elsewhere. Through a proxy there are none: it would answer for itself.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use cnc_model::ping::PingOutcome;
use cnc_model::stats::nearest_rank;
use cnc_model::test::{MAX_PROBES, PingProtocol, PingTest};
use cnc_model::{Destination, Family, Sample};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::open::{Peer, handshake};
use crate::{ping, sink};

/// So many echoes before the load give the idle round trip: enough for a median that one slow one does not move.
const IDLE_ECHOES: u32 = 10;
/// How far apart those are: together they take a fifth of a second.
const IDLE_INTERVAL: Duration = Duration::from_millis(20);
/// How long an echo's reply is waited for before the load: no idle line needs longer.
const IDLE_TIMEOUT: Duration = Duration::from_secs(1);
/// So often the idle round trip is looked for while an earlier load's queue still drains.
const IDLE_ROUNDS: usize = 5;
/// A line is idle when its slowest round trip is within half of its fastest and this.
const IDLE_SPREAD: Duration = Duration::from_millis(2);
/// So many handshakes give the idle round trip where there are no echoes.
const IDLE_HANDSHAKES: usize = 5;
/// How often an echo goes beside the load: one for each sample, ten a second, which is far from 5 % of any line.
const ECHO_INTERVAL: Duration = Duration::from_millis(100);
/// How long a reply beside the load is waited for: longer than any queue is deep.
const ECHO_TIMEOUT: Duration = Duration::from_secs(5);
/// How often a handshake is made beside the load: seldom enough that no host takes it for an attack.
const HANDSHAKE_INTERVAL: Duration = Duration::from_millis(250);

/// By which means round trips are taken, and what they were before the load.
pub(super) struct Latency {
    means: Means,
    /// The median before the load; `None` when nothing answered.
    pub(super) idle: Option<Duration>,
}

#[derive(Debug, Clone, Copy)]
enum Means {
    Echoes(SocketAddr),
    Handshakes(SocketAddr),
    None,
}

impl Latency {
    /// Takes round trips while nothing loads the line.
    pub(super) async fn idle(peer: &Peer) -> Self {
        let Some(address) = peer.address() else { return Self { means: Means::None, idle: None } };
        let mut echoes = echoes_while_idle(address).await;
        for _ in 1..IDLE_ROUNDS {
            if !echoes.as_deref().is_some_and(still_drains) {
                break;
            }
            echoes = echoes_while_idle(address).await;
        }
        if let Some(echoes) = echoes {
            return Self { means: Means::Echoes(address), idle: nearest_rank(&echoes, 50) };
        }
        let mut rtts = Vec::with_capacity(IDLE_HANDSHAKES);
        for _ in 0..IDLE_HANDSHAKES {
            rtts.extend(handshake(address).await);
        }
        rtts.sort_unstable();
        Self { means: Means::Handshakes(address), idle: nearest_rank(&rtts, 50) }
    }

    /// Goes on beside the load.
    pub(super) fn beside_load(&self) -> LoadedRtts {
        let rtts = LoadedRtts { latest: Arc::default(), taking: JoinSet::new() };
        match self.means {
            Means::Echoes(address) => rtts.echoes(address),
            Means::Handshakes(address) => rtts.handshakes(address),
            Means::None => rtts,
        }
    }
}

/// Round trips taken beside the load. Dropping it stops them.
pub(super) struct LoadedRtts {
    latest: Latest,
    taking: JoinSet<()>,
}

/// The latest that no sample has taken. An older one goes: it would tell of an earlier interval.
type Latest = Arc<Mutex<Option<Duration>>>;

impl LoadedRtts {
    /// Gives the latest round trip, once.
    pub(super) fn take(&self) -> Option<Duration> {
        self.latest.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn echoes(mut self, address: SocketAddr) -> Self {
        let (sink, replies) = sink();
        self.taking.spawn(async move {
            let test = echo(MAX_PROBES, ECHO_INTERVAL, ECHO_TIMEOUT);
            // Liveness: ends when the load does, and with it this task. It worked a moment ago; where it does not any
            // more, the load goes on without.
            ping(address.ip(), &test, &sink, &CancellationToken::new()).await.ok();
        });
        self.taking.spawn(gather(replies, Arc::clone(&self.latest)));
        self
    }

    fn handshakes(mut self, address: SocketAddr) -> Self {
        let latest = Arc::clone(&self.latest);
        self.taking.spawn(async move {
            let mut pace = interval(HANDSHAKE_INTERVAL);
            pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
            // The first would meet no load yet.
            pace.tick().await;
            // Liveness: ends when the load does.
            loop {
                pace.tick().await;
                if let Some(rtt) = handshake(address).await {
                    put(&latest, rtt);
                }
            }
        });
        self
    }
}

async fn gather(mut replies: mpsc::Receiver<Sample>, latest: Latest) {
    // Liveness: ends when the echoes do.
    while let Some(sample) = replies.recv().await {
        if let Some(rtt) = reply(&sample) {
            put(&latest, rtt);
        }
    }
}

fn put(latest: &Latest, rtt: Duration) {
    *latest.lock().unwrap_or_else(PoisonError::into_inner) = Some(rtt);
}

/// Gives some echoes' round trips from the fastest on; `None` when echoes are not permitted or most stay unanswered.
async fn echoes_while_idle(address: SocketAddr) -> Option<Vec<Duration>> {
    let (sink, mut replies) = sink();
    let test = echo(IDLE_ECHOES, IDLE_INTERVAL, IDLE_TIMEOUT);
    ping(address.ip(), &test, &sink, &CancellationToken::new()).await.ok()?;
    let mut rtts = Vec::new();
    while let Ok(sample) = replies.try_recv() {
        rtts.extend(reply(&sample));
    }
    rtts.sort_unstable();
    (rtts.len() * 2 > IDLE_ECHOES as usize).then_some(rtts)
}

/// Tells whether sorted round trips differ as those of a queue that drains do.
fn still_drains(sorted: &[Duration]) -> bool {
    let (Some(&fastest), Some(&slowest)) = (sorted.first(), sorted.last()) else { return false };
    slowest > fastest * 3 / 2 + IDLE_SPREAD
}

fn reply(sample: &Sample) -> Option<Duration> {
    match sample {
        Sample::Ping(ping) => match &ping.outcome {
            PingOutcome::Reply(reply) | PingOutcome::Late(reply) => Some(reply.rtt),
            PingOutcome::Lost | PingOutcome::Unreachable { .. } | PingOutcome::NotSent => None,
        },
        Sample::Hop(_) | Sample::Throughput(_) => None,
    }
}

/// An echo test of the usual size. Its destination is the caller's address.
fn echo(count: u32, interval: Duration, timeout: Duration) -> PingTest {
    PingTest {
        family: Family::Any,
        protocol: PingProtocol::Icmp,
        count,
        interval,
        timeout,
        ..PingTest::to(Destination::Listener)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draining_queue_is_not_idle() {
        let ms = |values: &[u64]| values.iter().map(|&ms| Duration::from_millis(ms)).collect::<Vec<_>>();
        let cases: [(&[u64], bool); 5] =
            [(&[], false), (&[0, 1, 2], false), (&[40, 41, 60], false), (&[40, 41, 63], true), (&[10, 200], true)];
        for (rtts, drains) in cases {
            assert_eq!(still_drains(&ms(rtts)), drains, "{rtts:?}");
        }
    }

    #[test]
    fn the_latest_round_trip_is_given_once() {
        let rtts = LoadedRtts { latest: Arc::default(), taking: JoinSet::new() };
        put(&rtts.latest, Duration::from_millis(1));
        put(&rtts.latest, Duration::from_millis(2));
        assert_eq!((rtts.take(), rtts.take()), (Some(Duration::from_millis(2)), None));
    }
}
