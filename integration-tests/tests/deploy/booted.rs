//! The listener under a real systemd, by the unit as it is handed out, in namespaces of its own: what the unit takes away is
//! not missed by a whole session.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use cnc_integration_tests::client::Client;
use cnc_integration_tests::programs::program;
use cnc_integration_tests::store;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::net::unix::pipe;
use tokio::process::Child;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::files::{deploy, repository, said, text};
use crate::root::STATIC;

/// How long systemd and the listener may take to begin.
const BOOT: Duration = Duration::from_mins(1);
/// What the listener measures here, each way that it answers.
const PLAN: &str = r#"
[plan.default]
description = "each way that the listener answers"

[[plan.default.stage]]
tests = [{ ping = "listener", protocol = "tcp:443", count = 5, interval = "20ms" }, { ping = "listener", protocol = "udp:443", count = 5, interval = "20ms" }]

[[plan.default.stage]]
tests = [{ download = "listener", flows = 2, duration = "1s" }]

[[plan.default.stage]]
tests = [{ upload = "listener", flows = 2, duration = "1s" }]
"#;

/// Where the export would go, if anybody answered there.
const GOOGLE: &str = r#"
[google]
project = "p"
credentials = "metadata"
dataset = "d"

[google.endpoints]
bigquery = "http://127.0.0.1:9/bigquery/v2"
storage = "http://127.0.0.1:9"
metadata = "http://127.0.0.1:9/token"
"#;

/// A machine that runs systemd and the listener. Dropping it ends both.
struct Machine {
    /// Ends with what it runs, and what it runs with it.
    _unshare: Child,
    /// systemd's process, by this machine's count.
    systemd: String,
    /// Reads what the listener says, so that it never waits for a reader.
    _reading: JoinSet<()>,
}

impl Machine {
    /// Boots one, and waits until its listener says that it listens.
    async fn boot(folder: &Path, listener: &Path) -> Self {
        let told = folder.join("told");
        said(Command::new("mkfifo").arg(&told));
        let mut from = BufReader::new(pipe::OpenOptions::new().read_write(true).open_receiver(&told).expect("a pipe"));
        let mut command = tokio::process::Command::new("unshare");
        command.args(["--mount", "--pid", "--fork", "--kill-child", "--cgroup", "--ipc", "--uts", "--net"]);
        command.arg("sh").arg(repository("integration-tests/tests/deploy/boot.sh"));
        command.args([folder, listener, &deploy("")]).stdin(Stdio::null()).kill_on_drop(true);
        let unshare = command.spawn().expect("unshare can be started");
        let listens = async {
            let mut all = String::new();
            // Liveness: the time that a boot may take.
            while !all.contains("listening on ") {
                assert!(from.read_line(&mut all).await.expect("it is text") > 0);
            }
        };
        timeout(BOOT, listens).await.expect("it listens in time");
        let id = unshare.id().expect("it runs");
        let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children")).expect("it runs");
        let mut reading = JoinSet::new();
        reading.spawn(async move {
            let mut lines = from.lines();
            // Liveness: the machine's end drops it.
            while let Ok(Some(_)) = lines.next_line().await {}
        });
        Self { _unshare: unshare, systemd: children.trim().to_owned(), _reading: reading }
    }

    /// Makes a command within it.
    fn command(&self) -> Command {
        let mut command = Command::new("nsenter");
        command.args([
            "--target",
            &self.systemd,
            "--mount",
            "--pid",
            "--net",
            "--ipc",
            "--uts",
            "--cgroup",
            "--root",
            "--wd=/",
        ]);
        command
    }

    /// Gives a file of its.
    fn file(&self, path: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/root{path}", self.systemd))
    }

    /// Asks systemd for one property of the listener.
    fn property(&self, name: &str) -> String {
        let shown = said(self.command().args(["systemctl", "show", "--value", "--property", name, "cnc-listener"]));
        shown.trim().to_owned()
    }

    /// Gives the scheduling policy of one of the listener's threads, as proc(5) counts fields and Linux policies.
    fn policy(&self, thread: &str) -> String {
        let tasks = fs::read_dir(self.file(&format!("/proc/{}/task", self.property("MainPID")))).expect("it runs");
        let of = format!("({thread}) ");
        // A thread may end meanwhile.
        let mut stats = tasks.filter_map(|task| fs::read_to_string(task.ok()?.path().join("stat")).ok());
        let stat = stats.find(|stat| stat.contains(&of)).expect("it has the thread");
        let (_, after) = stat.split_once(&of).expect("found");
        after.split_whitespace().nth(41 - 3).expect("so many fields").to_owned()
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "boots systemd as root, with a program that takes minutes to build: cargo xtask deploy-check"]
async fn a_session_misses_nothing_of_what_the_unit_takes_away() {
    let listener = PathBuf::from(std::env::var_os(STATIC).expect("cargo xtask deploy-check names it"));
    let folder = tempfile::tempdir().expect("a folder");
    let file = |name: &str| folder.path().join(name);
    let config = text("listener.toml").replace("walk_in = false", "walk_in = true");
    fs::write(file("listener.toml"), config + PLAN + GOOGLE).expect("written");
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).expect("a certificate");
    fs::write(file("cert.pem"), made.cert.pem()).expect("written");
    fs::write(file("key.pem"), made.signing_key.serialize_pem()).expect("written");

    let machine = Machine::boot(folder.path(), &listener).await;
    let status =
        fs::read_to_string(machine.file(&format!("/proc/{}/status", machine.property("MainPID")))).expect("it runs");
    let line = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)).expect("Linux tells it").trim();
    assert!(!line("Uid:").starts_with('0'), "a user of its own");
    // Binding ports below 1024 is the tenth.
    assert_eq!([line("CapPrm:"), line("CapBnd:")], ["0000000000000400"; 2]);
    assert_eq!([line("NoNewPrivs:"), line("Seccomp:")], ["1", "2"]);

    let mut command = Command::new("nsenter");
    command.args(["--target", &machine.systemd, "--net"]).arg(program("cnc"));
    command.args(["--allow-loopback", "--ca"]).arg(file("cert.pem"));
    let ended = Client::run_by(command, "https://127.0.0.1", None).ended().await;
    assert_eq!(ended.code, 0, "{}", ended.said);
    // SCHED_IDLE: the export yields to live sessions.
    assert_eq!(machine.policy("export"), "5");
    let reports = fs::read_dir(machine.file("/var/lib/cnc/reports")).expect("it writes reports");
    let reports: Vec<_> = reports.map(|report| report.expect("an entry").path()).collect();
    let [report] = &reports[..] else { panic!("one report: {reports:?}") };
    let session = report.file_stem().expect("a name").to_str().expect("text");
    said(machine.command().args(["systemctl", "stop", "cnc-listener"]));
    assert_eq!([machine.property("Result"), machine.property("ExecMainStatus")], ["success", "0"]);
    // SQLite would follow the way there to this machine's own root.
    fs::copy(machine.file("/var/lib/cnc/cnc.db"), file("cnc.db")).expect("whole, now that nobody has it open");
    let outcomes = store::outcomes(&file("cnc.db"), session);
    let kinds = ["ping", "ping", "download", "upload"];
    let completed = kinds.map(|kind| (kind.to_owned(), Some("completed".to_owned())));
    assert_eq!(outcomes, completed, "{}", ended.said);

    // Settings that are wrong are not tried again and again.
    fs::write(machine.file("/etc/cnc/listener.toml"), "walk_in = \"perhaps\"\n").expect("written");
    said(machine.command().args(["systemctl", "start", "cnc-listener"]));
    let ends = async {
        // Liveness: the time that a boot may take. Without a bus nobody tells when a service ends, but by being asked.
        while ["active", "deactivating"].contains(&machine.property("ActiveState").as_str()) {
            tokio::task::yield_now().await;
        }
    };
    timeout(BOOT, ends).await.expect("it ends in time");
    let properties = ["ActiveState", "Result", "ExecMainStatus", "NRestarts"].map(|name| machine.property(name));
    assert_eq!(properties, ["failed", "exit-code", "2", "0"]);
}
