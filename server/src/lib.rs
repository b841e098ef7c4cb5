//! `cnc-server`: the listener. The pure session and what carries it out, the record, the services, the command line.
//!
//! It measures nothing itself; for the responding end of measured protocols it uses `cnc-probe`.

pub mod accept;
pub mod cli;
pub mod clock;
pub mod config;
mod drive;
pub mod duration;
mod echo;
pub mod export;
pub mod google;
pub mod grpc;
pub mod history;
pub mod http;
pub mod limits;
pub mod metrics;
pub mod networks;
pub mod report;
pub mod roles;
pub mod secret;
pub mod serve;
pub mod session;
pub mod sessions;
mod sheet;
pub mod staff;
pub mod store;
pub mod turns;

pub use serve::{Opened, ServeError, bind, serve};
