//! Claimed sessions' reports as documents in Drive: a real listener against a Drive that keeps to Google's documentation
//! and fails as told.

mod chaos;
mod fake;
mod place;
mod stories;
mod troubles;
