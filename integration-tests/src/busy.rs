//! A machine whose cores are all busy.

use std::process::{Child, Command};
use std::thread::available_parallelism;

/// Loops that keep all cores busy until they are dropped: three for each.
#[derive(Debug)]
pub struct Busy(Vec<Child>);

impl Busy {
    /// Starts them.
    ///
    /// # Panics
    /// When cores cannot be counted or no shell can be started.
    #[must_use]
    pub fn begin() -> Self {
        let cores = available_parallelism().expect("cores can be counted").get();
        let spin = || Command::new("sh").args(["-c", "while :; do :; done"]).spawn().expect("a shell can be started");
        Self((0..3 * cores).map(|_| spin()).collect())
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        for child in &mut self.0 {
            child.kill().expect("it loops until killed");
            child.wait().expect("it was killed");
        }
    }
}
