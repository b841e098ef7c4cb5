//! More than allowed in sum, though each test alone is fine; and bytes without end.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::body::Body;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse as _;
use axum::routing::get;
use cnc_model::Test;
use cnc_model::test::{PingTest, ThroughputPeer, ThroughputTest};
use cnc_proto::v1;
use tokio::time::Instant;

use super::scene::{Scene, sound};

#[tokio::test]
async fn all_tests_together_keep_to_the_rate() {
    let Some(mut scene) = Scene::set("the rate of all", axum::Router::new()) else { return };
    let client = scene.client();
    let mut stream = scene.listener.welcomed(|_| ()).await;
    stream.consent().await;
    let mut ping = PingTest::to("listener".parse().expect("a place"));
    (ping.count, ping.interval) = (10_000, Duration::from_millis(20));
    let (began, before) = (Instant::now(), scene.probes());
    for number in 1..=20 {
        stream.run(number, Test::Ping(ping.clone()).into()).await;
    }
    // Bursts on top, again and again.
    (ping.count, ping.interval) = (64, Duration::from_millis(1));
    for number in 21..=60 {
        stream.run(number, Test::Ping(ping.clone()).into()).await;
    }
    while began.elapsed() < Duration::from_secs(4) {
        assert!(stream.message().await.is_some(), "the client stays");
    }
    let (sent, time) = (scene.probes() - before, began.elapsed());
    let allowed = 64.0 + 100.0 * (time.as_secs_f64() + 0.5);
    #[expect(clippy::cast_precision_loss, reason = "a few hundred probes")]
    let sent = sent as f64;
    assert!(sent <= allowed, "{sent} probes in {time:?}");
    assert!(sent > 100.0, "it measured at all: {sent} probes in {time:?}");
    client.interrupt().await;
    sound(&client.ended().await);
    assert_eq!(scene.strays(), Vec::<String>::new());
}

/// Sends bytes as long as anybody reads, and counts them.
fn endless(sent: Arc<AtomicU64>) -> axum::Router {
    let body = move || {
        let sent = Arc::clone(&sent);
        let chunks = async_stream::stream! {
            loop {
                sent.fetch_add(1 << 16, Ordering::Relaxed);
                yield Ok::<_, std::convert::Infallible>(vec![0_u8; 1 << 16]);
            }
        };
        std::future::ready(Body::from_stream(chunks))
    };
    axum::Router::new().route("/speed/download", get(body))
}

#[tokio::test]
async fn no_session_moves_more_than_its_share() {
    let sent = Arc::<AtomicU64>::default();
    let Some(mut scene) = Scene::set("bytes without end", endless(Arc::clone(&sent))) else { return };
    let client = scene.client();
    let mut stream = scene.listener.welcomed(|_| ()).await;
    stream.consent().await;
    let load = ThroughputTest { max_bytes: 1_000_000_000, ..ThroughputTest::against(ThroughputPeer::Listener) };
    let mut refused = Vec::new();
    for number in 1..=6 {
        stream.run(number, Test::Download(load.clone()).into()).await;
        refused.extend(stream.failure(number).await.map(|failure| failure.message));
    }
    assert_eq!(refused.len(), 3, "{refused:?}");
    assert!(refused.iter().all(|message| message.contains("used up the 3000 MB")), "{refused:?}");
    // What was on its way when the client stopped reading is the network's.
    let moved = sent.load(Ordering::Relaxed);
    assert!((2_990_000_000..3_200_000_000).contains(&moved), "{moved} bytes");
    client.interrupt().await;
    sound(&client.ended().await);
}

#[tokio::test]
async fn a_redirection_leads_nowhere_else() {
    let to =
        |place: &'static str| move || async move { (StatusCode::FOUND, [(header::LOCATION, place)]).into_response() };
    for place in ["http://127.0.0.1:9/x", "http://169.254.169.254/", "http://198.51.100.7/", "http://rebind.example/"] {
        let router = axum::Router::new().route("/speed/download", get(to(place)));
        let Some(mut scene) = Scene::set("redirections", router) else { return };
        let client = scene.client();
        let mut stream = scene.listener.welcomed(|_| ()).await;
        stream.consent().await;
        stream.run(1, Test::Download(ThroughputTest::against(ThroughputPeer::Listener)).into()).await;
        let failure = stream.failure(1).await.unwrap_or_else(|| panic!("it followed to {place}"));
        assert_eq!(scene.strays(), Vec::<String>::new(), "{place}: {failure:?}");
        client.interrupt().await;
        sound(&client.ended().await);
    }
}

#[tokio::test]
async fn a_flood_of_orders_ends_without_harm() {
    let Some(mut scene) = Scene::set("a flood of orders", axum::Router::new()) else { return };
    let client = scene.client();
    let mut stream = scene.listener.welcomed(|_| ()).await;
    stream.consent().await;
    let system: v1::Test = Test::System.into();
    let url = ThroughputPeer::Url(format!("http://198.51.100.7/{}", "x".repeat(1_000)));
    let stranger: v1::Test = Test::Download(ThroughputTest::against(url)).into();
    for number in 1..=12_000 {
        stream.run(number, stranger.clone()).await;
        // The same id again, with something else, changes nothing.
        stream.run(number, system.clone()).await;
        stream.instruct(number + 1_000_000, Some(v1::instruction::Instruction::Cancel(v1::CancelTest {}))).await;
    }
    let memory = client.memory_bytes();
    assert!(memory < 200 << 20, "{} MiB", memory >> 20);
    client.interrupt().await;
    let ended = client.ended().await;
    assert_eq!(ended.code, 130, "{:.2000}", ended.said);
    assert_eq!(scene.strays(), Vec::<String>::new());
}
