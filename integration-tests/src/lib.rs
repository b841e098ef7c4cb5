//! What the test files and benchmarks share: the product's programs, started and read as their users do. It holds no
//! test, and of the product it knows its contract: commands, exit codes, JSON, `cnc.v1`, the store's tables.

pub mod browser;
pub mod busy;
pub mod chaos;
pub mod client;
pub mod fuzz;
pub mod gauge;
pub mod google;
pub mod lines;
pub mod listener;
pub mod long_call;
pub mod past;
pub mod programs;
pub mod random;
pub mod staff;
pub mod store;
pub mod wire;
