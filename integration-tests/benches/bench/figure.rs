//! One figure of a benchmark beside its peer's and its goal, and how it is written. Measures nothing.
#![expect(clippy::print_stdout, reason = "this is the benchmarks' output module")]

use std::fmt;

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
    /// The peer's, in the same run; not a number where there is none.
    pub(crate) peer: f64,
    /// What ours should be.
    pub(crate) goal: Goal,
    /// Who the peer is, with its version.
    pub(crate) version: String,
}

/// What a figure should be: all of these bounds at once.
#[derive(Debug, Clone, Default)]
pub(crate) struct Goal(Vec<Bound>);

/// One bound of a figure.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Bound {
    /// No more than this.
    Most(f64),
    /// No more than so many times the peer's.
    MostOfPeer(f64),
    /// No less than so many times the peer's.
    LeastOfPeer(f64),
    /// No more than the peer's and this.
    MostAbovePeer(f64),
}

impl Goal {
    /// A figure that is only shown.
    pub(crate) const NONE: Self = Self(Vec::new());

    /// Adds a bound.
    pub(crate) fn and(mut self, bound: Bound) -> Self {
        self.0.push(bound);
        self
    }

    /// Tells whether the bounds are kept; `None` where there is none. What is no number keeps none.
    fn is_met(&self, ours: f64, peer: f64) -> Option<bool> {
        let is_kept = |bound: &Bound| match *bound {
            Bound::Most(most) => ours <= most,
            Bound::MostOfPeer(times) => ours <= times * peer,
            Bound::LeastOfPeer(times) => ours >= times * peer,
            Bound::MostAbovePeer(more) => ours <= peer + more,
        };
        (!self.0.is_empty()).then(|| self.0.iter().all(is_kept))
    }
}

impl From<Bound> for Goal {
    fn from(bound: Bound) -> Self {
        Self(vec![bound])
    }
}

impl fmt::Display for Goal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("none");
        }
        for (nth, bound) in self.0.iter().enumerate() {
            f.write_str(if nth > 0 { " and " } else { "" })?;
            match bound {
                Bound::Most(most) => write!(f, "<= {most}")?,
                Bound::MostOfPeer(times) => write!(f, "<= {times} x")?,
                Bound::LeastOfPeer(times) => write!(f, ">= {times} x")?,
                Bound::MostAbovePeer(more) => write!(f, "<= peer + {more}")?,
            }
        }
        Ok(())
    }
}

impl Figure {
    fn ratio(&self) -> f64 {
        self.ours / self.peer
    }

    /// Writes it as a line for people.
    pub(crate) fn print(&self) {
        let verdict = match self.goal.is_met(self.ours, self.peer) {
            None => "",
            Some(true) => ", met",
            Some(false) => ", MISSED",
        };
        println!(
            "{:<66} ours {:>8} {unit:<4} peer {:>8} {unit:<4} ratio {:>6}   goal {}{verdict}   ({})",
            self.name,
            shown(self.ours),
            shown(self.peer),
            shown(self.ratio()),
            self.goal,
            self.version,
            unit = self.unit,
        );
    }

    /// Gives it for programs.
    pub(crate) fn json(&self) -> Value {
        json!({
            "name": self.name, "unit": self.unit, "ours": self.ours, "peer": self.peer, "ratio": self.ratio(),
            "goal": self.goal.to_string(), "met": self.goal.is_met(self.ours, self.peer), "peer_version": self.version,
        })
    }
}

/// Gives a number with three digits that matter, or more before its point.
fn shown(number: f64) -> String {
    match number.abs() {
        size if size.is_nan() => "-".to_owned(),
        size if size < 10.0 => format!("{number:.3}"),
        size if size < 100.0 => format!("{number:.2}"),
        _ => format!("{number:.1}"),
    }
}

/// Gives the value below which the given share of the values lies; 0 where there is none.
pub(crate) fn quantile<T: Copy + Into<f64>>(sorted: &[T], share: f64) -> f64 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "an index"
    )]
    let at = (sorted.len() as f64 * share) as usize;
    sorted.get(at.min(sorted.len().saturating_sub(1))).copied().map_or(0.0, Into::into)
}

/// Gives the middle one of some runs' values.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Gives the mean of some values.
#[expect(clippy::cast_precision_loss, reason = "some thousand values")]
pub(crate) fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// Writes a number to whoever started this as a process of its own.
pub(crate) fn say(number: usize) {
    println!("{number}");
}
