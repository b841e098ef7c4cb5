//! Sessions as staff see them: overviews, whole records, and the events that watchers follow.

use std::net::IpAddr;

use crate::hints::{self, Hint};
use crate::message::When;
use crate::network::AutonomousSystem;
use crate::score::Line;
use crate::system::SystemInfo;
use crate::{Code, Outcome, Sample, Sequence, SessionId, Summary, Test, TestId, Timestamp};

/// Where a session stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SessionState {
    /// Made by staff; no client has joined.
    Waiting,
    /// A client has joined; its user has not agreed yet.
    Joined,
    /// The user agreed; tests may run.
    Active,
    /// The client was told to end; its last items are awaited.
    Ending,
    /// Over.
    Ended(EndReason),
}

/// Why a session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EndReason {
    /// Staff ended it.
    Staff,
    /// The user ended it.
    User,
    /// The user did not agree.
    ConsentRefused,
    /// A walk-in's plan was done and nobody watched.
    PlanDone,
    /// Nothing happened for too long.
    Idle,
    /// The client was gone for longer than the grace time.
    Lost,
    /// Nobody joined while the code was valid.
    NeverJoined,
}

impl EndReason {
    /// Every reason.
    pub const ALL: [Self; 7] =
        [Self::Staff, Self::User, Self::ConsentRefused, Self::PlanDone, Self::Idle, Self::Lost, Self::NeverJoined];

    /// Gives the word for it in JSON and in columns.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Staff => "staff",
            Self::User => "user",
            Self::ConsentRefused => "consent_refused",
            Self::PlanDone => "plan_done",
            Self::Idle => "idle",
            Self::Lost => "lost",
            Self::NeverJoined => "never_joined",
        }
    }
}

impl SessionState {
    /// Gives the word for it on screens, in JSON and in columns.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Joined => "joined",
            Self::Active => "active",
            Self::Ending => "ending",
            Self::Ended(_) => "ended",
        }
    }
}

/// A session in a line.
#[derive(Debug, Clone, PartialEq)]
pub struct SessionOverview {
    /// Its id.
    pub id: SessionId,
    /// What staff called it.
    pub label: String,
    /// The plan that it began with.
    pub plan: String,
    /// Whether the client came by itself, without staff having made the session.
    pub walk_in: bool,
    /// The code, while a client may still join with it.
    pub code: Option<Code>,
    /// Where it stands.
    pub state: SessionState,
    /// Whether the client's stream is up now.
    pub connected: bool,
    /// When it was made.
    pub created: Timestamp,
    /// When a client joined.
    pub joined: Option<Timestamp>,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// The client's version.
    pub client_version: Option<String>,
    /// The client's address as the listener last saw it.
    pub public_address: Option<IpAddr>,
    /// The network that this address belongs to, by the listener's database when the client came.
    pub network: Option<AutonomousSystem>,
    /// Wall time by the client's clock minus the listener's, in microseconds, half a round trip uncertain.
    pub clock_offset_us: Option<i64>,
    /// The last item that is durable.
    pub stored: Sequence,
}

/// Who asked for a test that the client ran by itself.
pub const BY_ITSELF: &str = "the device itself";

/// One test of a session.
#[derive(Debug, Clone, PartialEq)]
pub struct TestRecord {
    /// Its id.
    pub id: TestId,
    /// What it is.
    pub what: Test,
    /// When it may begin.
    pub when: When,
    /// Who asked for it: a staff token's name, or the plan's.
    pub issued_by: String,
    /// When it was issued. For a test that the client ran by itself: when that run began, by the client's clock as
    /// far as the listener can correct it.
    pub issued: Timestamp,
    /// When the client began it, by the listener's clock.
    pub started: Option<Timestamp>,
    /// When the client ended it, by the listener's clock.
    pub ended: Option<Timestamp>,
    /// How it ended; `None` while it has not.
    pub outcome: Option<Outcome>,
    /// Its figures, once it has ended.
    pub summary: Option<Summary>,
    /// Samples that have come so far.
    pub samples: u64,
}

/// A time in which a client that had joined was not connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Absence {
    /// When its stream broke, as the listener noticed; of a listener that was killed, when it was back.
    pub from: Timestamp,
    /// When the client was back; `None` while it is not, and where the session ended before.
    pub until: Option<Timestamp>,
}

/// A session with its tests.
#[derive(Debug, Clone, PartialEq)]
pub struct SessionRecord {
    /// The session.
    pub overview: SessionOverview,
    /// Whether the user agreed, and when by the listener's clock.
    pub consented: Option<Timestamp>,
    /// Its tests in the order of issue.
    pub tests: Vec<TestRecord>,
    /// When its client was away, the first time first.
    pub absences: Vec<Absence>,
}

impl SessionRecord {
    /// Gives the client's machine, from the last completed system test.
    #[must_use]
    pub fn system(&self) -> Option<&SystemInfo> {
        self.tests.iter().rev().find_map(|test| match test.summary.as_ref()? {
            Summary::System(info) => Some(info),
            Summary::Ping(_)
            | Summary::Trace(_)
            | Summary::Throughput(_)
            | Summary::Mtu(_)
            | Summary::Dns(_)
            | Summary::Http(_) => None,
        })
    }
}

impl SessionRecord {
    /// Gives what hints at a VPN or a proxy. What the client ran by itself at another time is left out.
    #[must_use]
    pub fn hints(&self) -> Vec<Hint> {
        let asked = self.tests.iter().filter(|test| !test.id.is_own());
        hints::of(asked.filter_map(|test| Some((&test.what, test.summary.as_ref()?))))
    }

    /// Gives what the session's tests tell of the line, for its scores. What the client ran by itself at another time
    /// is left out.
    #[must_use]
    pub fn line(&self) -> Line {
        let asked = self.tests.iter().filter(|test| !test.id.is_own());
        Line::of(asked.filter_map(|test| Some((&test.what, test.summary.as_ref()?))))
    }
}

/// A sample with its place in its session.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SequencedSample {
    /// Its item's sequence.
    pub sequence: Sequence,
    /// The test.
    pub test: TestId,
    /// The observation.
    pub sample: Sample,
}

/// What a watcher is told: first a snapshot, then whatever changes. A watcher that fell behind gets a new snapshot.
#[derive(Debug, Clone, PartialEq)]
pub enum WatchEvent {
    /// All there is at this moment, with each test's most recent samples.
    Snapshot {
        /// The session and its tests.
        record: Box<SessionRecord>,
        /// Recent samples in the order of their sequences.
        recent: Vec<SequencedSample>,
    },
    /// The session's overview changed.
    Session(Box<SessionOverview>),
    /// A test was issued, began or ended.
    Test(Box<TestRecord>),
    /// Samples came.
    Samples(Vec<SequencedSample>),
    /// The client was lost, or is back: an absence replaces the one that began at the same time.
    Absence(Absence),
}
