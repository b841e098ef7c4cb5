//! A line that dies without a word: the client must notice soon, though nothing is under way.

use std::process::Stdio;
use std::time::Duration;

use cnc_integration_tests::chaos::{Cut, Network};
use cnc_integration_tests::listener::Listener;
use cnc_integration_tests::programs::program;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;
use tokio::time::{Instant, timeout};

use crate::utf8;

/// Half a minute in which nothing is sent, between the first probe and the second.
const PLAN: &str = r#"
[plan.default]
description = "a long silence"

[[plan.default.stage]]
tests = [{ ping = "listener", count = 2, interval = "30s" }]
"#;

/// How soon it must be noticed, and what a busy machine may add.
const NOTICED: Duration = Duration::from_secs(6);
const PATIENCE: Duration = Duration::from_secs(30);

#[tokio::test]
async fn a_silent_line_that_dies_is_noticed_within_five_seconds() {
    let Some(network) = Network::build() else { return };
    let command = network.at_listener(utf8(&program("cnc-listener")));
    let listener = Listener::start_by(command, &network.listen().to_string(), PLAN, &["--behind-tls-proxy"]).await;
    let home = tempfile::tempdir().expect("a folder");
    let mut command = Command::from(network.at_client(utf8(&program("cnc"))));
    command.args(["--listener", listener.url(), "--yes"]).env("HOME", home.path());
    command.env_remove("XDG_STATE_HOME").env_remove("XDG_CONFIG_HOME");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
    let mut client = command.spawn().expect("cnc can be started");
    let mut said = BufReader::new(client.stdout.take().expect("it is piped")).lines();
    let mut until = async |words: &str| {
        let found = async {
            while let Some(line) = said.next_line().await.expect("its words can be read") {
                if line.contains(words) {
                    return;
                }
            }
            panic!("it ended without saying {words:?}");
        };
        timeout(PATIENCE, found).await.unwrap_or_else(|_| panic!("it does not say {words:?}"));
    };
    until("Agreed in advance").await;
    network.cut(Cut::Whole);
    let began = Instant::now();
    until("Out of touch with the listener").await;
    assert!(began.elapsed() < NOTICED, "noticed after {:?}", began.elapsed());
    network.join();
    until("In touch with the listener again").await;
}
