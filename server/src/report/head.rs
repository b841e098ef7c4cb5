//! The page's head, overview and foot: who, when, from where, and each test's result in a line.

use cnc_model::Timestamp;
use cnc_model::session::{EndReason, SessionOverview, SessionState};
use maud::{Markup, html};

use super::Report;
use super::absence;
use super::partial::Shown;
use super::section::badge;
use super::sentence::{Standing, heading, sentence};
use super::words::{NOT_MEASURED, iso, moment, span};

/// Names the session as its staff do, or by its id.
pub(crate) fn title(overview: &SessionOverview) -> String {
    let label = overview.label.trim();
    if label.is_empty() { format!("Session {}", overview.id) } else { label.to_owned() }
}

/// Writes the heading and the facts of the session.
pub(crate) fn head(report: &Report<'_>) -> Markup {
    let overview = &report.record.overview;
    html! {
        header {
            p class="kind" { "Network check" @if !report.operator.is_empty() { " by " (report.operator) } }
            h1 { (title(overview)) }
            dl class="facts" {
                @for (name, value) in facts(report) {
                    div { dt { (name) } dd class=[(value == NOT_MEASURED).then_some("absent")] { (value) } }
                }
            }
        }
    }
}

fn facts(report: &Report<'_>) -> Vec<(&'static str, String)> {
    let (record, overview) = (report.record, &report.record.overview);
    let absent = || NOT_MEASURED.to_owned();
    let began = overview.joined.unwrap_or(overview.created);
    let mut facts = vec![("When", when(began, overview)), ("State", state(overview.state).to_owned())];
    facts.extend(absence::in_short(record, report.made).map(|away| ("Client away", away)));
    facts.push(("Public address", overview.public_address.map_or_else(absent, |address| address.to_string())));
    facts.extend(overview.network.as_ref().map(|network| ("Provider", network.to_string())));
    let client = overview.client_version.as_ref().map_or_else(absent, |version| format!("cnc {version}"));
    facts.push(("Client", client));
    if overview.joined.is_some() {
        facts.push((
            "Consent",
            record.consented.map_or_else(|| "not given".into(), |at| format!("given {}", moment(at))),
        ));
        facts.push(("Client’s clock", clock(overview.clock_offset_us)));
    }
    facts.push(("Plan", if overview.plan.is_empty() { "none".into() } else { overview.plan.clone() }));
    facts.push(("Session", overview.id.to_string()));
    facts
}

fn when(began: Timestamp, overview: &SessionOverview) -> String {
    match overview.ended {
        Some(ended) => format!("{} ({})", super::words::period(began, ended), span(ended.since(began))),
        None => format!("since {}", moment(began)),
    }
}

fn state(state: SessionState) -> &'static str {
    match state {
        SessionState::Waiting => "waiting for the client to join",
        SessionState::Joined => "joined; the user has not agreed yet",
        SessionState::Active => "still going on when this report was made",
        SessionState::Ending => "ending; the client’s last items are awaited",
        SessionState::Ended(reason) => match reason {
            EndReason::Staff => "ended by support",
            EndReason::User => "ended by the user",
            EndReason::ConsentRefused => "ended: the user did not agree, nothing was measured",
            EndReason::PlanDone => "ended: all planned tests were done",
            EndReason::Idle => "ended: nothing happened for too long",
            EndReason::Lost => "ended: the client was gone for too long",
            EndReason::NeverJoined => "ended: no client joined while the code was valid",
        },
    }
}

/// Words the client's clock against the listener's, by which all moments here are told.
fn clock(offset_us: Option<i64>) -> String {
    let Some(us) = offset_us else { return NOT_MEASURED.into() };
    let off = std::time::Duration::from_micros(us.unsigned_abs());
    match us {
        -999_999..=999_999 => "within a second of the listener’s".into(),
        ..=-1_000_000 => format!("{} behind the listener’s", span(off)),
        1_000_000.. => format!("{} ahead of the listener’s", span(off)),
    }
}

/// Writes each test's result in a line.
pub(crate) fn overview(tests: &[Shown<'_>]) -> Markup {
    html! {
        section class="overview" aria-labelledby="overview-title" {
            h2 id="overview-title" { "What was measured" }
            @if tests.is_empty() {
                p class="absent" { "No test was asked for in this session." }
            } @else {
                ol {
                    @for shown in tests {
                        @let standing = Standing::of(shown.test);
                        li {
                            a href={ "#test-" (shown.test.id) } { (heading(&shown.test.what)) }
                            div {
                                (sentence(shown.test, shown.summary()))
                                @if standing != Standing::Completed { " " (badge(standing)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Writes who made the report, when, and how to read its times.
pub(crate) fn foot(report: &Report<'_>) -> Markup {
    html! {
        footer {
            p {
                "Made " time datetime=(iso(report.made)) { (moment(report.made)) }
                " by cnc " (env!("CARGO_PKG_VERSION"))
                @if !report.operator.is_empty() { " for " (report.operator) }
                ". All times are UTC (offset +00:00) by the listener’s clock."
            }
            p { "What is shown was measured; what was not says so. Scores follow a fixed table; this page names no cause." }
        }
    }
}
