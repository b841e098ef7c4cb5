//! The program `cnc`.

use std::process::ExitCode;

fn main() -> ExitCode {
    cnc_client::main()
}
