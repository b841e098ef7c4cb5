//! History on the real listener: as the samples say, however often it is killed while it sums up; by the command line,
//! for whom it is.

use std::process::Command;
use std::time::Duration;

use cnc_integration_tests::listener::Listener;
use cnc_integration_tests::past::{Past, destination};
use cnc_integration_tests::programs::program;
use cnc_integration_tests::staff::Staff;
use cnc_model::Timestamp;
use cnc_model::stats::nearest_rank;
use cnc_proto::support::{HistoryPeriod, HistoryScope, HistorySubject, Role};
use rusqlite::{Connection, OpenFlags};
use serde_json::Value;
use tempfile::TempDir;
use tonic::Code;

/// A past of 20,000 samples that ended on 2027-01-31.
const PAST: Past =
    Past { until: Timestamp::from_unix_us(1_801_353_600_000_000), days: 5, sessions_a_day: 8, samples_a_session: 501 };

async fn with_a_past() -> TempDir {
    let data = tempfile::tempdir().expect("a temporary folder can be made");
    PAST.store(&data.path().join("cnc.db")).await;
    data
}

async fn listener(data: TempDir) -> Listener {
    Listener::start_on(data, "").await
}

fn period() -> HistoryPeriod {
    // The last day's sessions go on into the next.
    HistoryPeriod { from: PAST.began(), until: PAST.until.after(Duration::from_hours(24)) }
}

/// What the samples say of a destination: probes sent, and the round trips.
fn samples_say(listener: &Listener, destination: &str) -> (u64, Vec<u64>) {
    let store = Connection::open_with_flags(listener.store(), OpenFlags::SQLITE_OPEN_READ_ONLY).expect("opens");
    let sql = "SELECT rtt_us FROM samples JOIN tests USING (session_id, test_id) WHERE destination = ?1";
    let mut statement = store.prepare(sql).expect("sound");
    let rows = statement.query_map([destination], |row| row.get::<_, Option<i64>>(0)).expect("rows");
    let rtts: Vec<_> = rows.map(|rtt| rtt.expect("readable").map(i64::unsigned_abs)).collect();
    let mut received: Vec<_> = rtts.iter().flatten().copied().collect();
    received.sort_unstable();
    (rtts.len() as u64, received)
}

#[tokio::test]
async fn however_often_it_is_killed_each_sample_counts_once() {
    let mut data = with_a_past().await;
    for behind in [40, 39, 20, 1] {
        let listener = listener(data).await;
        // It sums up from its start on: the kill falls amid that, wherever the machine has got to.
        listener.staff().await.summed_up(period(), behind).await;
        data = listener.kill().await;
    }
    let listener = listener(data).await;
    let mut staff = listener.staff().await;
    let subjects = staff.summed_up(period(), 0).await;
    assert_eq!(subjects.destinations.len(), 24);
    for n in [0, 5, 23] {
        let subject = HistorySubject::Destination(destination(n));
        let scope = HistoryScope { subject, period: period(), utc_offset_minutes: 0 };
        let history = staff.history(scope).await.expect("answered");
        let pings = history.series.iter().find(|of| of.kind.is_ping()).expect("pings");
        let (sent, rtts) = samples_say(&listener, &destination(n));
        assert_eq!((pings.whole.count, pings.whole.received), (sent, rtts.len() as u64), "{n}");
        for (percent, found) in [(50, pings.whole.p50), (95, pings.whole.p95)] {
            let (found, exact) = (found.expect("measured"), nearest_rank(&rtts, percent).expect("some"));
            #[expect(clippy::cast_precision_loss, reason = "microseconds far below 2^53")]
            let (off, most) = (found.abs_diff(exact) as f64, exact as f64 * history.error_ratio);
            assert!(off <= most, "p{percent} of {n}: {found} for {exact}");
        }
    }
}

/// Runs a command of `cnc-listener history`; gives its exit code and what it says.
fn history(listener: &Listener, token: Option<&str>, arguments: &[&str]) -> (Option<i32>, String) {
    let mut command = Command::new(program("cnc-listener"));
    command.arg("history").args(arguments).args(["--listener", listener.url()]).env_remove("CNC_TOKEN");
    command.current_dir(listener.data()).envs(token.map(|token| ("CNC_TOKEN", token)));
    let output = command.output().expect("it can be started");
    (output.status.code(), String::from_utf8(output.stdout).expect("text"))
}

#[tokio::test]
async fn the_command_line_tells_it_to_viewers() {
    let listener = listener(with_a_past().await).await;
    let mut staff = listener.staff().await;
    staff.summed_up(period(), 0).await;
    let viewer = staff.token(Role::Viewer).await;
    let lines = |arguments: &[&str]| {
        let days = ["--from", "2027-01-26", "--until", "2027-01-31", "--json"];
        let (code, said) = history(&listener, Some(&viewer), &[arguments, &days].concat());
        assert_eq!(code, Some(0), "{arguments:?}: {said}");
        said.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect::<Vec<Value>>()
    };
    let listed = lines(&["list"]);
    let kinds = |kind: &str| listed.iter().filter(|line| line["type"] == kind).count();
    assert_eq!((kinds("destination"), kinds("provider")), (24, 20));

    let shown = lines(&["show", "--destination", "listener"]);
    let days: Vec<_> =
        shown.iter().filter(|line| line["type"] == "history_day" && line["kind"] == "download").collect();
    assert_eq!(days.len(), 5);
    assert_eq!((&days[0]["from_at"], &days[0]["tests"]), (&"2027-01-26T00:00:00.000000Z".into(), &8.into()));
    let summary = shown.last().expect("a summary");
    assert_eq!((&summary["type"], &summary["method"]), (&"summary".into(), &"history/1".into()));

    let behind = lines(&["sessions", "--destination", "listener", "--kind", "upload", "--hour", "20"]);
    let (last, sessions) = behind.split_last().expect("a summary");
    assert_eq!((&last["total"], sessions.len()), (&0.into(), 0), "they begin each third hour from midnight on");
    let behind = lines(&["sessions", "--provider", "AS64500", "--kind", "upload", "--limit", "1"]);
    let (last, sessions) = behind.split_last().expect("a summary");
    assert_eq!((&last["total"], sessions.len()), (&2.into(), 1));
    assert_eq!(sessions[0]["session"]["asn"], 64_500);

    let (code, table) =
        history(&listener, Some(&viewer), &["show", "--destination", "listener", "--until", "2027-01-31"]);
    assert_eq!(code, Some(0));
    for words in ["Pings by ICMP", "Uploads, steady rate", "2027-01-26", "all days", "history/1"] {
        assert!(table.contains(words), "{words} in:\n{table}");
    }
    let (code, _) = history(&listener, Some(&viewer), &["show"]);
    assert_eq!(code, Some(2), "of what?");
    let (code, _) = history(&listener, Some("nobody's"), &["list"]);
    assert_eq!(code, Some(1), "not for strangers");
}

#[tokio::test]
async fn a_deleted_session_is_no_longer_in_it() {
    let listener = listener(with_a_past().await).await;
    let mut staff = listener.staff().await;
    let before = staff.summed_up(period(), 0).await;
    let sessions = staff.sessions().await;
    staff.delete(sessions[0]).await;
    let after = staff.summed_up(period(), 0).await;
    let count = |of: &cnc_proto::support::HistorySubjects| of.providers.iter().map(|of| of.count).sum::<u64>();
    assert_eq!(count(&before) - count(&after), 501 + 2, "its probes and its two loads");

    let mut stranger = Staff::connect(listener.url(), None).await;
    let scope = HistoryScope { subject: HistorySubject::Provider(64_500), period: period(), utc_offset_minutes: 0 };
    assert_eq!(stranger.history(scope).await.expect_err("not for strangers").code(), Code::Unauthenticated);
}
