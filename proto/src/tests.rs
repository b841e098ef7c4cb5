//! The wire as a whole: every message survives the way out and in, no bytes make it panic, every change is a diff.

mod arbitrary;
mod bounds;
mod descriptors;
mod round_trip;
mod strangers;
