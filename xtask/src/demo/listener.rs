//! The demo's listener: a child process on loopback, and the commands that staff would type against it.

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};

use anyhow::{Context as _, Result, bail};

use super::{END_MAY_TAKE, wait_for};
use crate::run::quietly;

/// A running listener. Dropping it stops it.
#[derive(Debug)]
pub(crate) struct Listener {
    child: Child,
    program: PathBuf,
    /// Where it answers.
    pub(crate) url: String,
    /// Its data folder.
    pub(crate) data: PathBuf,
    /// Kept open, so that it can go on to say things.
    said: BufReader<ChildStdout>,
}

/// A session that a client can join.
#[derive(Debug)]
pub(crate) struct NewSession {
    /// Its id.
    pub(crate) id: String,
    /// What the user would be told.
    pub(crate) code: String,
}

impl Listener {
    /// Starts a listener and waits until it is ready.
    ///
    /// # Errors
    /// When it cannot start, or ends at once.
    pub(crate) fn start(port: u16, data: PathBuf) -> Result<Self> {
        let program = program("cnc-listener")?;
        let address = format!("127.0.0.1:{port}");
        // Of a free port that is yet to be found nothing can be said.
        let known = (port != 0).then(|| format!("--public-url=http://{address}"));
        let mut child = Command::new(&program)
            .args(["serve", "--listen", &address, "--data"])
            .arg(&data)
            .args(known)
            .env("RUST_LOG", "warn")
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start cnc-listener")?;
        let said = BufReader::new(child.stdout.take().context("its output is piped")?);
        let mut listener = Self { child, program, url: String::new(), data, said };
        listener.url = listener.listening()?;
        Ok(listener)
    }

    /// Waits for the line that says where it listens.
    fn listening(&mut self) -> Result<String> {
        let mut line = String::new();
        // Liveness: the listener says so, or its end closes its output.
        while self.said.read_line(&mut line)? > 0 {
            if let Some((address, _)) = line.strip_prefix("listening on ").and_then(|rest| rest.split_once(';')) {
                return Ok(format!("http://{address}"));
            }
            line.clear();
        }
        bail!("the listener ended before it listened")
    }

    /// Makes a session with a plan.
    ///
    /// # Errors
    /// When the listener refuses, or answers something else than a session.
    pub(crate) fn create_session(&self, plan: &str) -> Result<NewSession> {
        let args = ["session", "create", "--plan", plan, "--label", "demo", "--json"];
        let output = self.staff_command(&args).output().context("cannot start cnc-listener")?;
        let text = String::from_utf8_lossy(&output.stdout);
        let answer: serde_json::Value = serde_json::from_str(text.trim())
            .with_context(|| format!("no session: {text}{}", String::from_utf8_lossy(&output.stderr)))?;
        let word = |at: &str| {
            let word = answer.pointer(at).and_then(serde_json::Value::as_str);
            word.map(str::to_owned).with_context(|| format!("no {at}: {answer}"))
        };
        Ok(NewSession { id: word("/session/id")?, code: word("/code")? })
    }

    /// Gives the console's address with the admin's token, which the browser never sends: it lies behind the `#`.
    ///
    /// # Errors
    /// When the token cannot be read.
    pub(crate) fn console(&self, session: &str) -> Result<String> {
        let token = std::fs::read_to_string(self.token_file()).context("reading the admin's token")?;
        Ok(format!("{}/console/#token={}&call={session}", self.url, token.trim()))
    }

    /// Runs a command of staff.
    ///
    /// # Errors
    /// When it fails; the text holds what it said.
    pub(crate) fn staff(&self, args: &[&str]) -> Result<()> {
        quietly(&mut self.staff_command(args))
    }

    /// Gives a command of staff as one would type it.
    pub(crate) fn by_hand(&self, args: &[&str]) -> String {
        format!(
            "target/debug/cnc-listener {} --listener {} --token-file {}",
            args.join(" "),
            self.url,
            self.token_file().display()
        )
    }

    /// Fails when the listener has ended.
    ///
    /// # Errors
    /// With its exit code.
    pub(crate) fn check(&mut self) -> Result<()> {
        match self.child.try_wait()? {
            Some(status) => bail!("the listener has ended ({status})"),
            None => Ok(()),
        }
    }

    /// Serves until Ctrl-C, which the terminal sends to the listener too.
    ///
    /// # Errors
    /// When it ends badly.
    pub(crate) fn serve(mut self) -> Result<()> {
        let status = self.child.wait()?;
        if status.success() { Ok(()) } else { bail!("the listener ended badly ({status})") }
    }

    /// Asks it to end, and waits.
    ///
    /// # Errors
    /// When it does not end in time, or badly.
    pub(crate) fn stop(mut self) -> Result<()> {
        quietly(Command::new("kill").args(["-TERM", &self.child.id().to_string()]))?;
        let mut ended = None;
        wait_for("the listener's end", END_MAY_TAKE, || {
            ended = self.child.try_wait()?;
            Ok(ended.is_some())
        })?;
        match ended {
            Some(status) if status.success() => Ok(()),
            other => bail!("the listener ended badly ({other:?})"),
        }
    }

    fn staff_command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(args).args(["--listener", &self.url, "--token-file"]).arg(self.token_file());
        command
    }

    fn token_file(&self) -> PathBuf {
        self.data.join("admin.token")
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        // Both fail only where it has ended already.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Gives the path of a program that was built beside this one.
///
/// # Errors
/// When this program's own path is unknown.
pub(crate) fn program(name: &str) -> Result<PathBuf> {
    Ok(std::env::current_exe().context("where does this run?")?.with_file_name(name))
}
