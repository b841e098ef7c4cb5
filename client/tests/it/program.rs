//! The program with a home of its own, and what it leaves behind.

use std::process::{Command, Output};

/// Runs the program with a home of its own.
pub(crate) fn cnc(args: &[&str]) -> (Output, tempfile::TempDir) {
    let home = tempfile::tempdir().expect("a folder");
    let output = program(&home).args(args).output().expect("the program runs");
    (output, home)
}

pub(crate) fn program(home: &tempfile::TempDir) -> Command {
    let mut program = Command::new(env!("CARGO_BIN_EXE_cnc"));
    program.env_remove("CNC_LISTENER").env("HOME", home.path()).env("XDG_STATE_HOME", home.path());
    for proxy in
        ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY"]
    {
        program.env_remove(proxy);
    }
    program.env("XDG_CONFIG_HOME", home.path()).stdin(std::process::Stdio::null());
    program
}

pub(crate) fn code(output: &Output) -> i32 {
    output.status.code().expect("an exit code")
}

pub(crate) fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("text")
}
