//! `cnc-probe`: the measuring engine, and the responding end of everything that it measures.
//!
//! Only this crate opens sockets to measure. It knows the model's words and nothing of sessions, gRPC, stores or
//! screens. Every measuring function takes a [`Sink`] for its samples and a cancellation token, and gives back what
//! the samples cannot tell; the figures are made from the samples by the model's folds.

pub mod engine;
pub mod error;
#[cfg(target_os = "linux")]
mod icmp;
mod identifier;
#[cfg(target_os = "linux")]
mod kernel;
mod payload;
mod permission;
pub mod ping;
pub mod resolve;
pub mod respond;
mod route;
pub mod sink;
pub mod system;
pub mod throughput;
pub mod trace;
pub mod tunnel;

pub use engine::Engine;
pub use error::ProbeError;
pub use ping::ping;
pub use resolve::{resolve, reverse_names};
pub use sink::{Sink, sink};
pub use system::system;
pub use throughput::{Endpoint, SpeedTarget, Transfer, throughput};
pub use trace::trace;
