//! The files themselves: where they are, and what is in them.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use cnc_integration_tests::programs::found_or_skip;
use serde_json::{Map, Value};

/// Gives a file or folder of `deploy/`.
pub(crate) fn deploy(path: &str) -> PathBuf {
    repository(&format!("deploy/{path}"))
}

/// Gives a file or folder of the repository.
pub(crate) fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("it lies in the repository").join(path)
}

/// Gives the text of a file of `deploy/`.
pub(crate) fn text(path: &str) -> String {
    let file = deploy(path);
    std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

/// Lists a folder's files with one of these endings, in the order of their names.
pub(crate) fn with_ending(folder: &str, endings: &[&str]) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(deploy(folder)).expect("the folder is there");
    let files = entries.map(|entry| entry.expect("an entry").path());
    let ends = |file: &PathBuf| file.extension().is_some_and(|ending| endings.iter().any(|known| ending == *known));
    let mut files: Vec<_> = files.filter(ends).collect();
    files.sort();
    assert!(!files.is_empty(), "{folder} has no {endings:?}");
    files
}

/// Reads Terraform and YAML files by `deploy/check/read.mjs`; `None` after telling that it cannot be run here.
#[expect(clippy::print_stderr, reason = "a test's skipping must be seen where its result is")]
pub(crate) fn read(files: &[PathBuf]) -> Option<Map<String, Value>> {
    found_or_skip("node")?;
    if !deploy("check/node_modules").is_dir() {
        assert!(std::env::var_os("CI").is_none(), "what reads them is not there, and CI skips nothing");
        eprintln!("SKIPPED: needs packages of npm; `cargo xtask test` installs them, as does npm ci in deploy/check");
        return None;
    }
    let read = said(Command::new("node").arg(deploy("check/read.mjs")).args(files));
    let Ok(Value::Object(all)) = serde_json::from_str(&read) else { panic!("no JSON: {read}") };
    assert_eq!(all.len(), files.len());
    for (file, found) in &all {
        assert!(found.get("error").is_none(), "{file}: {}", found["error"]);
    }
    Some(all)
}

/// Runs a program that must succeed, and gives what it said.
pub(crate) fn said(command: &mut Command) -> String {
    let (succeeded, said) = told(command);
    assert!(succeeded, "{command:?}\n{said}");
    said
}

/// Runs a program, and gives whether it succeeded and all that it said.
pub(crate) fn told(command: &mut Command) -> (bool, String) {
    let Output { status, stdout, stderr } = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    (status.success(), String::from_utf8_lossy(&[stdout, stderr].concat()).into_owned())
}
