//! Scores for people: the bufferbloat grade and how good a line is for streaming, games and video calls. Each row of
//! thresholds stands here once. Never measures, and never scores what was not measured.

use std::fmt;
use std::time::Duration;

use crate::BitRate;

mod scores;

pub use self::scores::Scores;

/// How much a loaded line delays everything else, by the mean added round trip.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum BufferbloatGrade {
    /// Under 5 ms are added.
    APlus,
    /// Under 30 ms.
    A,
    /// Under 60 ms.
    B,
    /// Under 200 ms.
    C,
    /// Under 400 ms.
    D,
    /// 400 ms and more.
    F,
}

impl BufferbloatGrade {
    /// Grades the mean increase of the round trip under load.
    #[must_use]
    pub fn of(added: Duration) -> Self {
        let rows = [(5, Self::APlus), (30, Self::A), (60, Self::B), (200, Self::C), (400, Self::D)];
        let row = rows.into_iter().find(|(below, _)| added < Duration::from_millis(*below));
        row.map_or(Self::F, |(_, grade)| grade)
    }

    /// Gives the grade as people write it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::APlus => "A+",
            Self::A => "A",
            Self::B => "B",
            Self::C => "C",
            Self::D => "D",
            Self::F => "F",
        }
    }
}

impl fmt::Display for BufferbloatGrade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// What a line is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Use {
    /// Films and music: latency, loss, added latency, download.
    Streaming,
    /// Games: latency, loss, added latency.
    Gaming,
    /// Video calls: latency, jitter, loss, added latency.
    VideoCall,
}

impl Use {
    /// Gives the word for it, as the begin of a line.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Streaming => "Streaming",
            Self::Gaming => "Gaming",
            Self::VideoCall => "Video calls",
        }
    }
}

/// How well a line serves a use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Quality {
    /// It hardly works.
    Bad,
    /// It works with trouble.
    Poor,
    /// It works.
    Average,
    /// It works well.
    Good,
    /// Nothing is left to wish for.
    Great,
}

impl Quality {
    /// Gives the word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Bad => "bad",
            Self::Poor => "poor",
            Self::Average => "average",
            Self::Good => "good",
            Self::Great => "great",
        }
    }
}

impl fmt::Display for Quality {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// A figure that a score is made from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Input {
    /// The idle round trip.
    Latency,
    /// The mean difference of consecutive round trips.
    Jitter,
    /// The share of lost probes.
    Loss,
    /// What load adds to the round trip.
    AddedLatency,
    /// Goodput towards the client.
    Download,
}

impl Input {
    /// Gives the word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Latency => "latency",
            Self::Jitter => "jitter",
            Self::Loss => "loss",
            Self::AddedLatency => "latency under load",
            Self::Download => "download",
        }
    }
}

impl fmt::Display for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// What is known of a line; `None` is *not measured*.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Line {
    /// The idle round trip.
    pub latency: Option<Duration>,
    /// The mean difference of consecutive round trips.
    pub jitter: Option<Duration>,
    /// The share of lost probes, 0 to 1.
    pub loss_ratio: Option<f64>,
    /// What load adds to the round trip, the worse direction.
    pub added_latency: Option<Duration>,
    /// Goodput towards the client.
    pub download: Option<BitRate>,
    /// Whether the latency under load is missing because a load had moved all that it may before a round trip could be
    /// taken beside it.
    pub load_too_short: bool,
}

/// A score, or what it lacks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Score {
    /// Everything that it needs was measured.
    Points {
        /// The sum of its inputs' points.
        points: i32,
        /// What they mean for the use.
        quality: Quality,
    },
    /// Not measured: these inputs are missing, in the order of [`Input`].
    NotMeasured(Vec<Input>),
}

impl fmt::Display for Score {
    /// Shows the word, or what is missing: `not measured: loss, download`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Points { quality, .. } => quality.fmt(f),
            Self::NotMeasured(missing) => {
                let missing: Vec<_> = missing.iter().map(|input| input.word()).collect();
                write!(f, "not measured: {}", missing.join(", "))
            }
        }
    }
}

impl Line {
    /// Scores the line for a use with the points of Cloudflare's AIM. Two of its flaws are repaired: what was not
    /// measured gives no score instead of points, and a loss of 1 % or more earns none for calls.
    #[must_use]
    pub fn score(&self, purpose: Use) -> Score {
        let (inputs, cuts): (&[Input], _) = match purpose {
            Use::Streaming => (&[Input::Latency, Input::Loss, Input::AddedLatency, Input::Download], [15, 20, 40, 60]),
            Use::Gaming => (&[Input::Latency, Input::Loss, Input::AddedLatency], [5, 15, 25, 30]),
            Use::VideoCall => (&[Input::Latency, Input::Jitter, Input::Loss, Input::AddedLatency], [5, 15, 25, 40]),
        };
        let (mut points, mut missing) = (0, Vec::new());
        for &input in inputs {
            match self.points(input) {
                Some(earned) if input == Input::Loss && purpose == Use::VideoCall => points += call_loss(earned),
                Some(earned) => points += earned,
                None => missing.push(input),
            }
        }
        if missing.is_empty() {
            Score::Points { points, quality: quality(points, cuts) }
        } else {
            Score::NotMeasured(missing)
        }
    }

    /// Gives one input's points; `None` when it was not measured.
    #[must_use]
    pub fn points(&self, input: Input) -> Option<i32> {
        match input {
            Input::Latency => self.latency.map(latency_points),
            Input::AddedLatency => self.added_latency.map(latency_points),
            Input::Jitter => self.jitter.map(jitter_points),
            Input::Loss => self.loss_ratio.filter(|ratio| (0.0..=1.0).contains(ratio)).map(loss_points),
            Input::Download => self.download.map(rate_points),
        }
    }
}

/// The points of a loss that a call does without: only a loss under 1 % earns any.
fn call_loss(points: i32) -> i32 {
    if points < loss_points(0.0) { points.min(0) } else { points }
}

fn quality(points: i32, cuts: [i32; 4]) -> Quality {
    let words = [Quality::Bad, Quality::Poor, Quality::Average, Quality::Good];
    cuts.into_iter().zip(words).find(|(below, _)| points < *below).map_or(Quality::Great, |(_, word)| word)
}

/// Gives the points of the first row that the value lies below.
fn below<const N: usize>(value: f64, rows: [(f64, i32); N], otherwise: i32) -> i32 {
    rows.into_iter().find(|(below, _)| value < *below).map_or(otherwise, |(_, points)| points)
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

fn latency_points(latency: Duration) -> i32 {
    below(millis(latency), [(10.0, 20), (20.0, 10), (50.0, 5), (100.0, 0), (500.0, -10)], -20)
}

fn jitter_points(jitter: Duration) -> i32 {
    below(millis(jitter), [(10.0, 10), (20.0, 5), (100.0, 0), (500.0, -10)], -20)
}

fn loss_points(ratio: f64) -> i32 {
    below(ratio, [(0.01, 10), (0.05, 5), (0.25, 0), (0.50, -10)], -20)
}

fn rate_points(rate: BitRate) -> i32 {
    below(rate.mbps(), [(1.0, 0), (10.0, 5), (50.0, 10), (100.0, 20)], 30)
}

#[cfg(test)]
mod tests;
