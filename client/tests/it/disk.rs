//! A disk that is full: measuring goes on, the user is told, and nothing is promised that is not so.

use std::process::Stdio;
use std::time::Duration;

use cnc_model::message::{Farewell, Instruction, ListenerMessage, When};
use cnc_model::test::PingTest;
use cnc_model::{Destination, Item, Outcome, Test, TestId};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::fake::Fake;
use crate::program::{program, text};

/// Longer than anything here may take; only a hang comes near it.
const HANG: Duration = Duration::from_mins(1);

/// Tells whether a file system can be mounted for one program alone, which needs root.
fn may_mount() -> bool {
    let tried = std::process::Command::new("unshare").args(["--mount", "true"]).stderr(Stdio::null()).status();
    let may = tried.is_ok_and(|status| status.success());
    if !may {
        assert!(std::env::var_os("CI").is_none(), "a disk of its own needs root, and CI skips nothing");
        eprintln!("SKIPPED: a disk of its own needs root");
    }
    may
}

/// Starts the program with a home of 64 kB, of which so many pages are free.
fn start(home: &tempfile::TempDir, free_pages: u32, url: &str) -> Child {
    let plain = program(home);
    let mut command = Command::new("unshare");
    let script = format!(
        "mount -t tmpfs -o size=64k none \"$HOME\" && head -c {} /dev/zero > \"$HOME/filler\" && exec \"$CNC\" run \
         --listener {url} --yes --allow-loopback",
        (16 - free_pages) * 4_096
    );
    command.args(["--mount", "--propagation", "private", "sh", "-c", &script]).env("CNC", plain.get_program());
    for (name, value) in plain.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    command.spawn().expect("it runs")
}

async fn end(child: Child) -> (Option<i32>, String) {
    let output = timeout(HANG, child.wait_with_output()).await.expect("it ends").expect("it ran");
    (output.status.code(), format!("{}{}", text(&output.stdout), text(&output.stderr)))
}

#[tokio::test]
async fn a_session_goes_on_without_its_journal() {
    if !may_mount() {
        return;
    }
    let mut fake = Fake::start().await;
    let home = tempfile::tempdir().expect("a folder");
    // The key's page, and two of the journal.
    let child = start(&home, 3, &fake.url());
    let (mut stream, _) = fake.welcome(0, Vec::new()).await;
    stream.until(|item| matches!(item, Item::Consent { .. })).await;
    let mut ping = PingTest::to("listener".parse::<Destination>().expect("valid"));
    (ping.count, ping.interval) = (600, Duration::from_millis(10));
    let test = TestId::FIRST;
    stream.instruct(Instruction::Run { test, when: When::Now, what: Test::Ping(ping) }).await;
    let ended = timeout(HANG, stream.until(|item| matches!(item, Item::TestEnded { .. }))).await.expect("it ends");
    assert!(matches!(ended, Item::TestEnded { outcome: Outcome::Completed, .. }), "{ended:?}");
    let samples = stream.items().iter().filter(|(_, item)| matches!(item, Item::Sample { .. })).count();
    assert!(samples >= 600, "{samples}");
    stream.instruct(Instruction::End).await;
    stream.until(|item| matches!(item, Item::Goodbye { .. })).await;
    stream.send(ListenerMessage::Goodbye(Farewell::default())).await;
    let (code, said) = end(child).await;
    assert_eq!(code, Some(0), "{said}");
    assert!(
        said.contains("What is measured cannot be kept on the disk") && said.contains("Measuring goes on"),
        "{said}"
    );
}

#[tokio::test]
async fn what_cannot_be_kept_is_not_promised() {
    if !may_mount() {
        return;
    }
    let home = tempfile::tempdir().expect("a folder");
    for free_pages in [0, 1, 2, 3] {
        let (code, said) = end(start(&home, free_pages, "http://127.0.0.1:1")).await;
        assert_eq!(code, Some(4), "{said}");
        assert!(said.contains("Results") && said.contains("System information") | said.contains("system"), "{said}");
        let kept = said.contains("delivers this result") || said.contains("Saved:");
        assert!(!kept, "with {free_pages} pages: {said}");
    }
}
