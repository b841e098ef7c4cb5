//! Sessions, and what watchers are told.

use std::net::IpAddr;

use cnc_model::Timestamp;
use cnc_model::session::{Absence, SessionOverview, SessionRecord, SessionState, WatchEvent};
use serde::Serialize;

use super::score::ScoresBody;
use super::system::HintBody;
use super::test::RecordBody;
use super::{SequencedBody, Typed, line, sequenced_sample, test};

/// Gives `{"type":"session",…}` for a session in a line.
#[must_use]
pub fn session(overview: &SessionOverview) -> impl Serialize {
    Typed { kind: "session", body: OverviewBody::from(overview) }
}

/// Gives `{"type":"record","session":{…},"consented_at":…,"tests":[…],"absences":[…],"scores":{…}}` for a session with its tests.
#[must_use]
pub fn record(record: &SessionRecord) -> impl Serialize {
    Typed { kind: "record", body: SessionBody::from(record) }
}

/// Gives what a watcher is told as lines without their ends: `snapshot` is a record with its `recent` samples, and
/// each sample that comes has a line of its own.
#[must_use]
pub fn event_lines(event: &WatchEvent) -> Vec<String> {
    match event {
        WatchEvent::Snapshot { record, recent } => {
            let recent = recent.iter().map(Into::into).collect();
            vec![line(&Typed { kind: "snapshot", body: SnapshotBody { record: (&**record).into(), recent } })]
        }
        WatchEvent::Session(overview) => vec![line(&session(overview))],
        WatchEvent::Test(record) => vec![line(&test(record))],
        WatchEvent::Samples(samples) => samples.iter().map(|sample| line(&sequenced_sample(sample))).collect(),
        WatchEvent::Absence(absence) => vec![line(&Typed { kind: "absence", body: AbsenceBody::from(absence) })],
    }
}

#[derive(Serialize)]
pub(super) struct OverviewBody<'a> {
    id: String,
    label: &'a str,
    plan: &'a str,
    walk_in: bool,
    code: Option<String>,
    state: &'static str,
    end_reason: Option<&'static str>,
    connected: bool,
    created_at: String,
    joined_at: Option<String>,
    ended_at: Option<String>,
    client_version: Option<&'a str>,
    public_address: Option<IpAddr>,
    asn: Option<u32>,
    as_name: Option<&'a str>,
    clock_offset_ms: Option<f64>,
    stored_sequence: u64,
}

impl<'a> From<&'a SessionOverview> for OverviewBody<'a> {
    fn from(overview: &'a SessionOverview) -> Self {
        let SessionOverview {
            id,
            label,
            plan,
            walk_in,
            code,
            state,
            connected,
            created,
            joined,
            ended,
            client_version,
            public_address,
            network,
            clock_offset_us,
            stored,
        } = overview;
        Self {
            id: id.to_string(),
            label,
            plan,
            walk_in: *walk_in,
            code: code.map(|code| code.to_string()),
            state: state.word(),
            end_reason: match state {
                SessionState::Ended(reason) => Some(reason.word()),
                SessionState::Waiting | SessionState::Joined | SessionState::Active | SessionState::Ending => None,
            },
            connected: *connected,
            created_at: created.to_string(),
            joined_at: at(*joined),
            ended_at: at(*ended),
            client_version: client_version.as_deref(),
            public_address: *public_address,
            asn: network.as_ref().map(|network| network.number),
            as_name: network.as_ref().and_then(|network| network.name.as_deref()),
            clock_offset_ms: clock_offset_us.map(signed_ms),
            stored_sequence: stored.get(),
        }
    }
}

#[derive(Serialize)]
struct SessionBody<'a> {
    session: OverviewBody<'a>,
    consented_at: Option<String>,
    tests: Vec<RecordBody<'a>>,
    absences: Vec<AbsenceBody>,
    scores: ScoresBody,
    hints: Vec<HintBody>,
}

impl<'a> From<&'a SessionRecord> for SessionBody<'a> {
    fn from(record: &'a SessionRecord) -> Self {
        let SessionRecord { overview, consented, tests, absences } = record;
        Self {
            session: overview.into(),
            consented_at: at(*consented),
            tests: tests.iter().map(Into::into).collect(),
            absences: absences.iter().map(Into::into).collect(),
            scores: (&record.line().scores()).into(),
            hints: record.hints().iter().map(Into::into).collect(),
        }
    }
}

#[derive(Serialize)]
struct AbsenceBody {
    from_at: String,
    until_at: Option<String>,
}

impl From<&Absence> for AbsenceBody {
    fn from(absence: &Absence) -> Self {
        let Absence { from, until } = absence;
        Self { from_at: from.to_string(), until_at: at(*until) }
    }
}

#[derive(Serialize)]
struct SnapshotBody<'a> {
    #[serde(flatten)]
    record: SessionBody<'a>,
    recent: Vec<SequencedBody>,
}

fn at(time: Option<Timestamp>) -> Option<String> {
    time.map(|time| time.to_string())
}

#[expect(clippy::cast_precision_loss, reason = "2^53 µs of difference are 285 years")]
fn signed_ms(us: i64) -> f64 {
    us as f64 / 1e3
}
