//! One client's stream under load: it joins a session, gets a test to belong to, and sends samples at a steady pace.

use std::time::Duration;

use anyhow::{Result, bail};
use cnc_integration_tests::staff::Staff;
use cnc_integration_tests::wire::{WireClient, reply};
use cnc_model::test::PingTest;
use cnc_model::{Code, Destination, Item, SessionId, Test, TestId};
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use super::load::Target;

/// A joined client.
pub(super) struct Lane {
    /// What watchers follow it by.
    pub(super) session: String,
    test: TestId,
    client: WireClient,
}

impl Lane {
    /// Joins a session of the target; the number tells the lanes of a run apart.
    pub(super) async fn join(target: &Target, number: u64) -> Result<Self> {
        let Some(mut staff) = target.staff().await else {
            let code = Code::from_random(number);
            let client = WireClient::connect_by(&target.endpoint, code, key(number)).await;
            return Ok(Self { session: code.to_string(), test: TestId::FIRST, client });
        };
        let (session, mut client) = join(target, &mut staff, number).await;
        let ping = PingTest::to(Destination::Host("192.0.2.1".parse()?));
        let test = staff.issue(session, Test::Ping(ping)).await.id;
        client.send(vec![Item::TestStarted { test, at: Duration::ZERO }]).await;
        Ok(Self { session: session.to_string(), test, client })
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
                    self.client.send(vec![reply(self.test, seq, began.elapsed())]).await;
                    seq += 1;
                }
                heard = self.client.next() => {
                    if heard.is_none() {
                        bail!("the stream ended");
                    }
                }
            }
        }
    }
}

/// Opens a session and brings a client into it that has agreed to all.
pub(super) async fn join(target: &Target, staff: &mut Staff, number: u64) -> (SessionId, WireClient) {
    let made = staff.create_session(None).await;
    let mut client = WireClient::connect_by(&target.endpoint, made.code, key(number)).await;
    client.consent().await;
    (made.session.id, client)
}

/// A key of its own for each lane; it guards nothing here.
pub(super) fn key(number: u64) -> [u8; 32] {
    let mut key = [7; 32];
    key[..8].copy_from_slice(&number.to_be_bytes());
    key
}
