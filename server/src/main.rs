//! `cnc-listener`: starts what `cnc_server::cli` says.

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    cnc_probe::resolve::keep_to_what_is_carried();
    // A second provider could only have been installed before `main`.
    rustls::crypto::ring::default_provider().install_default().unwrap_or_default();
    cnc_server::cli::run(cnc_server::cli::Arguments::parse())
}
