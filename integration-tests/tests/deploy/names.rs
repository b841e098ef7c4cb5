//! The programs as they are handed out, on a system whose `nsswitch.conf` lists what was made for another C library, as
//! with mDNS or systemd: they find names all the same, and load none of it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use cnc_integration_tests::programs::found_or_skip;
use tempfile::TempDir;

use crate::files::said;

/// Names the static client, as it is handed out.
const CLIENT: &str = "CNC_STATIC_CLIENT";
/// What a program ends with that has loaded the foreign module.
const LOADED: i32 = 99;
/// Where the C library of a Linux with glibc looks for modules.
const MODULES: &str = "lib/x86_64-linux-gnu";

#[test]
#[ignore = "takes minutes to build what it runs: cargo xtask deploy-check"]
fn static_programs_find_names_without_the_systems_modules() {
    let Some(compiler) = found_or_skip("cc") else { return };
    let root = root(&compiler);
    let ping = ran(root.path(), CLIENT, &["ping", "somewhere", "-c", "1", "--json"]);
    assert!(ping.contains("127.0.0.1"), "{ping}");
    // The name is found, and nobody listens there.
    let list = ran(root.path(), crate::root::STATIC, &["session", "list", "--listener", "http://somewhere:1"]);
    assert!(list.contains("somewhere"), "{list}");
}

/// Runs one of the programs in a root, and gives what it said.
fn ran(root: &Path, variable: &str, arguments: &[&str]) -> String {
    let program = PathBuf::from(std::env::var_os(variable).expect("cargo xtask deploy-check names it"));
    fs::copy(&program, root.join("program")).expect("copied");
    let mut command = Command::new("chroot");
    command.arg(root).arg("/program").args(arguments).env("CNC_TOKEN", "a-token-that-nobody-looks-at-in-this-test");
    let output = command.output().expect("it can be started");
    let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.code().is_some_and(|code| code != LOADED), "{}: {text}", output.status);
    text
}

/// Makes a root in whose list of sources the foreign module stands first.
fn root(compiler: &Path) -> TempDir {
    let root = tempfile::tempdir().expect("a folder");
    let path = root.path();
    for folder in ["etc", MODULES] {
        fs::create_dir_all(path.join(folder)).expect("made");
    }
    fs::write(path.join("etc/nsswitch.conf"), "passwd: foreign files\nhosts: foreign files dns\n").expect("written");
    fs::write(path.join("etc/hosts"), "127.0.0.1 somewhere\n").expect("written");
    let source = path.join("foreign.c");
    let ends = format!(
        "__attribute__((constructor)) static void ends(void) \
         {{ __asm__ volatile(\"syscall\" :: \"a\"(231), \"D\"({LOADED}) : \"rcx\", \"r11\", \"memory\"); }}\n"
    );
    fs::write(&source, ends).expect("written");
    let module = path.join(MODULES).join("libnss_foreign.so.2");
    said(Command::new(compiler).args(["-shared", "-nostdlib", "-fPIC", "-o"]).arg(module).arg(&source));
    root
}
