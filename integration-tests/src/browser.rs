//! The console in a real browser: the stories of `server/console/browser/stories`, told by Node.js on a real listener.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use cnc_proto::support::Role;
use serde_json::json;
use tokio::process::Command;
use tokio::time::timeout;

use crate::listener::Listener;
use crate::programs::{found_or_skip, program};

/// How long a story may take on a machine that compiles meanwhile.
const PATIENCE: Duration = Duration::from_mins(2);

/// A browser, with all that it takes to tell stories in it.
#[derive(Debug, Clone)]
pub struct Browser {
    program: PathBuf,
    /// The words that start a client.
    client: Vec<String>,
}

impl Browser {
    /// Finds one where a story can be told: with Node.js, the console's packages and the console in the listener.
    /// Else it tells that a test is skipped.
    ///
    /// # Panics
    /// Where the environment has `CI`: there a skipped test would be a lie.
    #[expect(clippy::print_stderr, reason = "a test's skipping must be seen where its result is")]
    #[must_use]
    pub fn find_or_skip() -> Option<Self> {
        found_or_skip("node")?;
        let ready = ["node_modules/playwright-core", "built/site/index.html"].map(|path| console().join(path));
        if !ready.iter().all(|path| path.exists()) {
            assert!(std::env::var_os("CI").is_none(), "the console is not built, and CI skips nothing");
            eprintln!("SKIPPED: needs the console; `cargo xtask console` builds it");
            return None;
        }
        let client = vec![program("cnc").display().to_string()];
        Some(Self { program: found_or_skip("chromium")?, client })
    }

    /// Gives one whose stories start their clients by another command.
    ///
    /// # Panics
    /// When a word of the command is no text.
    #[must_use]
    pub fn with_client(mut self, command: &std::process::Command) -> Self {
        let words = std::iter::once(command.get_program()).chain(command.get_args());
        self.client = words.map(|word| word.to_str().expect("text").to_owned()).collect();
        self
    }

    /// Tells a story on a listener, with more in its environment, and gives what it says.
    ///
    /// # Panics
    /// With all that was said and shown, when the story fails.
    pub async fn tell(&self, story: &str, listener: &Listener, more: &[(&str, &str)]) -> String {
        let mut staff = listener.staff().await;
        let (viewer, support) = (staff.token(Role::Viewer).await, staff.token(Role::Support).await);
        let mut node = Command::new("node");
        node.arg(console().join("browser/run.mjs")).arg(story);
        node.env("CNC_URL", listener.url()).env("CNC_ADMIN", listener.token());
        node.env("CNC_SUPPORT", support).env("CNC_VIEWER", viewer);
        node.env("CNC_CLIENT", json!(self.client).to_string()).env("CNC_CHROMIUM", &self.program);
        node.envs(more.iter().copied()).stdin(Stdio::null()).kill_on_drop(true);
        let output = timeout(PATIENCE, node.output()).await.expect("the story ends in time");
        let output = output.expect("node can be started");
        let told = |bytes| String::from_utf8_lossy(bytes).into_owned();
        assert!(output.status.success(), "{story}:\n{}{}", told(&output.stdout), told(&output.stderr));
        told(&output.stdout)
    }
}

fn console() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the repository").join("server/console")
}
