//! A call that has been measured for a long time already, and goes on: ten pings a second, by a client of the
//! harness's own, since nobody waits an hour for a test.

use std::convert::Infallible;
use std::time::Duration;

use cnc_model::ping::{Clock, PingOutcome, PingReply, PingSample};
use cnc_model::test::PingTest;
use cnc_model::{Destination, Item, Sample, SessionId, Test, TestId};
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::browser::Browser;
use crate::gauge::Gauged;
use crate::listener::Listener;
use crate::random::Random;
use crate::staff::Staff;
use crate::wire::WireClient;

/// The time from one probe to the next.
pub const PACE: Duration = Duration::from_millis(100);
/// A client's most items in one message.
const BATCH: u32 = 64;
/// Messages that it sends before it listens: what the listener says meanwhile must find room.
const UNHEARD: usize = 100;
/// Samples that come live before the page is measured: by then it has read all earlier ones.
const SETTLING: u32 = 30;

/// A client in the middle of a long ping.
#[derive(Debug)]
pub struct LongCall {
    session: SessionId,
    test: TestId,
    client: WireClient,
    /// The client's clock at the moment of joining, and that moment.
    lasted: Duration,
    joined: Instant,
    sent: u32,
    random: Random,
}

impl LongCall {
    /// Joins a session with a ping that has run for so long, and brings all of its samples.
    ///
    /// # Panics
    /// When the listener does not play along.
    pub async fn begin(listener: &Listener, staff: &mut Staff, lasted: Duration) -> Self {
        let made = staff.create_session(Some("nothing")).await;
        let session = made.session.id;
        let mut client = WireClient::connect_at(listener.url(), made.code, [9; 32], lasted).await;
        let joined = Instant::now();
        client.consent().await;
        let ping = PingTest::to(Destination::Host("192.0.2.1".parse().expect("an address")));
        let test = staff.issue(session, Test::Ping(ping)).await.id;
        client.send(vec![Item::TestStarted { test, at: Duration::ZERO }]).await;
        let mut call = Self { session, test, client, lasted, joined, sent: 0, random: Random::new(7) };
        let most = u32::try_from(lasted.as_millis() / PACE.as_millis()).expect("some hours");
        while call.sent < most {
            for _ in 0..UNHEARD {
                let count = (most - call.sent).min(BATCH);
                let items: Vec<_> = (0..count).map(|_| call.next_sample(PACE * call.sent)).collect();
                if !items.is_empty() {
                    call.client.send(items).await;
                }
            }
            call.client.stored().await;
        }
        call
    }

    /// Goes on while a browser opens the call and watches so many more samples come, and gives what was measured there.
    ///
    /// # Panics
    /// When the page fails, or the listener does not play along.
    pub async fn watched(mut self, browser: &Browser, listener: &Listener, staff: &mut Staff, more: u32) -> Gauged {
        let (session, test) = (self.session, self.test);
        let held = self.sent + SETTLING;
        let words =
            [("CNC_SESSION", session.to_string()), ("CNC_HELD", held.to_string()), ("CNC_MORE", more.to_string())];
        let words = words.each_ref().map(|(name, value)| (*name, value.as_str()));
        // Liveness: the story ends in time, or fails.
        let told = tokio::select! {
            told = browser.tell("pace", listener, &words) => told,
            never = self.go_on() => match never {},
        };
        Gauged::read(&told, staff, session, test).await
    }

    /// Goes on for ever: a sample each [`PACE`], sent when its reply would have come.
    async fn go_on(&mut self) -> Infallible {
        let mut ticks = interval(PACE);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
        loop {
            // Liveness: whoever wants no more drops this.
            tokio::select! {
                _ = ticks.tick() => {
                    let item = self.next_sample(self.lasted + self.joined.elapsed());
                    self.client.send(vec![item]).await;
                }
                heard = self.client.next() => assert!(heard.is_some(), "the stream holds"),
            }
        }
    }

    /// Makes the sample that is known at a time of the client's clock: a round trip as on a busy line, one of a hundred
    /// lost.
    fn next_sample(&mut self, now: Duration) -> Item {
        let rtt = Duration::from_micros(8_000 + self.random.below(30_000));
        let outcome = if self.random.once_in(100) {
            PingOutcome::Lost
        } else {
            PingOutcome::Reply(PingReply { rtt, from: [192, 0, 2, 1].into(), ttl: None, clock: Clock::Kernel })
        };
        let sample = PingSample { seq: self.sent, at: now.saturating_sub(rtt), outcome };
        self.sent += 1;
        Item::Sample { test: self.test, sample: Sample::Ping(sample) }
    }
}
