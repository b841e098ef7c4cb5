//! BigQuery without Google: a stateful stand-in for the faults that nothing else here has, and a record to export.

pub mod emulator;
mod fake;
pub mod fixture;
pub mod key;
mod message;

pub use fake::{Fake, Fault, Held, google_at, settings_at};
pub use message::{Cell, Row};
