//! One figure of a benchmark, and how it is written.
#![expect(clippy::print_stdout, reason = "this is the benchmarks' output module")]

use serde_json::{Value, json};

/// A figure of ours beside its peer's.
#[derive(Debug, Clone)]
pub(crate) struct Figure {
    /// What was measured.
    pub(crate) name: String,
    /// In what it is counted.
    pub(crate) unit: &'static str,
    /// Ours.
    pub(crate) ours: f64,
    /// The peer's, in the same run.
    pub(crate) peer: f64,
    /// What ours should be.
    pub(crate) goal: String,
    /// Who the peer is, with its version.
    pub(crate) version: String,
}

impl Figure {
    fn ratio(&self) -> f64 {
        self.ours / self.peer
    }

    /// Writes it as a line for people.
    pub(crate) fn print(&self) {
        println!(
            "{:<44} ours {:>9.1} {unit}   peer {:>9.1} {unit}   ratio {:>5.2}   goal {}   ({})",
            self.name,
            self.ours,
            self.peer,
            self.ratio(),
            self.goal,
            self.version,
            unit = self.unit,
        );
    }

    /// Gives it for programs.
    pub(crate) fn json(&self) -> Value {
        json!({
            "name": self.name, "unit": self.unit, "ours": self.ours, "peer": self.peer,
            "ratio": self.ratio(), "goal": self.goal, "peer_version": self.version,
        })
    }
}

/// Gives the value below which the given share of the values lies; 0 where there is none.
pub(crate) fn quantile(sorted: &[u32], share: f64) -> f64 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "an index"
    )]
    let at = (sorted.len() as f64 * share) as usize;
    sorted.get(at.min(sorted.len().saturating_sub(1))).copied().map_or(0.0, f64::from)
}

/// Gives the middle one of some runs' values.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
