//! The command line: what may be said, and which part does it.
//!
//! It decides nothing that the listener decides; commands about sessions, tokens and plans ask a running one.

mod connect;
mod export;
mod google;
mod history;
mod output;
mod plan;
mod serve;
mod session;
mod store;
mod test;
mod text;
mod token;
mod watch;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use thiserror::Error;
use tonic::Code;

use crate::config::{Config, ConfigError};
use crate::networks;
use crate::serve::ServeError;
use crate::store::StoreError;

/// The listener of cnc, the Client Network Checker.
#[derive(Debug, Parser)]
#[command(name = "cnc-listener", version, arg_required_else_help = true, after_help = AFTER_HELP)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

const AFTER_HELP: &str = "Exit codes: 0 done · 1 the listener said no · 2 wrong usage or configuration · 3 cannot start \
                          here · 4 the listener cannot be reached · 130 interrupted";

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the listener
    Serve(Box<serve::ServeArguments>),
    /// Check a configuration file: each mistake with its line and what is allowed
    #[command(after_help = "Example: cnc-listener check listener.toml")]
    Check {
        /// The file
        file: PathBuf,
    },
    /// Sessions of a running listener
    #[command(subcommand)]
    Session(session::SessionCommand),
    /// Staff's tokens of a running listener
    #[command(subcommand)]
    Token(token::TokenCommand),
    /// The record itself, running listener or not
    #[command(subcommand)]
    Store(store::StoreCommand),
    /// Plans of a running listener
    #[command(subcommand)]
    Plan(plan::PlanCommand),
    /// How destinations and providers fared over days, as a running listener tells it
    #[command(
        subcommand,
        after_help = "Examples:\n  cnc-listener history list\n  cnc-listener history show --destination example.com\n  \
                      cnc-listener history show --provider AS64500 --days 90 --utc-offset +02:00\n  cnc-listener \
                      history sessions --destination example.com --hour 20"
    )]
    History(history::HistoryCommand),
    /// What the listener uses of Google's
    #[command(subcommand)]
    Google(google::GoogleCommand),
    /// The history in BigQuery
    #[command(subcommand, name = "bigquery")]
    BigQuery(google::BigQueryCommand),
}

/// Why a command failed. Each has an exit code of its own.
#[derive(Debug, Error)]
enum CliError {
    /// The configuration cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The listener cannot start.
    #[error(transparent)]
    Serve(#[from] ServeError),
    /// The record cannot be looked at.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The record is damaged.
    #[error("{path} is damaged: {}, told above", counted(*faults))]
    Damaged {
        /// The database file.
        path: PathBuf,
        /// How many.
        faults: usize,
    },
    /// What was given cannot be used.
    #[error("{0}")]
    Usage(String),
    /// Google says no.
    #[error("{0}")]
    Google(String),
    /// a file cannot be read.
    #[error("cannot read {path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// No listener answers.
    #[error("no listener answers at {url}: {why}")]
    Unreachable {
        /// Where it was looked for.
        url: String,
        /// What went wrong.
        why: String,
    },
    /// The connection broke.
    #[error("the connection to the listener broke: {0}")]
    Broken(String),
    /// The listener said no.
    #[error("{}", .0.message())]
    Refused(#[from] Box<tonic::Status>),
    /// The listener answered with something that is no answer.
    #[error("the listener's answer cannot be read: {0}")]
    Answer(String),
    /// A file or the standard output cannot be written, or the system does not do as it should.
    #[error("{what}: {source}")]
    System {
        /// What was tried.
        what: String,
        /// What the system said.
        source: std::io::Error,
    },
}

impl From<tonic::Status> for CliError {
    fn from(status: tonic::Status) -> Self {
        // What the listener says has no cause on this side.
        match std::error::Error::source(&status) {
            Some(cause) => Self::Broken(connect::innermost(cause)),
            None => Self::Refused(Box::new(status)),
        }
    }
}

impl From<cnc_proto::Invalid> for CliError {
    fn from(error: cnc_proto::Invalid) -> Self {
        Self::Answer(error.to_string())
    }
}

impl CliError {
    const fn exit_code(&self) -> u8 {
        match self {
            Self::Refused(_) | Self::Answer(_) | Self::Damaged { .. } | Self::Google(_) => 1,
            Self::Config(_) | Self::Usage(_) | Self::File { .. } => 2,
            Self::Serve(_) | Self::Store(_) | Self::System { .. } => 3,
            Self::Unreachable { .. } | Self::Broken(_) => 4,
        }
    }

    fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Refused(status) if status.code() == Code::Unauthenticated => Some(
                "give a token by --token-file or CNC_TOKEN; a listener's first one is admin.token in its data folder, or where admin_token says",
            ),
            Self::Damaged { .. } => Some("stop the listener, keep a copy of the data folder, then restore a backup"),
            Self::Unreachable { why, .. } => Some(connect::hint(why)),
            Self::Broken(_) => Some("is it still running? If it speaks TLS, --listener must begin with https://"),
            Self::Refused(_)
            | Self::Answer(_)
            | Self::Config(_)
            | Self::Usage(_)
            | Self::Google(_)
            | Self::File { .. }
            | Self::Serve(_)
            | Self::Store(_)
            | Self::System { .. } => None,
        }
    }
}

/// Does what the command line says, and gives the exit code.
#[must_use]
pub fn run(arguments: Arguments) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(source) => return failed(&CliError::System { what: "cannot start threads".into(), source }),
    };
    match runtime.block_on(dispatch(arguments.command)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&error),
    }
}

fn failed(error: &CliError) -> ExitCode {
    output::error(&error.to_string(), error.hint());
    ExitCode::from(error.exit_code())
}

async fn dispatch(command: Command) -> Result<(), CliError> {
    match command {
        Command::Serve(arguments) => serve::run(*arguments).await,
        Command::Check { file } => {
            let config = Config::read(&file)?.checked()?;
            if let Some(database) = &config.asn_database {
                networks::open(database).map_err(|error| CliError::Usage(error.to_string()))?;
            }
            output::line(&format!("{} is sound", file.display()));
            Ok(())
        }
        Command::Session(command) => session::run(command).await,
        Command::Token(command) => token::run(command).await,
        Command::Store(command) => store::run(command),
        Command::Plan(command) => plan::run(command).await,
        Command::History(command) => history::run(command).await,
        Command::Google(command) => google::google(command).await,
        Command::BigQuery(command) => google::bigquery(command).await,
    }
}

/// Words a number of faults.
fn counted(faults: usize) -> String {
    if faults == 1 { "1 fault".into() } else { format!("{faults} faults") }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Arguments::command().debug_assert();
    }
}
