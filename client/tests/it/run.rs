//! `cnc run`, whole: the binary against a listener that asks for what it should and what it should not.

use std::process::Stdio;
use std::time::Duration;

use cnc_model::message::{ClientMessage, Farewell, Instruction, ListenerMessage, When};
use cnc_model::test::{PingTest, ThroughputPeer, ThroughputTest};
use cnc_model::{Destination, Goodbye, Item, Outcome, Reason, Summary, Test, TestId};
use tokio::io::AsyncWriteExt;
use tokio::process::{Child, Command};
use tokio::time::{Instant, timeout};

use crate::fake::{Fake, Stream};
use crate::program::{code, program, text};

/// Longer than anything here may take; only a hang comes near it.
const HANG: Duration = Duration::from_secs(30);

struct Run {
    child: Child,
    home: tempfile::TempDir,
}

fn run(url: &str, flags: &[&str]) -> Run {
    let home = tempfile::tempdir().expect("a folder");
    let mut command = Command::from(program(&home));
    command.args(["run", "--listener", url]).args(flags).kill_on_drop(true);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    Run { child: command.spawn().expect("the program runs"), home }
}

impl Run {
    async fn end(self) -> (i32, String) {
        let output = timeout(HANG, self.child.wait_with_output()).await.expect("it ends").expect("it ran");
        let said = format!("{}{}", text(&output.stdout), text(&output.stderr));
        drop(self.home);
        (code(&output), said)
    }

    fn interrupt(&self) {
        let id = self.child.id().expect("it runs").to_string();
        let killed = std::process::Command::new("kill").args(["-INT", &id]).status().expect("kill");
        assert!(killed.success());
    }
}

fn id(n: u32) -> TestId {
    TestId::try_from(n).expect("not 0")
}

fn ping(host: &str, count: u32, interval_ms: u64) -> Test {
    let mut ping = PingTest::to(host.parse::<Destination>().expect("valid"));
    (ping.count, ping.interval) = (count, Duration::from_millis(interval_ms));
    Test::Ping(ping)
}

async fn ask(stream: &Stream, test: u32, what: Test) {
    stream.instruct(Instruction::Run { test: id(test), when: When::Now, what }).await;
}

async fn ended(stream: &mut Stream, test: u32) -> (Outcome, Option<Box<Summary>>) {
    let wanted = id(test);
    let item = stream.until(|item| matches!(item, Item::TestEnded { test, .. } if *test == wanted)).await;
    match item {
        Item::TestEnded { outcome, summary, .. } => (outcome, summary),
        other => panic!("{other:?}"),
    }
}

async fn refused(stream: &mut Stream, test: u32) -> String {
    match ended(stream, test).await {
        (Outcome::Failed(failure), None) if failure.reason == Reason::RefusedByPolicy => failure.message,
        other => panic!("{other:?}"),
    }
}

async fn goodbye(stream: &mut Stream) -> Goodbye {
    match stream.until(|item| matches!(item, Item::Goodbye { .. })).await {
        Item::Goodbye { reason, .. } => reason,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_session_from_hello_to_report() {
    let mut fake = Fake::start().await;
    let run = run(&fake.url(), &["--yes", "--allow-loopback"]);
    let (mut stream, _) = fake.welcome(0, vec![Test::System, ping("listener", 3, 10)]).await;
    let consent = stream.until(|item| matches!(item, Item::Consent { .. })).await;
    assert!(matches!(consent, Item::Consent { names: false, .. }), "names need a consent of their own");
    for (n, what) in [(1, Test::System), (2, ping("listener", 3, 10))] {
        stream.instruct(Instruction::Run { test: id(n), when: When::Stage(n), what }).await;
    }
    let (outcome, summary) = ended(&mut stream, 1).await;
    assert_eq!(outcome, Outcome::Completed);
    match summary.as_deref() {
        Some(Summary::System(info)) => assert_eq!(info.host_name, None),
        other => panic!("{other:?}"),
    }
    let (outcome, summary) = ended(&mut stream, 2).await;
    assert_eq!(outcome, Outcome::Completed);
    match summary.as_deref() {
        Some(Summary::Ping(ping)) => assert_eq!((ping.sent, ping.received), (3, 3)),
        other => panic!("{other:?}"),
    }
    let sequences: Vec<_> = stream.items().iter().map(|(sequence, _)| *sequence).collect();
    assert_eq!(sequences, (1..=sequences.len() as u64).collect::<Vec<_>>());
    let samples = stream.items().iter().filter(|(_, item)| matches!(item, Item::Sample { .. })).count();
    assert_eq!(samples, 3);
    stream.instruct(Instruction::End).await;
    assert_eq!(goodbye(&mut stream).await, Goodbye::Done);
    stream
        .send(ListenerMessage::Goodbye(Farewell {
            report_url: Some("https://x.example/r/abc".into()),
            document_url: None,
        }))
        .await;
    let (code, said) = run.end().await;
    assert_eq!(code, 0, "{said}");
    for part in ["Example IT asks", "What will be collected", "3 sent, 3 answered", "Report: https://x.example/r/abc"] {
        assert!(said.contains(part), "{part} is missing in {said}");
    }
}

#[tokio::test]
async fn what_the_policy_forbids_is_refused_and_shown_and_the_rest_runs() {
    let mut fake = Fake::start().await;
    let run = run(&fake.url(), &["--yes"]);
    let (mut stream, _) = fake.welcome(0, Vec::new()).await;
    stream.until(|item| matches!(item, Item::Consent { .. })).await;
    ask(&stream, 1, ping("127.0.0.2", 1, 1000)).await;
    ask(&stream, 2, ping("10.1.2.3", 1, 1000)).await;
    ask(&stream, 3, ping("listener", 1000, 1)).await;
    let mut load = ThroughputTest::against(ThroughputPeer::Url("http://127.0.0.1:1/x".into()));
    ask(&stream, 4, Test::Download(load.clone())).await;
    load.peer = ThroughputPeer::Listener;
    load.duration = Duration::from_secs(100);
    ask(&stream, 5, Test::Upload(load)).await;
    ask(&stream, 6, ping("listener", 2, 10)).await;
    let mut told = Vec::new();
    for _ in 1..=6 {
        match stream.until(|item| matches!(item, Item::TestEnded { .. })).await {
            Item::TestEnded { test, outcome: Outcome::Failed(failure), .. } => told.push((test.get(), failure.message)),
            Item::TestEnded { test, outcome, .. } => assert_eq!((test, outcome), (id(6), Outcome::Completed)),
            other => panic!("{other:?}"),
        }
    }
    told.sort();
    let words = [
        (1, "127.0.0.2 is this computer itself"),
        (2, "10.1.2.3 is an address of a private network"),
        (3, "it asks for 1000 probes a second"),
        (4, "was not part of what the user agreed to"),
        (5, "it asks for 100 s of load"),
    ];
    assert_eq!(told.len(), words.len(), "{told:?}");
    for ((test, message), (n, part)) in told.iter().zip(words) {
        assert!(*test == n && message.contains(part), "{test} {message}");
    }
    run.interrupt();
    assert_eq!(goodbye(&mut stream).await, Goodbye::UserEnded);
    stream.send(ListenerMessage::Goodbye(Farewell::default())).await;
    let (code, said) = run.end().await;
    assert_eq!(code, 130);
    for (_, part) in words {
        assert!(said.contains(part), "{part} is missing in {said}");
    }
}

#[tokio::test]
async fn a_test_is_cancelled_within_a_second_and_keeps_its_figures() {
    let mut fake = Fake::start().await;
    let _run = run(&fake.url(), &["--yes", "--allow-loopback"]);
    let (mut stream, _) = fake.welcome(0, Vec::new()).await;
    stream.until(|item| matches!(item, Item::Consent { .. })).await;
    ask(&stream, 1, ping("127.0.0.1", 10_000, 10)).await;
    stream.until(|item| matches!(item, Item::Sample { .. })).await;
    let began = Instant::now();
    stream.instruct(Instruction::Cancel(id(1))).await;
    let (outcome, summary) = ended(&mut stream, 1).await;
    assert_eq!(outcome, Outcome::Cancelled);
    assert!(matches!(summary.as_deref(), Some(Summary::Ping(ping)) if ping.received > 0), "{summary:?}");
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
}

#[tokio::test]
async fn ctrl_c_ends_everything_though_the_listener_says_nothing() {
    let mut fake = Fake::start().await;
    let run = run(&fake.url(), &["--yes", "--allow-loopback"]);
    let (mut stream, _) = fake.welcome(0, Vec::new()).await;
    stream.until(|item| matches!(item, Item::Consent { .. })).await;
    ask(&stream, 1, ping("127.0.0.1", 10_000, 10)).await;
    stream.until(|item| matches!(item, Item::Sample { .. })).await;
    run.interrupt();
    let began = Instant::now();
    let (outcome, _) = ended(&mut stream, 1).await;
    assert_eq!(outcome, Outcome::Cancelled);
    assert_eq!(goodbye(&mut stream).await, Goodbye::UserEnded);
    let (code, said) = run.end().await;
    assert_eq!(code, 130);
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
    assert!(said.contains("Results"), "{said}");
}

#[tokio::test]
async fn nothing_is_sent_without_consent() {
    for answer in ["n\n", "\n", ""] {
        let mut fake = Fake::start().await;
        let mut run = run(&fake.url(), &[]);
        let (mut stream, _) = fake.welcome(0, vec![Test::System]).await;
        // A listener that does not wait for consent gets nothing for it.
        ask(&stream, 1, Test::System).await;
        let mut stdin = run.child.stdin.take().expect("piped");
        stdin.write_all(answer.as_bytes()).await.expect("typed");
        drop(stdin);
        let first = stream.message().await;
        match first {
            Some(ClientMessage::Batch(batch)) => {
                let [Item::Goodbye { reason, .. }] = batch.items.as_slice() else { panic!("{batch:?}") };
                assert_eq!(*reason, Goodbye::ConsentRefused);
            }
            other => panic!("{other:?}"),
        }
        stream.send(ListenerMessage::Goodbye(Farewell::default())).await;
        let (code, said) = run.end().await;
        assert_eq!(code, 130, "{said}");
        assert!(said.contains("Nothing was measured."), "{said}");
    }
}

#[tokio::test]
async fn the_computers_name_goes_only_with_a_consent_of_its_own() {
    for (answers, names) in [("y\ny\n", true), ("y\nn\n", false)] {
        let mut fake = Fake::start().await;
        let mut run = run(&fake.url(), &[]);
        let (mut stream, _) = fake.welcome(0, vec![Test::System]).await;
        let mut stdin = run.child.stdin.take().expect("piped");
        stdin.write_all(answers.as_bytes()).await.expect("typed");
        let consent = stream.until(|item| matches!(item, Item::Consent { .. })).await;
        assert!(matches!(consent, Item::Consent { names: given, .. } if given == names), "{consent:?}");
        ask(&stream, 1, Test::System).await;
        match ended(&mut stream, 1).await {
            (Outcome::Completed, Some(summary)) => match *summary {
                Summary::System(info) => assert_eq!(info.host_name.is_some(), names),
                other => panic!("{other:?}"),
            },
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn tests_go_on_while_the_stream_is_down_and_nothing_is_lost() {
    let mut fake = Fake::start().await;
    let run = run(&fake.url(), &["--yes", "--allow-loopback"]);
    let (mut stream, first) = fake.welcome(0, Vec::new()).await;
    stream.until(|item| matches!(item, Item::Consent { .. })).await;
    ask(&stream, 1, ping("127.0.0.1", 100, 10)).await;
    stream.until(|item| matches!(item, Item::Sample { .. })).await;
    let durable = stream.items().last().expect("items").0;
    stream.refuse(tonic::Status::unavailable("restarting")).await;
    let (mut stream, again) = fake.welcome(durable, Vec::new()).await;
    assert!(first.key == again.key);
    // What it has already it ignores.
    ask(&stream, 1, ping("127.0.0.1", 100, 10)).await;
    let (outcome, summary) = ended(&mut stream, 1).await;
    assert_eq!(outcome, Outcome::Completed);
    assert!(matches!(summary.as_deref(), Some(Summary::Ping(ping)) if ping.sent == 100), "{summary:?}");
    assert_eq!(stream.items()[0].0, durable + 1);
    stream.instruct(Instruction::End).await;
    assert_eq!(goodbye(&mut stream).await, Goodbye::Done);
    stream.send(ListenerMessage::Goodbye(Farewell::default())).await;
    let (code, said) = run.end().await;
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("In touch with the listener again"), "{said}");
}

#[tokio::test]
async fn what_it_does_not_know_is_answered_as_unsupported() {
    let mut fake = Fake::start().await;
    let _run = run(&fake.url(), &["--yes"]);
    let (mut stream, _) = fake.welcome(0, Vec::new()).await;
    stream.until(|item| matches!(item, Item::Consent { .. })).await;
    stream.instruct(Instruction::Unknown { test: Some(id(1)) }).await;
    match ended(&mut stream, 1).await {
        (Outcome::Failed(failure), None) => assert_eq!(failure.reason, Reason::Unsupported),
        other => panic!("{other:?}"),
    }
    ask(&stream, 2, ping("127.0.0.3", 1, 1000)).await;
    assert!(refused(&mut stream, 2).await.contains("this computer itself"));
}

#[tokio::test]
async fn a_restart_goes_on_with_its_session() {
    let mut fake = Fake::start().await;
    let home = tempfile::tempdir().expect("a folder");
    let url = fake.url();
    let start = || {
        let mut command = Command::from(program(&home));
        command.args(["run", "--listener", &url]).kill_on_drop(true);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program runs")
    };
    let mut child = start();
    let (mut stream, first) = fake.welcome(0, Vec::new()).await;
    child.stdin.take().expect("piped").write_all(b"y\nn\n").await.expect("typed");
    stream.until(|item| matches!(item, Item::Consent { .. })).await;
    child.kill().await.expect("killed");
    drop(stream);
    // The second run asks nobody: the user agreed to this session in the first.
    let _again = start();
    let (mut stream, again) = fake.welcome(1, Vec::new()).await;
    ask(&stream, 1, Test::System).await;
    assert_eq!(ended(&mut stream, 1).await.0, Outcome::Completed);
    assert_eq!(stream.items()[0].0, 2);
    assert!(first.key == again.key && first.clock_began == again.clock_began);
    assert!(again.at >= first.at);
}

#[tokio::test]
async fn a_listeners_word_is_no_consent() {
    let mut fake = Fake::start().await;
    let mut run = run(&fake.url(), &[]);
    // It claims that this client agreed before and has sent items.
    let (mut stream, _) = fake.welcome(5, vec![Test::System]).await;
    ask(&stream, 1, Test::System).await;
    drop(run.child.stdin.take());
    let batch = stream.batch().await;
    assert!(matches!(batch.items[..], [Item::Goodbye { reason: Goodbye::ConsentRefused, .. }]), "{batch:?}");
}
