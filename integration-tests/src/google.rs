//! BigQuery without Google: a stateful stand-in for the faults that nothing else here has, and a record to export.

pub mod emulator;
mod fake;
pub mod fixture;
mod message;

pub use fake::{Fake, Fault, google_at};
pub use message::{Cell, Row};
