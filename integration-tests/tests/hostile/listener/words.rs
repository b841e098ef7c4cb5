//! Breaches of the protocol itself: the client ends the session or passes over them, says so, and never falls over.

use cnc_model::Test;
use cnc_model::test::PingTest;
use cnc_proto::v1;
use cnc_proto::v1::listener_message::Message;
use tonic::Status;

use super::scene::{Scene, sound};
use super::stream::Stream;

const PAINT: &str = "\u{1b}[2J\u{1b}]0;owned\u{7}\r\n\u{202e}\u{9b}31mExample\u{0}";

/// What a listener does right after the user's consent, and what the client shows then.
async fn misbehaves(name: &str, stream: &Stream) -> &'static str {
    let welcome = v1::Welcome { session: "0123456789abcdef".into(), public_address: vec![1; 4], ..Default::default() };
    match name {
        "an acknowledgement of what was never sent" => {
            stream.acknowledge(1_000).await;
            "says that it has all items up to 1000"
        }
        "an acknowledgement of everything there could be" => {
            stream.acknowledge((1 << 53) - 1).await;
            "says that it has all items"
        }
        "an acknowledgement beyond numbers" => {
            stream.acknowledge(u64::MAX).await;
            "too large"
        }
        "a message of 32 MiB" => {
            let welcome = v1::Welcome { operator: "x".repeat(32 << 20), ..welcome };
            stream.send(Message::Welcome(Box::new(welcome))).await;
            "too large"
        }
        "a welcome without a session" => {
            stream.send(Message::Welcome(Box::new(v1::Welcome { session: String::new(), ..welcome }))).await;
            "session id"
        }
        "a report's address of 1 MB" => {
            let report_url = Some("x".repeat(1_000_000));
            stream.send(Message::Goodbye(v1::ListenerGoodbye { report_url, document_url: None })).await;
            "report_url"
        }
        _ => unreachable!("{name}"),
    }
}

#[tokio::test]
async fn what_cannot_be_is_told_and_measuring_goes_on() {
    for name in [
        "an acknowledgement of what was never sent",
        "an acknowledgement of everything there could be",
        "an acknowledgement beyond numbers",
        "a message of 32 MiB",
        "a welcome without a session",
        "a report's address of 1 MB",
    ] {
        let Some(mut scene) = Scene::set(name, axum::Router::new()) else { return };
        let client = scene.client();
        let mut stream = scene.listener.welcomed(|_| ()).await;
        stream.consent().await;
        let shown = misbehaves(name, &stream).await;
        while stream.message().await.is_some() {}
        client.interrupt().await;
        let ended = client.ended().await;
        sound(&ended);
        assert!(ended.said.contains(shown), "{name} is not told as {shown:?}:\n{}", ended.said);
    }
}

#[tokio::test]
async fn what_a_first_message_must_not_be_ends_it_with_a_word() {
    let welcome =
        || v1::Welcome { session: "0123456789abcdef".into(), public_address: vec![1; 4], ..Default::default() };
    let instruction = v1::Instruction { test: 1, instruction: None };
    let firsts: Vec<(&str, Message)> = vec![
        ("an instruction", Message::Instruction(instruction)),
        ("an acknowledgement", Message::Acknowledge(v1::Acknowledge { through_sequence: 0 })),
        ("no session", Message::Welcome(Box::new(v1::Welcome { session: "../..".into(), ..welcome() }))),
        ("no address", Message::Welcome(Box::new(v1::Welcome { public_address: vec![1; 5], ..welcome() }))),
        ("no code", Message::Welcome(Box::new(v1::Welcome { code: Some("<b>".into()), ..welcome() }))),
        ("a name of 1 MB", Message::Welcome(Box::new(v1::Welcome { operator: "x".repeat(1_000_000), ..welcome() }))),
        (
            "a message of 32 MiB",
            Message::Welcome(Box::new(v1::Welcome { operator: "x".repeat(32 << 20), ..welcome() })),
        ),
    ];
    for (name, first) in firsts {
        let Some(mut scene) = Scene::set(name, axum::Router::new()) else { return };
        let client = scene.client();
        let stream = scene.listener.stream().await;
        stream.send(first).await;
        let ended = client.ended().await;
        sound(&ended);
        assert_eq!(ended.code, 4, "{name}: {}", ended.said);
    }
}

#[tokio::test]
async fn no_text_of_a_listener_paints_the_screen() {
    let Some(mut scene) = Scene::set("texts", axum::Router::new()) else { return };
    let client = scene.client();
    let mut stream = scene
        .listener
        .welcomed(|welcome| (welcome.operator, welcome.speed_token) = (PAINT.into(), format!("a\r\nb: {PAINT}")))
        .await;
    stream.consent().await;
    // A token that no header can hold is no reason to fall over.
    let load = cnc_model::test::ThroughputTest::against(cnc_model::test::ThroughputPeer::Listener);
    stream.run(1, Test::Download(load).into()).await;
    stream.failure(1).await;
    stream
        .send(Message::Goodbye(v1::ListenerGoodbye {
            report_url: Some(PAINT.into()),
            document_url: Some(PAINT.into()),
        }))
        .await;
    let ended = client.ended().await;
    sound(&ended);
    assert!(!ended.said.contains('\u{202e}'), "{:?}", ended.said);

    let client = scene.client();
    let stream = scene.listener.stream().await;
    stream.close(Status::permission_denied(PAINT)).await;
    let ended = client.ended().await;
    sound(&ended);
    assert_eq!(ended.code, 4, "{}", ended.said);
}

#[tokio::test]
async fn a_second_welcome_and_a_repeated_test_change_nothing() {
    let Some(mut scene) = Scene::set("repetitions", axum::Router::new()) else { return };
    let client = scene.client();
    let mut stream = scene.listener.welcomed(|_| ()).await;
    stream.consent().await;
    let stranger = cnc_model::test::ThroughputPeer::Url("http://198.51.100.7/".into());
    let stranger: v1::Test = Test::Download(cnc_model::test::ThroughputTest::against(stranger)).into();
    let planned = vec![stranger.clone()];
    stream.welcome(|welcome| (welcome.planned, welcome.consented) = (planned, true)).await;
    stream.run(1, stranger.clone()).await;
    let failure = stream.failure(1).await.expect("a second welcome agrees to nothing");
    assert!(failure.message.contains("was not part of"), "{failure:?}");
    let mut ping = PingTest::to("listener".parse().expect("a place"));
    ping.count = 1;
    for _ in 0..5 {
        stream.run(2, Test::Ping(ping.clone()).into()).await;
        stream.run(1, Test::Ping(ping.clone()).into()).await;
    }
    assert_eq!(stream.failure(2).await, None);
    stream.end().await;
    assert!(stream.until(|item| matches!(item.item, Some(v1::item::Item::Goodbye(_)))).await);
    // Nothing begins after goodbye.
    stream.run(3, Test::Ping(ping).into()).await;
    stream.goodbye().await;
    sound(&client.ended().await);
    assert_eq!((scene.probes(), scene.strays()), (1, Vec::new()));
}

#[tokio::test]
async fn a_goodbye_before_its_time_ends_it() {
    let Some(mut scene) = Scene::set("an early goodbye", axum::Router::new()) else { return };
    for before_welcome in [true, false] {
        let client = scene.client();
        let stream = scene.listener.stream().await;
        if !before_welcome {
            stream.welcome(|_| ()).await;
        }
        stream.goodbye().await;
        stream.run(1, Test::System.into()).await;
        sound(&client.ended().await);
    }
    assert_eq!((scene.probes(), scene.strays()), (0, Vec::new()));
}
