//! The only place that writes to the screen.

use std::io::{self, Write as _};

/// Writes a line to standard output and flushes it. A reader that went away wants no more.
pub(super) fn line(text: &str) {
    let mut out = io::stdout().lock();
    let written = writeln!(out, "{text}").and_then(|()| out.flush());
    if written.is_err_and(|error| error.kind() == io::ErrorKind::BrokenPipe) {
        std::process::exit(0);
    }
}

/// Writes lines to standard output.
pub(super) fn lines(lines: &[String]) {
    for line in lines {
        self::line(line);
    }
}

/// Writes a line to standard output for whoever may be there: a service goes on without readers.
pub(super) fn aside(text: &str) {
    let mut out = io::stdout().lock();
    writeln!(out, "{text}").and_then(|()| out.flush()).unwrap_or_default();
}

/// Writes bytes to standard output as they are.
pub(super) fn raw(bytes: &[u8]) -> Result<(), io::Error> {
    let mut out = io::stdout().lock();
    out.write_all(bytes)?;
    out.flush()
}

/// Writes what went wrong, and what would help, to standard error.
pub(super) fn error(message: &str, hint: Option<&str>) {
    let mut out = io::stderr().lock();
    let hint = hint.map(|hint| format!("\n  {hint}")).unwrap_or_default();
    // Where even that cannot be written, nobody is there to be told.
    writeln!(out, "cnc-listener: {message}{hint}").unwrap_or_default();
}

/// Writes rows as columns of equal width.
pub(super) fn table(rows: &[Vec<String>]) {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<_> = (0..columns).map(width).collect();
    for row in rows {
        let cells: Vec<_> = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        line(cells.join("  ").trim_end());
    }
}
