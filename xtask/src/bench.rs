//! `cargo xtask bench`: builds what is measured as it is shipped, gets the peers that it is measured beside, and runs the
//! benchmarks of `integration-tests/benches`.
//!
//! Of the peers that people name, crusader alone is missing: what the registry has under its name is an empty program.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::dist::Program;
use crate::run::{cargo, find, quietly, root, shown};
use crate::say;
use crate::test::{emulator, packages, tools};

/// The tracer that Debian has not: its package, its program, and the version that is measured beside.
const TRIPPY: (&str, &str, &str) = ("trippy", "trip", "0.13.0");

/// What `bench` is given.
#[derive(Debug, clap::Args)]
pub(crate) struct BenchArgs {
    /// Only the benchmarks that begin so
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// Write each figure as a JSON object a line, too
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// Runs it.
///
/// # Errors
/// When something cannot be built or measured.
pub(crate) fn run(args: &BenchArgs) -> Result<()> {
    // A name may be the beginning of a benchmark's, or a longer one.
    let is_wanted = |group: &str| {
        let begins = |name: &String| group.starts_with(name.as_str()) || name.starts_with(group);
        args.names.is_empty() || args.names.iter().any(begins)
    };
    if is_wanted("console") {
        packages::set_up(packages::BROWSER)?;
        // Before the listener that is to hold it.
        crate::console::run()?;
    }
    let mut bench = cargo();
    if is_wanted("truth") || is_wanted("cost") {
        packages::set_up(packages::PEERS)?;
        bench.env("CNC_HANDED_OUT", Program::Cnc.build()?);
    }
    if is_wanted("export") {
        emulator::set_up()?;
    }
    if is_wanted("truth-path") {
        let path = env::var_os("PATH").unwrap_or_default();
        bench.env("PATH", env::join_paths([tracer()?].into_iter().chain(env::split_paths(&path)))?);
    }
    let mut build = cargo();
    build.args(["build", "--quiet", "--release", "-p", "cnc-server"]);
    // Elsewhere it is the one that is handed out.
    build.args(if is_wanted("chaos") || is_wanted("console") { &["-p", "cnc-client"][..] } else { &[] });
    shown(&mut build)?;
    bench.args(["bench", "--quiet", "-p", "cnc-integration-tests", "--bench", "bench", "--"]).args(&args.names);
    bench.env("RUST_LOG", "warn");
    if let Some(file) = &args.json {
        bench.arg("--json").arg(std::path::absolute(file).context("where is this?")?);
    }
    shown(&mut bench)
}

/// Gives the folder that has trippy's program, built as its users have it where it is missing.
fn tracer() -> Result<PathBuf> {
    let (package, program, version) = TRIPPY;
    if let Some(there) = find(program) {
        return Ok(there.parent().map(Path::to_owned).unwrap_or_default());
    }
    let home = root().join("target/bench-tools").join(format!("{package}-{version}"));
    let bin = home.join("bin");
    if !bin.join(program).is_file() {
        say::line(&format!("building {package} {version}, to be measured beside: some minutes, once"));
        quietly(&mut tools::installing(package, version, &home))?;
    }
    Ok(bin)
}
