//! Running other programs. It owns what they inherit and how they are written down to be repeated by hand.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

/// Gives the repository's root.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in a folder of the repository")
}

/// Makes a command that runs in the repository's root.
pub(crate) fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.current_dir(root());
    // What `cargo run` sets for xtask itself: build scripts watch some of it and would run again each time.
    for (name, _) in std::env::vars_os() {
        let set_by_run = name.to_str().is_some_and(|name| {
            name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") || name.starts_with("CARGO_BIN_")
        });
        if set_by_run {
            command.env_remove(name);
        }
    }
    command
}

/// Makes a command of the cargo that runs this.
pub(crate) fn cargo() -> Command {
    command("cargo")
}

/// Runs a command with its output on the terminal.
///
/// # Errors
/// When it cannot be started or does not succeed; the text says how to repeat it.
pub(crate) fn shown(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("cannot start: {}", by_hand(command)))?;
    if !status.success() {
        bail!("failed ({status}); to repeat it:\n  {}", by_hand(command));
    }
    Ok(())
}

/// Runs a command and shows its output only when it fails.
///
/// # Errors
/// When it cannot be started or does not succeed; the text holds its output and says how to repeat it.
pub(crate) fn quietly(command: &mut Command) -> Result<()> {
    let output =
        command.stdin(Stdio::null()).output().with_context(|| format!("cannot start: {}", by_hand(command)))?;
    if !output.status.success() {
        bail!(
            "failed ({})\n{}{}\nto repeat it:\n  {}",
            output.status,
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr),
            by_hand(command)
        );
    }
    Ok(())
}

/// Finds a program in `PATH` or where administrators' programs lie.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let more = ["/usr/local/sbin", "/usr/sbin", "/sbin"].map(PathBuf::from);
    std::env::split_paths(&path).chain(more).map(|folder| folder.join(program)).find(|file| file.is_file())
}

/// Gives a command as one would type it.
fn by_hand(command: &Command) -> String {
    let set = command.get_envs().filter_map(|(name, value)| {
        value.map(|value| format!("{}={}", name.to_string_lossy(), quoted(&value.to_string_lossy())))
    });
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    set.chain(words.map(|word| quoted(&word.to_string_lossy()))).collect::<Vec<_>>().join(" ")
}

fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,@+%".contains(c);
    if !word.is_empty() && word.chars().all(plain) { word.to_owned() } else { format!("'{word}'") }
}
