//! A real client as a process of its own, run as a caller runs it.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::{Child, Command};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::programs::{memory_bytes, program, signal};

/// How long a client may need to end, once it is told to.
const END: Duration = Duration::from_mins(1);

/// A running `cnc run`. Dropping it kills it.
#[derive(Debug)]
pub struct Client {
    child: Child,
    folder: TempDir,
    /// Reads what it says, so that it never waits for a reader: its standard output, then its standard error.
    reading: JoinSet<(usize, String)>,
}

/// What a client left behind.
#[derive(Debug)]
pub struct Ended {
    /// Its exit code.
    pub code: i32,
    /// What it said, both streams.
    pub said: String,
    /// What it saved: a JSON object a line.
    pub saved: Vec<Value>,
}

impl Client {
    /// Starts one that agrees to everything and may aim at loopback.
    ///
    /// # Panics
    /// When it cannot be started.
    #[must_use]
    pub fn run(listener: &str, code: Option<&str>) -> Self {
        let mut command = std::process::Command::new(program("cnc"));
        command.arg("--allow-loopback");
        Self::run_by(command, listener, code)
    }

    /// Starts one by a command, which may run it somewhere else; arguments are added.
    ///
    /// # Panics
    /// When it cannot be started.
    #[must_use]
    pub fn run_by(command: std::process::Command, listener: &str, code: Option<&str>) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let mut command = Command::from(command);
        command.args(["--listener", listener, "--yes", "--save"]).arg(saved(folder.path()));
        if let Some(code) = code {
            command.args(["--code", code]);
        }
        // Its state, like its key, belongs to this run alone.
        for place in ["HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME"] {
            command.env(place, folder.path());
        }
        command.env_remove("CNC_LISTENER");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().expect("cnc can be started");
        let mut reading = JoinSet::new();
        reading.spawn(read(0, child.stdout.take().expect("it is piped")));
        reading.spawn(read(1, child.stderr.take().expect("it is piped")));
        Self { child, folder, reading }
    }

    /// Presses Ctrl-C.
    ///
    /// # Panics
    /// When it has ended.
    pub async fn interrupt(&self) {
        signal(&self.child, "INT").await;
    }

    /// Gives the memory that it holds now, in bytes.
    ///
    /// # Panics
    /// When it has ended.
    #[must_use]
    pub fn memory_bytes(&self) -> u64 {
        memory_bytes(self.child.id().expect("it has not been waited for"))
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// When it does not come in time, or by a signal.
    pub async fn ended(mut self) -> Ended {
        let status = timeout(END, self.child.wait()).await.expect("cnc ends in time").expect("cnc can be waited for");
        let mut said = self.reading.join_all().await;
        said.sort_unstable();
        let said = said.into_iter().map(|(_, text)| text).collect::<Vec<_>>().join("\n");
        let code = status.code().unwrap_or_else(|| panic!("died of a signal:\n{said}"));
        let text = std::fs::read_to_string(saved(self.folder.path())).unwrap_or_default();
        let saved = text.lines().map(|line| serde_json::from_str(line).expect("a JSON object a line")).collect();
        Ended { code, said, saved }
    }
}

impl Ended {
    /// Counts the samples that the client says it sent.
    #[must_use]
    pub fn samples_sent(&self) -> usize {
        self.saved.iter().filter(|item| item["type"] == "sample").count()
    }
}

/// Reads everything that comes.
async fn read(place: usize, mut from: impl AsyncRead + Unpin) -> (usize, String) {
    let mut bytes = Vec::new();
    // Liveness: the client's end closes it. What cannot be read any more is not missed.
    from.read_to_end(&mut bytes).await.unwrap_or_default();
    (place, String::from_utf8_lossy(&bytes).into_owned())
}

fn saved(folder: &Path) -> std::path::PathBuf {
    folder.join("saved.jsonl")
}
