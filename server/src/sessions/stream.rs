//! The two directions of a client's stream, as a session's task holds them.

use std::pin::Pin;

use cnc_model::message::{ClientMessage, ListenerMessage};
use thiserror::Error;
use tokio::sync::mpsc;
use tokio_stream::Stream;

use crate::limits::Over;
use crate::session::Violation;

/// What comes from a client after its hello.
pub type Inbound = Pin<Box<dyn Stream<Item = Result<ClientMessage, InboundError>> + Send>>;

/// What goes to a client. An error is the last thing sent; dropping it ends the stream without one, as when the
/// listener stops or a newer stream takes over.
///
/// Boxed, since a queue has room for dozens from the start and most clients are seldom told anything.
pub type Outbound = mpsc::Sender<Box<Result<ListenerMessage, Closing>>>;

/// Messages that wait to be written to one client. A full queue means that the client has not read for as long as
/// it took to gather so many acknowledgements: its stream is given up, and it comes back.
pub const OUTBOUND: usize = 256;

/// Why nothing more comes from a client.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum InboundError {
    /// The connection broke.
    #[error("the connection broke: {0}")]
    Broken(String),
    /// A message is not what the protocol allows.
    #[error("{0}")]
    Invalid(String),
    /// More came than any sound client sends.
    #[error(transparent)]
    TooMuch(#[from] Over),
}

/// Why the listener closes a client's stream.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Closing {
    /// The client did what it must not.
    #[error(transparent)]
    Violation(#[from] Violation),
    /// The client sent what the protocol does not allow.
    #[error("{0}")]
    Invalid(String),
    /// The client sent more than any sound one does.
    #[error(transparent)]
    TooMuch(#[from] Over),
    /// The client came back on another stream.
    #[error("this session goes on over a newer connection")]
    Replaced,
    /// The record cannot be written now.
    #[error("the listener cannot store what you send at the moment: try again")]
    StoreFailed,
}
