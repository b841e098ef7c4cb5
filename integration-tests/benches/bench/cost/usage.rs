//! What running a program took.

use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result};
use cnc_integration_tests::programs::cpu_time;
use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};
use tokio::time::Instant;

/// A program that has run to its end.
pub(super) struct Usage {
    /// From its start to its end.
    pub(super) elapsed: Duration,
    /// Processor's time, the kernel's for it included.
    pub(super) cpu: Duration,
    /// What it wrote on its standard output.
    pub(super) said: String,
}

/// Runs a program to its end.
pub(super) fn run(command: &mut Command) -> Result<Usage> {
    let began = Instant::now();
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
    let mut child = child.with_context(|| format!("cannot start {command:?}"))?;
    let mut said = String::new();
    std::io::Read::read_to_string(&mut child.stdout.take().context("it is piped")?, &mut said)?;
    // Until it is waited for in earnest, its times can be read.
    waitid(WaitId::Pid(Pid::from_child(&child)), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT)?;
    let (elapsed, cpu) = (began.elapsed(), cpu_time(child.id()));
    child.wait()?;
    Ok(Usage { elapsed, cpu, said })
}
