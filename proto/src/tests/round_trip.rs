//! Out, over bytes and in again gives the same value, for every message.

use std::fmt::Debug;

use cnc_model::message::{ClientMessage, ListenerMessage};
use cnc_model::session::{SequencedSample, SessionOverview, SessionRecord, TestRecord, WatchEvent};
use cnc_model::{Item, Outcome, Plan, Sample, SessionId, Summary, Test};
use proptest::prelude::*;

use super::arbitrary;
use crate::support::{
    Activity, AddNote, AuditEntry, CancelTest, CreateSession, CreateToken, CreatedSession, CreatedToken,
    DeletedSession, Document, History, HistoryScope, HistorySessions, HistorySubjects, IssuePlan, IssueTest,
    ListActivity, ListAudit, ListHistorySessions, ListHistorySubjects, ListSamples, ListSessions, Note, SamplePage,
    Token, WhoAmI,
};
use crate::{Invalid, v1};

fn check<M, W>(value: &M) -> Result<(), TestCaseError>
where
    M: TryFrom<W, Error = Invalid> + PartialEq + Debug + Clone,
    W: From<M> + prost::Message + Default,
{
    let bytes = W::from(value.clone()).encode_to_vec();
    let wire = W::decode(bytes.as_slice()).expect("what was encoded decodes");
    let read = M::try_from(wire);
    prop_assert_eq!(read.as_ref(), Ok(value));
    Ok(())
}

macro_rules! round_trips {
    ($($name:ident: $strategy:expr, $model:ty => $wire:ident;)+) => {
        proptest! {
            #![proptest_config(ProptestConfig::with_cases(128))]
            $(
                #[test]
                fn $name(value in $strategy) {
                    check::<$model, v1::$wire>(&value)?;
                }
            )+
        }
    };
}

round_trips! {
    client_messages: arbitrary::client_message(), ClientMessage => ClientMessage;
    listener_messages: arbitrary::listener_message(), ListenerMessage => ListenerMessage;
    items: arbitrary::item(), Item => Item;
    samples: arbitrary::sample(), Sample => Sample;
    summaries: arbitrary::summary(), Summary => Summary;
    outcomes: arbitrary::outcome(), Outcome => Outcome;
    tests: arbitrary::test(), Test => Test;
    overviews: arbitrary::overview(), SessionOverview => SessionOverview;
    test_records: arbitrary::test_record(), TestRecord => TestRecord;
    session_records: arbitrary::session_record(), SessionRecord => SessionRecord;
    sequenced_samples: arbitrary::sequenced_sample(), SequencedSample => SequencedSample;
    watch_events: arbitrary::watch_event(), WatchEvent => WatchEvent;
    plans: arbitrary::plan(), Plan => Plan;
    create_session: arbitrary::support::create_session(), CreateSession => CreateSessionRequest;
    created_session: arbitrary::support::created_session(), CreatedSession => CreateSessionResponse;
    list_sessions: arbitrary::support::list_sessions(), ListSessions => ListSessionsRequest;
    listed_sessions: arbitrary::support::overviews(), Vec<SessionOverview> => ListSessionsResponse;
    get_session: arbitrary::support::session(), SessionId => GetSessionRequest;
    watch_session: arbitrary::support::session(), SessionId => WatchSessionRequest;
    end_session: arbitrary::support::session(), SessionId => EndSessionRequest;
    delete_session: arbitrary::support::session(), SessionId => DeleteSessionRequest;
    deleted_session: arbitrary::support::deleted_session(), DeletedSession => DeleteSessionResponse;
    issue_test: arbitrary::support::issue_test(), IssueTest => IssueTestRequest;
    issue_plan: arbitrary::support::issue_plan(), IssuePlan => IssuePlanRequest;
    issued_plan: arbitrary::support::test_records(), Vec<TestRecord> => IssuePlanResponse;
    cancel_test: arbitrary::support::cancel_test(), CancelTest => CancelTestRequest;
    list_samples: arbitrary::support::list_samples(), ListSamples => ListSamplesRequest;
    listed_samples: arbitrary::support::sample_page(), SamplePage => ListSamplesResponse;
    listed_plans: arbitrary::support::plans(), Vec<Plan> => ListPlansResponse;
    create_token: arbitrary::support::create_token(), CreateToken => CreateTokenRequest;
    created_token: arbitrary::support::created_token(), CreatedToken => CreateTokenResponse;
    listed_tokens: arbitrary::support::tokens(), Vec<Token> => ListTokensResponse;
    list_audit: arbitrary::support::list_audit(), ListAudit => ListAuditRequest;
    share_report: arbitrary::support::session(), SessionId => ShareReportRequest;
    add_note: arbitrary::support::add_note(), AddNote => AddNoteRequest;
    listed_notes: arbitrary::support::notes(), Vec<Note> => ListNotesResponse;
    shown_document: arbitrary::support::document(), Document => GetDocumentResponse;
    list_activity: arbitrary::support::list_activity(), ListActivity => ListActivityRequest;
    listed_activity: arbitrary::support::activities(), Vec<Activity> => ListActivityResponse;
    who_am_i: arbitrary::support::who_am_i(), WhoAmI => WhoAmIResponse;
    get_history: arbitrary::history::scope(), HistoryScope => GetHistoryRequest;
    got_history: arbitrary::history::history(), History => GetHistoryResponse;
    list_history_subjects: arbitrary::history::list_subjects(), ListHistorySubjects => ListHistorySubjectsRequest;
    listed_history_subjects: arbitrary::history::subjects(), HistorySubjects => ListHistorySubjectsResponse;
    list_history_sessions: arbitrary::history::list_sessions(), ListHistorySessions => ListHistorySessionsRequest;
    listed_history_sessions: arbitrary::history::sessions(), HistorySessions => ListHistorySessionsResponse;
    listed_audit: arbitrary::support::audit_entries(), Vec<AuditEntry> => ListAuditResponse;
}
