//! When the client was away: so that who reads a report sees which figures it may explain.

use std::time::Duration;

use cnc_model::Timestamp;
use cnc_model::session::{Absence, SessionOverview, SessionRecord};
use maud::{Markup, html};

use super::sentence::heading;
use super::words::{counted, period, span, time_of_day};

/// Times that are shown one by one; what comes later is told as a number. A line that fails all the time would fill pages.
const MOST_SHOWN: usize = 20;

/// Sums up how often and how long the client was away; `None` when it never was.
pub(crate) fn in_short(record: &SessionRecord, made: Timestamp) -> Option<String> {
    let away: Duration = record.absences.iter().map(|absence| length(absence, &record.overview, made)).sum();
    let times = record.absences.len();
    (times > 0).then(|| format!("{}, {} in all", counted(times as u64, "time", "times"), span(away)))
}

/// Lists when the client was away, with the tests that were under way; nothing when it never was.
pub(crate) fn absences(record: &SessionRecord, made: Timestamp) -> Markup {
    let all = &record.absences;
    html! {
        @if !all.is_empty() {
            section id="away" class="overview" aria-labelledby="away-title" {
                h2 id="away-title" { "When the client was away" }
                p {
                    "The client and the listener were cut off from each other then. Tests that were under way went on, and what they \
                     measured was brought afterwards."
                }
                ol {
                    @for absence in all.iter().take(MOST_SHOWN) {
                        li {
                            span { (from_until(absence, &record.overview, made)) }
                            div { (under_way(absence, record)) }
                        }
                    }
                }
                @if let Some(more) = all.len().checked_sub(MOST_SHOWN).filter(|more| *more > 0) {
                    p class="note" { "And " (counted(more as u64, "time", "times")) " more." }
                }
            }
        }
    }
}

/// Gives when an absence was over: the client's return, or else the session's end, or the report's making.
fn end(absence: &Absence, overview: &SessionOverview, made: Timestamp) -> Timestamp {
    absence.until.or(overview.ended).unwrap_or(made)
}

fn length(absence: &Absence, overview: &SessionOverview, made: Timestamp) -> Duration {
    end(absence, overview, made).since(absence.from)
}

fn from_until(absence: &Absence, overview: &SessionOverview, made: Timestamp) -> String {
    let lasted = span(length(absence, overview, made));
    match (absence.until, overview.ended) {
        (Some(until), _) => format!("{} ({lasted})", period(absence.from, until)),
        (None, Some(_)) => format!("from {} UTC until the session’s end ({lasted})", time_of_day(absence.from)),
        (None, None) => format!("from {} UTC, not back when this report was made", time_of_day(absence.from)),
    }
}

/// Names the tests that were under way.
fn under_way(absence: &Absence, record: &SessionRecord) -> String {
    let tests = record.tests.iter().filter(|test| {
        let began_before = |end: Timestamp| test.started.is_some_and(|started| started < end);
        absence.until.is_none_or(began_before)
            && test.started.is_some()
            && test.ended.is_none_or(|ended| ended > absence.from)
    });
    let names: Vec<String> = tests.map(|test| heading(&test.what)).collect();
    if names.is_empty() { "no test was under way".into() } else { format!("during: {}", names.join(", ")) }
}
