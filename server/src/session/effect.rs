//! The words of the pure session: its clocks and waits, what it wants done, and why it says no.

use std::time::Duration;

use cnc_model::message::{Instruction, ListenerMessage};
use cnc_model::session::WatchEvent;
use cnc_model::{TestId, TestKind, Timestamp};
use thiserror::Error;

use super::{MAX_ITEMS, MAX_TESTS};
use crate::limits::OWN_TESTS;
use crate::store::Commit;

/// The two clocks at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// Monotonic, since some fixed moment of this process; for waiting.
    pub elapsed: Duration,
    /// Wall time; for people.
    pub wall: Timestamp,
}

/// How long a session waits for what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waits {
    /// From creation until somebody must have joined with the code.
    pub join: Duration,
    /// From a lost stream to the session's end.
    pub grace: Duration,
    /// With nothing running and nobody asking for anything.
    pub idle: Duration,
    /// From telling the client to end until its last items must be here.
    pub ending: Duration,
}

impl Default for Waits {
    fn default() -> Self {
        Self {
            join: Duration::from_mins(30),
            grace: Duration::from_mins(2),
            idle: Duration::from_mins(30),
            ending: Duration::from_secs(10),
        }
    }
}

/// Something to be carried out, in the order given.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Send this to the client, if a stream is up.
    Send(ListenerMessage),
    /// Make this durable, then call [`super::Session::stored`] with the number. Numbers count up from 1.
    Store {
        /// Names this commit.
        number: u64,
        /// What is to be stored.
        commit: Commit,
    },
    /// Tell all watchers.
    Publish(WatchEvent),
    /// Close the client's stream.
    Detach,
    /// The session is over and all of it is durable: make its report, then call [`super::Session::reported`].
    Report,
}

/// Why staff's wish cannot be met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Refusal {
    /// The session is over, or told to end.
    #[error("the session has ended")]
    Ended,
    /// The session has no test of that id.
    #[error("the session has no such test")]
    NoSuchTest,
    /// The test has ended already.
    #[error("the test has already ended")]
    TestEnded,
    /// The client ran the test by itself, before it came.
    #[error("the device ran that test on its own: there is nothing to stop")]
    OwnTest,
    /// The session has as many tests as it may.
    #[error("the session has {MAX_TESTS} tests, the most it may have: open a new one")]
    TooManyTests,
    /// The client that joined cannot run it.
    #[error("this client's version cannot run a {0} test: ask the user to download it again")]
    Incapable(TestKind),
}

/// What a client must not do. Its stream is closed; what was sent before stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Violation {
    /// Items were left out.
    #[error("item {expected} is missing: the batch begins with {first}")]
    Gap {
        /// The item that should have come.
        expected: u64,
        /// The one that came.
        first: u64,
    },
    /// An item tells of a test that was never issued.
    #[error("test {0} was never issued")]
    UnknownTest(TestId),
    /// The client tells of a test of its own under an id that is not its to give, or gives it twice.
    #[error("test {0} cannot be one that the client ran by itself")]
    TakenId(TestId),
    /// The client tells of more tests of its own than a session takes.
    #[error("the session has {OWN_TESTS} tests that the client ran by itself, the most it may have")]
    TooManyOwn,
    /// A sample or summary does not fit the test's kind.
    #[error("the items of test {0} do not fit its kind")]
    WrongKind(TestId),
    /// The session has as many items as it may.
    #[error("the session has {MAX_ITEMS} items, the most it may have: open a new one")]
    TooManyItems,
    /// Items came before the user had agreed.
    #[error("items came before the user's consent")]
    NoConsent,
}

pub(super) const fn send(instruction: Instruction) -> Effect {
    Effect::Send(ListenerMessage::Instruction(instruction))
}

/// Gives the test that an effect tells the client to run.
pub(super) const fn run_of(effect: &Effect) -> Option<TestId> {
    match effect {
        Effect::Send(ListenerMessage::Instruction(Instruction::Run { test, .. })) => Some(*test),
        Effect::Send(_) | Effect::Store { .. } | Effect::Publish(_) | Effect::Detach | Effect::Report => None,
    }
}

/// Gives the test that an order is about.
pub(super) const fn about(order: &Instruction) -> Option<TestId> {
    match order {
        Instruction::Run { test, .. } | Instruction::Cancel(test) => Some(*test),
        Instruction::Unknown { test } => *test,
        Instruction::End => None,
    }
}

pub(super) const fn is_welcome(effect: &Effect) -> bool {
    matches!(effect, Effect::Send(ListenerMessage::Welcome(_)))
}

pub(super) const fn is_acknowledgement(message: &ListenerMessage) -> bool {
    matches!(message, ListenerMessage::Acknowledge(_))
}
