//! One figure of a benchmark beside its peer's and its goal, and how it is written. Measures nothing.
#![expect(clippy::print_stdout, reason = "this is the benchmarks' output module")]

use std::fmt;
use std::time::Duration;

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
    /// How many turns of each it is the middle of.
    pub(crate) turns: usize,
    /// Why its goal is missed where it is, as far as that is known; else empty.
    pub(crate) why: &'static str,
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

/// The heads of the columns.
const HEADS: [&str; 10] = ["figure", "ours", "peer", "", "ratio", "goal", "", "turns", "peer's version", "why"];
/// The columns of numbers, which end where their heads end.
const NUMBERS: [usize; 4] = [1, 2, 4, 7];

/// Writes a benchmark's figures as a table: a line each, the columns as wide as they must be.
pub(crate) fn print(bench: &str, took: Duration, figures: &[Figure]) {
    println!("{bench}, {:.0} s", took.as_secs_f64());
    let rows: Vec<_> = std::iter::once(HEADS.map(str::to_owned)).chain(figures.iter().map(Figure::cells)).collect();
    let widths: Vec<_> =
        (0..HEADS.len()).map(|column| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0)).collect();
    for row in &rows {
        let mut line = String::new();
        for (column, (cell, &width)) in row.iter().zip(&widths).enumerate() {
            let cell = if NUMBERS.contains(&column) { format!("{cell:>width$}") } else { format!("{cell:<width$}") };
            line.push_str("  ");
            line.push_str(&cell);
        }
        println!("{}", line.trim_end());
    }
    println!();
}

/// Writes how many goals were met, and those that were not, each with why where that is known.
pub(crate) fn print_verdict(figures: &[Figure]) {
    let judged = figures.iter().filter_map(|figure| Some((figure, figure.is_met()?)));
    let (met, missed): (Vec<_>, Vec<_>) = judged.partition(|(_, is_met)| *is_met);
    println!("{} goals met, {} missed", met.len(), missed.len());
    for (figure, _) in &missed {
        let [name, ours, peer, unit, _, goal, _, _, version, why] = figure.cells();
        let why = if why.is_empty() { why } else { format!(": {why}") };
        println!("  MISSED  {name}: {ours} {unit} beside {peer} {unit} of {version}, where {goal} is the goal{why}");
    }
}

impl Figure {
    fn ratio(&self) -> f64 {
        self.ours / self.peer
    }

    fn is_met(&self) -> Option<bool> {
        self.goal.is_met(self.ours, self.peer)
    }

    /// Gives its line's cells, in the order of the heads.
    fn cells(&self) -> [String; HEADS.len()] {
        let verdict = match self.is_met() {
            None => "",
            Some(true) => "met",
            Some(false) => "MISSED",
        };
        [
            self.name.clone(),
            shown(self.ours),
            shown(self.peer),
            self.unit.to_owned(),
            shown(self.ratio()),
            self.goal.to_string(),
            verdict.to_owned(),
            self.turns.to_string(),
            self.version.clone(),
            if self.is_met() == Some(false) { self.why } else { "" }.to_owned(),
        ]
    }

    /// Gives it for programs.
    pub(crate) fn json(&self, bench: &str) -> Value {
        json!({
            "bench": bench, "name": self.name, "unit": self.unit, "ours": self.ours, "peer": self.peer, "ratio": self.ratio(),
            "goal": self.goal.to_string(), "met": self.is_met(), "peer_version": self.version,
            "turns": self.turns, "why": self.is_met().is_some_and(|is_met| !is_met && !self.why.is_empty()).then_some(self.why),
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

/// Says at once why a benchmark has no table.
pub(crate) fn print_failure(error: &anyhow::Error) {
    println!("failed: {error:#}\n");
}

/// Writes a number to whoever started this as a process of its own.
pub(crate) fn say(number: usize) {
    println!("{number}");
}
