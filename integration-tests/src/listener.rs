//! A real listener as a process of its own, on loopback or wherever its command puts it.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tempfile::TempDir;
use tokio::io::{AsyncBufRead, AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::programs::program;
use crate::staff::Staff;

/// How long a start may take on a machine that compiles meanwhile.
const START: Duration = Duration::from_secs(30);

/// A plan that is over in seconds and needs no privilege.
pub const QUICK: &str = r#"
operator = "the tests"

[plan.quick]
description = "a look in seconds"

[[plan.quick.stage]]
tests = [{ system = true }, { ping = "127.0.0.1", protocol = "tcp:9", count = 20, interval = "10ms", timeout = "500ms" }]

[[plan.quick.stage]]
tests = [{ download = "listener", flows = 2, duration = "1s" }]

[[plan.quick.stage]]
tests = [{ upload = "listener", flows = 2, duration = "1s" }]

[plan.nothing]
description = "only the machine; tests are pushed by hand"

[[plan.nothing.stage]]
tests = [{ system = true }]
"#;

/// A running listener. Dropping it kills it and removes its data.
#[derive(Debug)]
pub struct Listener {
    child: Child,
    url: String,
    data: PathBuf,
    /// Holds the data folder, and goes with it.
    folder: TempDir,
    /// Reads what it says, so that it never waits for a reader.
    _reading: JoinSet<()>,
}

impl Listener {
    /// Starts one on a free port of loopback.
    ///
    /// # Panics
    /// When it does not say in time that it listens.
    pub async fn start(config: &str) -> Self {
        Self::start_by(std::process::Command::new(program("cnc-listener")), "127.0.0.1:0", config, &[]).await
    }

    /// Starts one by a command, which may run it somewhere else; its arguments are added.
    ///
    /// # Panics
    /// When it does not say in time that it listens.
    pub async fn start_by(command: std::process::Command, listen: &str, config: &str, more: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let data = folder.path().to_owned();
        let mut command = Command::from(command);
        command.args(["serve", "--listen", listen]).args(more);
        Self::start_at(command, (folder, data.clone()), (&data, config)).await
    }

    /// Starts one on a free port of loopback with a copy of a data folder.
    ///
    /// # Panics
    /// When the folder cannot be copied, or it does not say in time that it listens.
    pub async fn start_with(config: &str, copied: &Path) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let data = folder.path().join("data");
        let copy = Command::new("cp").arg("-R").args([copied, &data]).status().await.expect("cp can be started");
        assert!(copy.success(), "cannot copy {}", copied.display());
        // What it does from now on does not wait for the copy's way to the disk.
        let written = Command::new("sync").arg("-f").arg(&data).status().await.expect("sync can be started");
        assert!(written.success(), "cannot write {}", data.display());
        let mut command = Command::new(program("cnc-listener"));
        command.args(["serve", "--listen", "127.0.0.1:0"]);
        Self::start_at(command, (folder, data.clone()), (&data, config)).await
    }

    /// Starts one on a free port of loopback on a data folder of which something is made already.
    ///
    /// # Panics
    /// When it does not say in time that it listens.
    pub async fn start_on(data: TempDir, config: &str) -> Self {
        let mut command = Command::new(program("cnc-listener"));
        command.args(["serve", "--listen", "127.0.0.1:0"]);
        let inside = data.path().to_owned();
        Self::start_at(command, (data, inside.clone()), (&inside, config)).await
    }

    /// Starts one on a free port of loopback by a command that runs it in a root of its own, where its data folder is
    /// `/data`.
    ///
    /// # Panics
    /// When it does not say in time that it listens.
    pub async fn start_in_root(command: std::process::Command, root: TempDir, config: &str) -> Self {
        let data = root.path().join("data");
        let mut command = Command::from(command);
        command.args(["serve", "--listen", "127.0.0.1:0"]);
        Self::start_at(command, (root, data), (Path::new("/data"), config)).await
    }

    /// Starts one whose data folder lies in `folder`, and by its own view is at `inside`.
    async fn start_at(mut command: Command, place: (TempDir, PathBuf), (inside, config): (&Path, &str)) -> Self {
        const CONFIG: &str = "listener.toml";
        let (folder, data) = place;
        std::fs::write(data.join(CONFIG), config).expect("the config can be written");
        command.arg("--config").arg(inside.join(CONFIG)).arg("--data").arg(inside);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().expect("cnc-listener can be started");
        let mut said = BufReader::new(child.stdout.take().expect("it is piped"));
        let url = timeout(START, address(&mut said)).await.expect("the listener says in time where it listens");
        let mut reading = JoinSet::new();
        reading.spawn(async move {
            let mut lines = said.lines();
            // Liveness: the listener's end closes it.
            while let Ok(Some(_)) = lines.next_line().await {}
        });
        Self { child, url, data, folder, _reading: reading }
    }

    /// Gives where it answers.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Gives the address and port that it listens on.
    ///
    /// # Panics
    /// Never: it told them itself.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        let (_, address) = self.url.split_once("://").expect("a URL");
        address.parse().expect("an address and a port")
    }

    /// Gives its data folder.
    #[must_use]
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// Gives its store's file.
    #[must_use]
    pub fn store(&self) -> PathBuf {
        self.data().join("cnc.db")
    }

    /// Gives a session's report's file.
    #[must_use]
    pub fn report(&self, session: &str) -> PathBuf {
        self.data().join("reports").join(format!("{session}.html"))
    }

    /// Gives its process's number.
    ///
    /// # Panics
    /// When it has ended.
    #[must_use]
    pub fn process(&self) -> u32 {
        self.child.id().expect("it has not been waited for")
    }

    /// Gives the memory that it holds now, in bytes.
    ///
    /// # Panics
    /// When it has ended.
    #[must_use]
    pub fn memory_bytes(&self) -> u64 {
        crate::programs::memory_bytes(self.process())
    }

    /// Gives the first admin's token.
    ///
    /// # Panics
    /// When it has made none.
    #[must_use]
    pub fn token(&self) -> String {
        let file = self.data().join("admin.token");
        std::fs::read_to_string(file).expect("a first start makes a token").trim().to_owned()
    }

    /// Connects as its admin.
    ///
    /// # Panics
    /// When it cannot be reached.
    pub async fn staff(&self) -> Staff {
        Staff::connect(&self.url, Some(&self.token())).await
    }

    /// Kills it as a power cut does, and gives its data folder.
    ///
    /// # Panics
    /// When it cannot be killed.
    pub async fn kill(mut self) -> TempDir {
        self.child.kill().await.expect("it can be killed");
        self.folder
    }

    /// Ends it as a service manager does, and gives its exit code.
    ///
    /// # Panics
    /// When it does not end in time.
    pub async fn stop(mut self) -> Option<i32> {
        crate::programs::signal(&self.child, "TERM").await;
        timeout(START, self.child.wait()).await.expect("it ends in time").expect("it can be waited for").code()
    }
}

/// Reads lines until one says where it listens.
async fn address(said: &mut (impl AsyncBufRead + Unpin)) -> String {
    loop {
        let mut line = String::new();
        let read = said.read_line(&mut line).await.expect("the listener's words can be read");
        assert!(read > 0, "the listener ended before it listened; see its log above");
        if let Some((address, _)) = line.strip_prefix("listening on ").and_then(|rest| rest.split_once(';')) {
            return format!("http://{address}");
        }
    }
}
