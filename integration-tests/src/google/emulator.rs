//! A BigQuery emulator, as `cargo xtask test` sets it up under `target/`: started on free ports, and ended with its owner.

use std::ffi::OsStr;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use cnc_server::google::{Credentials, Endpoints, Google};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

/// A running emulator; dropping it kills it.
#[derive(Debug)]
pub struct Emulator {
    child: Child,
    /// Where REST is answered.
    pub rest: SocketAddr,
    /// Where gRPC is answered.
    pub grpc: SocketAddr,
}

/// Finds the emulator, or gives `None` after telling that a test is skipped without it.
///
/// # Panics
/// Where the environment has `CI`: there a skipped test would be a lie.
#[expect(clippy::print_stderr, reason = "a test's skipping must be seen where its result is")]
#[must_use]
pub fn found_or_skip() -> Option<PathBuf> {
    let test = std::env::current_exe().expect("a running program has a path");
    let place = test.ancestors().map(|folder| folder.join("bqemulator")).find(|folder| folder.join("ready").is_file());
    if place.is_none() {
        assert!(std::env::var_os("CI").is_none(), "the BigQuery emulator is not there, and CI skips nothing");
        eprintln!("SKIPPED: needs the BigQuery emulator; `cargo xtask test` sets it up");
    }
    place
}

impl Emulator {
    /// Starts it and waits until it answers; with a folder it keeps there what it has.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start(place: &Path, data: Option<&Path>) -> Self {
        let kept = data.map(|data| [OsStr::new("--persistent"), OsStr::new("--data-dir"), data.as_os_str()]);
        Self::run(place, &["-m", "bqemulator"], kept.iter().flatten()).await
    }

    /// Starts one that takes a million rows: without time travel, for which it would copy a whole table with each
    /// append, until the machine has no memory left.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start_without_time_travel(place: &Path) -> Self {
        let program = "from bqemulator.cli import main\n\
                       from bqemulator.versioning.snapshots import SnapshotManager\n\
                       SnapshotManager.capture = lambda *_, **__: None\n\
                       main()";
        Self::run(place, &["-c", program], [""; 0]).await
    }

    async fn run(place: &Path, program: &[&str], more: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Self {
        let mut command = Command::new(place.join("venv/bin/python"));
        command
            .args(program)
            .args(["start", "--rest-port", "0", "--grpc-port", "0", "--log-format", "json"])
            .args(more);
        command.env("HOME", place.join("home")).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.kill_on_drop(true).spawn().expect("python starts");
        let mut lines = BufReader::new(child.stderr.take().expect("it is piped")).lines();
        let mut found = [None, None];
        // Liveness: it says both, or ends.
        while let Some(line) = lines.next_line().await.expect("what it says can be read") {
            let Ok(event) = serde_json::from_str::<serde_json::Value>(&line) else { continue };
            let port = event["port"].as_u64().and_then(|port| u16::try_from(port).ok());
            let place = ["rest.listen", "grpc.listen"].iter().position(|name| event["event"] == *name);
            if let (Some(place), Some(port)) = (place, port) {
                found[place] = Some(SocketAddr::from(([127, 0, 0, 1], port)));
            }
            if let [Some(rest), Some(grpc)] = found {
                // What it says from now on must not fill the pipe.
                tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
                return Self { child, rest, grpc };
            }
        }
        panic!("the emulator ended before it listened");
    }

    /// Kills it, as a power cut does.
    ///
    /// # Panics
    /// When it cannot be.
    pub async fn kill(mut self) {
        self.child.kill().await.expect("it can be killed");
    }

    /// Gives settings that lead to it, with tokens from another place.
    #[must_use]
    pub fn google(&self, tokens: SocketAddr) -> Google {
        Google {
            project: "p".into(),
            credentials: Credentials::Metadata,
            dataset: Some("d".into()),
            folder: None,
            location: None,
            history_max_bytes: None,
            endpoints: Endpoints {
                bigquery: format!("http://{}/bigquery/v2", self.rest),
                storage: format!("http://{}", self.grpc),
                drive: format!("http://{}", self.rest),
                metadata: format!("http://{tokens}/token"),
            },
        }
    }
}
