//! Wine: a Windows of this command's own, and programs in it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use super::folder;
use crate::run::{command, quietly};
use crate::say;

/// What Rust's standard library draws random numbers by since Windows 10. Wine 8 has no such library, yet what it would
/// do under another name.
const RANDOM: &str = "#include <windows.h>
BOOLEAN NTAPI SystemFunction036(PVOID, ULONG);
__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE bytes, SIZE_T count) {
  return SystemFunction036(bytes, (ULONG)count) ? TRUE : FALSE;
}
";

/// A Windows of our own.
pub(super) struct Wine {
    prefix: PathBuf,
}

impl Wine {
    /// Makes it where it is missing.
    pub(super) fn set_up(compiler: &str) -> Result<Self> {
        let wine = Self { prefix: folder().join("wine") };
        let system = wine.prefix.join("drive_c/windows/system32");
        if !system.is_dir() {
            say::begin("making a Windows … ");
            fs::create_dir_all(&wine.prefix)?;
            // Its servers go on for a while, and would hold the pipes open that are read to their end.
            let status = wine.command("wineboot").arg("--init").stdout(Stdio::null()).stderr(Stdio::null()).status();
            ensure!(status.context("cannot start wineboot")?.success(), "wineboot failed");
            say::line("ok");
        }
        let library = system.join("bcryptprimitives.dll");
        if !library.is_file() {
            let source = folder().join("random.c");
            fs::write(&source, RANDOM)?;
            let mut build = command(compiler);
            quietly(build.arg("-shared").arg("-o").args([&library, &source]).arg("-ladvapi32"))?;
        }
        Ok(wine)
    }

    /// Makes a command to run a program of Windows.
    pub(super) fn program(&self, program: &Path) -> Command {
        let mut command = self.command("wine");
        command.arg(program);
        command
    }

    /// Makes the words by which cargo runs one.
    pub(super) fn environment(&self) -> [(&'static str, String); 3] {
        [
            ("WINEPREFIX", self.prefix.display().to_string()),
            ("WINEDEBUG", "-all".into()),
            // What would ask to be downloaded.
            ("WINEDLLOVERRIDES", "mscoree,mshtml=".into()),
        ]
    }

    fn command(&self, program: &str) -> Command {
        let mut command = command(program);
        command.envs(self.environment()).stdin(Stdio::null());
        command
    }
}

/// Runs a program and gives its exit code and what it said, as JSON a line.
pub(super) fn lines(command: &mut Command) -> Result<(Option<i32>, Vec<Value>)> {
    let output = command.output().context("cannot start wine")?;
    let text = String::from_utf8_lossy(&output.stdout);
    let lines = text.lines().map(serde_json::from_str).collect::<Result<_, _>>();
    let lines = lines.with_context(|| format!("no JSON: {text}{}", String::from_utf8_lossy(&output.stderr)))?;
    Ok((output.status.code(), lines))
}
