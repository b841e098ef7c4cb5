//! What history's answers from BigQuery came to since the start, for metrics and for who asks.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::google::{GoogleError, Kind};

/// What answers came to since the start.
#[derive(Debug, Default)]
pub struct HistoryCosts {
    answers: AtomicU64,
    billed_bytes: AtomicU64,
    failures: [AtomicU64; Kind::ALL.len()],
}

impl HistoryCosts {
    /// Counts an answer, and what it is charged as where that is known.
    pub(super) fn answered(&self, billed_bytes: Option<u64>) {
        self.answers.fetch_add(1, Ordering::Relaxed);
        self.billed_bytes.fetch_add(billed_bytes.unwrap_or(0), Ordering::Relaxed);
    }

    /// Counts a question without an answer.
    pub(super) fn failed(&self, error: &GoogleError) {
        let place = Kind::ALL.iter().position(|kind| *kind == error.kind);
        if let Some(counter) = place.and_then(|place| self.failures.get(place)) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Gives what all answers are charged as.
    #[must_use]
    pub fn billed_bytes(&self) -> u64 {
        self.billed_bytes.load(Ordering::Relaxed)
    }

    /// Writes it out in Prometheus's text format.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        for (name, help, value) in [
            ("answers_total", "Answers that BigQuery gave.", self.answers.load(Ordering::Relaxed)),
            ("billed_bytes_total", "Bytes that BigQuery charges for them.", self.billed_bytes()),
        ] {
            let name = format!("cnc_history_{name}");
            let line = format!("# HELP {name} {help}\n# TYPE {name} counter\n{name} {value}\n");
            text.push_str(&line);
        }
        text.push_str("# HELP cnc_history_failures_total Questions that BigQuery did not answer, by kind.\n");
        text.push_str("# TYPE cnc_history_failures_total counter\n");
        for (kind, count) in Kind::ALL.into_iter().zip(&self.failures) {
            let (word, count) = (kind.word(), count.load(Ordering::Relaxed));
            let line = format!("cnc_history_failures_total{{kind=\"{word}\"}} {count}\n");
            text.push_str(&line);
        }
        text
    }
}
