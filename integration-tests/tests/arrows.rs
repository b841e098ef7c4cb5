//! Holds the table of allowed arrows between the workspace's crates against `cargo metadata`. A new arrow must stand in
//! the same change as its line here.

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::Value;

/// Who may know whom in what is shipped.
const ARROWS: &[(&str, &[&str])] = &[
    ("cnc-model", &[]),
    ("cnc-proto", &["cnc-model"]),
    ("cnc-probe", &["cnc-model"]),
    ("cnc-client", &["cnc-model", "cnc-probe", "cnc-proto"]),
    // The probe crate for the responding end of throughput tests only.
    ("cnc-server", &["cnc-model", "cnc-probe", "cnc-proto"]),
    ("cnc-lab", &[]),
    ("cnc-integration-tests", &["cnc-client", "cnc-lab", "cnc-model", "cnc-probe", "cnc-proto", "cnc-server"]),
    ("xtask", &["cnc-lab"]),
];

/// Who may know whom in tests only.
const TEST_ARROWS: &[(&str, &[&str])] =
    &[("cnc-integration-tests", &["cnc-client", "cnc-lab", "cnc-model", "cnc-probe", "cnc-proto", "cnc-server"])];

#[test]
fn every_arrow_stands_in_the_table() {
    for package in packages() {
        let name = package["name"].as_str().unwrap();
        let allowed = arrows(ARROWS, name).unwrap_or_else(|| panic!("{name} has no line in the table"));
        let in_tests = arrows(TEST_ARROWS, name).unwrap_or_default();
        for dependency in package["dependencies"].as_array().unwrap() {
            let other = dependency["name"].as_str().unwrap();
            let test_only = dependency["kind"] == "dev";
            let ours = arrows(ARROWS, other).is_some();
            assert!(
                !ours || allowed.contains(other) || (test_only && in_tests.contains(other)),
                "{name} may not know {other}; where it must, the arrow is written down here with its reason"
            );
        }
    }
}

#[test]
fn every_line_of_the_table_is_a_package() {
    let packages = packages();
    let names: BTreeSet<_> = packages.iter().map(|package| package["name"].as_str().unwrap()).collect();
    for (name, _) in ARROWS.iter().chain(TEST_ARROWS) {
        assert!(names.contains(name), "{name} is no package of this workspace");
    }
}

fn arrows<'a>(table: &[(&str, &'a [&'a str])], name: &str) -> Option<BTreeSet<&'a str>> {
    table.iter().find(|(from, _)| *from == name).map(|(_, to)| to.iter().copied().collect())
}

fn packages() -> Vec<Value> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline", "--manifest-path"])
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml"))
        .output()
        .expect("cargo can be started");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo writes JSON");
    metadata["packages"].as_array().expect("the workspace has packages").clone()
}
