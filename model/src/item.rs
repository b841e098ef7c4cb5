//! What a client sends with a sequence of its own: every item is stored exactly once.

use std::time::Duration;

use crate::ping::PingSample;
use crate::throughput::ThroughputSample;
use crate::trace::HopSample;
use crate::{Outcome, Summary, Test, TestId, Timestamp};

/// One observation of a test.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Sample {
    /// Of a ping.
    Ping(PingSample),
    /// Of a trace.
    Hop(HopSample),
    /// Of a download or upload.
    Throughput(ThroughputSample),
}

/// One sample or event of a session. Times are since the client's session clock began, unless said otherwise.
#[derive(Debug, Clone, PartialEq)]
pub enum Item {
    /// The user agreed to what was shown.
    Consent {
        /// When.
        at: Duration,
        /// Whether host and user names may be sent too.
        names: bool,
    },
    /// The client ran a test by itself while the listener was out of reach. What it observed follows as for any other
    /// test, with times that count from `began` in place of the session's beginning.
    OwnTest {
        /// Which: an id beyond those that a listener gives.
        test: TestId,
        /// Wall time by the client's clock from which this test's times count.
        began: Timestamp,
        /// What it was; boxed as the figures below.
        what: Box<Test>,
    },
    /// A test began.
    TestStarted {
        /// Which.
        test: TestId,
        /// When; the test's samples count from here.
        at: Duration,
    },
    /// A test observed something.
    Sample {
        /// Which test.
        test: TestId,
        /// What.
        sample: Sample,
    },
    /// A test ended. Refused tests end without having started.
    TestEnded {
        /// Which.
        test: TestId,
        /// When.
        at: Duration,
        /// How.
        outcome: Outcome,
        /// Its figures, as far as it came; boxed because samples are the many and small ones.
        summary: Option<Box<Summary>>,
    },
    /// The client leaves and sends nothing after this.
    Goodbye {
        /// When.
        at: Duration,
        /// Why.
        reason: Goodbye,
    },
    /// Something that this listener is too old to know. It keeps its place in the sequence, is acknowledged with its
    /// neighbours, and nothing of it is stored.
    Unknown,
}

/// Why a client leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Goodbye {
    /// All that was asked is done and the listener ended the session.
    Done,
    /// The user ended it.
    UserEnded,
    /// The user did not agree.
    ConsentRefused,
}
