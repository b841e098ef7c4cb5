//! The load: many lanes that send and some watchers that see all of them, in one process with one clock.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use cnc_integration_tests::staff::Staff;
use cnc_model::Sample;
use cnc_model::session::WatchEvent;
use cnc_proto::v1;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};
use tonic::Streaming;
use tonic::transport::Endpoint;

use super::lane::Lane;

/// How long each turn is measured, after [`WARM_UP`].
const MEASURED: Duration = Duration::from_secs(5);
/// Time that the connections get to settle.
const WARM_UP: Duration = Duration::from_secs(1);

/// Sessions that one connection follows: fewer than a listener lets a connection hold open.
const STREAMS_A_CONNECTION: usize = 25;

/// How much, from how many, to how many.
#[derive(Debug, Clone, Copy)]
pub(super) struct Load {
    /// Clients, a connection each.
    pub(super) streams: u32,
    /// Samples in all.
    pub(super) per_second: u32,
    /// Watchers, each of which follows every session.
    pub(super) watchers: u32,
}

/// Who is loaded.
#[derive(Debug, Clone)]
pub(super) struct Target {
    /// How to connect to it.
    pub(super) endpoint: Endpoint,
    /// A staff token; `None` for the relay, which has no staff.
    pub(super) token: Option<String>,
}

impl Target {
    /// Connects as staff where there are any.
    pub(super) async fn staff(&self) -> Option<Staff> {
        self.token.as_ref()?;
        Some(self.support().await)
    }

    async fn support(&self) -> Staff {
        Staff::connect_by(self.endpoint.clone(), self.token.as_deref()).await
    }
}

impl Load {
    /// Loads a target and gives each sample's microseconds from reply to watcher.
    ///
    /// `first` tells the keys of its clients from those of others at the same target.
    pub(super) async fn run(self, target: &Target, first: u32) -> Result<Vec<u32>> {
        let mut lanes = Vec::new();
        for number in first..first + self.streams {
            lanes.push(Lane::join(target, number.into()).await.context("joining")?);
        }
        let mut streams = Vec::new();
        for _ in 0..self.watchers {
            for lanes in lanes.chunks(STREAMS_A_CONNECTION) {
                let mut support = target.support().await;
                for lane in lanes {
                    let mut events = support.events(&lane.session).await;
                    events.message().await?.context("a watcher's stream begins with what is")?;
                    streams.push(events);
                }
            }
        }
        let began = Instant::now();
        let (warm, end) = (began + WARM_UP, began + WARM_UP + MEASURED);
        let pace = Duration::from_secs(1) * self.streams / self.per_second;
        let mut senders = JoinSet::new();
        for (number, lane) in (0..self.streams).zip(lanes) {
            senders.spawn(lane.send_until(began, began + pace * number / self.streams, pace, end));
        }
        let mut watchers = JoinSet::new();
        for events in streams {
            watchers.spawn(watch(events, began, warm, end));
        }
        for sent in senders.join_all().await {
            sent?;
        }
        let mut latencies = Vec::new();
        for seen in watchers.join_all().await {
            latencies.extend(seen?);
        }
        self.complete(latencies.len())?;
        Ok(latencies)
    }

    /// Fails when so many samples are missing that the figures would flatter.
    fn complete(self, seen: usize) -> Result<()> {
        let expected = u128::from(self.per_second) * MEASURED.as_millis() / 1_000 * u128::from(self.watchers);
        let enough = expected * 98 / 100;
        ensure!(seen as u128 >= enough, "only {seen} of {expected} samples reached their watchers");
        Ok(())
    }
}

async fn watch(mut events: Streaming<v1::WatchEvent>, began: Instant, warm: Instant, end: Instant) -> Result<Vec<u32>> {
    let mut latencies = Vec::new();
    // Liveness: ends a second after the last sample was sent.
    while let Ok(event) = timeout_at(end + Duration::from_secs(1), events.message()).await {
        let Some(event) = event? else { break };
        let now = began.elapsed();
        let Ok(WatchEvent::Samples(samples)) = WatchEvent::try_from(event) else { continue };
        for sequenced in samples {
            let Sample::Ping(sample) = sequenced.sample else { continue };
            if began + sample.at >= warm {
                latencies.push(u32::try_from(now.saturating_sub(sample.at).as_micros()).unwrap_or(u32::MAX));
            }
        }
    }
    Ok(latencies)
}
