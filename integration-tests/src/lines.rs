//! Reads what `cnc … --json` writes: an object a line, samples first, one summary or error at the end.

use std::process::Command;

use serde_json::Value;

/// What one run of a command wrote.
#[derive(Debug, Clone)]
pub struct Lines {
    /// Its exit code.
    pub code: i32,
    /// The samples, in order.
    pub samples: Vec<Value>,
    /// The last line: a summary or an error.
    pub last: Value,
}

impl Lines {
    /// Runs a command that writes JSON lines, and waits for its end.
    ///
    /// # Panics
    /// When it cannot run, dies by a signal, or writes anything but JSON lines with one summary or error as the last.
    #[must_use]
    pub fn of(command: &mut Command) -> Self {
        let output = command.output().expect("the command can be started");
        let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
        let told = || format!("{command:?}\nwrote:\n{stdout}\nand to standard error:\n{stderr}");
        let code = output.status.code().unwrap_or_else(|| panic!("died: {}", told()));
        let mut samples: Vec<Value> = stdout
            .lines()
            .map(|line| {
                serde_json::from_str(line).unwrap_or_else(|error| panic!("no JSON ({error}): {line}\n{}", told()))
            })
            .collect();
        let last = samples.pop().unwrap_or_else(|| panic!("nothing written: {}", told()));
        assert!(last["type"] == "summary" || last["type"] == "error", "the last line is no summary: {}", told());
        assert!(samples.iter().all(|sample| sample["type"] == "sample"), "not only samples before it: {}", told());
        Self { code, samples, last }
    }

    /// Gives the summary.
    ///
    /// # Panics
    /// When the command ended with an error or a bad exit code.
    #[must_use]
    pub fn summary(&self) -> &Value {
        assert!(self.code == 0 && self.last["type"] == "summary", "exit code {}: {}", self.code, self.last);
        &self.last
    }
}

/// Gives a number of an object by its path, like `/rtt_ms/median`.
///
/// # Panics
/// When there is none.
#[must_use]
pub fn number(object: &Value, pointer: &str) -> f64 {
    object.pointer(pointer).and_then(Value::as_f64).unwrap_or_else(|| panic!("no number at {pointer}: {object}"))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
