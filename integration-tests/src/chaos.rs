//! A bad day: a client and a listener in a network of their own, and what a seed chooses to go wrong. Cuts of the line,
//! whole and in one direction; either program killed and started again; a disk that fills up. In the end the line, the
//! disk and both programs are well again, and what is stored is held against the client's own log.

mod day;
mod network;
mod sides;
mod verdict;

pub use day::{Trouble, live};
pub use network::{Cut, Network};
pub use verdict::Verdict;
