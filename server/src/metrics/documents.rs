//! How documents in Drive stand, written out for Prometheus.

use std::fmt::Write as _;

use crate::store::DocumentsStanding;

/// How documents in Drive stand at the moment of writing out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentGauges {
    /// What the record knows of them.
    pub standing: DocumentsStanding,
    /// For how many seconds the oldest of those that wait has waited.
    pub oldest_seconds: u64,
    /// Documents made and removed since the start.
    pub done: (u64, u64),
    /// Failures since the start, of each kind.
    pub failures: Vec<(&'static str, u64)>,
}

impl DocumentGauges {
    /// Writes them out in Prometheus's text format.
    #[must_use]
    pub fn text(&self) -> String {
        let Self { standing, oldest_seconds, done: (made, removed), failures } = self;
        let lines = [
            ("waiting", "gauge", "Documents to be made in Drive, or made again.", standing.waiting),
            ("removals_waiting", "gauge", "Deleted sessions' documents to be removed.", standing.removals_waiting),
            ("oldest_seconds", "gauge", "For how long the oldest of both has waited.", *oldest_seconds),
            ("made_total", "counter", "Documents made or brought up to date.", *made),
            ("removed_total", "counter", "Documents removed.", *removed),
        ];
        let mut text = String::new();
        for (name, kind, help, value) in lines {
            let name = format!("cnc_documents_{name}");
            let line = format!("# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}\n");
            text.push_str(&line);
        }
        let failing = standing.failing.iter().map(|(kind, count)| (kind.as_str(), *count));
        by_kind(&mut text, ("failing", "gauge"), "Documents that wait after a failure, by its kind.", failing);
        by_kind(&mut text, ("failures_total", "counter"), "Attempts that failed, by kind.", failures.iter().copied());
        text
    }
}

/// Writes a figure of each kind.
fn by_kind<'a>(text: &mut String, (name, of): (&str, &str), help: &str, figures: impl Iterator<Item = (&'a str, u64)>) {
    writeln!(text, "# HELP cnc_documents_{name} {help}\n# TYPE cnc_documents_{name} {of}").expect("a String takes it");
    for (kind, count) in figures {
        writeln!(text, "cnc_documents_{name}{{kind=\"{kind}\"}} {count}").expect("a String takes it");
    }
}
