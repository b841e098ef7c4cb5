//! Calls about sessions and their samples.

use std::num::NonZeroU32;

use cnc_model::session::{SequencedSample, SessionOverview};
use cnc_model::{Code, Sequence, SessionId, TestId, Timestamp};

use crate::invalid::required;
use crate::message::code;
use crate::scalar::{MAX_NAME_BYTES, MAX_URL_BYTES, count, sequence, session_id, test_id, text, timestamp};
use crate::session::{known_samples, samples_out};
use crate::{Invalid, v1};

/// What a new session is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreateSession {
    /// The plan that it begins with; `None` for the listener's default.
    pub plan: Option<String>,
    /// What staff call it; may be empty.
    pub label: String,
}

/// A session that was made.
#[derive(Debug, Clone, PartialEq)]
pub struct CreatedSession {
    /// The session.
    pub session: SessionOverview,
    /// The code to read out to the user.
    pub code: Code,
    /// The address to send to the user.
    pub link: String,
}

/// Which sessions to list, the newest first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ListSessions {
    /// The most to give; `None` for as many as the listener gives at once.
    pub limit: Option<NonZeroU32>,
    /// The last session of the page before.
    pub before: Option<SessionId>,
    /// Which of them.
    pub filter: SessionFilter,
}

/// Which sessions are looked for: those that all of it holds for. Empty texts hold for every session.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SessionFilter {
    /// Whether they have ended; `None` for both.
    pub ended: Option<bool>,
    /// Part of the label, the provider's name, the client's address or version, or the beginning of the id.
    pub search: String,
    /// Made at this time or later.
    pub from: Option<Timestamp>,
    /// Made before this time.
    pub until: Option<Timestamp>,
    /// Part of the provider's name, or its number like `AS64500`.
    pub provider: String,
    /// A test's destination as it was named.
    pub destination: String,
    /// The beginning of the client's version.
    pub client_version: String,
}

/// What was removed with a session.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DeletedSession {
    /// Tests.
    pub tests: u64,
    /// Samples.
    pub samples: u64,
    /// Reports and other documents, by file name or address.
    pub documents: Vec<String>,
    /// Hours of history that the session had a part in, and has no more.
    pub history_hours: u64,
}

/// Which samples to give, in the order of their sequences.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListSamples {
    /// The session.
    pub session: SessionId,
    /// Only this test's; `None` for all.
    pub test: Option<TestId>,
    /// Only samples after this one.
    pub after: Sequence,
    /// The most to give; `None` for as many as the listener gives at once.
    pub limit: Option<NonZeroU32>,
}

/// Samples in the order of their sequences.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SamplePage {
    /// The samples.
    pub samples: Vec<SequencedSample>,
    /// Whether there are more after these.
    pub more: bool,
}

/// Requests that name a session and nothing else.
macro_rules! names_a_session {
    ($($request:ident: $field:literal),+ $(,)?) => {$(
        impl From<SessionId> for v1::$request {
            fn from(session: SessionId) -> Self {
                Self { session: session.to_string() }
            }
        }

        impl TryFrom<v1::$request> for SessionId {
            type Error = Invalid;

            fn try_from(wire: v1::$request) -> Result<Self, Invalid> {
                let v1::$request { session } = wire;
                session_id($field, &session)
            }
        }
    )+};
}

names_a_session! {
    GetSessionRequest: "GetSessionRequest.session",
    WatchSessionRequest: "WatchSessionRequest.session",
    EndSessionRequest: "EndSessionRequest.session",
    DeleteSessionRequest: "DeleteSessionRequest.session",
    ListNotesRequest: "ListNotesRequest.session",
    ShareReportRequest: "ShareReportRequest.session",
    UnshareReportRequest: "UnshareReportRequest.session",
    GetSharingRequest: "GetSharingRequest.session",
    GetDocumentRequest: "GetDocumentRequest.session",
}

impl From<CreateSession> for v1::CreateSessionRequest {
    fn from(request: CreateSession) -> Self {
        let CreateSession { plan, label } = request;
        Self { plan: plan.unwrap_or_default(), label }
    }
}

impl TryFrom<v1::CreateSessionRequest> for CreateSession {
    type Error = Invalid;

    fn try_from(wire: v1::CreateSessionRequest) -> Result<Self, Invalid> {
        let v1::CreateSessionRequest { plan, label } = wire;
        let plan = text("CreateSessionRequest.plan", plan, MAX_NAME_BYTES)?;
        Ok(Self {
            plan: Some(plan).filter(|plan| !plan.is_empty()),
            label: text("CreateSessionRequest.label", label, MAX_NAME_BYTES)?,
        })
    }
}

impl From<CreatedSession> for v1::CreateSessionResponse {
    fn from(created: CreatedSession) -> Self {
        let CreatedSession { session, code, link } = created;
        Self { session: Some(session.into()), code: code.to_string(), link }
    }
}

impl TryFrom<v1::CreateSessionResponse> for CreatedSession {
    type Error = Invalid;

    fn try_from(wire: v1::CreateSessionResponse) -> Result<Self, Invalid> {
        let v1::CreateSessionResponse { session, code: joining, link } = wire;
        Ok(Self {
            session: required("CreateSessionResponse.session", session)?.try_into()?,
            code: code("CreateSessionResponse.code", &joining)?,
            link: text("CreateSessionResponse.link", link, MAX_URL_BYTES)?,
        })
    }
}

impl From<ListSessions> for v1::ListSessionsRequest {
    fn from(request: ListSessions) -> Self {
        let ListSessions { limit, before, filter } = request;
        let SessionFilter { ended, search, from, until, provider, destination, client_version } = filter;
        Self {
            limit: limit.map_or(0, NonZeroU32::get),
            before: before.map(|before| before.to_string()).unwrap_or_default(),
            ended,
            search,
            from_unix_us: from.map(Timestamp::unix_us),
            until_unix_us: until.map(Timestamp::unix_us),
            provider,
            destination,
            client_version,
        }
    }
}

impl TryFrom<v1::ListSessionsRequest> for ListSessions {
    type Error = Invalid;

    fn try_from(wire: v1::ListSessionsRequest) -> Result<Self, Invalid> {
        let v1::ListSessionsRequest {
            limit,
            before,
            ended,
            search,
            from_unix_us,
            until_unix_us,
            provider,
            destination,
            client_version,
        } = wire;
        let before = Some(before).filter(|before| !before.is_empty());
        let moment = |field, us: Option<i64>| us.map(|us| timestamp(field, us)).transpose();
        Ok(Self {
            limit: NonZeroU32::new(limit),
            before: before.map(|before| session_id("ListSessionsRequest.before", &before)).transpose()?,
            filter: SessionFilter {
                ended,
                search: text("ListSessionsRequest.search", search, MAX_NAME_BYTES)?,
                from: moment("ListSessionsRequest.from_unix_us", from_unix_us)?,
                until: moment("ListSessionsRequest.until_unix_us", until_unix_us)?,
                provider: text("ListSessionsRequest.provider", provider, MAX_NAME_BYTES)?,
                destination: text("ListSessionsRequest.destination", destination, MAX_URL_BYTES)?,
                client_version: text("ListSessionsRequest.client_version", client_version, MAX_NAME_BYTES)?,
            },
        })
    }
}

impl From<Vec<SessionOverview>> for v1::ListSessionsResponse {
    fn from(sessions: Vec<SessionOverview>) -> Self {
        Self { sessions: sessions.into_iter().map(Into::into).collect() }
    }
}

impl TryFrom<v1::ListSessionsResponse> for Vec<SessionOverview> {
    type Error = Invalid;

    fn try_from(wire: v1::ListSessionsResponse) -> Result<Self, Invalid> {
        let v1::ListSessionsResponse { sessions } = wire;
        sessions.into_iter().map(TryInto::try_into).collect()
    }
}

impl From<DeletedSession> for v1::DeleteSessionResponse {
    fn from(deleted: DeletedSession) -> Self {
        let DeletedSession { tests, samples, documents, history_hours } = deleted;
        Self { tests, samples, documents, history_hours }
    }
}

impl TryFrom<v1::DeleteSessionResponse> for DeletedSession {
    type Error = Invalid;

    fn try_from(wire: v1::DeleteSessionResponse) -> Result<Self, Invalid> {
        let v1::DeleteSessionResponse { tests, samples, documents, history_hours } = wire;
        let document = |document| text("DeleteSessionResponse.documents", document, MAX_URL_BYTES);
        Ok(Self {
            tests: count("DeleteSessionResponse.tests", tests)?,
            samples: count("DeleteSessionResponse.samples", samples)?,
            documents: documents.into_iter().map(document).collect::<Result<_, _>>()?,
            history_hours: count("DeleteSessionResponse.history_hours", history_hours)?,
        })
    }
}

impl From<ListSamples> for v1::ListSamplesRequest {
    fn from(request: ListSamples) -> Self {
        let ListSamples { session, test, after, limit } = request;
        Self {
            session: session.to_string(),
            test: test.map(TestId::get),
            after_sequence: after.get(),
            limit: limit.map_or(0, NonZeroU32::get),
        }
    }
}

impl TryFrom<v1::ListSamplesRequest> for ListSamples {
    type Error = Invalid;

    fn try_from(wire: v1::ListSamplesRequest) -> Result<Self, Invalid> {
        let v1::ListSamplesRequest { session, test, after_sequence, limit } = wire;
        Ok(Self {
            session: session_id("ListSamplesRequest.session", &session)?,
            test: test.map(|test| test_id("ListSamplesRequest.test", test)).transpose()?,
            after: sequence("ListSamplesRequest.after_sequence", after_sequence)?,
            limit: NonZeroU32::new(limit),
        })
    }
}

impl From<SamplePage> for v1::ListSamplesResponse {
    fn from(page: SamplePage) -> Self {
        let SamplePage { samples, more } = page;
        Self { samples: samples_out(samples), more }
    }
}

impl TryFrom<v1::ListSamplesResponse> for SamplePage {
    type Error = Invalid;

    fn try_from(wire: v1::ListSamplesResponse) -> Result<Self, Invalid> {
        let v1::ListSamplesResponse { samples, more } = wire;
        Ok(Self { samples: known_samples(samples)?, more })
    }
}
