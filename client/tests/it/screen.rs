//! A screen that stands still: a pipe that is full, and nobody reads it.

use std::io::Write;
use std::process::Stdio;
use std::time::Duration;

use cnc_model::message::{Instruction, When};
use cnc_model::test::PingTest;
use cnc_model::{Destination, Item, Test, TestId};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::fake::Fake;
use crate::program::program;

/// Longer than anything here may take; only a hang comes near it.
const HANG: Duration = Duration::from_secs(30);
/// What a pipe holds on Linux.
const PIPE_BYTES: usize = 64 << 10;

/// Starts the program with a standard output that takes nothing; it does as long as the reader lives.
fn start(home: &tempfile::TempDir, args: &[&str]) -> (Child, std::io::PipeReader) {
    let (reader, mut writer) = std::io::pipe().expect("a pipe");
    writer.write_all(&vec![b'\n'; PIPE_BYTES]).expect("as much as it holds");
    let mut command = Command::from(program(home));
    command.args(args).stdin(Stdio::null()).stdout(writer).stderr(Stdio::null()).kill_on_drop(true);
    (command.spawn().expect("the program runs"), reader)
}

fn interrupt(child: &Child) {
    let id = child.id().expect("it runs").to_string();
    assert!(std::process::Command::new("kill").args(["-INT", &id]).status().expect("kill runs").success());
}

async fn code(mut child: Child) -> Option<i32> {
    timeout(HANG, child.wait()).await.expect("it ends").expect("it ran").code()
}

#[tokio::test]
async fn it_holds_up_neither_the_session_nor_its_end() {
    let mut fake = Fake::start().await;
    let home = tempfile::tempdir().expect("a folder");
    let (child, _unread) = start(&home, &["run", "--listener", &fake.url(), "--yes", "--allow-loopback"]);
    let (mut stream, _) = fake.welcome(0, Vec::new()).await;
    stream.until(|item| matches!(item, Item::Consent { .. })).await;
    let mut ping = PingTest::to("listener".parse::<Destination>().expect("valid"));
    (ping.count, ping.interval) = (5, Duration::from_millis(10));
    let mut test = TestId::FIRST;
    for _ in 0..3 {
        stream.instruct(Instruction::Run { test, when: When::Now, what: Test::Ping(ping.clone()) }).await;
        let id = test;
        stream.until(|item| matches!(item, Item::TestEnded { test, .. } if *test == id)).await;
        test = test.next();
    }
    interrupt(&child);
    timeout(HANG, stream.until(|item| matches!(item, Item::Goodbye { .. }))).await.expect("the last word");
    drop(stream);
    assert_eq!(code(child).await, Some(130));
}

#[tokio::test]
async fn ctrl_c_ends_a_command_that_waits_to_be_read() {
    let ping = ["ping", "127.0.0.1", "-c", "100000", "-i", "10ms", "--tcp"];
    let trace = ["trace", "127.0.0.1", "-c", "10000", "-i", "200ms", "--protocol", "tcp", "--port"];
    for (args, more) in [(&ping[..], &["--json"][..]), (&ping, &[]), (&trace, &["--json"]), (&trace, &[])] {
        let home = tempfile::tempdir().expect("a folder");
        let port = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        let number = port.local_addr().expect("bound").port().to_string();
        let (child, _unread) = start(&home, &[args, &[number.as_str()], more].concat());
        // It listens for interrupts once it probes.
        tokio::task::spawn_blocking(move || port.accept().expect("a probe")).await.expect("accepted");
        interrupt(&child);
        assert_eq!(code(child).await, Some(130), "{args:?} {more:?}");
    }
}
