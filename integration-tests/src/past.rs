//! A past: a store with weeks of sessions that never were, made through the store's own code, the same each time.

use std::f64::consts::TAU;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::time::Duration;

use cnc_model::message::When;
use cnc_model::network::AutonomousSystem;
use cnc_model::ping::{Clock, PingOutcome, PingReply, PingSample};
use cnc_model::session::{EndReason, SequencedSample, SessionOverview, SessionState, TestRecord};
use cnc_model::summary::Measured;
use cnc_model::test::{PingTest, ThroughputPeer, ThroughputTest};
use cnc_model::throughput::{Confidence, Direction, METHOD, StoppedBy, ThroughputSummary};
use cnc_model::{BitRate, Outcome, Sample, Sequence, SessionId, Summary, Test, TestId, Timestamp};
use cnc_server::store::{Change, Commit, JobEnd, SessionRow, Store, StoreError};
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use crate::random::Random;

/// What the sessions asked.
pub const DESTINATIONS: usize = 24;
/// Where their clients came from.
pub const PROVIDERS: u32 = 20;
/// Pings of each session.
const PINGS: u32 = 3;
/// How long a session lasted.
const LASTED: Duration = Duration::from_hours(4);
/// Samples of one commit.
const SAMPLES_A_COMMIT: u64 = 5_000;
/// Commits that may wait for the disk.
const WAITING: usize = 8;
const DAY: Duration = Duration::from_hours(24);

/// How much past there is to be.
#[derive(Debug, Clone, Copy)]
pub struct Past {
    /// When it ends.
    pub until: Timestamp,
    /// How many days it lasted.
    pub days: u32,
    /// Sessions of each day.
    pub sessions_a_day: u32,
    /// Ping samples of each session.
    pub samples_a_session: u32,
}

type Answer = oneshot::Receiver<Result<(), StoreError>>;

impl Past {
    /// Gives when it began.
    #[must_use]
    pub fn began(&self) -> Timestamp {
        Timestamp::from_unix_us(self.until.unix_us() - us(DAY * self.days))
    }

    /// Stores it.
    ///
    /// # Panics
    /// When the store cannot be written.
    pub async fn store(&self, file: &Path) {
        let store = Store::open(file).expect("a store can be made");
        let mut waiting: Vec<Answer> = Vec::new();
        for n in 0..self.days * self.sessions_a_day {
            for commit in Session::of(self, n).commits() {
                if waiting.len() == WAITING {
                    waiting.remove(0).await.expect("answered").expect("stored");
                }
                waiting.push(store.submit(commit).await.expect("the writer runs"));
            }
        }
        for answer in waiting {
            answer.await.expect("answered").expect("stored");
        }
        no_reports(&store).await;
    }
}

/// Says of all reports that they were made: whoever opens the store has other things to do.
async fn no_reports(store: &Store) {
    let at = Timestamp::from_unix_us(i64::MAX / 2);
    loop {
        let due = store.due_jobs(at, 1_000).await.expect("readable");
        if due.is_empty() {
            return;
        }
        let mut ending = JoinSet::new();
        for job in due {
            let store = store.clone();
            ending.spawn(async move { store.end_job(JobEnd { job, at, failure: None, document: false }).await });
        }
        ending.join_all().await.into_iter().for_each(|ended| ended.expect("noted"));
    }
}

/// Names a destination.
#[must_use]
pub fn destination(n: usize) -> String {
    if n == 0 { "listener".into() } else { format!("host-{n:02}.example") }
}

/// One of the past's sessions.
struct Session {
    n: u32,
    began: Timestamp,
    samples: u32,
    random: Random,
}

impl Session {
    fn of(past: &Past, n: u32) -> Self {
        let began = past.began().after(DAY * n / past.sessions_a_day);
        Self { n, began, samples: past.samples_a_session, random: Random::new(n.into()) }
    }

    fn id(&self) -> SessionId {
        SessionId::new(self.began, u64::from(self.n))
    }

    fn commits(mut self) -> Vec<Commit> {
        let session = self.id();
        let pings = (1..=PINGS).map(|test| Change::Test(Box::new(self.ping(test))));
        let mut changes: Vec<_> = std::iter::once(self.row()).chain(pings).collect();
        let loads = [(PINGS + 1, Direction::Download), (PINGS + 2, Direction::Upload)];
        changes.extend(loads.map(|(test, direction)| Change::Test(Box::new(self.load(test, direction)))));
        let mut commits = vec![Commit { session, changes, through: None }];
        let samples = u64::from(self.samples);
        for first in (0..samples).step_by(usize::try_from(SAMPLES_A_COMMIT).expect("it fits")) {
            let until = (first + SAMPLES_A_COMMIT).min(samples);
            let part = (first..until).map(|at| self.sample(at)).collect();
            let through = Some(Sequence::new(until));
            commits.push(Commit { session, changes: vec![Change::Samples(part)], through });
        }
        commits
    }

    fn row(&self) -> Change {
        let ended = self.began.after(LASTED);
        let number = 64_500 + self.n % PROVIDERS;
        let overview = SessionOverview {
            id: self.id(),
            label: format!("Ticket {}", 4_000 + self.n),
            plan: "default".into(),
            walk_in: false,
            code: None,
            state: SessionState::Ended(EndReason::Staff),
            connected: false,
            created: self.began,
            joined: Some(self.began),
            ended: Some(ended),
            client_version: Some("0.1.0".into()),
            public_address: Some(IpAddr::V4(Ipv4Addr::from(0xc633_6400 + self.n % 256))),
            network: Some(AutonomousSystem { number, name: Some(format!("Provider {}", number - 64_499)) }),
            clock_offset_us: None,
            stored: Sequence::NONE,
        };
        let consented = Some(self.began);
        Change::Session(Box::new(SessionRow { overview, consented, code_hash: None, key_hash: None }))
    }

    /// Gives the place in [`destination`]'s list of what a ping asks.
    fn asks(&self, test: u32) -> usize {
        (self.n as usize * PINGS as usize + test as usize * 7) % DESTINATIONS
    }

    fn ping(&self, test: u32) -> TestRecord {
        let to = destination(self.asks(test)).parse().expect("a host");
        self.record(test, Test::Ping(PingTest::to(to)))
    }

    fn load(&mut self, test: u32, direction: Direction) -> TestRecord {
        let against = ThroughputTest::against(ThroughputPeer::Listener);
        let (what, mbps) = match direction {
            Direction::Download => (Test::Download(against), 100.0),
            Direction::Upload => (Test::Upload(against), 20.0),
        };
        let share = 1.0 - 0.6 * evening(self.began) - 0.1 * self.unit();
        let rate = BitRate::from_bps(mbps * 1e6 * share).expect("a rate");
        let summary = ThroughputSummary {
            measured: Measured { method: METHOD.into(), ..Measured::default() },
            direction,
            goodput: rate,
            steady: Some(rate),
            bytes: 1,
            duration: Duration::from_secs(5),
            flows: 4,
            confidence: Confidence::High,
            stopped_by: StoppedBy::Stable,
            sender_bytes: None,
            idle_rtt: None,
            loaded_rtt: None,
            added_rtt: None,
            responsiveness: None,
            listener: None,
        };
        TestRecord { summary: Some(Summary::Throughput(summary)), ..self.record(test, what) }
    }

    fn record(&self, test: u32, what: Test) -> TestRecord {
        TestRecord {
            id: TestId::try_from(test).expect("from 1"),
            what,
            when: When::Now,
            issued_by: "plan default".into(),
            issued: self.began,
            started: Some(self.began),
            ended: Some(self.began.after(LASTED)),
            outcome: Some(Outcome::Completed),
            summary: None,
            samples: 0,
        }
    }

    fn sample(&mut self, at: u64) -> SequencedSample {
        let test = u32::try_from(at % u64::from(PINGS)).expect("small") + 1;
        let seq = u32::try_from(at / u64::from(PINGS)).expect("as many as samples");
        let sent = LASTED.mul_f64(f64::from(seq) / f64::from(self.samples / PINGS + 1));
        let evening = evening(self.began.after(sent));
        let chance = (0.004 + 0.04 * evening) * 1e6;
        let outcome = if f64::from(u32::try_from(self.random.below(1_000_000)).expect("small")) < chance {
            PingOutcome::Lost
        } else {
            // A floor that is the destination's, and above it a tail that grows towards the evening.
            #[expect(clippy::cast_precision_loss, reason = "below a hundred")]
            let floor = 8.0 + 3.0 * self.asks(test) as f64;
            let ms = floor + (1.0 + 12.0 * evening) * -(self.unit().max(1e-6)).ln();
            let from = IpAddr::V4(Ipv4Addr::LOCALHOST);
            PingOutcome::Reply(PingReply {
                rtt: Duration::from_secs_f64(ms / 1e3),
                from,
                ttl: None,
                clock: Clock::Kernel,
            })
        };
        let sample = Sample::Ping(PingSample { seq, at: sent, outcome });
        SequencedSample { sequence: Sequence::new(at + 1), test: TestId::try_from(test).expect("from 1"), sample }
    }

    /// Gives a random share, from 0 to 1.
    fn unit(&mut self) -> f64 {
        f64::from(u32::try_from(self.random.below(1 << 32)).expect("32 bits")) / f64::from(u32::MAX)
    }
}

/// Tells how much it is evening, from 0 to 1: networks are fullest at eight.
fn evening(at: Timestamp) -> f64 {
    let hour = at.unix_us().rem_euclid(us(DAY)) / 60_000_000;
    let hour = f64::from(u32::try_from(hour).expect("minutes of a day")) / 60.0;
    ((hour - 20.0) / 24.0 * TAU).cos().max(0.0).powi(4)
}

fn us(time: Duration) -> i64 {
    i64::try_from(time.as_micros()).expect("not that long")
}
