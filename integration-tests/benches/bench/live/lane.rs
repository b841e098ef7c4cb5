//! One client's stream under load: it joins a session, gets a test to belong to, and sends samples at a steady pace.

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use cnc_integration_tests::staff::Staff;
use cnc_model::message::{Batch, ClientMessage, Hello, ListenerMessage};
use cnc_model::ping::{Clock, PingOutcome, PingReply, PingSample};
use cnc_model::test::{PingProtocol, PingTest};
use cnc_model::{ClientKey, Code, Destination, Family, Item, Sample, Sequence, Test, TestId, TestKind, Timestamp};
use cnc_proto::v1;
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval_at};
use tokio_stream::wrappers::ReceiverStream;
use tonic::Streaming;
use tonic::transport::Endpoint;

use super::load::Target;

/// Messages that wait for the connection; full means that the pace cannot be kept, and it slips.
const OUTBOUND: usize = 64;

/// A joined client.
pub(super) struct Lane {
    /// What watchers follow it by.
    pub(super) session: String,
    test: TestId,
    sequence: u64,
    outbound: mpsc::Sender<v1::ClientMessage>,
    inbound: Streaming<v1::ListenerMessage>,
}

impl Lane {
    /// Joins a session of the target; the number tells the lanes of a run apart.
    pub(super) async fn join(target: &Target, number: u64) -> Result<Self> {
        let mut staff = target.staff().await;
        let code = Code::from_random(number);
        let (session, code) = match &mut staff {
            None => (code.to_string(), code),
            Some(staff) => {
                let made = staff.create_session(None).await;
                (made.session.id.to_string(), made.code)
            }
        };
        let channel = Endpoint::new(target.url.clone())?.connect().await?;
        let (outbound, queue) = mpsc::channel(OUTBOUND);
        let hello = Hello {
            client_version: "bench".to_owned(),
            capabilities: TestKind::ALL.to_vec(),
            key: ClientKey::new(key(number)),
            code: Some(code),
            clock_began: Timestamp::from_unix_us(0),
            at: Duration::ZERO,
        };
        outbound.send(ClientMessage::Hello(hello).into()).await?;
        let mut listener = v1::listener_client::ListenerClient::new(channel);
        let inbound = listener.session(ReceiverStream::new(queue)).await?.into_inner();
        let test = TestId::FIRST;
        let mut lane = Self { session, test, sequence: 1, outbound, inbound };
        if let Some(staff) = &mut staff {
            lane.consent(staff).await?;
        }
        Ok(lane)
    }

    /// Agrees, and has a ping issued that the samples belong to.
    async fn consent(&mut self, staff: &mut Staff) -> Result<()> {
        self.hear(|message| matches!(message, ListenerMessage::Welcome(_))).await?;
        self.send(vec![Item::Consent { at: Duration::ZERO, names: false }]).await?;
        self.hear(|message| matches!(message, ListenerMessage::Acknowledge(_))).await?;
        self.test = staff.issue(self.session.parse()?, Test::Ping(ping()?)).await.id;
        self.send(vec![Item::TestStarted { test: self.test, at: Duration::ZERO }]).await
    }

    /// Sends a sample each `pace` until `end`; what comes back is read and forgotten.
    pub(super) async fn send_until(
        mut self,
        began: Instant,
        first: Instant,
        pace: Duration,
        end: Instant,
    ) -> Result<()> {
        let mut ticks = interval_at(first, pace);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
        let mut seq = 0;
        loop {
            // Liveness: the ticks end it.
            tokio::select! {
                now = ticks.tick() => {
                    if now >= end {
                        return Ok(());
                    }
                    let sample = Sample::Ping(reply(seq, began.elapsed()));
                    seq += 1;
                    self.send(vec![Item::Sample { test: self.test, sample }]).await?;
                }
                heard = self.inbound.message() => {
                    if heard?.is_none() {
                        bail!("the stream ended");
                    }
                }
            }
        }
    }

    async fn send(&mut self, items: Vec<Item>) -> Result<()> {
        let batch = Batch { first: Sequence::new(self.sequence), items };
        self.sequence = batch.last().get() + 1;
        self.outbound.send(ClientMessage::Batch(batch).into()).await.context("the stream is closed")
    }

    async fn hear(&mut self, wanted: impl Fn(&ListenerMessage) -> bool) -> Result<()> {
        // Liveness: the listener answers or closes the stream.
        while let Some(message) = self.inbound.message().await? {
            if wanted(&ListenerMessage::try_from(message)?) {
                return Ok(());
            }
        }
        bail!("the stream ended")
    }
}

/// A reply that carries the moment it came as its time.
fn reply(seq: u32, at: Duration) -> PingSample {
    let from = [192, 0, 2, 1].into();
    let reply = PingReply { rtt: Duration::from_millis(10), from, ttl: None, clock: Clock::Kernel };
    PingSample { seq, at, outcome: PingOutcome::Reply(reply) }
}

fn ping() -> Result<PingTest> {
    Ok(PingTest {
        destination: Destination::Host("192.0.2.1".parse()?),
        family: Family::Any,
        protocol: PingProtocol::Icmp,
        count: 1_000,
        interval: Duration::from_millis(10),
        timeout: Duration::from_secs(1),
        payload_bytes: 56,
    })
}

/// A key of its own for each lane; it guards nothing here.
fn key(number: u64) -> [u8; 32] {
    let mut key = [7; 32];
    key[..8].copy_from_slice(&number.to_be_bytes());
    key
}
