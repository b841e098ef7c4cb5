//! One bad day, as its seed chooses it.

use std::time::Duration;

use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::network::{Cut, Network};
use super::sides::{Client, Listener};
use super::verdict::{self, Verdict};
use crate::random::Random;

/// How long things go wrong.
const BAD: Duration = Duration::from_secs(8);
/// How long everything may take to come to its end once all is well: the longest wait before another attempt, twice,
/// the rest of the tests, and the machine's other work.
const RECOVERY: Duration = Duration::from_secs(75);
/// How often something is looked at that nobody tells.
const LOOK: Duration = Duration::from_millis(200);
/// Tests of the day, each of so many probes at the highest rate that the client allows: one runs at a time.
const TESTS: u32 = 4;
const PROBES: u32 = 250;

/// Something that goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// The line is cut for so many milliseconds.
    Cut(Cut, u64),
    /// The line comes and goes, so that streams come and go in any order.
    Flutter,
    /// The listener is killed, and started again after so many milliseconds.
    KillListener(u64),
    /// The listener is told to end, and started again.
    Upgrade,
    /// The client is killed, and started again after so many milliseconds.
    KillClient(u64),
    /// The listener's disk is full for so many milliseconds.
    FullDisk(u64),
}

impl Trouble {
    fn of(random: &mut Random) -> Self {
        match random.below(12) {
            0 | 1 => Self::Cut(Cut::Whole, 300 + random.below(3_000)),
            2 => Self::Cut(Cut::There, 300 + random.below(5_000)),
            3 => Self::Cut(Cut::Back, 300 + random.below(5_000)),
            4 => Self::Flutter,
            5 | 6 => Self::KillListener(random.below(1_500)),
            7 => Self::Upgrade,
            8 | 9 => Self::KillClient(random.below(1_500)),
            _ => Self::FullDisk(200 + random.below(2_500)),
        }
    }
}

/// Lives one day, and gives what is to be said of it; `None` where no network can be built and a skip was told.
///
/// # Panics
/// When what must work on any day does not: starting, and making a session.
pub async fn live(seed: u64) -> Option<Verdict> {
    let mut day = Day {
        random: Random::new(seed),
        network: Network::build()?,
        listener: Listener::new(),
        client: Client::new(),
        code: String::new(),
        troubles: Vec::new(),
    };
    let id = day.begins().await;
    day.goes_wrong().await;
    day.gets_well(&id).await;
    let Day { listener, client, troubles, .. } = day;
    Some(verdict::of(&listener, &client, &id, troubles))
}

struct Day {
    random: Random,
    network: Network,
    listener: Listener,
    client: Client,
    code: String,
    troubles: Vec<Trouble>,
}

impl Day {
    /// A session with its client and its tests, the first sample made.
    async fn begins(&mut self) -> String {
        self.listener.start(&self.network).await;
        let made = self.listener.staff(&self.network, &["create", "--plan", "bad"]).await.expect("a session is made");
        made["code"].as_str().expect("it has a code").clone_into(&mut self.code);
        let id = made["session"]["id"].as_str().expect("it has an id").to_owned();
        let count = PROBES.to_string();
        for _ in 0..TESTS {
            let ping = ["test", &id, "ping", "127.0.0.1", "--tcp", "9", "-c", &count, "-i", "10ms", "-W", "500ms"];
            self.listener.staff(&self.network, &ping).await.expect("a test is issued");
        }
        self.client.start(&self.network, &self.code);
        let began = Instant::now();
        while !std::fs::read_to_string(self.client.log()).is_ok_and(|log| log.lines().count() > 1) {
            assert!(began.elapsed() < RECOVERY, "the client does not begin: {}", self.client.shown());
            sleep(LOOK).await;
        }
        id
    }

    async fn goes_wrong(&mut self) {
        let began = Instant::now();
        while began.elapsed() < BAD {
            sleep(Duration::from_millis(self.random.below(1_500))).await;
            let trouble = Trouble::of(&mut self.random);
            self.suffers(trouble).await;
        }
    }

    async fn suffers(&mut self, trouble: Trouble) {
        self.troubles.push(trouble);
        match trouble {
            Trouble::Cut(cut, ms) => {
                self.network.cut(cut);
                pause(ms).await;
                self.network.join();
            }
            Trouble::Flutter => {
                for _ in 0..6 {
                    let cut = *self.random.pick(&[Cut::Whole, Cut::There, Cut::Back]);
                    self.network.cut(cut);
                    pause(self.random.below(400)).await;
                    self.network.join();
                    pause(self.random.below(400)).await;
                }
            }
            Trouble::KillListener(ms) => {
                self.listener.kill().await;
                pause(ms).await;
                self.listener.start(&self.network).await;
            }
            Trouble::Upgrade => {
                self.listener.stop().await;
                self.listener.start(&self.network).await;
            }
            Trouble::KillClient(ms) => {
                self.client.kill().await;
                pause(ms).await;
                self.client.start(&self.network, &self.code);
            }
            Trouble::FullDisk(ms) => {
                self.listener.fill();
                pause(ms).await;
                self.listener.free();
            }
        }
    }

    /// All is well again: the tests come to their ends, then the session does.
    async fn gets_well(&mut self, id: &str) {
        let began = Instant::now();
        while began.elapsed() < RECOVERY && !self.client.has_ended() {
            let shown = self.listener.staff(&self.network, &["show", id]).await;
            if shown.is_some_and(|shown| all_ended(&shown)) {
                break;
            }
            sleep(LOOK).await;
        }
        // A session that is over already says no.
        self.listener.staff(&self.network, &["end", id]).await;
        self.client.ended(RECOVERY).await;
        while began.elapsed() < RECOVERY && !verdict::has_report(&self.listener, id) {
            sleep(LOOK).await;
        }
        self.client.kill().await;
        self.listener.stop().await;
    }
}

async fn pause(ms: u64) {
    sleep(Duration::from_millis(ms)).await;
}

fn all_ended(shown: &Value) -> bool {
    let tests = shown["tests"].as_array();
    tests.is_some_and(|tests| !tests.is_empty() && tests.iter().all(|test| !test["outcome"].is_null()))
}
