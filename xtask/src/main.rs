//! The developers' commands: a file each. This file only tells them apart.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

mod run;
mod say;
mod test;

/// What developers of cnc type.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Set up what is missing, then run all checks and tests
    Test,
}

fn main() -> ExitCode {
    let done = match Args::parse().command {
        Command::Test => test::run(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say::error(&error);
            ExitCode::FAILURE
        }
    }
}
