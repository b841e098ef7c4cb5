//! Staff's calls against their roles, tokens, lists and errors, over gRPC as scripts meet them.

use cnc_model::session::SessionOverview;
use cnc_model::test::PingTest;
use cnc_model::{Destination, Plan, SessionId, Test, TestId};
use cnc_proto::support::{
    CancelTest, CreateToken, CreatedToken, IssuePlan, IssueTest, ListSessions, RevokeToken, Role, Token,
};
use cnc_proto::v1;
use tonic::{Code, Status};

use crate::running::{Running, create, staff};

fn none() -> SessionId {
    "0000000000000000".parse().expect("an id")
}

/// Calls everything on a session that is not there, and gives what each call says.
async fn call_all(url: &str, token: &str) -> Vec<(&'static str, Code)> {
    let mut staff = staff(url, token).await;
    let id = none();
    let ping = Test::Ping(PingTest::to(Destination::Gateway));
    let code = |result: Result<(), Status>| result.map_or_else(|status| status.code(), |()| Code::Ok);
    let list = v1::ListSessionsRequest::from(ListSessions::default());
    let issue = v1::IssueTestRequest::from(IssueTest { session: id, test: ping });
    let plan = v1::IssuePlanRequest::from(IssuePlan { session: id, plan: "default".into() });
    let cancel = v1::CancelTestRequest::from(CancelTest { session: id, test: TestId::FIRST });
    let make = v1::CreateTokenRequest::from(CreateToken { role: Role::Viewer, name: "x".into() });
    let revoke = v1::RevokeTokenRequest::from(RevokeToken { id: "x".into() });
    let samples =
        cnc_proto::support::ListSamples { session: id, test: None, after: cnc_model::Sequence::NONE, limit: None };
    vec![
        ("create", code(staff.create_session(v1::CreateSessionRequest::default()).await.map(drop))),
        ("list", code(staff.list_sessions(list).await.map(drop))),
        ("get", code(staff.get_session(v1::GetSessionRequest::from(id)).await.map(drop))),
        ("watch", code(staff.watch_session(v1::WatchSessionRequest::from(id)).await.map(drop))),
        ("issue", code(staff.issue_test(issue).await.map(drop))),
        ("plan", code(staff.issue_plan(plan).await.map(drop))),
        ("cancel", code(staff.cancel_test(cancel).await.map(drop))),
        ("end", code(staff.end_session(v1::EndSessionRequest::from(id)).await.map(drop))),
        ("samples", code(staff.list_samples(v1::ListSamplesRequest::from(samples)).await.map(drop))),
        ("plans", code(staff.list_plans(v1::ListPlansRequest {}).await.map(drop))),
        ("delete", code(staff.delete_session(v1::DeleteSessionRequest::from(id)).await.map(drop))),
        ("token", code(staff.create_token(make).await.map(drop))),
        ("tokens", code(staff.list_tokens(v1::ListTokensRequest {}).await.map(drop))),
        ("revoke", code(staff.revoke_token(revoke).await.map(drop))),
        ("audit", code(staff.list_audit(v1::ListAuditRequest::default()).await.map(drop))),
        (
            "note",
            code(staff.add_note(v1::AddNoteRequest { session: id.to_string(), text: "x".into() }).await.map(drop)),
        ),
        ("notes", code(staff.list_notes(v1::ListNotesRequest::from(id)).await.map(drop))),
        ("share", code(staff.share_report(v1::ShareReportRequest::from(id)).await.map(drop))),
        ("unshare", code(staff.unshare_report(v1::UnshareReportRequest::from(id)).await.map(drop))),
        ("sharing", code(staff.get_sharing(v1::GetSharingRequest::from(id)).await.map(drop))),
        ("document", code(staff.get_document(v1::GetDocumentRequest::from(id)).await.map(drop))),
        ("status", code(staff.get_status(v1::GetStatusRequest {}).await.map(drop))),
        ("who", code(staff.who_am_i(v1::WhoAmIRequest {}).await.map(drop))),
        ("activity", code(staff.list_activity(v1::ListActivityRequest::default()).await.map(drop))),
    ]
}

async fn token(running: &Running, role: Role) -> CreatedToken {
    let wish = v1::CreateTokenRequest::from(CreateToken { role, name: format!("a {role}") });
    let made = running.staff().await.create_token(wish).await.expect("made").into_inner();
    made.try_into().expect("sound")
}

#[tokio::test]
async fn every_call_is_held_against_the_role() {
    let running = Running::start().await;
    let viewer = token(&running, Role::Viewer).await.token;
    let support = token(&running, Role::Support).await.token;
    let admin = running.admin_token();
    let (no, ok, missing) = (Code::PermissionDenied, Code::Ok, Code::NotFound);
    let early = Code::FailedPrecondition;
    let expected = [
        ("create", no, ok, ok),
        ("list", ok, ok, ok),
        ("get", missing, missing, missing),
        ("watch", missing, missing, missing),
        ("issue", no, missing, missing),
        ("plan", no, missing, missing),
        ("cancel", no, missing, missing),
        ("end", no, missing, missing),
        ("samples", missing, missing, missing),
        ("plans", ok, ok, ok),
        ("delete", no, no, missing),
        ("token", no, no, ok),
        ("tokens", no, no, ok),
        ("revoke", no, no, missing),
        ("audit", no, no, ok),
        ("note", no, missing, missing),
        ("notes", ok, ok, ok),
        ("share", no, early, early),
        ("unshare", no, ok, ok),
        ("sharing", ok, ok, ok),
        ("document", ok, ok, ok),
        ("status", ok, ok, ok),
        ("who", ok, ok, ok),
        ("activity", ok, ok, ok),
    ];
    let url = running.url();
    let (as_viewer, as_support) = (call_all(&url, &viewer).await, call_all(&url, &support).await);
    let as_admin = call_all(&url, &admin).await;
    let as_stranger = call_all(&url, "x").await;
    for (n, (call, by_viewer, by_support, by_admin)) in expected.into_iter().enumerate() {
        assert_eq!(as_viewer[n], (call, by_viewer), "viewer");
        assert_eq!(as_support[n], (call, by_support), "support");
        assert_eq!(as_admin[n], (call, by_admin), "admin");
        assert_eq!(as_stranger[n], (call, Code::Unauthenticated), "stranger");
    }
    let noted = running.count("SELECT count(DISTINCT action) FROM audit");
    assert_eq!(noted, 11, "each call that changes something is noted");
    assert_eq!(running.count("SELECT count(*) FROM audit WHERE who LIKE 'a viewer%'"), 0);
}

#[tokio::test]
async fn a_revoked_token_opens_nothing_at_once() {
    let running = Running::start().await;
    let made = token(&running, Role::Viewer).await;
    let mut viewer = staff(&running.url(), &made.token).await;
    viewer.list_plans(v1::ListPlansRequest {}).await.expect("may");
    let mut admin = running.staff().await;
    admin.revoke_token(v1::RevokeTokenRequest::from(RevokeToken { id: made.id })).await.expect("revoked");
    let denied = viewer.list_plans(v1::ListPlansRequest {}).await.expect_err("no more");
    assert_eq!(denied.code(), Code::Unauthenticated);
    let left: Vec<Token> =
        admin.list_tokens(v1::ListTokensRequest {}).await.expect("may").into_inner().try_into().expect("sound");
    assert_eq!(left.len(), 1);
    assert_eq!(running.get("/metrics", None).await.0, http::StatusCode::UNAUTHORIZED);
    let (status, metrics) = running.get("/metrics", Some(&running.admin_token())).await;
    assert_eq!(status, http::StatusCode::OK);
    assert!(metrics.contains("\ncnc_calls_denied_total 2\n"), "{metrics}");
}

#[tokio::test]
async fn sessions_are_listed_live_and_stored() {
    let running = Running::start().await;
    let mut staff = running.staff().await;
    let mut made = Vec::new();
    for _ in 0..5 {
        made.push(create(&mut staff).await.0.id);
    }
    made.sort();
    made.reverse();
    let mut listed = Vec::new();
    let mut before = None;
    loop {
        let wish = ListSessions { limit: std::num::NonZeroU32::new(2), before, ..ListSessions::default() };
        let answer = staff.list_sessions(v1::ListSessionsRequest::from(wish)).await.expect("may").into_inner();
        let page: Vec<SessionOverview> = answer.try_into().expect("sound");
        assert!(page.iter().all(|overview| overview.code.is_some()), "live ones show their code");
        before = page.last().map(|overview| overview.id);
        listed.extend(page.into_iter().map(|overview| overview.id));
        if before.is_none() {
            break;
        }
    }
    assert_eq!(listed, made);
}

const PLANS: [&str; 7] = ["default", "drops", "quick", "slow-download", "slow-web", "voip", "vpn"];

#[tokio::test]
async fn plans_are_shown_and_unknown_ones_named() {
    let running = Running::start().await;
    let mut staff = running.staff().await;
    let plans: Vec<Plan> =
        staff.list_plans(v1::ListPlansRequest {}).await.expect("may").into_inner().try_into().expect("sound");
    assert_eq!(plans.iter().map(|plan| plan.name.as_str()).collect::<Vec<_>>(), PLANS);
    let wish = v1::CreateSessionRequest { plan: "none".into(), ..v1::CreateSessionRequest::default() };
    let refused = staff.create_session(wish).await.expect_err("unknown");
    let known = format!("there is no plan \"none\"; there are: {}", PLANS.join(", "));
    assert_eq!((refused.code(), refused.message()), (Code::NotFound, known.as_str()));
}

#[tokio::test]
async fn what_is_no_id_is_refused_in_plain_words() {
    let running = Running::start().await;
    let mut staff = running.staff().await;
    let refused = staff.get_session(v1::GetSessionRequest { session: "x".into() }).await.expect_err("no id");
    assert_eq!(refused.code(), Code::InvalidArgument);
    assert!(refused.message().contains("16 characters"), "{}", refused.message());
}
