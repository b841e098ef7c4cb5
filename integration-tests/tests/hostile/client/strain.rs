//! Much of everything at once: wrong codes in masses, streams opened and dropped, headers without measure.

use std::error::Error as _;
use std::time::Duration;

use tokio::time::timeout;
use tonic::metadata::MetadataValue;
use tonic::transport::Channel;
use tonic::{Code, Request, Status};

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
    let mut opening = tokio::task::JoinSet::new();
    for _ in 0..1_000 {
        opening.spawn(answer_in_turn(channel.clone()));
    }
    while let Some(status) = opening.join_next().await {
        let status = status.expect("no panic");
        assert_eq!(status.code(), Code::PermissionDenied, "{status:?}");
    }
    scene.closes_well().await;
}

/// Asks as a stranger, again where the stream came before another's place was free (RFC 9113, section 8.7).
async fn answer_in_turn(channel: Channel) -> Status {
    loop {
        let status = answer(channel.clone(), vec![say(hello(7, None))]).await;
        if !is_refused_unseen(&status) {
            return status;
        }
    }
}

/// Tells whether a stream was refused before anything of it was looked at; the end of the connection is none of that.
fn is_refused_unseen(status: &Status) -> bool {
    let mut error = status.source();
    while let Some(cause) = error {
        if let Some(http2) = cause.downcast_ref::<h2::Error>() {
            return http2.is_reset() && http2.reason() == Some(h2::Reason::REFUSED_STREAM);
        }
        error = cause.source();
    }
    false
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
