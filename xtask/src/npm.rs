//! Node.js' packages: what a folder's lock file names, installed where it has changed since, and its scripts.

#![expect(clippy::disallowed_types, reason = "files' times are the system's")]

use std::path::Path;
use std::time::SystemTime;

use anyhow::{Context as _, Result, ensure};

use crate::run::{command, find, quietly};

/// Installs what a folder's lock file names, where it has changed since.
///
/// # Errors
/// When Node.js is missing, or a package cannot be had.
pub(crate) fn packages(folder: &Path) -> Result<()> {
    ensure!(
        find("npm").is_some(),
        "npm is not there: install Node.js 20.19 or newer (https://nodejs.org), which brings it"
    );
    let installed = modified(&folder.join("node_modules/.package-lock.json"));
    if installed.is_none() || modified(&folder.join("package-lock.json")) > installed {
        run(folder, &["ci", "--ignore-scripts", "--no-audit", "--no-fund"])?;
    }
    Ok(())
}

/// Runs npm in a folder.
///
/// # Errors
/// When it does not succeed.
pub(crate) fn run(folder: &Path, args: &[&str]) -> Result<()> {
    quietly(command("npm").args(args).current_dir(folder)).with_context(|| format!("npm {}", args.join(" ")))
}

/// Tells when a file was changed; `None` where there is none.
pub(crate) fn modified(path: &Path) -> Option<SystemTime> {
    std::fs::metadata(path).and_then(|data| data.modified()).ok()
}
