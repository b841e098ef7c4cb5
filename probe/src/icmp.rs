//! ICMP echo: requests and replies as bytes, and what carries them on each system. Pings and traces share it; when to
//! send and what an answer means is theirs.

#[cfg(windows)]
mod api;
#[cfg(unix)]
pub(crate) mod packet;
#[cfg(all(unix, any(test, not(target_os = "linux"))))]
#[cfg_attr(target_os = "linux", expect(dead_code, reason = "only its tests run there"))]
mod plain;
#[cfg(target_os = "linux")]
pub(crate) mod socket;

#[cfg(windows)]
pub(crate) use api::{Api, End, Request, Verdict};
#[cfg(unix)]
pub(crate) use packet::Echo;
#[cfg(all(unix, not(target_os = "linux")))]
pub(crate) use plain::{Message, Room, Socket};
#[cfg(target_os = "linux")]
pub(crate) use {
    crate::kernel::Room,
    socket::{Message, Socket},
};
