//! A compiler that finds the standard library's source: the one in use, told of another folder. It is not touched.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};

use super::{folder, rust_src};
use crate::run::command;

/// Where a compiler's folder has the standard library's source.
const LIBRARY: &str = "lib/rustlib/src/rust/library";

/// A folder that a compiler takes for its own, with the source in it.
pub(super) struct Sysroot {
    rustc: PathBuf,
}

impl Sysroot {
    /// Sets it up where it is missing.
    pub(super) fn set_up() -> Result<Self> {
        let own = PathBuf::from(said(&["--print", "sysroot"])?);
        let version = version()?;
        let rustc = own.join("bin/rustc");
        ensure!(rustc.is_file(), "{} is not there", rustc.display());
        if own.join(LIBRARY).is_dir() {
            return Ok(Self { rustc });
        }
        let library = rust_src::library(&version)?;
        let here = folder().join(format!("sysroot-{version}"));
        if !here.join(LIBRARY).exists() {
            link(&own, &here, &library).with_context(|| format!("cannot set up {}", here.display()))?;
        }
        Ok(Self { rustc: wrapper(&rustc, &here)? })
    }

    /// Gives the compiler to be named to cargo.
    pub(super) fn rustc(&self) -> &Path {
        &self.rustc
    }
}

/// Gives the version of the compiler in use.
fn version() -> Result<String> {
    let text = said(&["--version"])?;
    let version = text.split_whitespace().nth(1).context("rustc does not tell its version")?;
    Ok(version.to_owned())
}

fn said(args: &[&str]) -> Result<String> {
    let output = command("rustc").args(args).output().context("cannot start rustc")?;
    ensure!(output.status.success(), "rustc failed: {}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

/// Fills a folder with links to what the compiler has, and to the source.
fn link(own: &Path, here: &Path, library: &Path) -> Result<()> {
    let rustlib = here.join("lib/rustlib");
    fs::create_dir_all(rustlib.join("src/rust"))?;
    for entry in fs::read_dir(own.join("lib/rustlib"))? {
        let entry = entry?;
        let link = rustlib.join(entry.file_name());
        if !link.exists() {
            symlink(entry.path(), link)?;
        }
    }
    Ok(symlink(library, here.join(LIBRARY))?)
}

/// Writes the program that cargo takes for the compiler.
fn wrapper(rustc: &Path, sysroot: &Path) -> Result<PathBuf> {
    let wrapper = sysroot.join("rustc");
    let text = format!("#!/bin/sh\nexec '{}' --sysroot '{}' \"$@\"\n", rustc.display(), sysroot.display());
    // Cargo looks at its time: it is written once.
    if fs::read_to_string(&wrapper).ok().as_deref() != Some(&text) {
        fs::write(&wrapper, text)?;
        fs::set_permissions(&wrapper, fs::Permissions::from_mode(0o755))?;
    }
    Ok(wrapper)
}
