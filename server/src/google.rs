//! What the listener uses of Google's: who it is there, where, and what each refusal means for the operator.
//!
//! Nothing of it is on the way of a sample: the record is the local store, and what is here only reads from that.

pub mod auth;
pub mod config;
mod error;
mod refusal;
#[cfg(test)]
mod tests;

pub use auth::Tokens;
pub use config::{Credentials, Endpoints, Google};
pub use error::{GoogleError, Kind};
