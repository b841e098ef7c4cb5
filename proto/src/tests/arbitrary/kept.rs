//! Sessions as staff see them.

use super::{
    address,
    asked::{test, when},
    code,
    figures::{network, summary},
    observed::sample,
    said::outcome,
    sequence, session_id, test_id, text, timestamp, whole,
};
use cnc_model::session::{
    Absence, EndReason, SequencedSample, SessionOverview, SessionRecord, SessionState, TestRecord, WatchEvent,
};
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;

pub(in crate::tests) fn overview() -> BoxedStrategy<SessionOverview> {
    let state = prop_oneof![
        select(vec![SessionState::Waiting, SessionState::Joined, SessionState::Active, SessionState::Ending]),
        select(EndReason::ALL.to_vec()).prop_map(SessionState::Ended),
    ];
    let names = (session_id(), text(), text(), any::<bool>(), of(code()));
    let times = (timestamp(), of(timestamp()), of(timestamp()));
    let client = (of(text()), of(address()), of(network()), of(any::<i64>()), sequence());
    (names, state, any::<bool>(), times, client)
        .prop_map(|(names, state, connected, times, client)| {
            let (id, label, plan, walk_in, code) = names;
            let (created, joined, ended) = times;
            let (client_version, public_address, network, clock_offset_us, stored) = client;
            SessionOverview {
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
            }
        })
        .boxed()
}

pub(in crate::tests) fn test_record() -> BoxedStrategy<TestRecord> {
    let asked = (test_id(), test(), when(), text(), timestamp());
    (asked, of(timestamp()), of(timestamp()), of(outcome()), of(summary()), whole())
        .prop_map(|((id, what, when, issued_by, issued), started, ended, outcome, summary, samples)| TestRecord {
            id,
            what,
            when,
            issued_by,
            issued,
            started,
            ended,
            outcome,
            summary,
            samples,
        })
        .boxed()
}

pub(in crate::tests) fn session_record() -> BoxedStrategy<SessionRecord> {
    (overview(), of(timestamp()), vec(test_record(), 0..4), vec(absence(), 0..3))
        .prop_map(|(overview, consented, tests, absences)| SessionRecord { overview, consented, tests, absences })
        .boxed()
}

fn absence() -> impl Strategy<Value = Absence> {
    (timestamp(), of(timestamp())).prop_map(|(from, until)| Absence { from, until })
}

pub(in crate::tests) fn sequenced_sample() -> impl Strategy<Value = SequencedSample> {
    (sequence(), test_id(), sample()).prop_map(|(sequence, test, sample)| SequencedSample { sequence, test, sample })
}

pub(in crate::tests) fn watch_event() -> impl Strategy<Value = WatchEvent> {
    prop_oneof![
        (session_record(), vec(sequenced_sample(), 0..6))
            .prop_map(|(record, recent)| WatchEvent::Snapshot { record: Box::new(record), recent }),
        overview().prop_map(|overview| WatchEvent::Session(Box::new(overview))),
        test_record().prop_map(|record| WatchEvent::Test(Box::new(record))),
        vec(sequenced_sample(), 0..6).prop_map(WatchEvent::Samples),
        absence().prop_map(WatchEvent::Absence),
    ]
}
