//! `cargo xtask test`: sets up what is missing, then runs all checks and tests, the quick ones first.
//!
//! One line a step with its time. The first step that fails ends it, with the command to repeat it.

use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result};

use crate::run::{cargo, command, quietly, shown};
use crate::say;

pub(crate) mod emulator;
pub(crate) mod packages;
pub(crate) mod tools;

use tools::Tools;

/// Runs it.
///
/// # Errors
/// With the first step that fails.
pub(crate) fn run() -> Result<()> {
    let began = stopwatch();
    step("packages", || packages::set_up(packages::TESTS))?;
    let mut tools = None;
    step("tools", || {
        tools = Some(Tools::set_up()?);
        Ok(())
    })?;
    let tools = tools.context("tools have been set up")?;
    step("emulator", emulator::set_up)?;

    check("fmt", cargo().args(["fmt", "--all", "--check"]))?;
    check("typos", &mut command(&tools.typos))?;
    check("machete", command(&tools.machete).args(["--skip-target-dir"]))?;
    check("deny", command(&tools.deny).args(["--log-level", "error", "check", "licenses", "bans", "sources"]))?;
    match &tools.hadolint {
        Some(hadolint) => check("hadolint", command(hadolint).arg("deploy/Containerfile"))?,
        None => say::line("hadolint   not checked: no such program for this machine"),
    }
    step("deploy", crate::deploy::set_up)?;
    // Before what embeds it is built.
    step("console", crate::console::run)?;
    step("its tests", crate::console::check)?;
    check("clippy", cargo().args(["clippy", "--workspace", "--all-targets", "--quiet", "--", "-D", "warnings"]))?;
    // All targets at once: the tests' own dependencies decide features too, and one set of features is built once.
    check("build", cargo().args(["build", "--workspace", "--all-targets", "--quiet"]))?;
    say::line("nextest");
    let took = timed(|| shown(cargo().args(["nextest", "run", "--workspace", "--profile", "ci"])))?;
    say::line(&format!("{:<10} ok {:>7.1} s", "nextest", took.as_secs_f64()));
    check("doctests", cargo().args(["test", "--workspace", "--doc", "--quiet"]))?;
    check("doc", cargo().args(["doc", "--workspace", "--no-deps", "--quiet"]).env("RUSTDOCFLAGS", "-D warnings"))?;
    advisories(&tools);
    say::line(&format!("all passed in {:.0} s", began().as_secs_f64()));
    Ok(())
}

/// Runs one check, silent unless it fails.
fn check(name: &str, command: &mut Command) -> Result<()> {
    step(name, || quietly(command))
}

/// Does something under a name, and says how long it took.
fn step(name: &str, work: impl FnOnce() -> Result<()>) -> Result<()> {
    say::begin(&format!("{name:<10} "));
    match timed(work) {
        Ok(took) => say::line(&format!("ok {:>7.1} s", took.as_secs_f64())),
        Err(error) => {
            say::line("failed");
            return Err(error.context(name.to_owned()));
        }
    }
    Ok(())
}

/// Known holes in dependencies are told, and fail nothing: their database is often out of reach, and what appears in
/// it overnight is not the fault of the change at hand.
fn advisories(tools: &Tools) {
    let verdict = match quietly(command(&tools.deny).args(["--log-level", "error", "check", "advisories"])) {
        Ok(()) => "ok".to_owned(),
        Err(error) => {
            let text = format!("{error:#}");
            let found = text.lines().filter(|line| line.starts_with("error[")).collect::<Vec<_>>();
            if found.is_empty() { "not checked: no database within reach".to_owned() } else { found.join("; ") }
        }
    };
    say::line(&format!("{:<10} {verdict}", "advisories"));
}

fn timed(work: impl FnOnce() -> Result<()>) -> Result<Duration> {
    let elapsed = stopwatch();
    work().map(|()| elapsed())
}

/// The clock of this command: steps are timed for people to read.
#[expect(clippy::disallowed_types, reason = "times real programs; nothing here is tested with a paused clock")]
fn stopwatch() -> impl Fn() -> Duration {
    let began = std::time::Instant::now();
    move || began.elapsed()
}
