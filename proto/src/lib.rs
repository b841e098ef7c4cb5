//! `cnc-proto`: the wire. The messages and services of `cnc.v1`, the way between them and the model, and JSON.
//!
//! Nobody else touches generated fields: `From` leads out and `TryFrom` leads in, and holding a model value proves
//! that what a peer sent was checked. What a client says about itself is cut to the bounds on the way out, so that a
//! sound client is never refused; on the way in what is beyond them is refused. It opens no connection and decides
//! nothing.

pub mod codec;
pub mod dns;
mod http;
pub mod invalid;
mod item;
pub mod json;
pub mod message;
mod mtu;
mod network;
mod outcome;
mod ping;
pub mod plan;
pub mod scalar;
mod score;
mod session;
mod summary;
pub mod support;
pub mod system;
mod test;
mod throughput;
pub mod trace;
pub mod v1;

pub use invalid::Invalid;

/// All of `cnc.v1` as an encoded `FileDescriptorSet`, for the reflection service.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/cnc.v1.descriptors"));

#[cfg(test)]
mod tests;
