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

use std::process::ExitCode;

use clap::Parser;

use self::cli::{Cli, Command};
use self::exit::Exit;
use self::ui::Ui;

/// Threads for the measuring, the link and the screen: so that none of the three ever waits for the other two.
const THREADS: usize = 3;

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
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(THREADS).enable_all().build();
    let exit = match runtime {
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
