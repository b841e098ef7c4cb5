//! ICMP echo on Linux: requests and replies as bytes, and the socket that carries them. Pings and traces share it; when
//! to send and what an answer means is theirs.

pub(crate) mod packet;
pub(crate) mod socket;

pub(crate) use packet::Echo;
pub(crate) use socket::{Message, Socket};
