//! The developers' commands: a file each. This file only tells them apart.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

mod bench;
mod console;
mod cross;
mod demo;
mod deploy;
mod dist;
mod lab;
mod npm;
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
    /// Measure beside the peers: one line a figure
    Bench(bench::BenchArgs),
    /// Build the console's files by npm, for `cargo build` to embed
    Console,
    /// Build the client for other systems, and run it as far as that goes here
    Cross(cross::CrossArgs),
    /// Show the whole road on this machine: a listener, a session, a client, a report
    Demo(demo::DemoArgs),
    /// Run the listener as it is handed out: in an empty root, and by its unit under systemd; takes minutes to build
    DeployCheck,
    /// Build the programs as they are handed out: one static file each
    Dist(dist::DistArgs),
    /// Run a command inside of a named network with known faults
    Lab(lab::Options),
    /// Set up what is missing, then run all checks and tests
    Test,
}

fn main() -> ExitCode {
    let done = match Args::parse().command {
        Command::Bench(args) => bench::run(&args).map(|()| ExitCode::SUCCESS),
        Command::Console => console::run().map(|()| ExitCode::SUCCESS),
        Command::Cross(args) => cross::run(&args).map(|()| ExitCode::SUCCESS),
        Command::Demo(args) => demo::run(&args).map(|()| ExitCode::SUCCESS),
        Command::DeployCheck => deploy::check().map(|()| ExitCode::SUCCESS),
        Command::Dist(args) => dist::run(&args).map(|()| ExitCode::SUCCESS),
        Command::Lab(options) => lab::run(&options),
        Command::Test => test::run().map(|()| ExitCode::SUCCESS),
    };
    match done {
        Ok(code) => code,
        Err(error) => {
            say::error(&error);
            ExitCode::FAILURE
        }
    }
}
