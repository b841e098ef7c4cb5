//! `cnc-probe`: the measuring engine, and the responding end of everything that it measures.
//!
//! Only this crate opens sockets to measure. It knows the model's words and nothing of sessions, gRPC, stores or
//! screens. Every measuring function takes a [`Sink`] for its samples and a cancellation token, and gives back what
//! the samples cannot tell; the figures are made from the samples by the model's folds.

pub mod bulk;
pub mod certificate;
pub mod dns;
pub mod engine;
pub mod error;
pub mod http;
mod icmp;
mod identifier;
mod kernel;
pub mod mtu;
mod payload;
mod permission;
pub mod ping;
pub mod race;
pub mod resolve;
pub mod respond;
mod route;
pub mod sink;
pub mod system;
pub mod throughput;
pub mod trace;
pub mod tunnel;

pub use dns::dns;
pub use engine::Engine;
pub use error::ProbeError;
pub use http::{HttpTarget, http};
pub use mtu::{PathMtu, path_mtu};
pub use ping::{ping, ping_with};
pub use resolve::{resolve, reverse_names};
pub use sink::{Sink, sink};
pub use system::system;
pub use throughput::{Endpoint, SpeedTarget, Transfer, throughput};
pub use trace::trace;
