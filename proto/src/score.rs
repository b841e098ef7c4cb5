//! Scores for people: out only. Who reads a record makes them of its tests, by the model's one definition.

use cnc_model::score::{Input, Quality, Score, Scores};

use crate::v1;

impl From<&Scores> for v1::Scores {
    fn from(scores: &Scores) -> Self {
        let Scores { streaming, gaming, video_call, load_too_short } = scores;
        Self {
            streaming: Some(streaming.into()),
            gaming: Some(gaming.into()),
            video_call: Some(video_call.into()),
            load_too_short: *load_too_short,
        }
    }
}

impl From<&Score> for v1::Score {
    fn from(score: &Score) -> Self {
        match score {
            Score::Points { points, quality } => {
                Self { quality: v1::Quality::from(*quality).into(), points: Some(*points), missing: Vec::new() }
            }
            Score::NotMeasured(missing) => Self {
                quality: v1::Quality::Unspecified.into(),
                points: None,
                missing: missing.iter().map(|input| v1::ScoreInput::from(*input).into()).collect(),
            },
        }
    }
}

impl From<Quality> for v1::Quality {
    fn from(quality: Quality) -> Self {
        match quality {
            Quality::Bad => Self::Bad,
            Quality::Poor => Self::Poor,
            Quality::Average => Self::Average,
            Quality::Good => Self::Good,
            Quality::Great => Self::Great,
        }
    }
}

impl From<Input> for v1::ScoreInput {
    fn from(input: Input) -> Self {
        match input {
            Input::Latency => Self::Latency,
            Input::Jitter => Self::Jitter,
            Input::Loss => Self::Loss,
            Input::AddedLatency => Self::AddedLatency,
            Input::Download => Self::Download,
        }
    }
}
