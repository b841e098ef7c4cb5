//! Staff's calls by those who are not staff, or not of the role.

use cnc_proto::v1;
use cnc_proto::v1::support_client::SupportClient;
use tonic::metadata::MetadataValue;
use tonic::transport::Channel;
use tonic::{Code, Request, Status};

use super::Scene;
use super::intruder::connect;

/// Makes every call of the service with a token, and gives each answer by its name.
async fn every_call(channel: &Channel, token: Option<&str>, session: &str) -> Vec<(&'static str, Status)> {
    let session = || session.to_owned();
    let mut support = SupportClient::new(channel.clone());
    let mut answers = Vec::new();
    macro_rules! call {
        ($name:ident, $request:expr) => {{
            let mut request = Request::new($request);
            if let Some(token) = token {
                let value = MetadataValue::try_from(token).expect("plain text");
                request.metadata_mut().insert("authorization", value);
            }
            let status = support.$name(request).await.map_or_else(|status| status, |_| Status::ok("done"));
            answers.push((stringify!($name), status));
        }};
    }
    call!(list_sessions, v1::ListSessionsRequest::default());
    call!(get_session, v1::GetSessionRequest { session: session() });
    call!(watch_session, v1::WatchSessionRequest { session: session() });
    call!(list_samples, v1::ListSamplesRequest { session: session(), limit: 1, ..Default::default() });
    call!(list_plans, v1::ListPlansRequest::default());
    call!(create_session, v1::CreateSessionRequest::default());
    let system = Some(v1::Test { test: Some(v1::test::Test::System(v1::SystemTest {})) });
    call!(issue_test, v1::IssueTestRequest { session: session(), test: system });
    call!(issue_plan, v1::IssuePlanRequest { session: session(), plan: "nothing".into() });
    call!(cancel_test, v1::CancelTestRequest { session: session(), test: 1 });
    call!(end_session, v1::EndSessionRequest { session: session() });
    call!(delete_session, v1::DeleteSessionRequest { session: session() });
    call!(create_token, v1::CreateTokenRequest { role: 3, name: "mine".into() });
    call!(list_tokens, v1::ListTokensRequest::default());
    call!(revoke_token, v1::RevokeTokenRequest { id: "x".into() });
    call!(list_audit, v1::ListAuditRequest { session: session(), ..Default::default() });
    answers
}

const READING: usize = 5;

#[tokio::test]
async fn nobody_calls_without_a_token_that_is_worth_something() {
    let scene = Scene::set().await;
    let channel = connect(scene.listener.url()).await;
    let id = scene.good.id.to_string();
    let token = scene.listener.token();
    let (cut, long) = (format!("Bearer {}", &token[1..]), format!("Bearer {}", "x".repeat(8_000)));
    let (basic, sql) = (format!("Basic {token}"), "Bearer ' OR '1'='1".to_owned());
    for token in [None, Some("Bearer "), Some(""), Some(&*cut), Some(&*long), Some(&*basic), Some(&*sql)] {
        for (name, status) in every_call(&channel, token, &id).await {
            assert_eq!(status.code(), Code::Unauthenticated, "{name} with {token:?}: {status:?}");
            assert!(!status.message().is_empty(), "{name}: a refusal says why");
        }
    }
    scene.closes_well().await;
}

#[tokio::test]
async fn a_viewer_only_sees_and_support_does_not_rule() {
    let scene = Scene::set().await;
    let channel = connect(scene.listener.url()).await;
    let admin = format!("Bearer {}", scene.listener.token());
    let made = |role: i32| {
        let mut support = SupportClient::new(channel.clone());
        let mut request = Request::new(v1::CreateTokenRequest { role, name: "a test".into() });
        request.metadata_mut().insert("authorization", MetadataValue::try_from(&admin).expect("plain text"));
        async move { support.create_token(request).await.expect("an admin may").into_inner().token }
    };
    let (viewer, support) = (format!("Bearer {}", made(1).await), format!("Bearer {}", made(2).await));
    // A session that is nobody's: those who may do something do it to this one.
    let other = scene.staff.clone().create_session(Some("nothing")).await.session.id.to_string();
    for (name, status) in every_call(&channel, Some(&viewer), &other).await.into_iter().skip(READING) {
        assert_eq!(status.code(), Code::PermissionDenied, "{name}: {status:?}");
    }
    for (name, status) in every_call(&channel, Some(&support), &other).await.into_iter().skip(10) {
        assert_eq!(status.code(), Code::PermissionDenied, "{name}: {status:?}");
    }
    scene.closes_well().await;
}

#[tokio::test]
async fn nonsense_from_staff_is_answered() {
    let scene = Scene::set().await;
    let channel = connect(scene.listener.url()).await;
    let admin = format!("Bearer {}", scene.listener.token());
    let long = "x".repeat(60_000);
    for session in ["", "..", "0000000000000000", "../../etc/passwd", "0123456789abcdef' --", &long] {
        for (name, status) in every_call(&channel, Some(&admin), session).await {
            let about_a_session = !matches!(
                name,
                "list_sessions"
                    | "list_plans"
                    // What was done to a session that was deleted, or never was, may be asked for.
                    | "list_audit"
                    | "create_session"
                    | "create_token"
                    | "list_tokens"
                    | "revoke_token"
            );
            let refused = matches!(status.code(), Code::InvalidArgument | Code::NotFound);
            assert!(refused || !about_a_session, "{name} of {session:.30}: {status:?}");
        }
    }
    scene.closes_well().await;
}
