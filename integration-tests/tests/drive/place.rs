//! A listener that uses the fake, which can be killed and started again on the data that it has; and what its calls are.

use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use cnc_integration_tests::programs::{found_or_skip, program};
use cnc_integration_tests::staff::Staff;
use cnc_integration_tests::wire::WireClient;
use cnc_model::{Goodbye, Item, SessionId};
use rusqlite::{Connection, OpenFlags};
use serde_json::json;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, ChildStderr, Command};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::fake::{FOLDER, Fake};

/// How long anything may take on a machine that compiles meanwhile.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// The place: the fake outlives the listener.
pub(crate) struct Place {
    pub(crate) fake: Fake,
    data: TempDir,
    /// The listener's process and its address, while it runs.
    running: Option<(Child, String)>,
    /// All that listeners have logged here.
    log: Arc<Mutex<String>>,
    reading: JoinSet<()>,
}

impl Place {
    /// Starts both; the listener gets its tokens as a machine of Google's does.
    pub(crate) async fn open() -> Self {
        let data = tempfile::tempdir().expect("it works here");
        Self::open_as("metadata", data, Fake::start()).await
    }

    /// Starts both; the listener gets its tokens for a service account's key. `None` where no key can be made.
    pub(crate) async fn open_with_key() -> Option<Self> {
        let data = tempfile::tempdir().expect("it works here");
        let (openssl, fake, file) = (found_or_skip("openssl")?, Fake::start(), data.path().join("key.json"));
        let mut openssl = Command::new(openssl);
        let made =
            openssl.args(["genpkey", "-quiet", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"]).output();
        let made = made.await.expect("it works here");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let key = json!({"type": "service_account", "private_key": String::from_utf8_lossy(&made.stdout),
            "client_email": "cnc@a-project.iam.gserviceaccount.com", "token_uri": format!("{}/token", fake.url())});
        std::fs::write(&file, key.to_string()).expect("it works here");
        Some(Self::open_as(file.to_str().expect("it works here"), data, fake).await)
    }

    /// Starts the listener beside the fake, with the credentials that the settings name.
    async fn open_as(credentials: &str, data: TempDir, fake: Fake) -> Self {
        let url = fake.url();
        let settings = format!(
            "operator = \"the tests\"\n[google]\nproject = \"a-project\"\ncredentials = {credentials:?}\nfolder = \"{FOLDER}\"\n\
             [google.endpoints]\ndrive = \"{url}\"\nmetadata = \"{url}/metadata/token\"\n\
             [plan.nothing]\ndescription = \"tests are pushed by hand\"\n[[plan.nothing.stage]]\ntests = [{{ system = true }}]\n"
        );
        std::fs::write(data.path().join("listener.toml"), settings).expect("it works here");
        let mut place = Self { fake, data, running: None, log: Arc::default(), reading: JoinSet::new() };
        place.start().await;
        place
    }

    /// Gives the settings' file.
    pub(crate) fn settings(&self) -> PathBuf {
        self.data.path().join("listener.toml")
    }

    /// Starts the listener on its data.
    pub(crate) async fn start(&mut self) {
        let mut command = Command::new(program("cnc-listener"));
        command.args(["serve", "--listen", "127.0.0.1:0", "--config"]).arg(self.settings());
        command.arg("--data").arg(self.data.path());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().expect("it works here");
        self.read(child.stderr.take().expect("it works here"));
        let mut said = BufReader::new(child.stdout.take().expect("it works here")).lines();
        let line =
            timeout(PATIENCE, said.next_line()).await.expect("in time").expect("it works here").expect("it listens");
        let address = line.strip_prefix("listening on ").and_then(|rest| rest.split_once(';')).expect("its address").0;
        self.running = Some((child, format!("http://{address}")));
    }

    /// Keeps what a listener logs; each line is news.
    fn read(&mut self, stderr: ChildStderr) {
        let (log, news) = (Arc::clone(&self.log), self.fake.world().news.clone());
        self.reading.spawn(async move {
            let mut lines = BufReader::new(stderr).lines();
            // Liveness: ends with the listener.
            while let Ok(Some(line)) = lines.next_line().await {
                *log.lock().unwrap_or_else(PoisonError::into_inner) += &(line + "\n");
                news.send_modify(|news| *news += 1);
            }
        });
    }

    /// Gives all that was logged so far.
    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Runs `google check`; gives its exit code and what it says.
    pub(crate) async fn check(&self) -> (Option<i32>, String) {
        let mut command = Command::new(program("cnc-listener"));
        command.args(["google", "check", "--config"]).arg(self.settings());
        let output = command.output().await.expect("it works here");
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Kills the listener as no program can defend itself against.
    pub(crate) async fn kill(&mut self) {
        let (mut child, _) = self.running.take().expect("it runs");
        child.kill().await.expect("it works here");
    }

    pub(crate) fn url(&self) -> &str {
        &self.running.as_ref().expect("it runs").1
    }

    pub(crate) async fn staff(&self) -> Staff {
        let token = std::fs::read_to_string(self.data.path().join("admin.token")).expect("it works here");
        Staff::connect(self.url(), Some(token.trim())).await
    }

    /// Makes a call whose client joins by its code and leaves again; gives its id and the client, once that is durable.
    pub(crate) async fn call(&self, key: u8) -> (SessionId, WireClient) {
        let made = self.staff().await.create_session(Some("nothing")).await;
        let mut client = WireClient::connect(self.url(), made.code, [key; 32]).await;
        client.consent().await;
        client.send(vec![Item::Goodbye { at: Duration::from_secs(1), reason: Goodbye::UserEnded }]).await;
        // Only then has the listener the goodbye, however soon it or the client is gone.
        client.stored().await;
        (made.session.id, client)
    }

    /// Reads a column of a session's document.
    pub(crate) fn column(&self, session: SessionId, column: &str) -> Option<String> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
        let store = Connection::open_with_flags(self.data.path().join("cnc.db"), flags).ok()?;
        let sql = format!("SELECT {column} FROM documents WHERE session_id = ?1");
        store.query_row(&sql, [session.to_string()], |row| row.get(0)).ok().flatten()
    }

    /// Waits until a session's document is as it was last wanted, the so-many-eth time at the least.
    pub(crate) async fn made(&self, session: SessionId, wanted: usize) {
        let text = format!("the document of {session} is made {wanted} times");
        self.until(&text, || {
            let times = self.column(session, "CAST(wanted AS TEXT)").and_then(|times| times.parse::<usize>().ok());
            self.column(session, "state").as_deref() == Some("done") && times.is_some_and(|times| times >= wanted)
        })
        .await;
    }

    /// Waits until something is so. It is looked for after each request that the fake gets and each line that the listener
    /// logs; whatever is waited for here is told of by one of them.
    pub(crate) async fn until(&self, what: &str, mut is_so: impl FnMut() -> bool) {
        let mut news = self.fake.world().news.subscribe();
        let waiting = async {
            while !is_so() {
                // Liveness: the time that anything may take.
                news.changed().await.expect("the fake outlives this");
            }
        };
        let waited = timeout(PATIENCE, waiting).await;
        assert!(waited.is_ok(), "not within a minute: {what}\n{}", self.log());
    }
}
