//! The systemd units and the scripts: sound by systemd's and the shell's own judges, and as closed as they claim to be.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use cnc_integration_tests::programs::{found_or_skip, program};

use crate::files::{deploy, said, text, with_ending};

/// How open a unit may be by systemd's judgement, in tenths: the listener needs the network and low ports.
const OPEN: [(&str, u32); 2] = [("cnc-listener.service", 20), ("cnc-backup.service", 10)];

#[test]
fn systemd_takes_the_units() {
    if found_or_skip("systemd-analyze").is_none() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    // The programs are not where the units want them, but where they were built.
    let places = [
        ("/usr/local/bin/cnc-listener", program("cnc-listener")),
        ("/usr/local/lib/cnc/cnc-backup", deploy("systemd/cnc-backup")),
        ("/usr/local/lib/cnc/cnc-secrets", deploy("terraform/vm/cnc-secrets")),
    ];
    let units = ["systemd", "terraform/vm"].map(|folder| with_ending(folder, &["service", "timer"])).concat();
    let copies: Vec<_> = units.iter().map(|unit| placed(unit, folder.path(), &places)).collect();
    let judged = said(Command::new("systemd-analyze").args(["verify", "--man=no"]).args(&copies));
    let about_them: Vec<_> = judged.lines().filter(|line| line.contains("cnc-")).collect();
    assert!(about_them.is_empty(), "{about_them:#?}");
}

#[test]
fn the_units_are_as_closed_as_they_can_be() {
    if found_or_skip("systemd-analyze").is_none() {
        return;
    }
    for (unit, tenths) in OPEN {
        let unit = deploy("systemd").join(unit);
        let threshold = format!("--threshold={tenths}");
        said(Command::new("systemd-analyze").args(["security", "--no-pager", "--offline=true", &threshold]).arg(&unit));
    }
}

#[test]
fn the_scripts_hold_before_the_shells_judge() {
    if found_or_skip("shellcheck").is_none() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let start = folder.path().join("start.sh");
    fs::write(&start, rendered(&text("terraform/vm/start.sh.tftpl"))).expect("written");
    let scripts = [deploy("systemd/cnc-backup"), deploy("terraform/vm/cnc-secrets"), start];
    said(Command::new("shellcheck").args(&scripts));
}

#[test]
fn a_bigquery_that_says_no_keeps_no_listener_from_starting() {
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path().to_str().expect("a path that is text");
    let mut script = rendered(&text("terraform/vm/start.sh.tftpl"));
    for place in ["/etc/", "/usr/local/", "/var/lib/", "/dev/disk/"] {
        script = script.replace(place, &format!("{root}{place}"));
    }
    // Everything that it runs of the machine only notes that it was run; of those the one for BigQuery fails.
    let programs = folder.path().join("programs");
    fs::create_dir(&programs).expect("made");
    for name in ["blkid", "e2label", "mount", "systemd-sysusers", "systemctl", "sha256sum", "gcloud", "runuser"] {
        let fails = if name == "runuser" { "echo \"cannot see the dataset\" >&2; exit 1" } else { "exit 0" };
        let stub = format!("#!/bin/sh\necho \"{name} $*\" >> {root}/told\n{fails}\n");
        let file = programs.join(name);
        fs::write(&file, stub).expect("written");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).expect("set");
    }
    for file in ["/usr/local/lib/cnc/cnc-secrets", "/etc/fstab"] {
        let file = PathBuf::from(format!("{root}{file}"));
        fs::create_dir_all(file.parent().expect("a folder")).expect("made");
        fs::write(file, "").expect("written");
    }
    let path = format!("{}:{}", programs.display(), std::env::var("PATH").expect("there is one"));
    let output = Command::new("bash").args(["-c", &script]).env("PATH", path).output().expect("bash is there");
    let told = fs::read_to_string(folder.path().join("told")).expect("it ran something");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}\n{told}");
    let place = |what: &str| told.find(what).unwrap_or_else(|| panic!("{what:?} was not run: {told}"));
    assert!(place("systemctl restart cnc-listener.service") < place("runuser -u cnc"), "nothing waits: {told}");
    assert!(said.contains("cannot see the dataset") && said.contains("cnc: BigQuery is not set up"), "{said}");
}

/// Writes a unit with the programs where they are.
fn placed(unit: &Path, folder: &Path, places: &[(&str, PathBuf)]) -> PathBuf {
    let mut text = fs::read_to_string(unit).expect("a unit");
    for (place, real) in places {
        text = text.replace(place, real.to_str().expect("a path that is text"));
    }
    let file = folder.join(unit.file_name().expect("a file"));
    fs::write(&file, text).expect("written");
    file
}

/// Gives a script as Terraform would write it, with one turn of its loop.
fn rendered(template: &str) -> String {
    let lines = template.lines().filter(|line| !line.starts_with("%{"));
    let mut text: String = lines.flat_map(|line| [line, "\n"]).collect();
    let values = [
        ("path", "/etc/x"),
        ("content", "eA=="),
        ("config", "eA=="),
        ("bucket", "b"),
        ("object", "o"),
        ("sha256", "0"),
        ("secrets", "cnc"),
    ];
    for (name, value) in values {
        text = text.replace(&format!("${{{name}}}"), value);
    }
    assert!(!text.contains("${"), "an unknown value: {text}");
    text
}
