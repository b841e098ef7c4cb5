//! The report: one self-contained HTML page for a session, and the same as a document, built by pure code from what
//! the store holds. It says what was measured and how; it reads no clock and no store, runs no script, loads nothing,
//! and passes no verdict: that is the diagnosis's.

mod absence;
mod document;
mod figures;
mod head;
mod machine;
mod partial;
mod picture;
mod reach;
pub(crate) mod scores;
mod section;
pub(crate) mod sentence;
mod witness;
pub(crate) mod words;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use cnc_model::session::SessionRecord;
use cnc_model::{Sample, TestId, Timestamp};
use maud::{DOCTYPE, Markup, PreEscaped, html};

pub use document::DocumentError;
pub(crate) use head::title;
use partial::Shown;
pub(crate) use words::sortable;

/// The content security policy that the page needs and that it carries itself: its own style sheet, nothing else.
pub const CONTENT_SECURITY_POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

const STYLE: &str = include_str!("report/style.css");

/// All that a report is made of.
#[derive(Debug, Clone, Copy)]
pub struct Report<'a> {
    /// The session and its tests.
    pub record: &'a SessionRecord,
    /// The samples of each test in the order of their sequences; tests without samples may be missing.
    pub samples: &'a BTreeMap<TestId, Vec<Sample>>,
    /// Who asked for the measurements: the organisation's name as the operator configured it.
    pub operator: &'a str,
    /// When the report is made.
    pub made: Timestamp,
}

/// Makes a document of one sentence, for trying where documents go.
///
/// # Errors
/// As [`Report::docx`].
pub(crate) fn note(text: &str, made: Timestamp) -> Result<Vec<u8>, DocumentError> {
    document::docx(&html! { body { p { (text) } } }.into_string(), made)
}

impl Report<'_> {
    /// Writes the page.
    #[must_use]
    pub fn html(&self) -> String {
        let title = head::title(&self.record.overview);
        let page = html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta http-equiv="Content-Security-Policy" content=(CONTENT_SECURITY_POLICY);
                    meta name="robots" content="noindex";
                    meta name="referrer" content="no-referrer";
                    meta name="color-scheme" content="light dark";
                    title { "Network check: " (title) }
                    style { (PreEscaped(STYLE)) }
                }
                (self.body())
            }
        };
        page.into_string()
    }

    /// Writes the same as a document for word processors, in Office Open XML (DOCX): its texts, tables and pictures
    /// are those of the page.
    ///
    /// # Errors
    /// Returns an error when a picture cannot be drawn: a mistake of ours.
    pub fn docx(&self) -> Result<Vec<u8>, DocumentError> {
        document::docx(&self.body().into_string(), self.made)
    }

    /// Writes all that a reader sees.
    fn body(&self) -> Markup {
        let tests: Vec<Shown<'_>> =
            self.record.tests.iter().map(|test| Shown::new(test, self.samples_of(test.id))).collect();
        html! {
            body {
                (head::head(self))
                main {
                    (head::overview(&tests))
                    (absence::absences(self.record, self.made))
                    (scores::scores(&tests))
                    (self.computer())
                    (self.tests(&tests))
                    (definitions())
                }
                (head::foot(self))
            }
        }
    }

    /// Gives a test's samples, which may be none.
    fn samples_of(&self, test: TestId) -> &[Sample] {
        self.samples.get(&test).map_or(&[], Vec::as_slice)
    }

    fn computer(&self) -> Markup {
        html! {
            section id="computer" aria-labelledby="computer-title" {
                h2 id="computer-title" { "The client’s computer" }
                @match self.record.system() {
                    Some(system) => (machine::machine(system)),
                    None => p class="absent" { (words::capitalised(words::NOT_MEASURED)) "." },
                }
                @for hint in self.record.hints() { p class="note" { (hint) } }
            }
        }
    }

    fn tests(&self, tests: &[Shown<'_>]) -> Markup {
        let described = self.record.system();
        html! {
            @if !tests.is_empty() {
                h2 { "The tests" }
                @for shown in tests { (section::section(shown, described)) }
            }
        }
    }
}

/// Explains the figures' names, for readers who do not measure networks every day.
fn definitions() -> Markup {
    let words = [
        ("Round-trip time", "from just before a probe is sent until its reply arrives."),
        (
            "Lost",
            "no reply within the time set for it, or an answer that the probe cannot be delivered. A reply that comes \
             later stays lost and is counted as late too.",
        ),
        ("Jitter", "the mean difference of consecutive round-trip times."),
        ("Delay variation", "the 95th percentile of the round-trip times less the least."),
        ("Median, 95th percentile", "half of all values, or 95 of 100, are this much or less (nearest rank)."),
        ("Hop", "a router on the way. Many answer only seldom or not at all and forward all the same."),
        ("Goodput", "bytes of content that arrived at the receiver in a time, without any protocol’s headers."),
        (
            "Round trips a minute (RPM)",
            "how often in a minute something small can be asked and answered while the line is full: poor under 300, fair \
             under 1,000, good under 6,000, else excellent.",
        ),
        (
            "Ramp, steady state",
            "connections speed up at first; the steady state is the mean once the rate has settled, from the second \
             on that showed it.",
        ),
    ];
    html! {
        section class="definitions" aria-labelledby="definitions-title" {
            h2 id="definitions-title" { "What the words mean" }
            dl {
                @for (word, meaning) in words { div { dt { (word) } dd { (meaning) } } }
            }
        }
    }
}
