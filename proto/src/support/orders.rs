//! Calls that order tests, one by one or by plan, and stop them.

use cnc_model::session::TestRecord;
use cnc_model::{Plan, SessionId, Test, TestId};

use crate::invalid::required;
use crate::scalar::{MAX_NAME_BYTES, session_id, test_id, text};
use crate::session::known_records;
use crate::{Invalid, v1};

/// A test to push to a session's client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssueTest {
    /// The session.
    pub session: SessionId,
    /// The test; it begins at once.
    pub test: Test,
}

/// A plan to push to a session's client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssuePlan {
    /// The session.
    pub session: SessionId,
    /// The plan's name.
    pub plan: String,
}

/// A test to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CancelTest {
    /// The session.
    pub session: SessionId,
    /// The test.
    pub test: TestId,
}

impl From<IssueTest> for v1::IssueTestRequest {
    fn from(request: IssueTest) -> Self {
        let IssueTest { session, test } = request;
        Self { session: session.to_string(), test: Some(test.into()) }
    }
}

impl TryFrom<v1::IssueTestRequest> for IssueTest {
    type Error = Invalid;

    fn try_from(wire: v1::IssueTestRequest) -> Result<Self, Invalid> {
        let v1::IssueTestRequest { session, test } = wire;
        Ok(Self {
            session: session_id("IssueTestRequest.session", &session)?,
            test: required("IssueTestRequest.test", test)?.try_into()?,
        })
    }
}

impl From<IssuePlan> for v1::IssuePlanRequest {
    fn from(request: IssuePlan) -> Self {
        let IssuePlan { session, plan } = request;
        Self { session: session.to_string(), plan }
    }
}

impl TryFrom<v1::IssuePlanRequest> for IssuePlan {
    type Error = Invalid;

    fn try_from(wire: v1::IssuePlanRequest) -> Result<Self, Invalid> {
        let v1::IssuePlanRequest { session, plan } = wire;
        Ok(Self {
            session: session_id("IssuePlanRequest.session", &session)?,
            plan: text("IssuePlanRequest.plan", plan, MAX_NAME_BYTES)?,
        })
    }
}

impl From<Vec<TestRecord>> for v1::IssuePlanResponse {
    fn from(tests: Vec<TestRecord>) -> Self {
        Self { tests: tests.into_iter().map(Into::into).collect() }
    }
}

impl TryFrom<v1::IssuePlanResponse> for Vec<TestRecord> {
    type Error = Invalid;

    fn try_from(wire: v1::IssuePlanResponse) -> Result<Self, Invalid> {
        let v1::IssuePlanResponse { tests } = wire;
        known_records(tests)
    }
}

impl From<CancelTest> for v1::CancelTestRequest {
    fn from(request: CancelTest) -> Self {
        let CancelTest { session, test } = request;
        Self { session: session.to_string(), test: test.get() }
    }
}

impl TryFrom<v1::CancelTestRequest> for CancelTest {
    type Error = Invalid;

    fn try_from(wire: v1::CancelTestRequest) -> Result<Self, Invalid> {
        let v1::CancelTestRequest { session, test } = wire;
        Ok(Self {
            session: session_id("CancelTestRequest.session", &session)?,
            test: test_id("CancelTestRequest.test", test)?,
        })
    }
}

impl From<Vec<Plan>> for v1::ListPlansResponse {
    fn from(plans: Vec<Plan>) -> Self {
        Self { plans: plans.into_iter().map(Into::into).collect() }
    }
}

impl TryFrom<v1::ListPlansResponse> for Vec<Plan> {
    type Error = Invalid;

    fn try_from(wire: v1::ListPlansResponse) -> Result<Self, Invalid> {
        let v1::ListPlansResponse { plans } = wire;
        plans.into_iter().map(TryInto::try_into).collect()
    }
}
