//! Finds the product's own programs where the workspace's build leaves them, and tells them to end.

use std::path::PathBuf;
use std::time::Duration;

use tokio::process::{Child, Command};

/// Gives the path of `cnc` or `cnc-listener`, as built beside the running test.
///
/// # Panics
/// When it has not been built: cargo builds a package's programs for that package's own tests only.
#[must_use]
pub fn program(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("a running program has a path");
    let profile = test.ancestors().nth(2).expect("cargo leaves tests two folders deep");
    let file = profile.join(name);
    assert!(file.is_file(), "{name} is not there; build it first: cargo build --workspace --all-targets");
    file
}

/// Finds one of the system's programs, or gives `None` after telling that a test is skipped without it.
///
/// # Panics
/// Where the environment has `CI`: there a skipped test would be a lie.
#[expect(clippy::print_stderr, reason = "a test's skipping must be seen where its result is")]
#[must_use]
pub fn found_or_skip(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let more = ["/usr/local/sbin", "/usr/sbin", "/sbin"].map(PathBuf::from);
    let found = std::env::split_paths(&path).chain(more).map(|folder| folder.join(name)).find(|file| file.is_file());
    if found.is_none() {
        assert!(std::env::var_os("CI").is_none(), "{name} is not there, and CI skips nothing");
        eprintln!("SKIPPED: needs {name}; `cargo xtask test` installs it");
    }
    found
}

/// Sends a signal, as a terminal or a service manager does.
///
/// # Panics
/// When the process is gone.
pub async fn signal(child: &Child, name: &str) {
    let id = child.id().expect("the process has not been waited for").to_string();
    let sent = Command::new("kill").args(["-s", name, &id]).status().await.expect("kill can be started");
    assert!(sent.success(), "no process {id}");
}

/// Gives the memory that a process holds now, in bytes, as Linux counts it.
///
/// # Panics
/// When the process is gone.
#[must_use]
pub fn memory_bytes(id: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).expect("the process runs");
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix("kB"));
    resident.and_then(|kib| kib.trim().parse::<u64>().ok()).expect("Linux tells a process's memory") * 1024
}

/// Gives the processor's time that a process has used so far, its own and the kernel's for it, as Linux counts it.
///
/// # Panics
/// When the process is gone.
#[must_use]
pub fn cpu_time(id: u32) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).expect("the process runs");
    // The name may hold anything but its closing bracket; `utime` and `stime` are the 12th and 13th word after it.
    let (_, words) = stat.rsplit_once(')').expect("Linux writes a process's name in brackets");
    let ticks = words.split_whitespace().skip(11).take(2).map(|word| word.parse::<u64>().expect("a number of ticks"));
    // A tick is 1/100 s on every Linux that userspace can see.
    Duration::from_millis(ticks.sum::<u64>() * 10)
}
