//! Values of the staff's calls.

use std::num::{NonZeroU32, NonZeroU64};

use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;

use super::{
    code, duration, overview, plan, sequence, sequenced_sample, session_id, test, test_id, test_record, text,
    timestamp, whole,
};
use crate::support::{
    Activity, AddNote, AuditEntry, CancelTest, CreateSession, CreateToken, CreatedSession, CreatedToken,
    DeletedSession, Document, IssuePlan, IssueTest, ListActivity, ListAudit, ListSamples, ListSessions, Note, Role,
    SamplePage, SessionFilter, Token, WhoAmI,
};

fn role() -> impl Strategy<Value = Role> {
    select(Role::ALL.to_vec())
}

pub(in crate::tests) fn create_session() -> impl Strategy<Value = CreateSession> {
    let plan = prop_oneof![Just(None), "[a-z]{1,20}".prop_map(Some)];
    (plan, text()).prop_map(|(plan, label)| CreateSession { plan, label })
}

pub(in crate::tests) fn created_session() -> impl Strategy<Value = CreatedSession> {
    (overview(), code(), text()).prop_map(|(session, code, link)| CreatedSession { session, code, link })
}

pub(in crate::tests) fn list_sessions() -> impl Strategy<Value = ListSessions> {
    (of(any::<NonZeroU32>()), of(session_id()), filter()).prop_map(|(limit, before, filter)| ListSessions {
        limit,
        before,
        filter,
    })
}

fn filter() -> impl Strategy<Value = SessionFilter> {
    let texts = (text(), text(), text(), text());
    (of(any::<bool>()), of(timestamp()), of(timestamp()), texts).prop_map(|(ended, from, until, texts)| {
        let (search, provider, destination, client_version) = texts;
        SessionFilter { ended, search, from, until, provider, destination, client_version }
    })
}

pub(in crate::tests) fn list_activity() -> impl Strategy<Value = ListActivity> {
    vec(session_id(), 0..4).prop_map(|sessions| ListActivity { sessions })
}

pub(in crate::tests) fn activities() -> impl Strategy<Value = Vec<Activity>> {
    let trips = vec(of(duration()), 0..6);
    let activity = (session_id(), vec(test(), 0..3), any::<u32>(), trips)
        .prop_map(|(session, running, waiting, round_trips)| Activity { session, running, waiting, round_trips });
    vec(activity, 0..3)
}

pub(in crate::tests) fn add_note() -> impl Strategy<Value = AddNote> {
    (session_id(), text()).prop_map(|(session, text)| AddNote { session, text })
}

pub(in crate::tests) fn notes() -> impl Strategy<Value = Vec<Note>> {
    vec((timestamp(), text(), text()).prop_map(|(at, who, text)| Note { at, who, text }), 0..4)
}

pub(in crate::tests) fn who_am_i() -> impl Strategy<Value = WhoAmI> {
    (text(), role(), text(), text(), timestamp()).prop_map(|(name, role, version, operator, now)| WhoAmI {
        name,
        role,
        version,
        operator,
        now,
    })
}

pub(in crate::tests) fn issue_test() -> impl Strategy<Value = IssueTest> {
    (session_id(), test()).prop_map(|(session, test)| IssueTest { session, test })
}

pub(in crate::tests) fn issue_plan() -> impl Strategy<Value = IssuePlan> {
    (session_id(), text()).prop_map(|(session, plan)| IssuePlan { session, plan })
}

pub(in crate::tests) fn cancel_test() -> impl Strategy<Value = CancelTest> {
    (session_id(), test_id()).prop_map(|(session, test)| CancelTest { session, test })
}

pub(in crate::tests) fn document() -> impl Strategy<Value = Document> {
    (of(text()), any::<bool>(), of(text())).prop_map(|(url, waiting, error)| Document { url, waiting, error })
}

pub(in crate::tests) fn deleted_session() -> impl Strategy<Value = DeletedSession> {
    (whole(), whole(), vec(text(), 0..4), whole()).prop_map(|(tests, samples, documents, history_hours)| {
        DeletedSession { tests, samples, documents, history_hours }
    })
}

pub(in crate::tests) fn list_samples() -> impl Strategy<Value = ListSamples> {
    (session_id(), of(test_id()), sequence(), of(any::<NonZeroU32>()))
        .prop_map(|(session, test, after, limit)| ListSamples { session, test, after, limit })
}

pub(in crate::tests) fn sample_page() -> impl Strategy<Value = SamplePage> {
    (vec(sequenced_sample(), 0..6), any::<bool>()).prop_map(|(samples, more)| SamplePage { samples, more })
}

pub(in crate::tests) fn create_token() -> impl Strategy<Value = CreateToken> {
    (role(), text()).prop_map(|(role, name)| CreateToken { role, name })
}

pub(in crate::tests) fn created_token() -> impl Strategy<Value = CreatedToken> {
    (text(), text()).prop_map(|(id, token)| CreatedToken { id, token })
}

pub(in crate::tests) fn token() -> impl Strategy<Value = Token> {
    (text(), role(), text(), timestamp(), of(timestamp())).prop_map(|(id, role, name, created, last_used)| Token {
        id,
        role,
        name,
        created,
        last_used,
    })
}

pub(in crate::tests) fn test_records() -> impl Strategy<Value = Vec<cnc_model::session::TestRecord>> {
    vec(test_record(), 0..4)
}

pub(in crate::tests) fn overviews() -> impl Strategy<Value = Vec<cnc_model::session::SessionOverview>> {
    vec(overview(), 0..4)
}

pub(in crate::tests) fn plans() -> impl Strategy<Value = Vec<cnc_model::Plan>> {
    vec(plan(), 0..3)
}

pub(in crate::tests) fn tokens() -> impl Strategy<Value = Vec<Token>> {
    vec(token(), 0..4)
}

pub(in crate::tests) fn session() -> impl Strategy<Value = cnc_model::SessionId> {
    session_id()
}

pub(in crate::tests) fn list_audit() -> impl Strategy<Value = ListAudit> {
    let before = of((1..=crate::scalar::MAX_WHOLE).prop_map(|id| NonZeroU64::new(id).expect("from 1")));
    (of(session_id()), before, of(any::<NonZeroU32>())).prop_map(|(session, before, limit)| ListAudit {
        session,
        before,
        limit,
    })
}

fn audit_entry() -> impl Strategy<Value = AuditEntry> {
    (whole(), timestamp(), text(), text(), of(session_id()), text())
        .prop_map(|(id, at, who, action, session, detail)| AuditEntry { id, at, who, action, session, detail })
}

pub(in crate::tests) fn audit_entries() -> impl Strategy<Value = Vec<AuditEntry>> {
    vec(audit_entry(), 0..4)
}
