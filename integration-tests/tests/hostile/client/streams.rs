//! Streams used as no sound client uses them: other people's keys, big and broken messages, nobody who reads.

use std::time::Duration;

use cnc_proto::v1;
use tokio::time::timeout;
use tonic::Code;

use super::Scene;
use super::intruder::{PATIENCE, Stream, answer, batch, code, connect, consent, hello, say};

fn samples(first: u64, count: u64) -> v1::ClientMessage {
    let lost = |seq| {
        let outcome = Some(v1::ping_sample::Outcome::Lost(v1::PingLost {}));
        let sample = v1::PingSample { seq, at_us: 1, outcome };
        let sample = v1::Sample { sample: Some(v1::sample::Sample::Ping(sample)) };
        v1::Item { test: 1, item: Some(v1::item::Item::Sample(sample)) }
    };
    batch(first, (0..u32::try_from(count).expect("few")).map(lost).collect())
}

#[tokio::test]
async fn a_message_larger_than_any_is_refused_unread() {
    let mut scene = Scene::set().await;
    let channel = connect(scene.listener.url()).await;
    let code = code(&mut scene.staff).await;
    for length in [2 << 20, 16 << 20] {
        let mut huge = hello(1, Some(code.clone()));
        huge.client_version = "9".repeat(length);
        let status = answer(channel.clone(), vec![say(huge)]).await;
        assert_eq!(status.code(), Code::OutOfRange, "{status:?}");
    }
    scene.closes_well().await;
}

#[tokio::test]
async fn a_stream_that_says_nothing_is_let_go_and_so_is_one_that_stops_after_hello() {
    let mut scene = Scene::set().await;
    let channel = connect(scene.listener.url()).await;
    let silent = answer(channel.clone(), vec![]);
    let code = code(&mut scene.staff).await;
    let mut quiet = Stream::open(channel.clone(), vec![say(hello(1, Some(code)))]).await.expect("a sound hello");
    // It holds its own session and nothing else; its end is the client's.
    quiet.inbound.message().await.expect("a welcome").expect("a welcome");
    drop(quiet);
    let status = silent.await;
    assert_eq!((status.code(), status.message().contains("must be hello")), (Code::InvalidArgument, true));
    scene.closes_well().await;
}

#[tokio::test]
async fn another_key_gets_nobody_elses_session() {
    let scene = Scene::set().await;
    let channel = connect(scene.listener.url()).await;
    for key in 1_000..1_050 {
        let status = answer(channel.clone(), vec![say(hello(key, None)), batch(1, vec![consent()])]).await;
        assert_eq!(status.code(), Code::PermissionDenied, "{status:?}");
    }
    scene.closes_well().await;
}

#[tokio::test]
async fn one_key_on_many_streams_is_one_session() {
    let mut scene = Scene::set().await;
    let channel = connect(scene.listener.url()).await;
    let code = code(&mut scene.staff).await;
    let first = vec![say(hello(1, Some(code))), batch(1, vec![consent()])];
    let mut streams = vec![Stream::open(channel.clone(), first).await.expect("let in")];
    for _ in 0..20 {
        streams.push(Stream::open(channel.clone(), vec![say(hello(1, None))]).await.expect("let in"));
    }
    let mut last = streams.pop().expect("there are some");
    for mut stream in streams {
        let status = stream.end().await;
        assert_eq!(status.code(), Code::Aborted, "{status:?}");
    }
    let welcome = last.inbound.message().await.expect("it holds").expect("a welcome");
    assert!(matches!(welcome.message, Some(v1::listener_message::Message::Welcome(_))), "{welcome:?}");
    scene.closes_well().await;
}

#[tokio::test]
async fn who_sends_without_reading_is_let_go() {
    let mut scene = Scene::set().await;
    let channel = connect(scene.listener.url()).await;
    let code = code(&mut scene.staff).await;
    let first = vec![say(hello(1, Some(code))), batch(1, vec![consent()]), samples(2, 64)];
    let stream = Stream::open(channel.clone(), first).await.expect("let in");
    // Each repetition of what is durable asks for another acknowledgement, which nobody reads.
    let flood = async {
        for _ in 0..200_000 {
            if stream.outbound.send(batch(1, vec![consent()])).await.is_err() {
                return;
            }
        }
    };
    // Either the listener has closed the stream or flow control holds the sender; both are well.
    timeout(Duration::from_secs(5), flood).await.unwrap_or_default();
    drop(stream);
    scene.closes_well().await;
}

#[tokio::test]
async fn items_sent_again_and_again_are_stored_once() {
    let mut scene = Scene::set().await;
    let channel = connect(scene.listener.url()).await;
    let made = scene.staff.create_session(Some("ping")).await;
    let first = vec![say(hello(1, Some(made.code.to_string()))), batch(1, vec![consent()])];
    let mut stream = Stream::open(channel, first).await.expect("let in");
    for _ in 0..100 {
        stream.outbound.send(samples(2, 64)).await.expect("the stream holds");
    }
    stream.outbound.send(samples(66, 1)).await.expect("the stream holds");
    let all = async {
        loop {
            let message = stream.inbound.message().await.expect("it holds").expect("it goes on");
            if let Some(v1::listener_message::Message::Acknowledge(v1::Acknowledge { through_sequence: 66 })) =
                message.message
            {
                return;
            }
        }
    };
    timeout(PATIENCE, all).await.expect("everything is acknowledged");
    let id = made.session.id.to_string();
    assert_eq!(cnc_integration_tests::store::samples(&scene.listener.store(), &id), 65);
    scene.closes_well().await;
}
