//! Two sessions that measure at once: one waits for the other as long as it may, and both are marked.

use cnc_integration_tests::client::Client;
use cnc_integration_tests::listener::Listener;
use cnc_integration_tests::store;

use crate::{lab, on};

/// A download alone; the listener's line is no faster than the lab's, and nobody waits for long.
const CONFIG: &str = r#"
[speed]
uplink_bps = 20_000_000
wait = "2s"

[plan.default]
description = "one download"
[[plan.default.stage]]
tests = [{ download = "listener", duration = "5s", stops_early = false }]
"#;

#[tokio::test]
async fn two_downloads_at_once_wait_for_each_other_and_are_marked_as_contended() {
    let Some(lab) = lab("rate20") else { return };
    let (client, server) = (lab.host("client").unwrap(), lab.host("server").unwrap());
    let listen = format!("{}:7443", server.v4());
    let listener = Listener::start_by(on(&server, "cnc-listener"), &listen, CONFIG, &["--behind-tls-proxy"]).await;
    let run = || Client::run_by(on(&client, "cnc"), listener.url(), None);
    let (first, second) = (run(), run());
    let ended = [first.ended().await, second.ended().await];
    let said = |ended: &cnc_integration_tests::client::Ended| ended.said.contains("Waiting: others are measuring");
    assert_eq!(ended.iter().filter(|ended| said(ended)).count(), 1, "{}\n{}", ended[0].said, ended[1].said);
    let sessions = store::sessions(&listener.store());
    let figures =
        |column| sessions.iter().map(|session| store::figure(&listener.store(), session, "download", column)).collect();
    let mut waited: Vec<f64> = figures("waited_us");
    waited.sort_by(f64::total_cmp);
    assert!(waited[0] < 1e6 && (1.9e6..3.5e6).contains(&waited[1]), "{waited:?}");
    for (column, least, most) in [
        ("contended", 1.0, 1.0),
        ("listener_tests", 2.0, 2.0),
        ("listener_cpu", 0.0, 1.0),
        ("uplink_share", 0.5, 1.5),
        ("tcp_busy_us", 5e6, 60e6),
        ("tcp_min_rtt_us", 0.0, 100e3),
    ] {
        let found: Vec<f64> = figures(column);
        assert!(found.iter().all(|figure| (least..=most).contains(figure)), "{column}: {found:?}");
    }
    let report = std::fs::read_to_string(listener.report(&sessions[0])).expect("it was made");
    for words in ["Others measured at the same time", "The receiver’s device was the limit", "Waited for its turn"] {
        assert!(report.contains(words), "{words}");
    }
}

#[tokio::test]
async fn who_measures_alone_neither_waits_nor_is_marked() {
    let Some(lab) = lab("rate20") else { return };
    let (client, server) = (lab.host("client").unwrap(), lab.host("server").unwrap());
    let listen = format!("{}:7443", server.v4());
    let listener = Listener::start_by(on(&server, "cnc-listener"), &listen, CONFIG, &["--behind-tls-proxy"]).await;
    let ended = Client::run_by(on(&client, "cnc"), listener.url(), None).ended().await;
    assert_eq!(ended.code, 0, "{}", ended.said);
    let session = store::sessions(&listener.store()).pop().unwrap();
    let figure = |column| store::figure(&listener.store(), &session, "download", column);
    assert!(figure("contended").abs() < f64::EPSILON && figure("waited_us") < 1e5, "{}", ended.said);
    assert!((figure("listener_tests") - 1.0).abs() < f64::EPSILON);
}
