//! What a client measures while its listener is out of reach: kept, delivered by the next run that reaches it, once.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use cnc_integration_tests::listener::{Listener, QUICK};
use cnc_integration_tests::programs::program;
use cnc_integration_tests::staff::Staff;
use cnc_integration_tests::store;
use cnc_model::session::{SessionRecord, SessionState, TestRecord};
use cnc_model::{Outcome, SessionId};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// A way to the listener that is shut at first: whoever comes then is let go at once.
pub(crate) struct Door {
    pub(crate) url: String,
    open: watch::Sender<bool>,
    _serving: JoinSet<()>,
}

impl Door {
    pub(crate) async fn to(listener: &Listener) -> Self {
        let front = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", front.local_addr().expect("bound"));
        let target = listener.url().replace("http://", "");
        let (open, is_open) = watch::channel(false);
        let mut serving = JoinSet::new();
        serving.spawn(async move {
            let mut through = JoinSet::new();
            while let Ok((mut near, _)) = front.accept().await {
                let (target, mut is_open) = (target.clone(), is_open.clone());
                through.spawn(async move {
                    if !*is_open.borrow_and_update() {
                        return;
                    }
                    let mut far = TcpStream::connect(target).await.expect("the listener is there");
                    tokio::select! {
                        // Either end may break off.
                        _ = copy_bidirectional(&mut near, &mut far) => {}
                        _ = is_open.wait_for(|open| !open) => {}
                    }
                });
            }
        });
        Self { url, open, _serving: serving }
    }

    pub(crate) fn open(&self) {
        self.open.send_replace(true);
    }

    /// Shuts it, with whoever is in it.
    pub(crate) fn cut(&self) {
        self.open.send_replace(false);
    }
}

fn client(home: &Path, url: &str, code: Option<&str>) -> Command {
    let mut command = Command::new(program("cnc"));
    command.args(["--allow-loopback", "--listener", url]).args(code.into_iter().flat_map(|code| ["--code", code]));
    for place in ["HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME"] {
        command.env(place, home);
    }
    command.env_remove("CNC_LISTENER").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

async fn end(command: Command) -> (Option<i32>, String) {
    let mut command = tokio::process::Command::from(command);
    let Output { status, stdout, stderr } = command.kill_on_drop(true).output().await.expect("it runs");
    (status.code(), format!("{}{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr)))
}

/// Runs a client that agrees to everything.
async fn run(home: &Path, url: &str, code: Option<&str>) -> (Option<i32>, String) {
    let mut command = client(home, url, code);
    command.arg("--yes");
    end(command).await
}

/// Counts the runs without a listener that are kept.
fn kept(home: &Path) -> usize {
    let files = std::fs::read_dir(home.join("cnc/keys")).expect("the folder");
    let texts = files.filter_map(|file| std::fs::read_to_string(file.expect("readable").path()).ok());
    texts.filter(|text| text.contains("\"alone\":true")).count()
}

fn own(record: &SessionRecord) -> Vec<&TestRecord> {
    record.tests.iter().filter(|test| test.id.is_own()).collect()
}

async fn ended(staff: &mut Staff, id: SessionId) -> SessionRecord {
    staff.watch(id).await.over().await;
    staff.session(id).await
}

#[tokio::test]
async fn it_is_delivered_by_the_next_run_and_not_again() {
    let listener = Listener::start(QUICK).await;
    let mut staff = listener.staff().await;
    let (door, home) = (Door::to(&listener).await, tempfile::tempdir().expect("a folder"));

    let (code, said) = run(home.path(), &door.url, None).await;
    assert_eq!(code, Some(4), "{said}");
    assert!(said.contains("delivers this result, within 7 days"), "{said}");
    assert_eq!(staff.sessions().await, [], "nothing has arrived");

    door.open();
    let made = staff.create_session(Some("nothing")).await;
    let client = tokio::spawn({
        let (home, url, code) = (home.path().to_owned(), door.url.clone(), made.code.to_string());
        async move { run(&home, &url, Some(&code)).await }
    });
    let id = made.session.id;
    staff
        .watch(id)
        .await
        .until("all has come", |w| w.tests.len() == 5 && w.tests.iter().all(|t| t.outcome.is_some()))
        .await;
    staff.end(id).await;
    let record = ended(&mut staff, id).await;
    let (code, said) = client.await.expect("it ran");
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("what this program measured on its own while the listener was out of reach"), "{said}");
    assert!(said.contains("Sending what was measured while the listener was out of reach: 4 tests"), "{said}");
    let tests = own(&record);
    assert_eq!(tests.len(), 4, "{tests:?}");
    let joined = record.overview.joined.expect("it joined");
    assert!(tests.iter().all(|test| test.issued < joined && test.ended.is_some_and(|at| at <= joined)), "{tests:?}");
    assert!(tests.iter().any(|test| test.outcome == Some(Outcome::Completed) && test.summary.is_some()));
    let report = std::fs::read_to_string(listener.report(&id.to_string())).expect("a report");
    assert_eq!(report.matches("Run by the device on its own while the listener was out of reach").count(), 4);
    let samples: u64 = record.tests.iter().map(|test| test.samples).sum();
    assert_eq!(store::samples(&listener.store(), &id.to_string()) as u64, samples);
    assert_eq!(kept(home.path()), 0, "nothing is left to deliver");

    let again = staff.create_session(Some("nothing")).await;
    let client = tokio::spawn({
        let (home, url, code) = (home.path().to_owned(), door.url.clone(), again.code.to_string());
        async move { run(&home, &url, Some(&code)).await }
    });
    staff.watch(again.session.id).await.plan_done().await;
    staff.end(again.session.id).await;
    assert!(own(&ended(&mut staff, again.session.id).await).is_empty());
    assert_eq!(client.await.expect("it ran").0, Some(0));
}

#[tokio::test]
async fn without_the_users_word_nothing_is_delivered() {
    let listener = Listener::start(QUICK).await;
    let mut staff = listener.staff().await;
    let (door, home) = (Door::to(&listener).await, tempfile::tempdir().expect("a folder"));
    assert_eq!(run(home.path(), &door.url, None).await.0, Some(4));
    door.open();
    let made = staff.create_session(Some("nothing")).await;
    // Nobody is there to agree.
    let (code, said) = end(client(home.path(), &door.url, Some(&made.code.to_string()))).await;
    assert_eq!(code, Some(130), "{said}");
    let record = ended(&mut staff, made.session.id).await;
    assert!(matches!(record.overview.state, SessionState::Ended(_)));
    assert!(own(&record).is_empty(), "{record:?}");
    assert_eq!(kept(home.path()), 1);
}
