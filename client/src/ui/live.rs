//! A block of lines that is drawn again in place, like a trace's table while it grows.

use std::sync::Arc;

use console::{Term, truncate_str};

use super::{Printer, Ui, harmless};

/// The block. Through a pipe nothing is drawn until the end.
#[derive(Debug)]
pub struct Live {
    printer: Arc<Printer>,
    size: Term,
    lively: bool,
    drawn: usize,
}

impl Live {
    /// Begins a block below what was shown so far.
    #[must_use]
    pub fn new(ui: &Ui) -> Self {
        Self { printer: Arc::clone(&ui.printer), size: Term::stdout(), lively: ui.lively, drawn: 0 }
    }

    /// Draws the block as it stands now, where it moves at all.
    pub fn draw(&mut self, lines: impl FnOnce() -> Vec<String>) {
        if self.lively {
            let lines = lines();
            let (height, width) = self.size.size();
            // What scrolled away cannot be drawn again: the block keeps to the screen until it is finished.
            let fitting = lines.len().min(usize::from(height).saturating_sub(1));
            let cut: Vec<_> = lines[..fitting].iter().map(|line| cut(line, usize::from(width))).collect();
            self.redraw(cut);
        }
    }

    /// Draws the block for the last time, whole, and leaves it standing.
    pub fn finish(mut self, lines: &[String]) {
        let lines: Vec<_> = lines.iter().map(|line| harmless(line)).collect();
        self.redraw(lines);
    }

    fn redraw(&mut self, lines: Vec<String>) {
        let drawn = std::mem::replace(&mut self.drawn, lines.len());
        self.printer.put(move |term| {
            if drawn > 0 {
                term.clear_last_lines(drawn)?;
            }
            lines.iter().try_for_each(|line| term.write_line(line))?;
            term.flush()
        });
    }
}

fn cut(line: &str, width: usize) -> String {
    truncate_str(&harmless(line), width.saturating_sub(1), "").into_owned()
}
