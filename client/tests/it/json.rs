//! `--json`: one object a line and nothing else, with the keys that CONTRACT.md promises.

use serde_json::Value;

use crate::program::{cnc, code, text};

fn lines(args: &[&str]) -> (i32, Vec<Value>) {
    let (output, _home) = cnc(args);
    assert_eq!(text(&output.stderr), "");
    let lines = text(&output.stdout).lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    (code(&output), lines)
}

fn has(object: &Value, keys: &[&str]) {
    for key in keys {
        assert!(object.get(key).is_some(), "{key} is missing in {object}");
    }
}

#[test]
fn a_ping_gives_its_samples_and_then_its_summary() {
    let (code, lines) = lines(&["ping", "-c", "3", "-i", "10ms", "--json", "127.0.0.1"]);
    assert_eq!((code, lines.len()), (0, 4));
    for (seq, sample) in lines[..3].iter().enumerate() {
        assert_eq!((&sample["type"], &sample["seq"]), (&"sample".into(), &seq.into()));
        assert_eq!(sample["outcome"], "reply");
        has(sample, &["at_ms", "rtt_ms", "from", "ttl", "clock"]);
    }
    let summary = &lines[3];
    assert_eq!((&summary["type"], &summary["host"]), (&"summary".into(), &"127.0.0.1".into()));
    assert_eq!((&summary["sent"], &summary["received"], &summary["loss_ratio"]), (&3.into(), &3.into(), &0.0.into()));
    has(summary, &["address", "method", "engine", "late", "duplicates", "reordered", "jitter_ms", "pdv_ms"]);
    has(&summary["rtt_ms"], &["min", "mean", "median", "p90", "p95", "p99", "max", "stddev"]);
}

#[test]
fn a_trace_gives_its_path() {
    let (code, lines) = lines(&["trace", "-c", "1", "-n", "--json", "127.0.0.1"]);
    assert_eq!(code, 0);
    has(&lines[0], &["round", "ttl", "outcome", "address", "rtt_ms"]);
    let summary = lines.last().expect("a summary");
    assert_eq!((&summary["type"], &summary["reached"]), (&"summary".into(), &true.into()));
    has(&summary["hops"][0], &["ttl", "addresses", "sent", "received", "loss_ratio", "loss_persists", "rtt_ms"]);
    assert_eq!(summary["hops"][0]["addresses"][0]["address"], "127.0.0.1");
}

#[test]
fn the_machine_is_one_object() {
    let (code, lines) = lines(&["info", "--json"]);
    assert_eq!((code, lines.len()), (0, 1));
    assert_eq!(lines[0]["type"], "summary");
}

#[test]
fn what_cannot_be_measured_is_an_error_object_and_exit_3() {
    let (code, lines) = lines(&["ping", "--json", "no-such-name.invalid"]);
    assert_eq!((code, lines.len()), (3, 1));
    assert_eq!((&lines[0]["type"], &lines[0]["kind"]), (&"error".into(), &"name_not_found".into()));
    has(&lines[0], &["message", "hint"]);
}

#[test]
fn a_destination_that_never_answers_is_exit_1() {
    // TCP to a port of ours that nobody listens on would be answered; a lost probe needs an address that is silent.
    let (code, lines) = lines(&["ping", "--json", "-c", "1", "-W", "50ms", "--udp", "9", "127.0.0.1"]);
    assert_eq!(code, 1);
    assert_eq!(lines.last().expect("a summary")["received"], 0);
}

#[test]
fn a_speed_test_against_nobody_is_exit_1() {
    let (code, lines) = lines(&["speed", "--json", "--direction", "download", "http://127.0.0.1:1/file"]);
    assert_eq!(code, 1);
    assert_eq!(lines.last().expect("an error")["kind"], "unreachable");
}

#[cfg(unix)]
#[test]
fn an_interrupted_ping_still_gives_its_summary_and_is_exit_130() {
    use std::io::{BufRead, BufReader, Read};
    let home = tempfile::tempdir().expect("a folder");
    let mut program = crate::program::program(&home);
    program.args(["ping", "--json", "-c", "1000", "-i", "20ms", "127.0.0.1"]).stdout(std::process::Stdio::piped());
    let mut child = program.spawn().expect("the program runs");
    let mut output = BufReader::new(child.stdout.take().expect("piped"));
    let mut first = String::new();
    output.read_line(&mut first).expect("a sample");
    let killed = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill");
    assert!(killed.success());
    let mut rest = String::new();
    output.read_to_string(&mut rest).expect("the rest");
    assert_eq!(child.wait().expect("it ends").code(), Some(130));
    let summary: Value = serde_json::from_str(rest.lines().last().expect("a summary")).expect("JSON");
    assert_eq!(summary["type"], "summary");
    assert!(summary["sent"].as_u64().expect("a count") < 1000);
}
