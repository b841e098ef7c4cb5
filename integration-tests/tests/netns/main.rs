//! Truth: the real programs in networks whose faults are known, and what they say held against what was configured.
//!
//! Needs root. Runs alone on the machine (see `.config/nextest.toml`), since timing is what is tested.

use std::path::Path;
use std::process::Command;

use cnc_integration_tests::listener::Listener;
use cnc_integration_tests::programs::program;
use cnc_lab::{Host, Lab, Scenario};

mod answers;
mod between;
mod crowd;
mod dead;
mod echo;
mod icmp;
mod load;
mod loss;
mod mtu;
mod names;
mod path;
mod privilege;
mod rate;
mod rtt;
mod session;
mod shapes;
mod sides;
mod turns;

/// Builds a network, or gives `None` where that cannot be done and a skip was told.
fn lab(scenario: &str) -> Option<Lab> {
    if !cnc_lab::root_or_skip(scenario) {
        return None;
    }
    let scenario = Scenario::named(scenario).expect("the scenario exists");
    Some(Lab::build(&scenario).expect("the network can be built"))
}

/// The command that runs one of the product's programs on a host of a network.
fn on(host: &Host, name: &str) -> Command {
    host.command(utf8(&program(name)))
}

/// Gives what the listener on a host counts.
fn metrics(listener: &Listener, host: &Host) -> String {
    let header = format!("authorization: Bearer {}", listener.token());
    let url = format!("{}/metrics", listener.url());
    let output = host.command("curl").args(["--silent", "--noproxy", "*", "--header", &header, &url]).output();
    String::from_utf8(output.expect("curl runs").stdout).expect("text")
}

fn utf8(path: &Path) -> &str {
    path.to_str().expect("the build's folder has a name in UTF-8")
}
