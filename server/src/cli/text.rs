//! Sessions and tests as lines for people. Figures are worded as in the report.

use cnc_model::Timestamp;
use cnc_model::session::{SessionOverview, SessionRecord, SessionState, TestRecord};
use cnc_proto::support::{AuditEntry, Document};

use crate::report::scores;
use crate::report::sentence::{Standing, own_run, sentence};

/// Words a wall time without its fraction: `2026-11-20T14:02:11Z`.
pub(super) fn moment(at: Timestamp) -> String {
    let text = at.to_string();
    let seconds = text.split_once('.').map_or(text.as_str(), |(seconds, _)| seconds);
    format!("{}Z", seconds.trim_end_matches('Z'))
}

/// Words where a session stands.
pub(super) fn state(overview: &SessionOverview) -> String {
    match overview.state {
        SessionState::Ended(reason) => format!("ended ({})", reason.word().replace('_', " ")),
        SessionState::Waiting => "waiting for a client".into(),
        SessionState::Joined | SessionState::Active | SessionState::Ending => {
            let word = overview.state.word();
            if overview.connected { word.into() } else { format!("{word}, client away") }
        }
    }
}

/// Gives the rows of a list of sessions.
pub(super) fn sessions(sessions: &[SessionOverview]) -> Vec<Vec<String>> {
    let mut rows = vec![["SESSION", "MADE", "STATE", "CODE", "FROM", "PLAN", "LABEL"].map(str::to_owned).to_vec()];
    rows.extend(sessions.iter().map(|overview| {
        vec![
            overview.id.to_string(),
            moment(overview.created),
            state(overview),
            overview.code.map(|code| code.to_string()).unwrap_or_default(),
            overview.public_address.map(|address| address.to_string()).unwrap_or_default(),
            overview.plan.clone(),
            shown(&overview.label),
        ]
    }));
    rows
}

/// Gives the rows of a list of what staff did.
pub(super) fn audit(entries: &[AuditEntry]) -> Vec<Vec<String>> {
    let mut rows = vec![["NO", "WHEN", "WHO", "WHAT", "SESSION", "MORE"].map(str::to_owned).to_vec()];
    rows.extend(entries.iter().map(|entry| {
        vec![
            entry.id.to_string(),
            moment(entry.at),
            shown(&entry.who),
            shown(&entry.action).replace('_', " "),
            entry.session.map(|id| id.to_string()).unwrap_or_default(),
            shown(&entry.detail),
        ]
    }));
    rows
}

/// Gives the lines of a session with its tests.
pub(super) fn record(record: &SessionRecord) -> Vec<String> {
    let overview = &record.overview;
    let mut lines = vec![format!("session   {}  {}", overview.id, state(overview))];
    let mut field = |name: &str, value: Option<String>| {
        lines.extend(value.filter(|value| !value.is_empty()).map(|value| format!("{name:<9} {value}")));
    };
    field("label", Some(shown(&overview.label)));
    field("code", overview.code.map(|code| code.to_string()));
    field("plan", Some(overview.plan.clone()));
    field("made", Some(moment(overview.created)));
    field("joined", overview.joined.map(moment));
    field("agreed", record.consented.map(moment));
    field("ended", overview.ended.map(moment));
    field("client", overview.client_version.as_deref().map(shown));
    field("address", overview.public_address.map(|address| address.to_string()));
    field("provider", overview.network.as_ref().map(|network| shown(&network.to_string())));
    lines.extend(record.tests.iter().flat_map(test));
    lines.extend(scores::lines(&record.line()));
    lines.extend(record.hints().iter().map(|hint| shown(&hint.to_string())));
    lines
}

/// Gives the lines of a session's document in Drive.
pub(super) fn document(document: &Document) -> Vec<String> {
    let Document { url, waiting, error } = document;
    let mut lines: Vec<String> = url.iter().map(|url| format!("document  {}", shown(url))).collect();
    if *waiting {
        lines.push("document  is being made, or made again, in Google Drive".to_owned());
    }
    lines.extend(error.iter().map(|error| format!("          {}", shown(error))));
    lines
}

/// Gives a test's lines: what it is and how it stands, then its figures or what went wrong.
pub(super) fn test(test: &TestRecord) -> Vec<String> {
    // Where the report looks back, this looks at what is still to come.
    let waits = test.outcome.is_none() && test.started.is_none();
    let standing = if waits { "waiting" } else { Standing::of(test).word() };
    let mut lines = vec![format!("#{:<3} {:<40} {standing}", test.id, test.what.title())];
    if test.outcome.is_some() {
        lines.push(format!("     {}", shown(&sentence(test, test.summary.as_ref()))));
    }
    lines.extend(own_run(test).map(|own| format!("     {}", shown(&own))));
    lines
}

/// Makes text from elsewhere fit for a terminal: nothing in it may move the cursor or change colours.
pub(super) fn shown(text: &str) -> String {
    text.chars().map(|c| if c == '\u{a0}' || c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_have_no_fraction() {
        for us in [1_800_000_000_000_000, 1_800_000_000_123_456] {
            assert_eq!(moment(Timestamp::from_unix_us(us)), "2027-01-15T08:00:00Z");
        }
    }

    #[test]
    fn a_label_cannot_command_the_terminal() {
        assert_eq!(shown("a\x1b[31mb\u{a0}c\n"), "a [31mb c ");
    }
}
