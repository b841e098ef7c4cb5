//! Scores for people.

use cnc_model::score::{Input, Score, Scores};
use serde::Serialize;

#[derive(Serialize)]
pub(super) struct ScoresBody {
    streaming: ScoreBody,
    gaming: ScoreBody,
    video_call: ScoreBody,
    /// Why something was not measured, in words; `null` where that is not known, or nothing is missing.
    why_missing: Option<&'static str>,
}

#[derive(Serialize)]
struct ScoreBody {
    /// `bad`, `poor`, `average`, `good` or `great`; `null` where something is missing.
    quality: Option<&'static str>,
    points: Option<i32>,
    /// What was not measured.
    missing: Vec<&'static str>,
}

impl From<&Scores> for ScoresBody {
    fn from(scores: &Scores) -> Self {
        let Scores { streaming, gaming, video_call, load_too_short: _ } = scores;
        Self {
            streaming: streaming.into(),
            gaming: gaming.into(),
            video_call: video_call.into(),
            why_missing: scores.why(),
        }
    }
}

impl From<&Score> for ScoreBody {
    fn from(score: &Score) -> Self {
        match score {
            Score::Points { points, quality } => {
                Self { quality: Some(quality.word()), points: Some(*points), missing: Vec::new() }
            }
            Score::NotMeasured(missing) => {
                Self { quality: None, points: None, missing: missing.iter().map(|input| key(*input)).collect() }
            }
        }
    }
}

/// Gives an input's name in JSON.
const fn key(input: Input) -> &'static str {
    match input {
        Input::Latency => "latency",
        Input::Jitter => "jitter",
        Input::Loss => "loss",
        Input::AddedLatency => "added_latency",
        Input::Download => "download",
    }
}
