//! The listener as a container runs it: in a root that holds nothing but the program and the system's random numbers, as
//! every container engine gives them, as a user whom no system knows, without any capability, and with one folder that it
//! may write to.

use std::collections::BTreeSet;
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::Command;

use cnc_integration_tests::client::Client;
use cnc_integration_tests::listener::{Listener, QUICK};
use cnc_integration_tests::programs::{found_or_skip, program};
use cnc_integration_tests::store;
use tempfile::TempDir;

use crate::files::{said, told};

/// The image's user and group.
const NOBODY: u32 = 65_532;
/// Names the static program, as it is handed out.
pub(crate) const STATIC: &str = "CNC_STATIC_LISTENER";

#[tokio::test(flavor = "multi_thread")]
async fn a_root_with_the_program_and_its_libraries_alone_serves() {
    let program = program("cnc-listener");
    let libraries = libraries(&program);
    assert!(!libraries.is_empty(), "the tests' own build is no static one");
    serves(&program, &libraries).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes to build what it runs: cargo xtask deploy-check"]
async fn an_empty_root_with_the_static_program_serves() {
    let program = PathBuf::from(std::env::var_os(STATIC).expect("cargo xtask deploy-check names it"));
    assert_eq!(libraries(&program), [] as [PathBuf; 0], "a static program needs none");
    serves(&program, &[]).await;
}

/// Runs a whole session with a listener in such a root.
#[expect(clippy::print_stderr, reason = "a test's skipping must be seen where its result is")]
async fn serves(program: &Path, libraries: &[PathBuf]) {
    if !rustix::process::geteuid().is_root() {
        assert!(std::env::var_os("CI").is_none(), "only root can change the root, and CI skips nothing");
        eprintln!("SKIPPED: needs root, to change the root");
        return;
    }
    if found_or_skip("setpriv").is_none() {
        return;
    }
    let root = root(program, libraries);
    let path = root.path().to_owned();
    let before = outside_data(&path);
    let mut command = Command::new("setpriv");
    command.args(["--no-new-privs", "chroot", &format!("--userspec={NOBODY}:{NOBODY}"), "--groups="]);
    command.arg(&path).arg("/cnc-listener").env("SQLITE_TMPDIR", "/data");
    let listener = Listener::start_in_root(command, root, QUICK).await;
    assert_eq!(privileges(listener.process()), [format!("{NOBODY}"), "0000000000000000".into(), "1".into()]);

    let mut staff = listener.staff().await;
    let made = staff.create_session(Some("quick")).await;
    let (id, session) = (made.session.id, made.session.id.to_string());
    let mut watcher = staff.watch(id).await;
    let client = Client::run(listener.url(), Some(&made.code.to_string()));
    watcher.plan_done().await;
    staff.end(id).await;
    watcher.over().await;
    let ended = client.ended().await;

    assert_eq!(ended.code, 0, "{}", ended.said);
    let outcomes = store::outcomes(&listener.store(), &session);
    assert_eq!(outcomes.len(), 4, "{outcomes:?}");
    assert!(outcomes.iter().all(|(_, outcome)| outcome.as_deref() == Some("completed")), "{outcomes:?}");
    assert_eq!(store::samples(&listener.store(), &session), ended.samples_sent());
    let report = fs::read_to_string(listener.report(&session)).expect("the report is written");
    assert!(report.contains(&session));
    assert_eq!(outside_data(&path), before, "it wrote to nothing but its data folder");
    assert_eq!(listener.stop().await, Some(0));
}

/// Makes a root: the program, what it cannot start without, and an empty data folder.
fn root(program: &Path, libraries: &[PathBuf]) -> TempDir {
    let root = tempfile::tempdir().expect("a folder");
    fs::set_permissions(root.path(), Permissions::from_mode(0o755)).expect("it is ours");
    fs::copy(program, root.path().join("cnc-listener")).expect("copied");
    for library in libraries {
        let place = root.path().join(library.strip_prefix("/").expect("a path from the root"));
        fs::create_dir_all(place.parent().expect("it lies in a folder")).expect("made");
        fs::copy(library, place).expect("copied");
    }
    // A static C library does not find the kernel's own call, and so the program asks these.
    fs::create_dir(root.path().join("dev")).expect("made");
    for (name, minor) in [("random", "8"), ("urandom", "9")] {
        said(
            Command::new("mknod").args(["--mode=0666"]).arg(root.path().join("dev").join(name)).args(["c", "1", minor]),
        );
    }
    let data = root.path().join("data");
    fs::create_dir(&data).expect("made");
    fs::set_permissions(&data, Permissions::from_mode(0o700)).expect("it is ours");
    chown(&data, Some(NOBODY), Some(NOBODY)).expect("root may");
    root
}

/// Lists the libraries that a program is loaded with, its loader among them; a static one has none.
fn libraries(program: &Path) -> Vec<PathBuf> {
    let (_, listed) = told(Command::new("ldd").arg(program));
    let path = |line: &str| line.split_whitespace().find(|word| word.starts_with('/')).map(PathBuf::from);
    listed.lines().filter(|line| line.contains("(0x")).filter_map(path).collect()
}

/// Lists all files and folders of a root but those in its data folder, with their sizes.
fn outside_data(root: &Path) -> BTreeSet<(PathBuf, u64)> {
    let mut found = BTreeSet::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()) {
            let data = entry.symlink_metadata().expect("it is there");
            if data.is_dir() && entry != root.join("data") {
                folders.push(entry.clone());
            }
            found.insert((entry, if data.is_file() { data.len() } else { 0 }));
        }
    }
    found
}

/// Gives a process's user, its capabilities, and whether it can gain none.
fn privileges(id: u32) -> [String; 3] {
    let status = fs::read_to_string(format!("/proc/{id}/status")).expect("it runs");
    ["Uid:", "CapEff:", "NoNewPrivs:"].map(|name| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).expect("Linux tells it");
        line.split_whitespace().next().expect("a value").to_owned()
    })
}
