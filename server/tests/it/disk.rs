//! A real listener whose data folder is a real file system that is full, or may not be written: on `tmpfs`, mounted
//! in a namespace of its own, which wants root.
#![cfg(target_os = "linux")]

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use cnc_model::message::ListenerMessage;
use cnc_model::ping::{PingOutcome, PingSample};
use cnc_model::test::PingTest;
use cnc_model::{Destination, Item, Sample, Test, TestId};
use cnc_proto::support::IssueTest;
use cnc_proto::v1;
use http::StatusCode;
use http_body_util::Full;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tonic::{Code, Status};

use crate::running::{Client, PATIENCE, Running, create, hello, http1, request, staff};

/// Tells whether mounts may be made here; says that a test is skipped where not, and fails it in CI, which skips none.
#[expect(clippy::print_stderr, reason = "a test's skipping must be seen where its result is")]
fn may_mount() -> bool {
    let tried = std::process::Command::new("unshare").args(["--mount", "true"]).stderr(Stdio::null()).status();
    let may = tried.is_ok_and(|status| status.success());
    if !may {
        assert!(std::env::var_os("CI").is_none(), "a disk of its own needs root, and CI skips nothing");
        eprintln!("SKIPPED: a disk of its own needs root");
    }
    may
}

/// A listener on a file system of its own.
struct Confined {
    child: Child,
    url: String,
    folder: TempDir,
}

fn command(folder: &TempDir, mount: &str) -> Command {
    let mut command = Command::new("unshare");
    let script = format!("{mount} && exec \"$LISTENER\" serve --listen 127.0.0.1:0 --data \"$DATA\"");
    command.args(["--mount", "--propagation", "private", "sh", "-c", &script]);
    command.env("DATA", folder.path()).env("LISTENER", env!("CARGO_BIN_EXE_cnc-listener")).env("RUST_LOG", "off");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    command
}

impl Confined {
    async fn start(size: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mount = format!("mount -t tmpfs -o size={size} cnc-test \"$DATA\"");
        let mut child = command(&folder, &mount).spawn().expect("unshare can be started");
        let mut said = BufReader::new(child.stdout.take().expect("piped")).lines();
        let line = tokio::time::timeout(PATIENCE, said.next_line()).await.expect("in time").expect("read");
        let line = line.expect("it says where it listens");
        let url = line.split_once("reach it at ").expect("an address").1.to_owned();
        Self { child, url, folder }
    }

    /// What a balancer asks.
    async fn ready(&self) -> (StatusCode, String) {
        let address = self.url.strip_prefix("http://").expect("plain HTTP");
        let stream = TcpStream::connect(address).await.expect("connects");
        let asked = request("GET", "/readyz", None).body(Full::default()).expect("a request");
        let (status, _, said) = http1(stream, asked).await;
        (status, said)
    }

    /// A path in its file system, as it is seen from outside.
    fn within(&self, name: &str) -> PathBuf {
        let process = self.child.id().expect("it runs");
        PathBuf::from(format!("/proc/{process}/root{}", self.folder.path().display())).join(name)
    }

    /// Fills its disk; what it gives is removed to make room again.
    fn fill(&self) -> PathBuf {
        let filler = self.within("filler");
        let mut file = std::fs::File::create(&filler).expect("made");
        while std::io::Write::write_all(&mut file, &[0; 4_096]).is_ok() {}
        filler
    }
}

fn samples(test: TestId, first: u64, count: u64) -> Vec<Item> {
    let lost = |n: u64| PingSample {
        seq: u32::try_from(n).expect("few"),
        at: Duration::from_millis(n),
        outcome: PingOutcome::Lost,
    };
    (first..first + count).map(|n| Item::Sample { test, sample: Sample::Ping(lost(n)) }).collect()
}

/// Sends until the stream is closed; gives the last acknowledgement and what it was closed with.
async fn send_until_refused(client: &mut Client, test: TestId) -> (u64, Status) {
    let mut acknowledged = 0;
    loop {
        client.send(samples(test, client.next, 60)).await;
        match client.receive().await {
            Ok(Some(ListenerMessage::Acknowledge(through))) => acknowledged = through.get(),
            Ok(Some(_)) => {}
            Ok(None) => panic!("it ended without a word"),
            Err(status) => return (acknowledged, status),
        }
    }
}

#[tokio::test]
async fn a_full_disk_is_told_and_nothing_acknowledged_is_lost() {
    if !may_mount() {
        return;
    }
    let confined = Confined::start("1m").await;
    let token = std::fs::read_to_string(confined.within("admin.token")).expect("made at the start");
    let mut support = staff(&confined.url, token.trim()).await;
    let (session, code) = create(&mut support).await;
    let ping = Test::Ping(PingTest::to(Destination::Listener));
    let issued = support.issue_test(v1::IssueTestRequest::from(IssueTest { session: session.id, test: ping })).await;
    let issued: cnc_model::session::TestRecord = issued.expect("issued").into_inner().try_into().expect("sound");
    let test = issued.id;
    let (mut client, _) = Client::join(&confined.url, hello(1, Some(code))).await.expect("let in");
    client.send(vec![Item::Consent { at: Duration::ZERO, names: false }]).await;
    client.send(samples(test, client.next, 50)).await;
    client.acknowledged(51).await;
    assert_eq!(confined.ready().await.0, StatusCode::OK);

    let filler = confined.fill();
    let (acknowledged, refused) = send_until_refused(&mut client, test).await;
    assert_eq!(refused.code(), Code::Unavailable, "{refused:?}");
    assert!(refused.message().contains("cannot store what you send"), "{}", refused.message());
    let staffs = support.create_session(v1::CreateSessionRequest::default()).await.expect_err("nothing can be noted");
    assert_eq!(staffs.code(), Code::Unavailable);
    assert!(staffs.message().contains("disk is full"), "{}", staffs.message());

    let (status, said) = confined.ready().await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "who cannot store takes no clients: {said}");

    std::fs::remove_file(&filler).expect("there is room again");
    assert_eq!(confined.ready().await, (StatusCode::OK, "ready\n".into()), "and takes them again, whoever wrote since");
    // The listener looks once a second whether it can go on.
    let deadline = tokio::time::Instant::now() + PATIENCE;
    let (mut client, welcome) = loop {
        match Client::join(&confined.url, hello(1, None)).await {
            Ok(joined) => break joined,
            Err(status) => assert!(tokio::time::Instant::now() < deadline, "it does not come back: {status:?}"),
        }
    };
    let durable = welcome.acknowledged.get();
    assert!(durable >= acknowledged.max(51), "what was acknowledged is there");
    client.next = durable + 1;
    client.send(samples(test, client.next, 60)).await;
    client.acknowledged(durable + 60).await;
}

#[tokio::test]
async fn a_data_folder_that_may_not_be_written_is_told_at_the_start() {
    if !may_mount() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let mut child = command(&folder, "mount -t tmpfs -o ro,size=1m cnc-test \"$DATA\"").spawn().expect("started");
    let mut said = String::new();
    child.stderr.take().expect("piped").read_to_string(&mut said).await.expect("read");
    let status = tokio::time::timeout(PATIENCE, child.wait()).await.expect("in time").expect("ended");
    assert_eq!(status.code(), Some(3), "{said}");
    assert!(said.contains("cannot be written") && said.contains("let the listener's user write"), "{said}");
}

#[tokio::test]
async fn a_record_is_looked_over_on_the_command_line() {
    let check = async |data: &Path, more: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cnc-listener"));
        let output = command.args(["store", "check", "--data"]).arg(data).args(more).output().await.expect("runs");
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        (output.status.code(), text(output.stdout), text(output.stderr))
    };
    let empty = tempfile::tempdir().expect("a folder");
    assert_eq!(check(empty.path(), &[]).await.0, Some(2), "nothing is there");
    let running = Running::start().await;
    let (session, _) = create(&mut running.staff().await).await;
    // What is asked of the session is answered once its row is stored.
    running.staff().await.end_session(v1::EndSessionRequest::from(session.id)).await.expect("ended");
    let data = running.stop().await;
    let (code, said, _) = check(data.path(), &[]).await;
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("is sound: schema ") && said.contains(", 1 sessions, 0 samples"), "{said}");
    let file = data.path().join("cnc.db");
    let mut bytes = std::fs::read(&file).expect("read");
    bytes[8_192..].fill(0xa5);
    std::fs::write(&file, bytes).expect("written");
    let (code, said, told) = check(data.path(), &["--json"]).await;
    assert_eq!(code, Some(1), "{said}{told}");
    assert!(said.contains("\"sound\":false"), "{said}");
    assert!(told.contains("restore a backup"), "{told}");
}

/// Starts a listener that cannot start, and gives its exit code and what it said.
async fn refused(data: &Path) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cnc-listener"));
    command.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(data).env("RUST_LOG", "off");
    let output = tokio::time::timeout(PATIENCE, command.kill_on_drop(true).output()).await.expect("it ends");
    let output = output.expect("it can be started");
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[tokio::test]
async fn a_record_that_cannot_be_used_is_told_at_the_start() {
    let running = Running::start().await;
    let (code, said) = refused(running.data.path()).await;
    assert_eq!(code, Some(3), "{said}");
    assert!(said.contains("is in use by another process: stop the other listener"), "{said}");
    let data = running.stop().await;
    let file = data.path().join("cnc.db");

    let version = |number: u32| {
        let record = rusqlite::Connection::open(&file).expect("opens");
        record.pragma_update(None, "user_version", number).expect("set");
    };
    let known = crate::running::count(data.path(), "SELECT user_version FROM pragma_user_version");
    version(99);
    let (code, said) = refused(data.path()).await;
    assert_eq!(code, Some(3), "{said}");
    assert!(said.contains("has schema 99") && said.contains("use the newer cnc-listener"), "{said}");
    version(u32::try_from(known).expect("small"));

    let whole = std::fs::read(&file).expect("read");
    let middle = [&whole[..4_096], &vec![0xa5; whole.len() - 4_096]].concat();
    for damaged in [middle, vec![b'x'; 8_192]] {
        std::fs::write(&file, damaged).expect("written");
        let (code, said) = refused(data.path()).await;
        assert_eq!(code, Some(3), "{said}");
        assert!(said.contains("is damaged") && said.contains("restore a backup"), "{said}");
    }
    let (code, said) = refused(&file).await;
    assert_eq!(code, Some(3), "{said}");
    assert!(said.contains("cannot make the data folder") && said.contains("--data"), "{said}");
}
