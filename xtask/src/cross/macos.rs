//! macOS: compiled for both processors, and no more. There is no linker, no system library and no such machine here.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use anyhow::Result;

use super::sysroot::Sysroot;
use super::{build_std, folder};
use crate::run::shown;
use crate::say;

const TARGETS: [&str; 2] = ["aarch64-apple-darwin", "x86_64-apple-darwin"];

/// Checks the client.
pub(super) fn run(sysroot: &Sysroot) -> Result<()> {
    let (compiler, archiver) = (stand_in("cc", "-o")?, stand_in("ar", "rcs")?);
    for target in TARGETS {
        let mut check = build_std(sysroot, "check", target);
        check.args(["-p", "cnc-client"]);
        // Where the system's headers are, and for which version, would be asked of Apple's tools.
        check.env("SDKROOT", "/").env("MACOSX_DEPLOYMENT_TARGET", "11.0");
        let name = target.replace('-', "_");
        check.env(format!("CC_{name}"), &compiler).env(format!("AR_{name}"), &archiver);
        shown(&mut check)?;
        say::line(&format!("macos      compiles for {target}"));
    }
    Ok(())
}

/// Makes a program that stands in for one of Apple's: it only leaves an empty file where theirs writes one. The C code
/// of dependencies is neither compiled nor linked by a check, yet their build scripts ask for it.
fn stand_in(name: &str, before_file: &str) -> Result<PathBuf> {
    let program = folder().join(format!("apple-{name}"));
    let text = format!(
        "#!/bin/sh\nwhile [ $# -gt 1 ]; do\n  case $1 in {before_file}|cq|crs) : > \"$2\" ;; esac\n  shift\ndone\n"
    );
    fs::write(&program, text)?;
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755))?;
    Ok(program)
}
