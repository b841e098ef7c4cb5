//! `cargo xtask demo`: the whole road on this machine, with the programs that users get.
//!
//! A listener on loopback, a session, a client that runs the default plan; then what the store holds is counted
//! independently of both and held against what the client says it sent.

use std::path::PathBuf;
use std::process::{Child, Command};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};

use crate::run::{cargo, shown};
use crate::say;

pub(crate) mod listener;
pub(crate) mod record;

use listener::Listener;
use record::{Record, TestRow};

/// How long the default plan may take: about a minute on a good day, and nobody waits longer for a demo.
const PLAN_MAY_TAKE: Duration = Duration::from_mins(5);
/// How long the client may need to leave, and the listener to write the report, once the session is told to end.
const END_MAY_TAKE: Duration = Duration::from_secs(30);
/// How often is looked whether something has come to pass.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Failures that say something about this machine and nothing about cnc.
pub(crate) const ALLOWED: [&str; 4] = ["not_present", "no_permission", "no_route", "name_not_found"];

/// What `demo` is given.
#[derive(Debug, clap::Args)]
pub(crate) struct DemoArgs {
    /// End when the plan is done and the report is written
    #[arg(long)]
    once: bool,
    /// The listener's port; 0 for a free one
    #[arg(long, value_name = "N", default_value_t = 0)]
    port: u16,
    /// The listener's data folder
    #[arg(long, value_name = "DIR", default_value = "cnc-data")]
    data: PathBuf,
}

/// Runs it.
///
/// # Errors
/// When the road breaks anywhere, a test failed for a reason that is cnc's own, or samples are missing.
pub(crate) fn run(args: &DemoArgs) -> Result<()> {
    if let Err(error) = crate::console::run() {
        say::line(&format!("the console is left out: {error:#}"));
    }
    shown(cargo().args(["build", "--quiet", "-p", "cnc-client", "-p", "cnc-server"])).context("building")?;
    let mut listener = Listener::start(args.port, std::path::absolute(&args.data)?)?;
    let session = listener.create_session("default")?;
    say::line(&format!("listener  {}  (data in {})", listener.url, listener.data.display()));
    say::line(&format!("session   {}  (code {})", session.id, session.code));
    say::line(&format!("console   {}", listener.console(&session.id)?));
    say::line(&format!("watch     {}", listener.by_hand(&["session", "watch", &session.id])));

    let saved = listener.data.join(format!("demo-{}.jsonl", session.id));
    let mut client = Client::start(
        Command::new(listener::program("cnc")?)
            .args(["run", "--listener", &listener.url, "--code", &session.code, "--yes", "--allow-loopback", "--save"])
            .arg(&saved),
    )?;
    let record = Record::open(&listener.data.join("cnc.db"), &session.id)?;
    wait_for("the plan", PLAN_MAY_TAKE, || {
        client.check()?;
        listener.check()?;
        record.plan_is_done()
    })?;

    let report = listener.data.join("reports").join(format!("{}.html", session.id));
    if args.once {
        listener.staff(&["session", "end", &session.id])?;
        client.wait(END_MAY_TAKE)?;
        wait_for("the report", END_MAY_TAKE, || Ok(report.is_file()))?;
    }
    let tests = record.tests()?;
    show(&tests);
    // The client's own file is whole once it has ended.
    let samples =
        if args.once { record.compare(&saved)? } else { format!("{} samples stored so far", record.count()?) };
    say::line(&format!("record    {samples}"));
    say::line(&format!("report    {}{}", report.display(), if args.once { "" } else { "  (when the session ends)" }));
    judge(&tests, &ALLOWED)?;
    if args.once {
        return listener.stop();
    }
    say::line(&format!("push one  {}", listener.by_hand(&["session", "test", &session.id, "ping", "127.0.0.1"])));
    say::line("serving until Ctrl-C");
    listener.serve()
}

/// A client that is stopped when the demo goes wrong.
#[derive(Debug)]
pub(crate) struct Client(Child);

impl Client {
    /// Starts it.
    ///
    /// # Errors
    /// When it cannot be started.
    pub(crate) fn start(command: &mut Command) -> Result<Self> {
        command.spawn().map(Self).context("cannot start cnc")
    }

    /// Fails when it has ended.
    ///
    /// # Errors
    /// With its exit code.
    pub(crate) fn check(&mut self) -> Result<()> {
        match self.0.try_wait()? {
            Some(status) => bail!("the client left before the plan was done ({status})"),
            None => Ok(()),
        }
    }

    /// Waits until it has ended.
    ///
    /// # Errors
    /// When it does not end in time, or badly.
    pub(crate) fn wait(&mut self, limit: Duration) -> Result<()> {
        let mut status = None;
        wait_for("the client's end", limit, || {
            status = self.0.try_wait()?;
            Ok(status.is_some())
        })?;
        ensure!(status.is_some_and(|status| status.success()), "the client ended badly: {status:?}");
        Ok(())
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // Both fail only where it has ended already.
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// Waits until something is so.
///
/// # Errors
/// When it does not come to pass in time, or looking fails.
pub(crate) fn wait_for(what: &str, limit: Duration, mut is_so: impl FnMut() -> Result<bool>) -> Result<()> {
    let mut left = limit;
    while !is_so()? {
        // Liveness: ends when it is so, or when the limit is used up.
        left = left.checked_sub(LOOK_EVERY).with_context(|| format!("{what} did not come in {limit:?}"))?;
        std::thread::park_timeout(LOOK_EVERY);
    }
    Ok(())
}

/// Prints each test with its main figures.
pub(crate) fn show(tests: &[TestRow]) {
    for test in tests {
        say::line(&format!("test      {}", test.line()));
    }
}

/// Fails when a test did not complete for a reason that is not among the allowed ones.
///
/// # Errors
/// With the tests that did not.
pub(crate) fn judge(tests: &[TestRow], allowed: &[&str]) -> Result<()> {
    let bad: Vec<_> = tests
        .iter()
        .filter(|test| match test.failure_reason.as_deref() {
            Some(reason) => !allowed.contains(&reason),
            None => test.outcome != "completed",
        })
        .map(TestRow::line)
        .collect();
    ensure!(
        bad.is_empty(),
        "not every test completed, and not for a reason that lies with this machine:\n{}",
        bad.join("\n")
    );
    Ok(())
}
