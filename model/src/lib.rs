//! `cnc-model`: the words cnc thinks in, and the definitions of its figures.
//!
//! It does no IO, knows no async, reads no clock and serializes nothing: holding a value of this crate proves
//! that it was checked. The wire is `cnc-proto`'s, the sockets are `cnc-probe`'s.

pub mod code;
pub mod destination;
pub mod dns;
pub mod hints;
pub mod http;
pub mod id;
pub mod item;
pub mod message;
pub mod mtu;
pub mod network;
pub mod outcome;
pub mod ping;
pub mod plan;
pub mod responsiveness;
pub mod score;
pub mod session;
pub mod stats;
pub mod summary;
pub mod system;
pub mod test;
pub mod throughput;
pub mod trace;
pub mod units;

pub use code::Code;
pub use destination::{Destination, Family, HostName};
pub use id::{ClientKey, Sequence, SessionId, TestId};
pub use item::{Goodbye, Item, Sample};
pub use outcome::{Failure, Outcome, Reason};
pub use plan::Plan;
pub use summary::Summary;
pub use test::{Test, TestKind};
pub use units::{BitRate, Timestamp, Ttl};
