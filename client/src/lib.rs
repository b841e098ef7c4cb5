//! `cnc-client`: the program that stays with the user.
//!
//! Pure cores that take `now` and do no IO: [`backlog`], [`policy`], [`schedule`], [`consent`]. Around them [`link`]
//! keeps the stream to the listener, [`runner`] runs tests by `cnc-probe`, [`session`] lives a session, `command`
//! has a file for each command, and [`ui`] alone prints.

pub mod alone;
pub mod backlog;
pub mod cli;
pub mod clock;
mod command;
pub mod config;
pub mod consent;
pub mod exit;
pub mod filename;
mod interrupt;
pub mod journal;
pub mod late;
pub mod link;
pub mod outbox;
pub mod policy;
pub mod proxy;
pub mod record;
pub mod runner;
pub mod schedule;
pub mod scribe;
pub mod session;
pub mod state;
pub mod tls;
pub mod ui;

use std::io;
use std::process::ExitCode;

use clap::Parser;
use tokio::runtime::{Builder, Runtime};

use self::cli::{Cli, Command};
use self::exit::Exit;
use self::ui::Ui;

/// Threads for the measuring, the link and the screen: so that none of the three ever waits for the other two.
const THREADS: usize = 3;

/// Makes what runs a command. On Linux a trace by itself has one thread: each hand-over of an answer to another one would
/// wait for a core where all are busy. Its RTTs have the kernel's stamps, but for that of a TCP port that refuses; who
/// reads its output slowly delays rounds and bends no RTT.
fn runtime(command: &Command) -> io::Result<Runtime> {
    let is_alone = cfg!(target_os = "linux") && matches!(command, Command::Trace(_));
    let mut builder = if is_alone { Builder::new_current_thread() } else { Builder::new_multi_thread() };
    builder.worker_threads(THREADS).enable_all().build()
}

/// Reads the command line and does what it says.
#[must_use]
pub fn main() -> ExitCode {
    cnc_probe::resolve::keep_to_what_is_carried();
    let Cli { command, run } = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // With no place to print to, the exit code still tells.
            error.print().ok();
            return if error.use_stderr() { Exit::Usage.into() } else { ExitCode::SUCCESS };
        }
    };
    let command = command.unwrap_or(Command::Run(run));
    let ui = Ui::new();
    let exit = match runtime(&command) {
        Ok(runtime) => {
            let exit = runtime.block_on(command::run(&ui, command));
            // What is to last is done by now. A name that is still being looked up must not hold the program.
            runtime.shutdown_background();
            exit
        }
        Err(error) => {
            ui.fault(&format!("the system gives this program no threads: {error}"), None);
            Exit::CannotMeasure
        }
    };
    ui.finish();
    ui::hold_window();
    exit.into()
}
