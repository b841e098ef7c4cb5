//! Copies of the data folder: made beside a listener at work, whole, and good to go on from.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use cnc_integration_tests::client::Client;
use cnc_integration_tests::listener::{Listener, QUICK};
use cnc_integration_tests::programs::{found_or_skip, program};
use cnc_integration_tests::store;

use crate::files::{deploy, said, told};

/// Older than any copy is kept here.
const LONG_AGO: Duration = Duration::from_hours(24 * 20);

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_made_at_work_is_whole_and_goes_on() {
    if found_or_skip("sqlite3").is_none() {
        return;
    }
    let listener = Listener::start(QUICK).await;
    let mut staff = listener.staff().await;
    let copies = tempfile::tempdir().expect("a folder");
    let (old, other) = (copies.path().join("2026-01-01T00-00-00Z"), copies.path().join("2026-01-02T00-00-00Z.part"));
    for folder in [&old, &other] {
        fs::create_dir(folder).expect("made");
    }
    age(&old);

    let first = staff.create_session(Some("quick")).await;
    let mut watcher = staff.watch(first.session.id).await;
    let client = Client::run(listener.url(), Some(&first.code.to_string()));
    watcher.plan_done().await;
    staff.end(first.session.id).await;
    watcher.over().await;
    assert_eq!(client.ended().await.code, 0);
    // Another is under way while the copy is made.
    let second = staff.create_session(Some("quick")).await;
    let mut watcher = staff.watch(second.session.id).await;
    let client = Client::run(listener.url(), Some(&second.code.to_string()));
    watcher.until("something was measured", |watcher| !watcher.samples.is_empty()).await;
    let copy = backed_up(listener.data(), copies.path());
    watcher.plan_done().await;
    staff.end(second.session.id).await;
    watcher.over().await;
    assert_eq!(client.ended().await.code, 0);

    assert!(!old.exists() && !other.exists(), "old and unfinished copies go");
    let session = first.session.id.to_string();
    assert_eq!(store::integrity(&copy.join("cnc.db")), "ok");
    let kept = store::samples(&copy.join("cnc.db"), &session);
    assert_eq!((kept > 0, kept), (true, store::samples(&listener.store(), &session)), "all of what had ended");
    let report = format!("reports/{session}.html");
    assert_eq!(
        fs::read(copy.join(&report)).expect("copied"),
        fs::read(listener.data().join(&report)).expect("written")
    );
    let checked = said(Command::new(program("cnc-listener")).args(["store", "check", "--json", "--data"]).arg(&copy));
    assert!(checked.contains(r#""sound":true"#) && checked.contains(r#""sessions":2"#), "{checked}");

    // The listener's machine is gone; another takes the copy.
    let token = listener.token();
    drop(listener);
    let again = Listener::start_with(QUICK, &copy).await;
    assert_eq!(again.token(), token, "staff come in as before");
    let sessions = again.staff().await.sessions().await;
    assert!(sessions.contains(&first.session.id) && sessions.contains(&second.session.id), "{sessions:?}");
}

#[test]
fn a_copy_that_fails_is_never_named_like_one() {
    if found_or_skip("sqlite3").is_none() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("cnc.db"), vec![7; 100_000]).expect("written");
    let copies = folder.path().join("copies");
    let (succeeded, _) = told(Command::new(deploy("systemd/cnc-backup")).args([folder.path(), &copies]));
    assert!(!succeeded);
    let left: Vec<_> = fs::read_dir(&copies).expect("made").map(|entry| entry.expect("an entry").path()).collect();
    assert!(left.iter().all(|copy| copy.extension().is_some_and(|ending| ending == "part")), "{left:?}");
}

/// Makes a copy as the unit does, and gives where it lies.
fn backed_up(data: &Path, copies: &Path) -> PathBuf {
    let told = said(Command::new(deploy("systemd/cnc-backup")).args([data, copies]));
    PathBuf::from(told.trim())
}

/// Lets a folder be older than copies are kept.
fn age(folder: &Path) {
    let file = File::open(folder).expect("it is there");
    let made = file.metadata().and_then(|data| data.modified()).expect("a time");
    file.set_modified(made - LONG_AGO).expect("it is ours");
}
