//! The one place that writes to the terminal.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "this is the program's output module")]

use std::io::Write as _;

/// Writes a line.
pub(crate) fn line(text: &str) {
    println!("{text}");
}

/// Writes the beginning of a line that [`line()`] will end.
pub(crate) fn begin(text: &str) {
    print!("{text}");
    // A terminal that has gone away is no reason to stop.
    std::io::stdout().flush().ok();
}

/// Writes why the command failed, with all its causes.
pub(crate) fn error(error: &anyhow::Error) {
    eprintln!("error: {error:#}");
}
