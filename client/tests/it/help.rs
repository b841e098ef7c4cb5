//! What `--help` says, word for word: it is the manual.

use crate::program::{cnc, code, text};

fn help(args: &[&str]) -> String {
    let (output, _home) = cnc(args);
    assert_eq!(code(&output), 0);
    assert_eq!(text(&output.stderr), "");
    text(&output.stdout).to_owned()
}

#[test]
fn of_the_program() {
    insta::assert_snapshot!(help(&["--help"]));
}

#[test]
fn of_run() {
    insta::assert_snapshot!(help(&["run", "--help"]));
}

#[test]
fn of_ping() {
    insta::assert_snapshot!(help(&["ping", "--help"]));
}

#[test]
fn of_trace() {
    insta::assert_snapshot!(help(&["trace", "--help"]));
}

#[test]
fn of_speed() {
    insta::assert_snapshot!(help(&["speed", "--help"]));
}

#[test]
fn of_info() {
    insta::assert_snapshot!(help(&["info", "--help"]));
}

#[test]
fn each_shows_an_example() {
    for command in ["run", "ping", "trace", "speed", "info"] {
        let help = help(&[command, "--help"]);
        assert!(help.contains("Example"), "{help}");
        assert!(help.contains(&format!("\n  cnc {command}")), "{help}");
    }
}
