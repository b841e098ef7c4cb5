//! `cargo xtask cross`: builds `cnc` for other systems than this one, and runs it as far as that is possible here.
//!
//! Windows' runs under Wine, ARM's unit tests run under qemu; macOS' is compiled and never run. All that is fetched and
//! built lies under `target/cross`, so that a second run is quick.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::run::{cargo, root};

mod arm;
mod macos;
mod rust_src;
mod sysroot;
mod windows;
mod wine;

use sysroot::Sysroot;

/// What `cross` is given.
#[derive(Debug, clap::Args)]
pub(crate) struct CrossArgs {
    /// Only these systems; all without any
    #[arg(value_name = "SYSTEM")]
    systems: Vec<System>,
}

/// A system that `cnc` is built for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum System {
    /// Windows on x86-64, run under Wine
    Windows,
    /// Linux on 64-bit ARM, its unit tests run under qemu
    Arm,
    /// macOS on both processors, compiled only
    Macos,
}

/// Runs it.
///
/// # Errors
/// When something cannot be set up, does not compile, or does not do under Wine or qemu what it does here.
pub(crate) fn run(args: &CrossArgs) -> Result<()> {
    let all = [System::Windows, System::Arm, System::Macos];
    let sysroot = Sysroot::set_up()?;
    for system in if args.systems.is_empty() { &all } else { &args.systems[..] } {
        match system {
            System::Windows => windows::run(&sysroot).context("windows")?,
            System::Arm => arm::run(&sysroot).context("arm")?,
            System::Macos => macos::run(&sysroot).context("macos")?,
        }
    }
    Ok(())
}

/// Gives the folder for all that is fetched and built.
fn folder() -> PathBuf {
    root().join("target/cross")
}

/// Gives the folder that cargo builds into: beside the one that everything else uses, whose programs are of another
/// standard library.
fn built() -> PathBuf {
    folder().join("build")
}

/// Makes a cargo command that builds the standard library, too.
fn build_std(sysroot: &Sysroot, what: &str, target: &str) -> Command {
    let mut command = cargo();
    // Parts of a stable compiler that are not promised to stay: they are used for nothing but this.
    command.arg(what).args(["--quiet", "-Zbuild-std=std,panic_unwind,test", "--target", target]);
    command.args(["-Zwarnings", "--config", "build.warnings=\"deny\""]);
    command.env("RUSTC_BOOTSTRAP", "1").env("RUSTC", sysroot.rustc()).env("CARGO_TARGET_DIR", built());
    // Nobody builds this twice an hour: what would speed that up takes gigabytes.
    command.env("CARGO_INCREMENTAL", "0");
    command
}
