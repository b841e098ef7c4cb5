//! Runs the tests of a session side by side and puts everything they observe into the outbox.
//!
//! Which test runs when is the schedule's to say, and whether it may is the policy's.

use std::collections::HashMap;
use std::sync::Arc;

use cnc_model::message::EchoToken;
use cnc_model::test::{PingProtocol, PingTest};
use cnc_model::throughput::Direction;
use cnc_model::{Failure, Item, Outcome, Reason, Sample, Test, TestId};
use tokio::sync::mpsc;
use tokio::task::{Id, JoinSet};
use tokio_util::sync::CancellationToken;

use self::aim::{Landmarks, Target, aim};
use self::measure::{Job, Measurement, Seen, measure};
use crate::clock::SessionClock;
use crate::config::ListenerUrl;
use crate::outbox::Outbox;
use crate::policy::Addresses;
use crate::proxy::Proxy;
use crate::tls::Trust;

pub mod aim;
pub mod measure;
pub mod reach;
pub mod speed;

use self::speed::Speed;

/// The most samples that wait to be shown. When full, further ones are not shown: the screen may miss some, the
/// record does not.
pub const MAX_SHOWN: usize = 1_024;

/// What tests need to know of where they run.
#[derive(Debug, Clone)]
pub struct Grounds {
    /// The rules for addresses.
    pub rules: Addresses,
    /// The places without a name.
    pub landmarks: Landmarks,
    /// The listener's speed endpoints; `None` without a listener.
    pub speed: Option<Speed>,
    /// What opens the listener's UDP echo; `None` without one.
    pub echo: Option<EchoToken>,
    /// Who signed the listener's certificate, as it says itself.
    pub issuer: Option<String>,
    /// Whom speed tests trust.
    pub trust: Arc<Trust>,
    /// Whether the user agreed that this computer's name is sent.
    pub names: bool,
    /// What is measured without being asked; `None` for what a listener asks.
    pub own: Option<Own>,
}

/// What this program measures of its own accord, while its listener is out of reach. No rule for listeners binds that.
#[derive(Debug, Clone)]
pub struct Own {
    /// The listener.
    pub listener: ListenerUrl,
    /// The proxy that leads to it.
    pub proxy: Option<Proxy>,
}

/// What a running test shows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Shown {
    /// It observed something.
    Sample(Sample),
    /// So many others measure, and it waits for its turn.
    Waiting(u32),
}

/// The tests that run.
#[derive(Debug)]
pub struct Runner {
    outbox: Arc<Outbox>,
    clock: SessionClock,
    shown: mpsc::Sender<(TestId, Shown)>,
    tests: JoinSet<Measurement>,
    running: HashMap<Id, (TestId, CancellationToken)>,
}

impl Runner {
    /// Makes one that runs nothing; samples are also offered to `shown`.
    #[must_use]
    pub fn new(outbox: Arc<Outbox>, clock: SessionClock, shown: mpsc::Sender<(TestId, Shown)>) -> Self {
        Self { outbox, clock, shown, tests: JoinSet::new(), running: HashMap::new() }
    }

    /// Begins a test.
    pub fn start(&mut self, id: TestId, test: Test, grounds: Grounds) {
        let cancel = CancellationToken::new();
        let run = Run {
            id,
            outbox: Arc::clone(&self.outbox),
            clock: self.clock,
            shown: self.shown.clone(),
            cancel: cancel.clone(),
        };
        let task = self.tests.spawn(run.run(test, grounds));
        self.running.insert(task.id(), (id, cancel));
    }

    /// Stops a test; it ends within a second.
    pub fn cancel(&self, id: TestId) {
        for (_, cancel) in self.running.values().filter(|(running, _)| *running == id) {
            cancel.cancel();
        }
    }

    /// Stops all tests.
    pub fn cancel_all(&self) {
        for (_, cancel) in self.running.values() {
            cancel.cancel();
        }
    }

    /// Tells whether nothing runs.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.running.is_empty()
    }

    /// Waits for the next test to end, and gives what came of it; `None` when none runs. A panic in a test is a
    /// failed test.
    ///
    /// # Panics
    /// Never: every task is entered when it is spawned.
    pub async fn next(&mut self) -> Option<(TestId, Measurement)> {
        let (task, measurement) = match self.tests.join_next_with_id().await? {
            Ok(ended) => ended,
            Err(error) => (error.id(), Measurement::failed(measure::internal(&error))),
        };
        let (id, _) = self.running.remove(&task).expect("every task is entered when it is spawned");
        Some((id, measurement))
    }
}

/// One test.
struct Run {
    id: TestId,
    outbox: Arc<Outbox>,
    clock: SessionClock,
    shown: mpsc::Sender<(TestId, Shown)>,
    cancel: CancellationToken,
}

impl Run {
    async fn run(self, test: Test, grounds: Grounds) -> Measurement {
        let Some(job) = self.cancel.run_until_cancelled(prepare(test, &grounds)).await else {
            return Measurement { outcome: Outcome::Cancelled, summary: None };
        };
        let job = match job {
            Ok(job) => job,
            Err(failure) => return Measurement::failed(failure),
        };
        if let Err(failure) = self.push(Item::TestStarted { test: self.id, at: self.clock.at() }) {
            return Measurement::failed(failure);
        }
        measure(job, &self.cancel, |seen| match seen {
            Seen::Sample(sample) => {
                // The screen may miss some.
                self.shown.try_send((self.id, Shown::Sample(*sample))).ok();
                self.push(Item::Sample { test: self.id, sample: *sample })
            }
            Seen::Waiting(others) => {
                self.shown.try_send((self.id, Shown::Waiting(others))).ok();
                Ok(())
            }
            Seen::Name(..) | Seen::Pause => Ok(()),
        })
        .await
    }

    fn push(&self, item: Item) -> Result<(), Failure> {
        self.outbox.push(item).map_err(|full| {
            Failure::new(Reason::BacklogFull, full.to_string())
                .with_hint("the listener could not be reached for too long; run the test again when it can be")
        })
    }
}

/// Finds what a test needs before it begins.
async fn prepare(test: Test, grounds: &Grounds) -> Result<Job, Failure> {
    let Grounds { rules, landmarks, names, .. } = grounds;
    let rules = Some(rules);
    Ok(match test {
        Test::System => Job::System { names: *names },
        Test::Ping(ping) => {
            let target = aim(&ping.destination, ping.family, landmarks, rules).await?;
            let token = echo_token(&ping, &target, grounds)?;
            Job::Ping(ping, target, token)
        }
        Test::Trace(trace) => {
            let target = aim(&trace.destination, trace.family, landmarks, rules).await?;
            Job::Trace(trace, target)
        }
        Test::Download(load) => {
            let target = speed::target(&load.peer, grounds).await?;
            Job::Load(Direction::Download, load, target)
        }
        Test::Upload(load) => {
            let target = speed::target(&load.peer, grounds).await?;
            Job::Load(Direction::Upload, load, target)
        }
        Test::Mtu(mtu) => Job::Mtu(aim(&mtu.destination, mtu.family, landmarks, rules).await?),
        Test::Dns(dns) => reach::dns(dns, landmarks, rules).await?,
        Test::Http(http) => Job::Http(reach::http(http, grounds).await?),
    })
}

/// Gives what UDP probes to the listener carry; it is nobody else's to see.
fn echo_token(ping: &PingTest, target: &Target, grounds: &Grounds) -> Result<Option<EchoToken>, Failure> {
    match ping.protocol {
        PingProtocol::Udp(_) if Some(target.address) == grounds.landmarks.listener => {
            let absent = || Failure::new(Reason::NotPresent, "this listener has no UDP echo").with_hint(NO_ECHO_HINT);
            grounds.echo.map(Some).ok_or_else(absent)
        }
        PingProtocol::Icmp | PingProtocol::Tcp(_) | PingProtocol::Udp(_) => Ok(None),
    }
}

const NO_ECHO_HINT: &str = "the listener's log says why; it may be an older one";

#[cfg(test)]
mod tests;
