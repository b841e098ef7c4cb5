//! A real client as a process of its own, run as a caller runs it.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::programs::{program, signal};

/// How long a client may need to end, once it is told to.
const END: Duration = Duration::from_mins(1);

/// A running `cnc run`. Dropping it kills it.
#[derive(Debug)]
pub struct Client {
    child: Child,
    folder: TempDir,
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
        Self { child: command.spawn().expect("cnc can be started"), folder }
    }

    /// Presses Ctrl-C.
    ///
    /// # Panics
    /// When it has ended.
    pub async fn interrupt(&self) {
        signal(&self.child, "INT").await;
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// When it does not come in time, or by a signal.
    pub async fn ended(self) -> Ended {
        let output = timeout(END, self.child.wait_with_output()).await.expect("cnc ends in time");
        let output = output.expect("cnc can be waited for");
        let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).join("\n");
        let code = output.status.code().unwrap_or_else(|| panic!("died of a signal:\n{said}"));
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

fn saved(folder: &Path) -> std::path::PathBuf {
    folder.join("saved.jsonl")
}
