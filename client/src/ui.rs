//! What the user sees: the only place that prints. It shows what it is given and decides nothing.
//!
//! On a terminal progress moves in place; through a pipe, or on a terminal that can do nothing, plain lines come.
//! What it shows is printed by a thread of its own: a screen that stands still holds up neither measuring nor record.
//! No control character of anybody else's ever reaches the screen.

use std::io::{self, BufRead, IsTerminal, Write};
use std::sync::Arc;

use console::Style;
#[cfg(windows)]
use console::Term;
use serde::Serialize;
use tokio::sync::oneshot;

mod board;
pub mod figures;
mod live;
mod machine;
mod path;
mod printer;
pub mod text;

use self::printer::{Frames, Printer};
pub use board::{Board, fate as ping_fate};
pub use live::Live;
pub use path::table as path_table;

/// The screen.
#[derive(Debug, Clone)]
pub struct Ui {
    printer: Arc<Printer>,
    lively: bool,
    styled: bool,
}

impl Default for Ui {
    fn default() -> Self {
        Self::new()
    }
}

impl Ui {
    /// Looks at what standard output is.
    #[must_use]
    pub fn new() -> Self {
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let lively = io::stdout().is_terminal() && !dumb;
        let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self { printer: Arc::new(Printer::new()), lively, styled: lively && !no_color }
    }

    /// Tells whether progress can move in place.
    #[must_use]
    pub const fn is_lively(&self) -> bool {
        self.lively
    }

    /// Shows a line.
    pub fn line(&self, text: &str) {
        self.put(&harmless(text));
    }

    /// Shows lines, each set in by two spaces.
    pub fn indented(&self, lines: &[String]) {
        for line in lines {
            self.line(&format!("  {line}"));
        }
    }

    /// Shows an empty line.
    pub fn gap(&self) {
        self.put("");
    }

    /// Shows a heading.
    pub fn heading(&self, text: &str) {
        self.put(&self.styled(&harmless(text), Style::new().bold()));
    }

    /// Shows something less important.
    pub fn aside(&self, text: &str) {
        self.put(&self.styled(&harmless(text), Style::new().dim()));
    }

    /// Tells a fault, with what would help, on standard error.
    pub fn fault(&self, message: &str, hint: Option<&str>) {
        let first = format!("cnc: {}", harmless(message));
        let lines: Vec<_> = [first].into_iter().chain(hint.map(|hint| format!("     {}", harmless(hint)))).collect();
        // With standard error closed there is nowhere left to tell it.
        self.printer.put(move |_| printer::fault(&lines));
    }

    /// Asks a question and gives the place where one line of the answer will arrive; nothing arrives when standard
    /// input is at its end.
    #[must_use]
    pub fn ask(&self, question: &str) -> oneshot::Receiver<String> {
        let question = format!("{} ", self.styled(&harmless(question), Style::new().bold()));
        // A question that cannot be shown is not answered with yes by anybody.
        self.printer.put(move |term| term.write_str(&question).and_then(|()| term.flush()));
        let (answer, answered) = oneshot::channel();
        // A thread of its own: reading a terminal cannot be cancelled, and must not hold the program at its end.
        std::thread::spawn(move || {
            let mut line = String::new();
            if matches!(io::stdin().lock().read_line(&mut line), Ok(1..)) {
                // Nobody waits for it any more when the question was withdrawn.
                answer.send(line.trim().to_owned()).ok();
            }
        });
        answered
    }

    fn put(&self, text: &str) {
        let text = text.to_owned();
        self.printer.put(move |term| term.write_line(&text).and_then(|()| term.flush()));
    }

    /// Waits until everything is on the screen; not for one that takes nothing.
    pub fn finish(&self) {
        self.printer.finish();
    }

    fn styled(&self, text: &str, style: Style) -> String {
        if self.styled { style.force_styling(true).apply_to(text).to_string() } else { text.to_owned() }
    }
}

/// Writes JSON objects, one a line, flushed at once.
///
/// # Errors
/// Fails when standard output is closed.
pub fn json_line(object: &impl Serialize) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{}", cnc_proto::json::line(object))?;
    stdout.flush()
}

/// Takes control characters out, whoever put them in.
fn harmless(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).collect()
}

/// Waits for a key where this program owns the console window, which closes with it.
#[cfg(windows)]
pub fn hold_window() {
    if owns_console() {
        let term = Term::stdout();
        term.write_line("").ok();
        term.write_line("Press a key to close this window.").ok();
        term.read_key().ok();
    }
}

/// Does nothing: here a terminal stays when a program ends.
#[cfg(not(windows))]
pub const fn hold_window() {}

#[cfg(windows)]
#[expect(unsafe_code, reason = "the console API has no safe form; the list outlives the call and 2 is its length")]
fn owns_console() -> bool {
    #[link(name = "kernel32")]
    unsafe extern "system" {
        fn GetConsoleProcessList(list: *mut u32, count: u32) -> u32;
    }
    let mut processes = [0_u32; 2];
    // SAFETY: the pointer is valid for two values, and the call writes at most two.
    let count = unsafe { GetConsoleProcessList(processes.as_mut_ptr(), 2) };
    count == 1
}
