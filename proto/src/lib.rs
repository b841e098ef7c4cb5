//! `cnc-proto`: the wire. The messages and services of `cnc.v1`, the way between them and the model, and JSON.
//!
//! Nobody else touches generated fields: `From` leads out and `TryFrom` leads in, and holding a model value proves
//! that what a peer sent was checked. It opens no connection and decides nothing.

pub mod v1;
