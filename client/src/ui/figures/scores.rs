//! What a line is good for, in plain words. Pure.

use cnc_model::score::{Line, Quality, Score};

/// Gives a line for each use: how well the line serves it, or what was not measured; none where nothing is known.
#[must_use]
pub fn scores(line: &Line) -> Vec<String> {
    if line.is_unknown() {
        return Vec::new();
    }
    let scores = line.scores();
    let each = scores.each().map(|(purpose, score)| format!("{:<12}{}", purpose.word(), told(score)));
    each.into_iter().chain(scores.why().map(str::to_owned)).collect()
}

fn told(score: &Score) -> String {
    let Score::Points { quality, .. } = score else { return score.to_string() };
    let meaning = match quality {
        Quality::Bad => "it hardly works",
        Quality::Poor => "it works with trouble",
        Quality::Average => "it works",
        Quality::Good => "it works well",
        Quality::Great => "nothing is left to wish for",
    };
    format!("{quality}: {meaning}")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_use_is_told_with_its_word_or_with_what_it_lacks() {
        assert_eq!(scores(&Line::default()), [""; 0]);
        let ms = |ms| Some(Duration::from_millis(ms));
        let known = Line { latency: ms(9), loss_ratio: Some(0.0), added_latency: ms(9), ..Line::default() };
        let expected = [
            "Streaming   not measured: download",
            "Gaming      great: nothing is left to wish for",
            "Video calls not measured: jitter",
        ];
        assert_eq!(scores(&known), expected);
        let short = Line { added_latency: None, load_too_short: true, ..known };
        let told = scores(&short);
        assert!(
            told[1] == "Gaming      not measured: latency under load" && told[3].contains("Allow more bytes"),
            "{told:?}"
        );
    }
}
