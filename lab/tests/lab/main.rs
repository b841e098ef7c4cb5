//! The lab against independent programs: what a scenario says is what ping and iperf3 see.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod truth;
mod upkeep;

use std::process::Command;

use cnc_lab::{Lab, Scenario};

/// Builds a named scenario, or tells that it cannot be here.
fn lab(name: &str) -> Option<Lab> {
    cnc_lab::root_or_skip(name).then(|| build(&Scenario::named(name).expect("it is embedded")))
}

fn build(scenario: &Scenario) -> Lab {
    Lab::build(scenario).unwrap_or_else(|error| panic!("{error}: {error:?}"))
}

/// Runs a command on a host to its end and gives what it printed, whatever its exit code: ping's tells of losses.
fn output(lab: &Lab, host: &str, line: &str) -> String {
    let mut words = line.split_whitespace();
    let mut command = lab.host(host).unwrap().command(words.next().unwrap());
    let output = command.args(words).output().unwrap();
    String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap()
}

/// The round trips that ping printed, in milliseconds, in the order they came.
fn round_trips(printed: &str) -> Vec<f64> {
    let times = printed.lines().filter_map(|line| line.split_once(" time=")?.1.split_once(" ms"));
    times.map(|(time, _)| time.parse().unwrap()).collect()
}

fn median(values: &[f64]) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// The namespaces there are.
fn namespaces() -> Vec<String> {
    let output = Command::new("ip").args(["netns", "list"]).output().unwrap();
    let names = String::from_utf8(output.stdout).unwrap();
    names.lines().filter_map(|line| Some(line.split_whitespace().next()?.to_owned())).collect()
}
