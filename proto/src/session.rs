//! Sessions as staff see them, and what watchers are told.
//!
//! Tests and samples of kinds that this version does not know are left out of lists; a lone one is
//! [`Invalid::Unknown`], which a watcher passes over.

use cnc_model::hints::Hint;
use cnc_model::session::{
    Absence, EndReason, SequencedSample, SessionOverview, SessionRecord, SessionState, TestRecord, WatchEvent,
};
use cnc_model::{Sequence, Timestamp};

use crate::invalid::{known, required, unless_unknown};
use crate::message::{code, when};
use crate::scalar::{
    MAX_NAME_BYTES, MAX_SENTENCE_BYTES, address, count, cut, octets, optional_text, sequence, session_id, test_id,
    text, timestamp,
};
use crate::{Invalid, item, outcome, v1};

impl From<SessionOverview> for v1::SessionOverview {
    fn from(overview: SessionOverview) -> Self {
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
        let (state, end_reason) = state_out(state);
        Self {
            id: id.to_string(),
            label: cut(label, MAX_NAME_BYTES),
            plan: cut(plan, MAX_NAME_BYTES),
            walk_in,
            code: code.map(|code| code.to_string()),
            state: state.into(),
            end_reason: end_reason.into(),
            connected,
            created_unix_us: created.unix_us(),
            joined_unix_us: joined.map(Timestamp::unix_us),
            ended_unix_us: ended.map(Timestamp::unix_us),
            client_version: client_version.map(|version| cut(version, MAX_NAME_BYTES)),
            public_address: public_address.map(octets),
            network: network.map(Into::into),
            clock_offset_us,
            stored_sequence: stored.get(),
        }
    }
}

impl TryFrom<v1::SessionOverview> for SessionOverview {
    type Error = Invalid;

    fn try_from(wire: v1::SessionOverview) -> Result<Self, Invalid> {
        let v1::SessionOverview {
            id,
            label,
            plan,
            walk_in,
            code: joining,
            state,
            end_reason,
            connected,
            created_unix_us,
            joined_unix_us,
            ended_unix_us,
            client_version,
            public_address,
            network,
            clock_offset_us,
            stored_sequence,
        } = wire;
        let time = |field, us: Option<i64>| us.map(|us| timestamp(field, us)).transpose();
        Ok(Self {
            id: session_id("SessionOverview.id", &id)?,
            label: text("SessionOverview.label", label, MAX_NAME_BYTES)?,
            plan: text("SessionOverview.plan", plan, MAX_NAME_BYTES)?,
            walk_in,
            code: joining.map(|joining| code("SessionOverview.code", &joining)).transpose()?,
            state: state_in(state, end_reason),
            connected,
            created: timestamp("SessionOverview.created_unix_us", created_unix_us)?,
            joined: time("SessionOverview.joined_unix_us", joined_unix_us)?,
            ended: time("SessionOverview.ended_unix_us", ended_unix_us)?,
            client_version: optional_text("SessionOverview.client_version", client_version, MAX_NAME_BYTES)?,
            public_address: public_address
                .map(|octets| address("SessionOverview.public_address", &octets))
                .transpose()?,
            network: network.map(TryInto::try_into).transpose()?,
            clock_offset_us,
            stored: sequence("SessionOverview.stored_sequence", stored_sequence)?,
        })
    }
}

fn state_out(state: SessionState) -> (v1::SessionState, v1::EndReason) {
    match state {
        SessionState::Waiting => (v1::SessionState::Waiting, v1::EndReason::Unspecified),
        SessionState::Joined => (v1::SessionState::Joined, v1::EndReason::Unspecified),
        SessionState::Active => (v1::SessionState::Active, v1::EndReason::Unspecified),
        SessionState::Ending => (v1::SessionState::Ending, v1::EndReason::Unspecified),
        SessionState::Ended(reason) => (v1::SessionState::Ended, reason.into()),
    }
}

fn state_in(state: i32, end_reason: i32) -> SessionState {
    match v1::SessionState::try_from(state).unwrap_or_default() {
        v1::SessionState::Waiting => SessionState::Waiting,
        v1::SessionState::Joined => SessionState::Joined,
        // Whatever is added will lie between joined and ending.
        v1::SessionState::Unspecified | v1::SessionState::Active => SessionState::Active,
        v1::SessionState::Ending => SessionState::Ending,
        v1::SessionState::Ended => SessionState::Ended(match v1::EndReason::try_from(end_reason).unwrap_or_default() {
            // A reason that is added is the listener's to know, and staff stand for its side.
            v1::EndReason::Unspecified | v1::EndReason::Staff => EndReason::Staff,
            v1::EndReason::User => EndReason::User,
            v1::EndReason::ConsentRefused => EndReason::ConsentRefused,
            v1::EndReason::PlanDone => EndReason::PlanDone,
            v1::EndReason::Idle => EndReason::Idle,
            v1::EndReason::Lost => EndReason::Lost,
            v1::EndReason::NeverJoined => EndReason::NeverJoined,
        }),
    }
}

impl From<EndReason> for v1::EndReason {
    fn from(reason: EndReason) -> Self {
        match reason {
            EndReason::Staff => Self::Staff,
            EndReason::User => Self::User,
            EndReason::ConsentRefused => Self::ConsentRefused,
            EndReason::PlanDone => Self::PlanDone,
            EndReason::Idle => Self::Idle,
            EndReason::Lost => Self::Lost,
            EndReason::NeverJoined => Self::NeverJoined,
        }
    }
}

impl From<TestRecord> for v1::TestRecord {
    fn from(record: TestRecord) -> Self {
        let TestRecord { id, what, when, issued_by, issued, started, ended, outcome, summary, samples } = record;
        Self {
            id: id.get(),
            what: Some(what.into()),
            when: Some(when.into()),
            issued_by: cut(issued_by, MAX_NAME_BYTES),
            issued_unix_us: issued.unix_us(),
            started_unix_us: started.map(Timestamp::unix_us),
            ended_unix_us: ended.map(Timestamp::unix_us),
            outcome: outcome.map(Into::into),
            summary: summary.map(Into::into),
            samples,
        }
    }
}

impl TryFrom<v1::TestRecord> for TestRecord {
    type Error = Invalid;

    fn try_from(wire: v1::TestRecord) -> Result<Self, Invalid> {
        let v1::TestRecord {
            id,
            what,
            when: beginning,
            issued_by,
            issued_unix_us,
            started_unix_us,
            ended_unix_us,
            outcome,
            summary,
            samples,
        } = wire;
        let time = |field, us: Option<i64>| us.map(|us| timestamp(field, us)).transpose();
        Ok(Self {
            id: test_id("TestRecord.id", id)?,
            what: required("TestRecord.what", what)?.try_into()?,
            when: when("TestRecord.when", beginning)?,
            issued_by: text("TestRecord.issued_by", issued_by, MAX_NAME_BYTES)?,
            issued: timestamp("TestRecord.issued_unix_us", issued_unix_us)?,
            started: time("TestRecord.started_unix_us", started_unix_us)?,
            ended: time("TestRecord.ended_unix_us", ended_unix_us)?,
            outcome: outcome.map(|outcome| outcome::ended("TestRecord.outcome", Some(outcome))).transpose()?,
            summary: summary.and_then(|s| unless_unknown(s.try_into()).transpose()).transpose()?,
            samples: count("TestRecord.samples", samples)?,
        })
    }
}

impl From<SessionRecord> for v1::SessionRecord {
    fn from(record: SessionRecord) -> Self {
        let scores = Some((&record.line().scores()).into());
        let hints = record.hints().iter().map(Into::into).collect();
        let SessionRecord { overview, consented, tests, absences } = record;
        Self {
            scores,
            hints,
            absences: absences.into_iter().map(Into::into).collect(),
            overview: Some(overview.into()),
            consented_unix_us: consented.map(Timestamp::unix_us),
            tests: tests.into_iter().map(Into::into).collect(),
        }
    }
}

impl TryFrom<v1::SessionRecord> for SessionRecord {
    type Error = Invalid;

    fn try_from(wire: v1::SessionRecord) -> Result<Self, Invalid> {
        // Scores and hints are made of the tests, which are here.
        let v1::SessionRecord { overview, consented_unix_us, tests, scores: _, absences, hints: _ } = wire;
        Ok(Self {
            overview: required("SessionRecord.overview", overview)?.try_into()?,
            consented: consented_unix_us.map(|us| timestamp("SessionRecord.consented_unix_us", us)).transpose()?,
            tests: known_records(tests)?,
            absences: absences.into_iter().map(TryInto::try_into).collect::<Result<_, _>>()?,
        })
    }
}

impl From<&Hint> for v1::Hint {
    fn from(hint: &Hint) -> Self {
        Self { name: hint.word().to_owned(), message: cut(hint.to_string(), MAX_SENTENCE_BYTES) }
    }
}

impl From<Absence> for v1::Absence {
    fn from(absence: Absence) -> Self {
        let Absence { from, until } = absence;
        Self { from_unix_us: from.unix_us(), until_unix_us: until.map(Timestamp::unix_us) }
    }
}

impl TryFrom<v1::Absence> for Absence {
    type Error = Invalid;

    fn try_from(wire: v1::Absence) -> Result<Self, Invalid> {
        let v1::Absence { from_unix_us, until_unix_us } = wire;
        Ok(Self {
            from: timestamp("Absence.from_unix_us", from_unix_us)?,
            until: until_unix_us.map(|us| timestamp("Absence.until_unix_us", us)).transpose()?,
        })
    }
}

/// Reads test records, without those of unknown kinds.
pub(crate) fn known_records(wire: Vec<v1::TestRecord>) -> Result<Vec<TestRecord>, Invalid> {
    wire.into_iter().filter_map(|record| unless_unknown(record.try_into()).transpose()).collect()
}

impl From<SequencedSample> for v1::SequencedSample {
    fn from(sequenced: SequencedSample) -> Self {
        let SequencedSample { sequence, test, sample } = sequenced;
        Self { sequence: Sequence::get(sequence), test: test.get(), sample: Some(sample.into()) }
    }
}

impl TryFrom<v1::SequencedSample> for SequencedSample {
    type Error = Invalid;

    fn try_from(wire: v1::SequencedSample) -> Result<Self, Invalid> {
        let v1::SequencedSample { sequence: number, test, sample } = wire;
        Ok(Self {
            sequence: sequence("SequencedSample.sequence", number)?,
            test: test_id("SequencedSample.test", test)?,
            sample: item::sample("SequencedSample.sample", sample)?,
        })
    }
}

/// Reads samples, without those of unknown kinds.
pub(crate) fn known_samples(wire: Vec<v1::SequencedSample>) -> Result<Vec<SequencedSample>, Invalid> {
    wire.into_iter().filter_map(|sample| unless_unknown(sample.try_into()).transpose()).collect()
}

pub(crate) fn samples_out(samples: Vec<SequencedSample>) -> Vec<v1::SequencedSample> {
    samples.into_iter().map(Into::into).collect()
}

impl From<WatchEvent> for v1::WatchEvent {
    fn from(event: WatchEvent) -> Self {
        use v1::watch_event::Event as Wire;
        let wire = match event {
            WatchEvent::Snapshot { record, recent } => {
                Wire::Snapshot(Box::new(v1::Snapshot { record: Some((*record).into()), recent: samples_out(recent) }))
            }
            WatchEvent::Session(overview) => Wire::Session(Box::new((*overview).into())),
            WatchEvent::Test(record) => Wire::Test(Box::new((*record).into())),
            WatchEvent::Samples(samples) => Wire::Samples(v1::Samples { samples: samples_out(samples) }),
            WatchEvent::Absence(absence) => Wire::Absence(absence.into()),
        };
        Self { event: Some(wire) }
    }
}

impl TryFrom<v1::WatchEvent> for WatchEvent {
    type Error = Invalid;

    fn try_from(wire: v1::WatchEvent) -> Result<Self, Invalid> {
        use v1::watch_event::Event as Wire;
        let v1::WatchEvent { event } = wire;
        Ok(match known("WatchEvent.event", event)? {
            Wire::Snapshot(snapshot) => {
                let v1::Snapshot { record, recent } = *snapshot;
                Self::Snapshot {
                    record: Box::new(required("Snapshot.record", record)?.try_into()?),
                    recent: known_samples(recent)?,
                }
            }
            Wire::Session(overview) => Self::Session(Box::new((*overview).try_into()?)),
            Wire::Test(record) => Self::Test(Box::new((*record).try_into()?)),
            Wire::Samples(v1::Samples { samples }) => Self::Samples(known_samples(samples)?),
            Wire::Absence(absence) => Self::Absence(absence.try_into()?),
        })
    }
}
