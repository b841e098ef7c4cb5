//! What the Linux kernel tells beside packets: its stamps of one clock for both ends of an RTT, TTLs, and ICMP errors
//! from the error queue. Knows sockets, and no protocol.

pub(crate) mod control;
pub(crate) mod moment;
pub(crate) mod room;
pub(crate) mod tcp;

pub(crate) use control::{Said, leaving_from};
pub(crate) use moment::{Moment, Sent, Wall, round_trip};
pub(crate) use room::{
    Note, Received, Room, handshake_rtt, limit, receive_errors, receive_ttl, stamp, tell_local_address, undivided,
    watched,
};
