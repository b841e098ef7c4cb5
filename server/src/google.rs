//! What the listener uses of Google's: who it is there, where, and what each refusal means for the operator.
//!
//! Nothing of it is on the way of a sample: the record is the local store, and what is here only reads from that.

pub mod auth;
mod bigquery;
pub mod check;
pub mod config;
mod error;
mod question;
mod refusal;
#[cfg(test)]
mod tests;

pub use auth::Tokens;
pub use bigquery::{Answer, BigQuery, SCOPE as BIGQUERY_SCOPE};
pub use config::{Credentials, Endpoints, Google};
pub use error::{GoogleError, Kind};
pub(crate) use error::{forbidden, innermost};
pub use question::{Question, Reply};

/// The messages of BigQuery's Storage interfaces, as the library has them.
pub use gcp_bigquery_client::google::{cloud::bigquery::storage::v1 as storage, rpc};
