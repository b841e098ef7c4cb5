//! Much of everything at once: wrong codes in masses, streams opened and dropped, headers without measure.

use std::time::Duration;

use tokio::time::timeout;
use tonic::metadata::MetadataValue;
use tonic::{Code, Request};

use cnc_model::Code as SessionCode;
use cnc_proto::v1;
use cnc_server::limits::WRONG_TRIES;

use super::Scene;
use super::intruder::{Stream, answer, connect, hello, say};

#[tokio::test]
async fn guessing_codes_leads_nowhere() {
    let mut scene = Scene::set().await;
    let waiting = scene.staff.create_session(Some("nothing")).await;
    let channel = connect(scene.listener.url()).await;
    let mut refused = 0;
    for guess in 0..300_u64 {
        let code = SessionCode::from_random(guess.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let status = answer(channel.clone(), vec![say(hello(guess, Some(code.to_string())))]).await;
        // Not found, and after ten tries not even looked for.
        let expected = if guess < WRONG_TRIES.into() { Code::NotFound } else { Code::ResourceExhausted };
        assert_eq!(status.code(), expected, "{status:?}");
        refused += 1;
    }
    assert_eq!(refused, 300);
    let untouched = scene.staff.session(waiting.session.id).await;
    assert_eq!(untouched.overview.state, cnc_model::session::SessionState::Waiting);
    scene.closes_well().await;
}

#[tokio::test]
async fn streams_opened_and_dropped_leave_nothing() {
    let mut scene = Scene::set().await;
    let code = scene.staff.create_session(Some("ping")).await.code.to_string();
    let channel = connect(scene.listener.url()).await;
    for number in 0..300 {
        let first = vec![say(hello(1, (number == 0).then(|| code.clone())))];
        // Dropped before, while or after the listener answers.
        let opening = Stream::open(channel.clone(), first);
        drop(timeout(Duration::from_micros(500 * (number % 7)), opening).await);
    }
    scene.closes_well().await;
}

#[tokio::test]
async fn more_streams_than_one_connection_may_have_wait_for_their_turn() {
    let scene = Scene::set().await;
    let channel = connect(scene.listener.url()).await;
    // The first answer brings the connection's bounds: whoever does not know them yet may be refused a stream instead.
    assert_eq!(answer(channel.clone(), vec![say(hello(7, None))]).await.code(), Code::PermissionDenied);
    let mut opening = tokio::task::JoinSet::new();
    for _ in 0..200 {
        let channel = channel.clone();
        opening.spawn(async move { answer(channel, vec![say(hello(7, None))]).await.code() });
    }
    while let Some(code) = opening.join_next().await {
        // Refused, or sent away with its connection to come back: never let in, and never left without an answer.
        let code = code.expect("no panic");
        assert!(matches!(code, Code::PermissionDenied | Code::Unavailable), "{code:?}");
    }
    scene.closes_well().await;
}

#[tokio::test]
async fn headers_without_measure_are_refused() {
    let scene = Scene::set().await;
    let channel = connect(scene.listener.url()).await;
    for (count, length) in [(1, 100_000), (1_000, 100)] {
        let mut request = Request::new(v1::ListSessionsRequest::default());
        for number in 0..count {
            let name = format!("x-{number}").parse::<tonic::metadata::MetadataKey<_>>().expect("a name");
            let value: MetadataValue<_> = "y".repeat(length).parse().expect("plain text");
            request.metadata_mut().insert(name, value);
        }
        let mut support = v1::support_client::SupportClient::new(channel.clone());
        let status = support.list_sessions(request).await.expect_err("it is refused");
        assert_ne!(status.code(), Code::Ok, "{status:?}");
        assert_ne!(status.code(), Code::Unauthenticated, "nobody looks for a token in such headers: {status:?}");
    }
    scene.closes_well().await;
}
