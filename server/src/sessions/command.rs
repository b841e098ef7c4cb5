//! What may be asked of a session's task, and how joining went.

use std::net::IpAddr;

use cnc_model::message::{Farewell, Hello, When};
use cnc_model::session::{EndReason, SessionRecord, TestRecord};
use cnc_model::{Test, TestId};
use cnc_proto::support::Activity;
use tokio::sync::oneshot;

use super::stream::{Inbound, Outbound};
use super::watch::Seat;
use crate::session::Refusal;

/// A client that wants to be taken in.
pub(super) struct Attaching {
    pub(super) hello: Hello,
    pub(super) key_hash: [u8; 32],
    pub(super) public_address: IpAddr,
    pub(super) inbound: Inbound,
    pub(super) outbound: Outbound,
}

/// How that went.
pub(super) enum Attached {
    /// The session has taken it in.
    Yes,
    /// Another client's key has joined the session.
    NotYours,
    /// The task was ending: look for the session again.
    Gone(Box<Attaching>),
}

/// Tests that are wanted of a session.
pub(super) struct Order {
    pub(super) tests: Vec<(When, Test)>,
    /// Who wants them.
    pub(super) by: String,
}

/// What may be asked of a session. Small, since an idle session's queue holds room for 32 of them.
pub(super) enum Command {
    /// Take over this client's stream.
    Attach { client: Box<Attaching>, reply: oneshot::Sender<Attached> },
    /// Issue tests; stages count from the first that is free.
    Issue { order: Box<Order>, reply: oneshot::Sender<Result<Vec<TestRecord>, Refusal>> },
    /// Stop a test.
    Cancel { test: TestId, reply: oneshot::Sender<Result<(), Refusal>> },
    /// End the session.
    End { reason: EndReason, reply: oneshot::Sender<Result<(), Refusal>> },
    /// Let everything go without a report, because the session is to be deleted.
    Drop { reply: oneshot::Sender<()> },
    /// The report has been made, or could not be made now.
    Reported(Box<Farewell>),
    /// Give the session with its tests.
    Record { reply: oneshot::Sender<Box<SessionRecord>> },
    /// Tell what goes on.
    Activity { reply: oneshot::Sender<Box<Activity>> },
    /// Give a watcher a seat.
    Watch { reply: oneshot::Sender<Seat> },
}
