//! `cargo xtask console`: the console's files by npm, for `cargo build` to embed. What is up to date is left alone, so
//! that cargo need not build the listener again.

#![expect(clippy::disallowed_types, reason = "files' times are the system's")]

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::Result;

use crate::npm::{self, modified};
use crate::run::root;

/// Where the console lies in the repository.
const FOLDER: &str = "server/console";
/// What it is built from; a change of any makes it be built again.
const SOURCES: [&str; 8] = [
    "server/console/src",
    "server/console/public",
    "server/console/index.html",
    "server/console/package-lock.json",
    "server/console/buf.gen.yaml",
    "server/console/tsconfig.json",
    "server/console/vite.config.ts",
    "proto/cnc",
];
/// Written by `buf generate`, so no source.
const GENERATED: &str = "gen";

/// Builds the console's files where they are not up to date.
///
/// # Errors
/// When Node.js is missing, or a step fails.
pub(crate) fn run() -> Result<()> {
    npm::packages(&folder())?;
    let built = modified(&folder().join("built/site/index.html"));
    let generated = modified(&folder().join("src/gen/cnc/v1/support_pb.ts"));
    let newest = SOURCES.iter().filter_map(|source| newest(&root().join(source))).max();
    if built.is_none() || generated.is_none() || newest > built {
        npm::run(&folder(), &["run", "generate"])?;
        npm::run(&folder(), &["run", "build"])?;
    }
    Ok(())
}

/// Checks the console's types and runs its unit tests.
///
/// # Errors
/// With the first that fails.
pub(crate) fn check() -> Result<()> {
    npm::run(&folder(), &["run", "check"])?;
    npm::run(&folder(), &["run", "unit"])
}

fn folder() -> PathBuf {
    root().join(FOLDER)
}

/// Tells when the newest file of a folder was changed.
fn newest(path: &Path) -> Option<SystemTime> {
    let Ok(entries) = std::fs::read_dir(path) else { return modified(path) };
    let entries = entries.filter_map(Result::ok).filter(|entry| entry.file_name() != GENERATED);
    entries.filter_map(|entry| newest(&entry.path())).max()
}
