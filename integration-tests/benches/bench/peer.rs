//! Other programs: what they are, which versions are there, and what it takes to run one in a network. Reads none of
//! their figures.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result};
use cnc_integration_tests::programs::program;
use cnc_lab::Host;

/// Gives what a program says of its version; `None` where it is not there.
pub(crate) fn version(program: &str) -> Option<String> {
    let flag = match program {
        "scamper" => "-v",
        "tracepath" | "nuttcp" | "ping" => "-V",
        _ => "--version",
    };
    let output = Command::new(program).arg(flag).stdin(Stdio::null()).output().ok()?;
    let text = [output.stdout, output.stderr].concat();
    let line = String::from_utf8_lossy(&text).lines().find(|line| !line.trim().is_empty())?.trim().to_owned();
    Some(line)
}

/// Gives the client as it is handed out, which is what users run and therefore what is measured.
pub(crate) fn cnc() -> Result<PathBuf> {
    let file = std::env::var_os("CNC_HANDED_OUT").context("cargo xtask bench builds cnc and says where it is")?;
    Ok(file.into())
}

/// Gives a command that runs one of ours, or anyone's, on a host.
pub(crate) fn on(host: &Host, name: &str) -> Result<Command> {
    let file = match name {
        "cnc" => cnc()?,
        "cnc-listener" => program(name),
        other => other.into(),
    };
    Ok(host.command(file.to_str().context("a path in UTF-8")?))
}

/// A program that runs until this is dropped.
pub(crate) struct Running(Child);

impl Running {
    /// Starts it; nobody reads what it says.
    pub(crate) fn start(command: &mut Command) -> Result<Self> {
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        Ok(Self(child.with_context(|| format!("cannot start {command:?}"))?))
    }

    /// Gives its process's number.
    pub(crate) fn id(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Where it is gone already there is nothing to end.
        self.0.kill().and_then(|()| self.0.wait()).ok();
    }
}
