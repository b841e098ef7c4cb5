//! Consent: nothing runs before it, nobody gives it but the user, and it holds for what was shown.

use std::process::Stdio;
use std::time::Duration;

use cnc_model::Test;
use cnc_model::test::{PingTest, ThroughputPeer, ThroughputTest};
use cnc_proto::v1;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;
use tonic::Status;

use super::scene::Scene;

const PATIENCE: Duration = Duration::from_secs(30);

/// A client with a user at its keyboard.
struct Asked {
    child: Child,
    screen: ChildStdout,
    shown: String,
    _home: tempfile::TempDir,
}

impl Asked {
    fn start(scene: &Scene) -> Self {
        let home = tempfile::tempdir().expect("a folder");
        let mut command = Command::from(scene.command());
        command.args(["run", "--listener", &scene.listener.url()]);
        for place in ["HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME"] {
            command.env(place, home.path());
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().expect("cnc can be started");
        let screen = child.stdout.take().expect("piped");
        Self { child, screen, shown: String::new(), _home: home }
    }

    /// Reads the screen until it shows something.
    async fn shows(&mut self, what: &str) {
        let mut bytes = [0; 4_096];
        while !self.shown.contains(what) {
            let read = timeout(PATIENCE, self.screen.read(&mut bytes)).await;
            let read = read.unwrap_or_else(|_| panic!("{what:?} is not shown: {}", self.shown)).expect("it is piped");
            assert!(read > 0, "it ended without showing {what:?}: {}", self.shown);
            self.shown.push_str(&String::from_utf8_lossy(&bytes[..read]));
        }
    }

    async fn types(&mut self, text: &str) {
        let stdin = self.child.stdin.as_mut().expect("piped");
        stdin.write_all(text.as_bytes()).await.expect("it reads");
    }
}

fn ping() -> v1::Test {
    Test::Ping(PingTest::to("listener".parse().expect("a place"))).into()
}

fn stranger() -> v1::Test {
    Test::Download(ThroughputTest::against(ThroughputPeer::Url("http://198.51.100.7/x".into()))).into()
}

#[tokio::test]
async fn nothing_runs_before_the_user_agrees() {
    let Some(mut scene) = Scene::set("consent", axum::Router::new()) else { return };
    let mut asked = Asked::start(&scene);
    let mut stream = scene.listener.welcomed(|_| ()).await;
    asked.shows("Do you agree").await;
    stream.run(1, ping()).await;
    stream.run(2, Test::System.into()).await;
    stream.instruct(3, None).await;
    stream.instruct(1, Some(v1::instruction::Instruction::Cancel(v1::CancelTest {}))).await;
    asked.types("n\n").await;
    assert!(stream.until(|item| matches!(item.item, Some(v1::item::Item::Goodbye(_)))).await);
    assert_eq!(stream.items.len(), 1, "{:?}", stream.items);
    asked.shows("Nothing was measured").await;
    assert_eq!((scene.strays(), scene.probes()), (Vec::new(), 0));
}

#[tokio::test]
async fn a_listener_cannot_agree_for_the_user() {
    let Some(mut scene) = Scene::set("consent", axum::Router::new()) else { return };
    let mut asked = Asked::start(&scene);
    let stream =
        scene.listener.welcomed(|welcome| (welcome.consented, welcome.acknowledged_sequence) = (true, 5)).await;
    stream.run(1, ping()).await;
    asked.shows("Do you agree").await;
    // It says so again, on another stream.
    stream.close(Status::unavailable("a moment")).await;
    let mut stream =
        scene.listener.welcomed(|welcome| (welcome.consented, welcome.acknowledged_sequence) = (true, 5)).await;
    stream.run(1, ping()).await;
    asked.types("n\n").await;
    assert!(stream.until(|item| matches!(item.item, Some(v1::item::Item::Goodbye(_)))).await);
    assert!(!stream.measured());
    assert_eq!((scene.strays(), scene.probes()), (Vec::new(), 0));
}

#[tokio::test]
async fn what_is_agreed_to_is_what_was_shown() {
    let Some(mut scene) = Scene::set("consent", axum::Router::new()) else { return };
    let mut asked = Asked::start(&scene);
    let stream = scene.listener.welcomed(|welcome| welcome.planned = vec![Test::System.into()]).await;
    asked.shows("Do you agree").await;
    stream.close(Status::unavailable("a moment")).await;
    // Another plan comes while the user still reads the first.
    let mut stream = scene.listener.welcomed(|welcome| welcome.planned = vec![stranger()]).await;
    asked.types("y\nn\n").await;
    stream.consent().await;
    stream.run(1, stranger()).await;
    let failure = stream.failure(1).await.expect("it is refused");
    assert!(failure.message.contains("was not part of what the user agreed to"), "{failure:?}");
    assert_eq!(scene.strays(), Vec::<String>::new());
}

#[tokio::test]
async fn a_name_that_leads_elsewhere_is_refused_though_its_url_was_agreed_to() {
    let Some(mut scene) = Scene::set("rebinding", axum::Router::new()) else { return };
    let names =
        ["rebind.example", "lan.example", "mixed.example", "metadata.example", "[::1]", "127.1", "lan6.example"];
    let test = |name| {
        let load = ThroughputTest::against(ThroughputPeer::Url(format!("http://{name}/x")));
        [Test::Download(load.clone()), Test::Upload(load)].map(v1::Test::from)
    };
    let tests: Vec<_> = names.into_iter().flat_map(test).collect();
    let client = scene.client();
    let planned = tests.clone();
    let mut stream = scene.listener.welcomed(|welcome| welcome.planned = planned).await;
    stream.consent().await;
    for (number, test) in (1..).zip(tests) {
        stream.run(number, test.clone()).await;
        let failure = stream.failure(number).await.unwrap_or_else(|| panic!("{test:?} ran"));
        assert_eq!(failure.reason, i32::from(v1::Reason::RefusedByPolicy), "{test:?}: {failure:?}");
    }
    assert_eq!(scene.strays(), Vec::<String>::new());
    client.interrupt().await;
    assert_eq!(client.ended().await.code, 130);
}
