//! `cargo xtask lab`: runs a command as the client of a named network, which lives as long as the command.
//!
//! Standard output is the command's alone. Ctrl-C reaches the command, never this program's tidying up.

use std::{
    env, fs,
    io::{self, IsTerminal as _},
    os::unix::process::ExitStatusExt as _,
    path::PathBuf,
    process::{self, ExitCode},
    time::Duration,
};

use anyhow::{Context as _, Result, bail};
use clap::Args;
use cnc_lab::{CLIENT, Lab, Scenario};
use rustix::process::{Pid, Signal, kill_process};
use tokio::{
    process::{Child, Command},
    runtime,
    signal::unix::{Signal as Signals, SignalKind, signal},
    time::timeout,
};

use crate::{
    run::{cargo, shown},
    say,
};

mod listener;

use listener::Listener;

/// What is typed after `cargo xtask lab`.
#[derive(Args, Debug)]
#[command(
    after_help = "The command finds the addresses of all hosts and routers in its environment, as CNC_LAB_SERVER_V4 and \
                  CNC_LAB_SERVER_V6.\n\nExample:\n  cargo xtask lab path7 -- sh -c 'ping -c 3 $CNC_LAB_SERVER_V4'"
)]
pub(crate) struct Options {
    /// The network's name; --list tells them
    #[arg(required_unless_present_any = ["list", "file"], conflicts_with_all = ["list", "file"])]
    scenario: Option<String>,
    /// List the named networks
    #[arg(long)]
    list: bool,
    /// Take the network from a file of one's own
    #[arg(long, value_name = "F.toml")]
    file: Option<PathBuf>,
    /// Start a listener there (an address in the network, or a host's name), and tell the command by `CNC_LISTENER`
    #[arg(long, value_name = "ADDR:PORT")]
    listener: Option<String>,
    /// What to run, in the client's place
    #[arg(last = true, value_name = "COMMAND", required_unless_present = "list")]
    command: Vec<String>,
}

/// Runs it; the exit code is the command's.
///
/// # Errors
/// When the network or the listener cannot be had, or the command cannot be started.
pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    if options.list {
        for name in Scenario::names() {
            say::line(&format!("{name}: {}", Scenario::named(name)?.description));
        }
        return Ok(ExitCode::SUCCESS);
    }
    let scenario = scenario(options)?;
    if options.command.iter().any(|word| word.contains("cnc")) {
        // Otherwise an old build would be tried out.
        shown(cargo().args(["build", "--quiet", "--package", "cnc-client"]))?;
    }
    let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
    let status = runtime.block_on(inside(options, &scenario))?;
    // As a shell has it: 128 and the signal.
    let code = status.code().or_else(|| Some(128 + status.signal()?)).and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}

fn scenario(options: &Options) -> Result<Scenario> {
    match (&options.file, &options.scenario) {
        (Some(file), _) => {
            let text = fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
            Scenario::parse(&text).with_context(|| file.display().to_string())
        }
        (None, Some(name)) => Ok(Scenario::named(name)?),
        (None, None) => bail!("no network is named"),
    }
}

async fn inside(options: &Options, scenario: &Scenario) -> Result<process::ExitStatus> {
    // Caught from here on: the network is always removed.
    let mut stops = Stops::catch()?;
    let lab = Lab::build(scenario)?;
    let listener = match &options.listener {
        Some(at) => Some(Listener::start(&lab, at).await?),
        None => None,
    };
    let mut command = command(&lab, &options.command)?;
    if let Some(listener) = &listener {
        command.env("CNC_LISTENER", listener.url()).env("CNC_DATA", listener.data());
    }
    let status = match timeout(Duration::ZERO, stops.next()).await {
        Ok(stop) => Ok(process::ExitStatus::from_raw(stop.as_raw())),
        Err(_) => stops.supervise(command).await,
    };
    if let Some(listener) = listener {
        listener.stop().await?;
    }
    status
}

/// Prepares the command with the environment it is promised.
fn command(lab: &Lab, words: &[String]) -> Result<Command> {
    let (program, arguments) = words.split_first().context("no command is given")?;
    let mut command = lab.host(CLIENT)?.command(program);
    command.args(arguments);
    for host in lab.hosts() {
        let name = host.name().to_uppercase().replace('-', "_");
        command.env(format!("CNC_LAB_{name}_V4"), host.v4().to_string());
        command.env(format!("CNC_LAB_{name}_V6"), host.v6().to_string());
    }
    // `cnc` is the one just built.
    let path = env::var_os("PATH").unwrap_or_default();
    command.env("PATH", env::join_paths([built()?].into_iter().chain(env::split_paths(&path)))?);
    Ok(command.into())
}

/// The folder that cargo builds into: this program is there itself.
fn built() -> Result<PathBuf> {
    let own = env::current_exe().context("cannot tell where this program is")?;
    Ok(own.parent().context("a program is in a folder")?.to_owned())
}

/// The signals that ask this program to end.
struct Stops {
    interrupt: Signals,
    terminate: Signals,
    hang_up: Signals,
}

impl Stops {
    fn catch() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    async fn next(&mut self) -> Signal {
        tokio::select! {
            _ = self.interrupt.recv() => Signal::INT,
            _ = self.terminate.recv() => Signal::TERM,
            _ = self.hang_up.recv() => Signal::HUP,
        }
    }

    /// Runs the command to its end, handing signals on.
    async fn supervise(&mut self, mut command: Command) -> Result<process::ExitStatus> {
        // A terminal gives Ctrl-C to all it runs in front. Elsewhere a group of its own keeps the command from being
        // told twice: by whoever told this program, and by this program.
        let terminal = io::stdin().is_terminal();
        if !terminal {
            command.process_group(0);
        }
        let mut child = command.kill_on_drop(true).spawn().context("cannot start the command")?;
        loop {
            // Liveness: ends with the command; signals reach it.
            tokio::select! {
                status = child.wait() => return Ok(status?),
                stop = self.next() => {
                    if !(terminal && stop == Signal::INT) {
                        tell(&child, stop);
                    }
                }
            }
        }
    }
}

/// Sends a signal to a child that has not been waited for.
fn tell(child: &Child, what: Signal) {
    if let Some(pid) = child.id().and_then(|id| Pid::from_raw(id.try_into().ok()?)) {
        // It may be gone already: then there is nobody to tell.
        kill_process(pid, what).ok();
    }
}
