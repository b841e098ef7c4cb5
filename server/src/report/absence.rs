//! When the client was away: so that who reads a report sees which figures it may explain.

use std::time::Duration;

use cnc_model::Timestamp;
use cnc_model::session::{Absence, SessionOverview, SessionRecord};
use maud::{Markup, html};

use super::sentence::heading;
use super::words::{count, counted, moment, period, sortable, span, time_of_day};

/// Times that are shown one by one; what comes later is told as a number. A line that fails all the time would fill pages.
const MOST_SHOWN: usize = 20;

/// Sums up how often and how long the client was away; `None` when it never was.
pub(crate) fn in_short(record: &SessionRecord, made: Timestamp) -> Option<String> {
    let away: Duration = record.absences.iter().map(|absence| length(absence, &record.overview, made)).sum();
    match record.absences.len() {
        0 => None,
        1 => Some(format!("once, for {}", span(away))),
        times => Some(format!("{} times, for {} in all", count(times as u128), span(away))),
    }
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
    let from = absence.from;
    let is_of_the_day = |at| is_same_day(at, overview.joined.unwrap_or(overview.created));
    let began = || if is_of_the_day(from) { format!("{} UTC", time_of_day(from)) } else { moment(from) };
    let lasted = span(length(absence, overview, made));
    match (absence.until, overview.ended) {
        (Some(until), _) if is_of_the_day(from) && is_of_the_day(until) => {
            format!("{} to {} UTC ({lasted})", time_of_day(from), time_of_day(until))
        }
        (Some(until), _) => format!("{} ({lasted})", period(from, until)),
        (None, Some(_)) => format!("from {} until the session’s end ({lasted})", began()),
        (None, None) => format!("from {}, not back when this report was made", began()),
    }
}

/// Tells whether two moments are of one day: then the head of the page has named it.
fn is_same_day(one: Timestamp, other: Timestamp) -> bool {
    let day = |at| sortable(at).split(' ').next().map(str::to_owned);
    day(one) == day(other)
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
