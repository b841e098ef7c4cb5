//! The exporter: follows the record into BigQuery, a batch at a time, and removes there what was removed here.
//!
//! It only reads what is durable, and nobody waits for it unless `durability = "bigquery"` says so. Before a batch is
//! sent, its stream, offset and rows are noted in the store. After a doubt the same rows go to the same offset again, and
//! *already there* is success: a row is in BigQuery once, whatever is killed when. Rows that change go as new versions.

mod aside;
mod backoff;
mod carry;
mod check;
mod encode;
mod figures;
mod removal;
mod run;
mod sink;
mod tables;
mod views;

use thiserror::Error;

pub use check::check;
pub use encode::{descriptor, encode};
pub use figures::{ExportFigures, Failing};
pub use run::{Exporter, Tempo};
pub use tables::{Made, setup};

use crate::google::GoogleError;
use crate::store::StoreError;

/// Why an export did not get on.
#[derive(Debug, Error)]
pub enum ExportError {
    /// Google said no, or nothing.
    #[error(transparent)]
    Google(#[from] GoogleError),
    /// The record cannot be read, or the export's notes in it cannot be written.
    #[error(transparent)]
    Store(#[from] StoreError),
}
