//! What a killed client left behind, delivered to a session that has ended, or was deleted, meanwhile.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use cnc_integration_tests::listener::{Listener, QUICK};
use cnc_integration_tests::programs::program;
use cnc_integration_tests::staff::Staff;
use cnc_model::session::{EndReason, SessionState};
use cnc_model::test::{PingProtocol, PingTest};
use cnc_model::{Destination, Outcome, Reason, SessionId, Test, TestId};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::time::Instant;

use crate::alone::Door;

fn client(home: &Path, url: &str, code: &str) -> Child {
    let mut command = Command::new(program("cnc"));
    command.args(["--allow-loopback", "--yes", "--listener", url, "--code", code]);
    for place in ["HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME"] {
        command.env(place, home);
    }
    command.env_remove("CNC_LISTENER").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.kill_on_drop(true).spawn().expect("cnc can be started")
}

/// A listener, and a session whose client was killed after its way to the listener was cut.
struct Scene {
    listener: Listener,
    staff: Staff,
    door: Door,
    home: tempfile::TempDir,
    id: SessionId,
    ping: TestId,
}

impl Scene {
    async fn killed() -> Self {
        let listener = Listener::start(QUICK).await;
        let mut staff = listener.staff().await;
        let (door, home) = (Door::to(&listener).await, tempfile::tempdir().expect("a folder"));
        door.open();
        let made = staff.create_session(Some("nothing")).await;
        let id = made.session.id;
        let mut client = client(home.path(), &door.url, &made.code.to_string());
        let mut watcher = staff.watch(id).await;
        watcher.plan_done().await;
        let mut long = PingTest::to(Destination::Host("127.0.0.1".parse().expect("an address")));
        long.protocol = PingProtocol::Tcp(9.try_into().expect("a port"));
        (long.count, long.interval) = (10_000, Duration::from_millis(20));
        let ping = staff.issue(id, Test::Ping(long)).await.id;
        watcher.until("samples come", |watcher| watcher.samples.len() >= 3).await;
        door.cut();
        let mut said = BufReader::new(client.stdout.take().expect("it is piped")).lines();
        loop {
            let line = said.next_line().await.expect("readable").expect("it says so before it ends");
            if line.contains("Out of touch with the listener") {
                break;
            }
        }
        // Something must be measured that the listener does not hear of.
        let (keys, began) = (home.path().join("cnc/keys"), Instant::now());
        let written = || -> u64 {
            let files = std::fs::read_dir(&keys).expect("a key").map(|file| file.expect("readable"));
            let journals = files.filter(|file| file.path().extension().is_none_or(|kind| kind != "json"));
            journals.map(|file| file.metadata().expect("there").len()).sum()
        };
        let before = written();
        while written() <= before {
            assert!(began.elapsed() < Duration::from_secs(30), "nothing is measured");
            tokio::task::yield_now().await;
        }
        client.kill().await.expect("killed");
        staff.end(id).await;
        watcher.over().await;
        // As if that had been some time ago: no other run goes on with it.
        let key = home.path().join("cnc/keys/0.json");
        let mut entry: serde_json::Value =
            serde_json::from_str(&std::fs::read_to_string(&key).expect("a key")).expect("JSON");
        entry["alive_unix_us"] = (entry["alive_unix_us"].as_i64().expect("a number") - 3_600_000_000).into();
        std::fs::write(&key, entry.to_string()).expect("written");
        door.open();
        Self { listener, staff, door, home, id, ping }
    }

    /// Runs the client again in another session, and gives what it said.
    async fn next(&mut self) -> String {
        let made = self.staff.create_session(Some("nothing")).await;
        let client = client(self.home.path(), &self.door.url, &made.code.to_string());
        let mut watcher = self.staff.watch(made.session.id).await;
        watcher.plan_done().await;
        self.staff.end(made.session.id).await;
        watcher.over().await;
        let output = client.wait_with_output().await.expect("it ran");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(output.status.code(), Some(0), "{said}{}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(std::fs::read_dir(self.home.path().join("cnc/keys")).expect("there").count(), 0, "{said}");
        said
    }
}

fn message(outcome: Option<&Outcome>) -> &str {
    match outcome {
        Some(Outcome::Failed(failure)) if failure.reason == Reason::Abandoned => &failure.message,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_session_that_has_ended_is_added_to_and_its_report_made_again() {
    let mut scene = Scene::killed().await;
    let before = scene.staff.session(scene.id).await;
    assert_eq!(before.overview.state, SessionState::Ended(EndReason::Staff));
    let test = before.tests.iter().find(|test| test.id == scene.ping).expect("there");
    assert_eq!(message(test.outcome.as_ref()), "the session ended before the test did");

    let said = scene.next().await;
    assert!(said.contains("Delivered what was left of an earlier session"), "{said}");
    let after = scene.staff.session(scene.id).await;
    let test = after.tests.iter().find(|test| test.id == scene.ping).expect("there");
    assert_eq!(message(test.outcome.as_ref()), "the client was stopped while the test ran");
    assert!(after.overview.stored > before.overview.stored);
    let report = std::fs::read_to_string(scene.listener.report(&scene.id.to_string())).expect("a report");
    assert!(report.contains("the client was stopped while the test ran"), "it is the new one");
    assert!(!scene.next().await.contains("earlier session"), "once");
}

#[tokio::test]
async fn what_a_deleted_session_left_is_dropped_with_words() {
    let mut scene = Scene::killed().await;
    scene.staff.delete(scene.id).await;
    let said = scene.next().await;
    assert!(
        said.contains("The listener no longer knows an earlier session; what was left of it is removed."),
        "{said}"
    );
    assert!(!scene.staff.sessions().await.contains(&scene.id));
    assert!(!scene.next().await.contains("earlier session"), "it is not tried again");
}
