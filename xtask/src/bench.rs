//! `cargo xtask bench`: builds what is measured as it is shipped, and runs the benchmarks of `integration-tests/benches`.

use std::path::PathBuf;

use anyhow::{Context as _, Result};

use crate::run::{cargo, shown};
use crate::test::packages;

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
    let is_wanted =
        |group: &str| args.names.iter().any(|name| group.starts_with(name.as_str()) || name.starts_with(group));
    if args.names.is_empty() || ["truth", "cost"].into_iter().any(is_wanted) {
        packages::set_up(packages::PEERS)?;
    }
    shown(cargo().args(["build", "--quiet", "--release", "-p", "cnc-client", "-p", "cnc-server"]))?;
    let mut bench = cargo();
    bench.args(["bench", "--quiet", "-p", "cnc-integration-tests", "--bench", "bench", "--"]).args(&args.names);
    bench.env("RUST_LOG", "warn");
    if let Some(file) = &args.json {
        bench.arg("--json").arg(std::path::absolute(file).context("where is this?")?);
    }
    shown(&mut bench)
}
