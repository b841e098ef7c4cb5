//! Wrong command lines, and a listener that is not there.

use crate::program::{cnc, code, program, text};

#[test]
fn a_command_line_that_makes_no_sense_is_exit_2_and_told() {
    for args in [
        &["ping"][..],
        &["ping", "-c", "0", "127.0.0.1"],
        &["ping", "-i", "soon", "127.0.0.1"],
        &["trace", "--protocol", "sctp", "127.0.0.1"],
        &["speed", "ftp://127.0.0.1/"],
        &["speed", "--direction", "upload", "http://127.0.0.1/file"],
        &["run", "--code", "12"],
        &["run", "--listener", "nonsense"],
        &["run", "--listener", "http://127.0.0.1:1", "--ca", "/no/such/file"],
        &["run"],
        &["frobnicate"],
    ] {
        let (output, _home) = cnc(args);
        assert_eq!(code(&output), 2, "{args:?}");
        assert_eq!(text(&output.stdout), "", "{args:?}");
        assert!(!text(&output.stderr).is_empty(), "{args:?}");
    }
}

#[test]
fn a_wrong_value_is_named_in_json_too() {
    let (output, _home) = cnc(&["ping", "--json", "-c", "0", "127.0.0.1"]);
    assert_eq!(code(&output), 2);
    let error: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!((&error["type"], &error["kind"]), (&"error".into(), &"usage".into()));
    assert_eq!(error["message"], "count must be 1 to 100000, not 0");
}

#[test]
fn without_its_listener_it_says_why_measures_what_it_can_and_keeps_that() {
    let home = tempfile::tempdir().expect("a folder");
    let saved = home.path().join("result.jsonl");
    let listener = ["run", "--listener", "http://127.0.0.1:1", "--save"];
    let output = program(&home).args(listener).arg(&saved).output().expect("the program runs");
    assert_eq!(code(&output), 4);
    let (said, told) = (text(&output.stdout), text(&output.stderr));
    assert!(told.contains("The listener cannot be reached: no connection to 127.0.0.1:1"), "{told}");
    assert!(told.contains("no listener runs on that port"), "{told}");
    assert!(said.contains("system information") && said.contains("Saved: "), "{said}");
    let kept = std::fs::read_to_string(&saved).expect("saved");
    let items: Vec<serde_json::Value> = kept.lines().map(|l| serde_json::from_str(l).expect("JSON")).collect();
    assert_eq!(items[0]["type"], "session");
    let ended: Vec<_> = items.iter().filter(|item| item["type"] == "test_ended").collect();
    assert_eq!(ended.len(), 4, "system, gateway, resolver, the listener");
    let system = ended.iter().find(|item| item["summary"]["cpu"].is_object()).expect("the machine");
    assert_eq!(system["outcome"], "completed");
}

#[test]
fn without_a_place_given_the_result_is_kept_in_the_state_folder() {
    let (output, home) = cnc(&["run", "--listener", "http://no-such-name.invalid"]);
    assert_eq!(code(&output), 4);
    assert!(text(&output.stderr).contains("the name no-such-name.invalid cannot be found"));
    let results = std::fs::read_dir(home.path().join("cnc/results")).expect("the folder");
    assert_eq!(results.count(), 1);
}

#[test]
fn no_control_codes_reach_a_pipe() {
    for args in [&["ping", "-c", "1", "127.0.0.1"][..], &["trace", "-c", "1", "127.0.0.1"], &["info"]] {
        let (output, _home) = cnc(args);
        let shown = text(&output.stdout);
        assert!(!shown.chars().any(|c| c.is_control() && c != '\n'), "{shown:?}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_host_that_only_the_file_name_knows_must_be_typed() {
    use std::io::Write;
    let home = tempfile::tempdir().expect("a folder");
    let named = home.path().join("cnc-K7QX-M2PA@127.0.0.1_1@");
    std::fs::copy(env!("CARGO_BIN_EXE_cnc"), &named).expect("copied");
    let run = |typed: &str| {
        let mut program = std::process::Command::new(&named);
        program.env_remove("CNC_LISTENER").env("HOME", home.path()).env("XDG_STATE_HOME", home.path());
        program.env("XDG_CONFIG_HOME", home.path()).arg("--yes").stdin(std::process::Stdio::piped());
        let mut child = program
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .expect("the program runs");
        let mut stdin = child.stdin.take().expect("piped");
        stdin.write_all(typed.as_bytes()).expect("typed");
        drop(stdin);
        child.wait_with_output().expect("it ends")
    };
    assert_eq!(code(&run("")), 2);
    assert_eq!(code(&run("example.com\n")), 2);
    assert_eq!(code(&run("127.0.0.1\n")), 4, "confirmed, and nobody listens there");
}
