//! A test for each story.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use cnc_integration_tests::listener::{Listener, QUICK};
use cnc_integration_tests::past::Past;
use cnc_integration_tests::programs::{found_or_skip, program};
use cnc_model::Timestamp;
use cnc_proto::support::{HistoryPeriod, Role};
use cnc_server::clock::wall;
use tokio::process::Command;
use tokio::time::timeout;

/// How long a story may take on a machine that compiles meanwhile.
const PATIENCE: Duration = Duration::from_mins(2);

const DAY_US: i64 = 86_400_000_000;

fn console() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the repository").join("server/console")
}

/// Gives a browser where a story can be told: with Node.js, the console's packages and the console in the listener.
#[expect(clippy::print_stderr, reason = "a test's skipping must be seen where its result is")]
pub(super) fn browser() -> Option<PathBuf> {
    found_or_skip("node")?;
    let ready = ["node_modules/playwright-core", "built/site/index.html"].map(|path| console().join(path));
    if !ready.iter().all(|path| path.exists()) {
        assert!(std::env::var_os("CI").is_none(), "the console is not built, and CI skips nothing");
        eprintln!("SKIPPED: needs the console; `cargo xtask console` builds it");
        return None;
    }
    found_or_skip("chromium")
}

/// Tells a story on a listener.
pub(super) async fn tell(story: &str, listener: &Listener, browser: &Path, more: &[(&str, &str)]) {
    let mut staff = listener.staff().await;
    let (viewer, support) = (staff.token(Role::Viewer).await, staff.token(Role::Support).await);
    let mut node = Command::new("node");
    node.arg(console().join("browser/run.mjs")).arg(story).envs(more.iter().copied());
    node.env("CNC_URL", listener.url()).env("CNC_ADMIN", listener.token());
    node.env("CNC_SUPPORT", support).env("CNC_VIEWER", viewer);
    node.env("CNC_CLIENT", program("cnc")).env("CNC_CHROMIUM", browser);
    node.stdin(Stdio::null()).kill_on_drop(true);
    let output = timeout(PATIENCE, node.output()).await.expect("the story ends in time").expect("node can be started");
    let told = |bytes| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{story}:\n{}{}", told(&output.stdout), told(&output.stderr));
}

async fn on_a_new_listener(story: &str) {
    let Some(browser) = browser() else { return };
    let listener = Listener::start(QUICK).await;
    tell(story, &listener, &browser, &[]).await;
}

#[tokio::test]
async fn a_call_from_sign_in_to_report() {
    on_a_new_listener("call").await;
}

#[tokio::test]
async fn two_watchers_see_the_same_and_a_viewer_cannot_push() {
    on_a_new_listener("watchers").await;
}

#[tokio::test]
async fn a_lost_page_catches_up() {
    on_a_new_listener("lost").await;
}

#[tokio::test]
async fn a_month_of_history_leads_to_its_calls() {
    let Some(browser) = browser() else { return };
    let midnight = wall().unix_us().div_euclid(DAY_US) * DAY_US;
    let until = Timestamp::from_unix_us(midnight);
    let past = Past { until, days: 29, sessions_a_day: 7, samples_a_session: 300 };
    let data = tempfile::tempdir().expect("a temporary folder can be made");
    past.store(&data.path().join("cnc.db")).await;
    let listener = Listener::start_on(data, QUICK).await;
    listener.staff().await.summed_up(HistoryPeriod { from: past.began(), until }, 0).await;
    tell("history", &listener, &browser, &[]).await;
}

#[tokio::test]
async fn no_screen_keeps_anybody_out() {
    on_a_new_listener("access").await;
}
