//! What the kernel tells beside packets: on Linux its stamps of one clock for both ends of an RTT, TTLs, and ICMP errors
//! from the error queue; on macOS no more than the program's own clock. Knows sockets, and no protocol.

#[cfg(target_os = "linux")]
pub(crate) mod control;
#[cfg(unix)]
pub(crate) mod moment;
#[cfg(unix)]
mod note;
#[cfg(target_os = "linux")]
pub(crate) mod room;
mod said;
#[cfg(target_os = "linux")]
pub(crate) mod tcp;

#[cfg(target_os = "linux")]
pub(crate) use control::leaving_from;
#[cfg(unix)]
pub(crate) use moment::{Moment, Sent, Wall, round_trip};
#[cfg(unix)]
pub(crate) use note::{INTEREST, Note, watched};
#[cfg(target_os = "linux")]
pub(crate) use room::{
    Received, Room, handshake_rtt, limit, namespace, receive_errors, receive_ttl, stamp, tell_local_address, undivided,
    waiting_bytes,
};
pub(crate) use said::Said;
