//! The commands, a file each.

use cnc_model::Failure;
use cnc_proto::json;

use crate::cli::Command;
use crate::exit::Exit;
use crate::ui::{Ui, figures, json_line};

mod info;
mod ping;
mod reach;
mod run;
mod speed;
mod trace;

/// Does what the command line says.
pub(crate) async fn run(ui: &Ui, command: Command) -> Exit {
    match command {
        Command::Run(args) => run::run(ui, &args).await,
        Command::Ping(args) => ping::run(ui, &args).await,
        Command::Trace(args) => trace::run(ui, &args).await,
        Command::Speed(args) => speed::run(ui, &args).await,
        Command::Mtu(args) => reach::mtu(ui, &args).await,
        Command::Dns(args) => reach::dns(ui, &args).await,
        Command::Http(args) => reach::http(ui, &args).await,
        Command::Info(args) => info::run(ui, &args).await,
    }
}

/// Tells that the command line makes no sense.
fn wrong_usage(ui: &Ui, as_json: bool, message: &str) -> Exit {
    tell_error(ui, as_json, "usage", message, Some("--help shows what is allowed"));
    Exit::Usage
}

/// Tells why it could not be measured.
fn tell_failure(ui: &Ui, as_json: bool, failure: &Failure) -> Exit {
    if as_json {
        // A closed output is noticed by whoever closed it.
        json_line(&json::failure(failure)).ok();
    } else {
        let lines = figures::failure(failure);
        ui.fault(&lines[0], lines.get(1).map(String::as_str));
    }
    failure.into()
}

fn tell_error(ui: &Ui, as_json: bool, kind: &str, message: &str, hint: Option<&str>) {
    if as_json {
        // As above.
        json_line(&json::error(kind, message, hint)).ok();
    } else {
        ui.fault(message, hint);
    }
}

/// Turns a closed output into the end of the measuring: nobody reads it any more.
fn unread(_: std::io::Error) -> Failure {
    Failure::new(cnc_model::Reason::Abandoned, "nobody reads the output")
}
