//! A block of lines that is drawn again in place, like a trace's table while it grows.

use console::{Term, truncate_str};

use super::{Ui, harmless};

/// The block. Through a pipe nothing is drawn until the end.
#[derive(Debug)]
pub struct Live {
    term: Term,
    lively: bool,
    drawn: usize,
}

impl Live {
    /// Begins a block below what was shown so far.
    #[must_use]
    pub fn new(ui: &Ui) -> Self {
        Self { term: ui.term.clone(), lively: ui.lively, drawn: 0 }
    }

    /// Draws the block as it stands now, where it moves at all.
    pub fn draw(&mut self, lines: impl FnOnce() -> Vec<String>) {
        if self.lively {
            let lines = lines();
            let (height, width) = self.term.size();
            // What scrolled away cannot be drawn again: the block keeps to the screen until it is finished.
            let fitting = lines.len().min(usize::from(height).saturating_sub(1));
            let cut: Vec<_> = lines[..fitting].iter().map(|line| cut(line, usize::from(width))).collect();
            self.redraw(&cut);
        }
    }

    /// Draws the block for the last time, whole, and leaves it standing.
    pub fn finish(mut self, lines: &[String]) {
        let lines: Vec<_> = lines.iter().map(|line| harmless(line)).collect();
        self.redraw(&lines);
    }

    fn redraw(&mut self, lines: &[String]) {
        // A screen that is gone is nobody's loss.
        if self.drawn > 0 {
            self.term.clear_last_lines(self.drawn).ok();
        }
        for line in lines {
            self.term.write_line(line).ok();
        }
        self.term.flush().ok();
        self.drawn = lines.len();
    }
}

fn cut(line: &str, width: usize) -> String {
    truncate_str(&harmless(line), width.saturating_sub(1), "").into_owned()
}
