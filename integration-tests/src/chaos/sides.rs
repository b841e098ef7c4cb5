//! The two programs, each killed and started again at will with what it left on its disk.

use std::path::PathBuf;
use std::process::{Command as Plain, Stdio};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::network::Network;
use crate::programs::{program, signal};

/// How long a start may take on a machine that does much else.
const START: Duration = Duration::from_secs(30);

/// The room of the listener's disk where it can fill up, in bytes: a day's samples fit many times.
const DISK_BYTES: u64 = 24 << 20;

const CONFIG: &str = r#"
operator = "the tests"

[waits]
grace = "60s"
ending = "20s"

[plan.bad]
description = "only the machine; tests are pushed by hand"

[[plan.bad.stage]]
tests = [{ system = true }]
"#;

fn path(name: &str) -> String {
    program(name).to_str().expect("the build's folder has a name in UTF-8").to_owned()
}

/// The listener's side.
pub(super) struct Listener {
    child: Option<Child>,
    reading: JoinSet<()>,
    disk: Disk,
}

/// A small disk of the listener's own, mounted while this lives.
struct Disk(TempDir);

impl Disk {
    fn mount() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let size = format!("size={DISK_BYTES}");
        let mounted = Plain::new("mount").args(["-t", "tmpfs", "-o", &size, "cnc-chaos"]).arg(folder.path()).status();
        assert!(mounted.expect("mount runs").success(), "root may mount");
        Self(folder)
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Lazily: a listener that was just killed may still be on its way out. What stays would be memory.
        let unmounted = Plain::new("umount").arg("-l").arg(self.0.path()).status();
        debug_assert!(unmounted.is_ok_and(|status| status.success()));
    }
}

impl Listener {
    pub(super) fn new() -> Self {
        Self { child: None, reading: JoinSet::new(), disk: Disk::mount() }
    }

    /// Starts it, and waits until it listens.
    pub(super) async fn start(&mut self, network: &Network) {
        let data = self.disk.0.path().join("data");
        let config = self.disk.0.path().join("listener.toml");
        std::fs::write(&config, CONFIG).expect("the config can be written");
        let mut command = Command::from(network.at_listener(&path("cnc-listener")));
        command.args(["serve", "--behind-tls-proxy", "--listen", &network.listen().to_string(), "--config"]);
        command.arg(&config).arg("--data").arg(&data);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
        let mut child = command.spawn().expect("cnc-listener can be started");
        let mut said = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        let listens = async {
            while let Some(line) = said.next_line().await.expect("its words can be read") {
                if line.starts_with("listening on ") {
                    return;
                }
            }
            panic!("the listener ended before it listened");
        };
        timeout(START, listens).await.expect("it listens in time");
        self.reading.spawn(async move {
            // Liveness: the listener's end closes it.
            while let Ok(Some(_)) = said.next_line().await {}
        });
        self.child = Some(child);
    }

    /// Kills it as a crash does.
    pub(super) async fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().await.expect("it can be killed");
        }
    }

    /// Ends it as an upgrade does.
    pub(super) async fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            signal(&child, "TERM").await;
            let status = timeout(START, child.wait()).await.expect("it ends in time").expect("it can be waited for");
            assert_eq!(status.code(), Some(0), "it ends well");
        }
    }

    /// Fills its disk to the last byte.
    pub(super) fn fill(&self) {
        let file = self.ballast();
        // It ends with an error, which is what is wanted.
        let mut zeroes = std::io::Read::take(std::io::repeat(0), 2 * DISK_BYTES);
        let mut ballast = std::fs::File::create(file).expect("a file needs no room");
        std::io::copy(&mut zeroes, &mut ballast).unwrap_or_default();
    }

    /// Makes room again.
    pub(super) fn free(&self) {
        // There may be nothing to remove.
        std::fs::remove_file(self.ballast()).unwrap_or_default();
    }

    fn ballast(&self) -> PathBuf {
        self.disk.0.path().join("ballast")
    }

    pub(super) fn store(&self) -> PathBuf {
        self.disk.0.path().join("data/cnc.db")
    }

    pub(super) fn reports(&self) -> PathBuf {
        self.disk.0.path().join("data/reports")
    }

    /// Runs one of the listener's commands as its admin, from its own place. `None` when it does not answer.
    pub(super) async fn staff(&self, network: &Network, arguments: &[&str]) -> Option<Value> {
        let mut command = Command::from(network.at_listener(&path("cnc-listener")));
        command.arg("session").args(arguments).args(["--json", "--listener", &format!("http://{}", network.listen())]);
        command.arg("--token-file").arg(self.disk.0.path().join("data/admin.token"));
        command.stdin(Stdio::null()).kill_on_drop(true);
        let output = timeout(START, command.output()).await.ok()?.ok()?;
        serde_json::from_slice(&output.stdout).ok().filter(|_| output.status.success())
    }
}

/// The client's side.
pub(super) struct Client {
    child: Option<Child>,
    home: TempDir,
}

impl Client {
    pub(super) fn new() -> Self {
        Self { child: None, home: tempfile::tempdir().expect("a folder") }
    }

    /// Starts it with the code that it was given; what it finds in its folder it goes on with.
    pub(super) fn start(&mut self, network: &Network, code: &str) {
        let mut command = Command::from(network.at_client(&path("cnc")));
        let listener = format!("http://{}", network.listen());
        command.args(["run", "--allow-loopback", "--yes", "--listener", &listener, "--code", code, "--save"]);
        command.arg(self.log());
        for place in ["HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME"] {
            command.env(place, self.home.path());
        }
        let screen = std::fs::File::options().create(true).append(true).open(self.screen()).expect("a file");
        let errors = screen.try_clone().expect("a file");
        command.stdin(Stdio::null()).stdout(screen).stderr(errors).kill_on_drop(true);
        self.child = Some(command.spawn().expect("cnc can be started"));
    }

    /// Kills it as a crash does.
    pub(super) async fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().await.expect("it can be killed");
        }
    }

    /// Waits for its end; `None` when it does not come in time.
    pub(super) async fn ended(&mut self, patience: Duration) -> Option<i32> {
        let child = self.child.as_mut()?;
        timeout(patience, child.wait()).await.ok()?.expect("it can be waited for").code()
    }

    /// Tells whether it has ended by itself.
    pub(super) fn has_ended(&mut self) -> bool {
        self.child.as_mut().is_none_or(|child| child.try_wait().is_ok_and(|status| status.is_some()))
    }

    /// Gives the file in which it writes down what it made and what was acknowledged.
    pub(super) fn log(&self) -> PathBuf {
        self.home.path().join("saved.jsonl")
    }

    /// Gives all that it has shown.
    pub(super) fn shown(&self) -> String {
        std::fs::read_to_string(self.screen()).unwrap_or_default()
    }

    fn screen(&self) -> PathBuf {
        self.home.path().join("screen")
    }
}
