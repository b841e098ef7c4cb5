//! Peers that mean harm: a hostile client at a real listener, a hostile listener at a real client.

mod client;
mod listener;
