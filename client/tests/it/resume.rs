//! The program killed and started again, and what it delivers late.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use cnc_model::message::{Farewell, Instruction, ListenerMessage, When};
use cnc_model::test::PingTest;
use cnc_model::{Destination, Goodbye, Item, Outcome, Reason, Test, TestId};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::fake::{Fake, Stream};
use crate::program::{program, text};

/// Longer than anything here may take; only a hang comes near it.
const HANG: Duration = Duration::from_secs(30);

fn run(home: &tempfile::TempDir, url: &str, flags: &[&str]) -> Child {
    let mut command = Command::from(program(home));
    command.args(["run", "--listener", url, "--yes", "--allow-loopback"]).args(flags).kill_on_drop(true);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().expect("the program runs")
}

async fn end(child: Child) -> (Option<i32>, String) {
    let output = timeout(HANG, child.wait_with_output()).await.expect("it ends").expect("it ran");
    (output.status.code(), format!("{}{}", text(&output.stdout), text(&output.stderr)))
}

fn ping(count: u32) -> Test {
    let mut ping = PingTest::to("listener".parse::<Destination>().expect("valid"));
    (ping.count, ping.interval) = (count, Duration::from_millis(10));
    Test::Ping(ping)
}

async fn order(stream: &Stream, test: TestId, what: Test) {
    stream.instruct(Instruction::Run { test, when: When::Now, what }).await;
}

fn journals(home: &Path) -> usize {
    let files = std::fs::read_dir(home.join("cnc/keys")).expect("the folder");
    files.filter(|file| file.as_ref().expect("readable").path().extension().is_some_and(|e| e == "journal")).count()
}

/// Begins a session with a long ping, and kills the program when a few samples have come.
async fn killed(fake: &mut Fake, home: &tempfile::TempDir, flags: &[&str]) -> (Stream, cnc_model::ClientKey) {
    let mut child = run(home, &fake.url(), flags);
    let (mut stream, hello) = fake.welcome(0, vec![ping(10_000)]).await;
    stream.until(|item| matches!(item, Item::Consent { .. })).await;
    order(&stream, TestId::FIRST, ping(10_000)).await;
    for _ in 0..5 {
        stream.until(|item| matches!(item, Item::Sample { .. })).await;
    }
    child.kill().await.expect("killed");
    (stream, hello.key)
}

#[tokio::test]
async fn a_killed_client_goes_on_after_the_last_item_that_it_made() {
    let mut fake = Fake::start().await;
    let home = tempfile::tempdir().expect("a folder");
    let saved = home.path().join("saved.jsonl");
    let flags = ["--code", "K7QX-M2PA", "--save", saved.to_str().expect("text")];
    let (stream, key) = killed(&mut fake, &home, &flags).await;
    let durable = stream.items().len() as u64;
    drop(stream);

    let child = run(&home, &fake.url(), &flags);
    let (mut stream, hello) = fake.welcome(durable, vec![ping(10_000)]).await;
    assert!(hello.key == key);
    // As a listener does with tests that it does not know to have ended.
    order(&stream, TestId::FIRST, ping(10_000)).await;
    let ended = stream.until(|item| matches!(item, Item::TestEnded { .. })).await;
    match ended {
        Item::TestEnded { test: TestId::FIRST, outcome: Outcome::Failed(failure), .. } => {
            assert_eq!(failure.reason, Reason::Abandoned);
            assert_eq!(failure.message, "the client was stopped while the test ran");
        }
        other => panic!("{other:?}"),
    }
    let sequences: Vec<_> = stream.items().iter().map(|(sequence, _)| *sequence).collect();
    assert_eq!(sequences, (durable + 1..=durable + sequences.len() as u64).collect::<Vec<_>>());
    let second = TestId::FIRST.next();
    order(&stream, second, ping(3)).await;
    stream.until(|item| matches!(item, Item::TestEnded { test, .. } if *test == second)).await;
    stream.instruct(Instruction::End).await;
    stream.until(|item| matches!(item, Item::Goodbye { .. })).await;
    stream.send(ListenerMessage::Goodbye(Farewell::default())).await;
    let (code, said) = end(child).await;
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("Going on with the session from before") && !said.contains("Agreed in advance"), "{said}");
    assert_eq!(journals(home.path()), 0, "what is delivered is removed");

    // The user's file knows of everything that was sent, and of what was acknowledged.
    let text = std::fs::read_to_string(&saved).expect("saved");
    let lines: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let sequence = |line: &serde_json::Value| line["sequence"].as_u64();
    let of = |kind: &'static str| lines.iter().filter(move |line| line["type"] == kind);
    for sent in sequences {
        assert!(lines.iter().any(|line| sequence(line) == Some(sent) && line["type"] != "acknowledged"), "{sent}");
    }
    assert_eq!(of("session").count(), 2);
    let last = lines.iter().filter(|line| line["type"] != "acknowledged").filter_map(sequence).max();
    assert_eq!(of("acknowledged").filter_map(sequence).max(), last);
}

#[tokio::test]
async fn what_an_earlier_session_left_is_delivered_before_the_next_begins() {
    let mut fake = Fake::start().await;
    let home = tempfile::tempdir().expect("a folder");
    let (stream, key) = killed(&mut fake, &home, &["--code", "K7QX-M2PA"]).await;
    let got = stream.items().len() as u64;
    drop(stream);
    // The support person begins another session an hour later.
    age(home.path(), Duration::from_hours(1));
    let child = run(&home, &fake.url(), &["--code", "ABCD-EFGH"]);
    let (mut late, hello) = fake.welcome(got, Vec::new()).await;
    assert!(hello.key == key && hello.code.is_some());
    late.instruct(Instruction::End).await;
    let said = late.until(|item| matches!(item, Item::Goodbye { .. })).await;
    assert!(matches!(said, Item::Goodbye { reason: Goodbye::Done, .. }));
    assert!(late.items().iter().any(|(_, item)| matches!(item, Item::TestEnded { .. })));
    assert_eq!(late.items()[0].0, got + 1);
    late.send(ListenerMessage::Goodbye(Farewell {
        report_url: Some("https://x.example/r/1".into()),
        document_url: None,
    }))
    .await;

    let (mut stream, hello) = fake.welcome(0, Vec::new()).await;
    assert!(hello.key != key && hello.code != "K7QX-M2PA".parse().ok());
    stream.until(|item| matches!(item, Item::Consent { .. })).await;
    stream.instruct(Instruction::End).await;
    stream.until(|item| matches!(item, Item::Goodbye { .. })).await;
    stream.send(ListenerMessage::Goodbye(Farewell::default())).await;
    let (code, said) = end(child).await;
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("Delivered what was left of an earlier session"), "{said}");
    assert!(said.contains("https://x.example/r/1"), "{said}");
    assert_eq!(journals(home.path()), 0);
}

#[tokio::test]
async fn after_a_week_nothing_is_kept() {
    let mut fake = Fake::start().await;
    let home = tempfile::tempdir().expect("a folder");
    drop(killed(&mut fake, &home, &[]).await);
    assert_eq!(journals(home.path()), 1);
    age(home.path(), Duration::from_hours(7 * 24 + 1));
    // Whichever listener the next run is with.
    let output = program(&home).args(["run", "--listener", "http://127.0.0.1:1", "--yes"]).output().expect("it runs");
    assert_eq!(output.status.code(), Some(4));
    let keys = std::fs::read_dir(home.path().join("cnc/keys")).expect("the folder");
    let found: Vec<_> = keys.filter_map(|file| std::fs::read_to_string(file.expect("readable").path()).ok()).collect();
    assert!(found.iter().all(|text| !text.contains(&fake.url())), "{found:?}");
}

/// Makes the keys look as if their sessions had lived so much earlier.
fn age(home: &Path, by: Duration) {
    for file in std::fs::read_dir(home.join("cnc/keys")).expect("the folder") {
        let path = file.expect("readable").path();
        if path.extension().is_some_and(|extension| extension == "json") {
            let text = std::fs::read_to_string(&path).expect("text");
            let mut entry: serde_json::Value = serde_json::from_str(&text).expect("JSON");
            let alive = entry["alive_unix_us"].as_i64().expect("a number");
            entry["alive_unix_us"] = (alive - i64::try_from(by.as_micros()).expect("small")).into();
            std::fs::write(&path, entry.to_string()).expect("written");
        }
    }
}
