//! `cargo xtask dist`: the programs as they are handed out, under `target/dist`. Each is one file that needs no
//! library of the system it runs on. Names are looked up by what is in it: files and DNS.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result, bail, ensure};

use crate::run::{cargo, command, root, shown};
use crate::{console, say};

/// What `dist` is given.
#[derive(Debug, clap::Args)]
#[command(after_help = "The listener hands out what lies in its data folder's `downloads`:\n  cp \
                        target/dist/downloads/* DATA/downloads/")]
pub(crate) struct DistArgs {
    /// Only these programs; both without any
    #[arg(value_name = "PROGRAM")]
    programs: Vec<Program>,
}

/// A program that is handed out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Program {
    /// The client, for the listener's `downloads`
    Cnc,
    /// The listener, with the console in it
    CncListener,
}

/// How both are built: the C library goes in, whose table of addresses to correct at the start has a tenth of its size in
/// the packed form. Random numbers come from the kernel itself: without shared libraries they would come from a file,
/// which not every container has.
const RUSTFLAGS: [&str; 6] = [
    "-C",
    "target-feature=+crt-static",
    "-C",
    "link-arg=-Wl,-z,pack-relative-relocs",
    "--cfg",
    "getrandom_backend=\"linux_getrandom\"",
];
/// What stands between cargo's encoded flags.
const BETWEEN: &str = "\u{1f}";

/// Builds them.
///
/// # Errors
/// When something does not build.
pub(crate) fn run(args: &DistArgs) -> Result<()> {
    let all = [Program::Cnc, Program::CncListener];
    for program in if args.programs.is_empty() { &all } else { &args.programs[..] } {
        let file = program.build()?;
        let bytes = fs::metadata(&file)?.len();
        let shown = file.strip_prefix(root()).unwrap_or(&file).display();
        say::line(&format!("{shown}  {}.{} MB", bytes / 1_000_000, bytes % 1_000_000 / 100_000));
    }
    Ok(())
}

impl Program {
    /// Builds it, and gives where it lies.
    ///
    /// # Errors
    /// When it does not build.
    pub(crate) fn build(self) -> Result<PathBuf> {
        let target = target()?;
        let mut cargo = cargo();
        // With the target named, what only runs while building is not linked so.
        cargo.args(["build", "--quiet", "--target", &target, "--target-dir"]).arg(root().join("target"));
        let built = match self {
            Self::Cnc => {
                cargo.args(["-p", "cnc-client", "--features", "silent", "--profile", "small"]);
                "small/cnc"
            }
            Self::CncListener => {
                console::run()?;
                cargo.args(["-p", "cnc-server", "--release"]);
                "release/cnc-listener"
            }
        };
        cargo.env("CARGO_ENCODED_RUSTFLAGS", RUSTFLAGS.join(BETWEEN));
        shown(&mut cargo)?;
        let file = self.place(&target);
        fs::create_dir_all(file.parent().context("it lies in a folder")?)?;
        let built = root().join("target").join(&target).join(built);
        // Whatever is there may be running: it is replaced, never written over.
        let new = file.with_extension("new");
        fs::copy(&built, &new).with_context(|| format!("cannot copy {}", built.display()))?;
        fs::rename(&new, &file).with_context(|| format!("cannot replace {}", file.display()))?;
        Ok(file)
    }

    /// The client's name says what it is for: the listener's pages tell systems and processors from it.
    fn place(self, target: &str) -> PathBuf {
        let dist = root().join("target/dist");
        match self {
            Self::Cnc => dist.join("downloads").join(format!("cnc-linux-{}", processor(target))),
            Self::CncListener => dist.join("cnc-listener"),
        }
    }
}

fn processor(target: &str) -> &str {
    target.split('-').next().unwrap_or(target)
}

/// Gives the compiler's own target, which must be one whose C library can be linked in.
fn target() -> Result<String> {
    let output = command("rustc").arg("-vV").output().context("cannot start rustc")?;
    ensure!(output.status.success(), "rustc failed: {}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout)?;
    let target = text.lines().find_map(|line| line.strip_prefix("host: ")).context("rustc does not tell its target")?;
    if !target.ends_with("-linux-gnu") {
        bail!("programs to hand out are built on Linux with glibc, and this is {target}");
    }
    Ok(target.to_owned())
}
