//! What the line is good for, in words from a fixed table. It names no cause.

use cnc_model::score::{Line, Score};
use maud::{Markup, html};

use super::figures::table;
use super::partial::Shown;

/// Writes the scores; nothing where no test tells anything of the line.
pub(crate) fn scores(tests: &[Shown<'_>]) -> Markup {
    let asked = tests.iter().filter(|shown| !shown.test.id.is_own());
    let line = Line::of(asked.filter_map(|shown| Some((&shown.test.what, shown.summary()?))));
    if line.is_unknown() {
        return html! {};
    }
    let scores = line.scores();
    let rows = scores.each().map(|(purpose, score)| (purpose.word(), told(score)));
    html! {
        section id="scores" aria-labelledby="scores-title" {
            h2 id="scores-title" { "What the line is good for" }
            (table("Scores", &rows))
            @if let Some(why) = scores.why() {
                p { (why) }
            }
            p class="note" {
                "Each score adds points for round trips, their jitter and loss to the listener, for what a load adds to \
                 them and for the download, after the table of Cloudflare’s AIM. What was not measured scores nothing."
            }
        }
    }
}

fn told(score: &Score) -> String {
    match score {
        Score::Points { points, quality } => format!("{quality} ({points} points)"),
        Score::NotMeasured(_) => score.to_string(),
    }
}

/// Gives the scores as lines for terminals, each use before its word; none where nothing is known.
pub(crate) fn lines(line: &Line) -> Vec<String> {
    if line.is_unknown() {
        return Vec::new();
    }
    let scores = line.scores();
    let each = scores.each().map(|(purpose, score)| format!("{:<11} {score}", purpose.word()));
    each.into_iter().chain(scores.why().map(str::to_owned)).collect()
}
