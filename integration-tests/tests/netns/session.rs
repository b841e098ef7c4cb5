//! A whole session over a network with a known delay: what lies in the store at the end is held against the truth.

use cnc_integration_tests::client::Client;
use cnc_integration_tests::listener::Listener;
use cnc_integration_tests::store;

use crate::{lab, on};

const PLAN: &str = r#"
[plan.default]
description = "the way to the listener"

[[plan.default.stage]]
tests = [
  { ping = "listener", count = 50, interval = "20ms" },
  { trace = "listener", rounds = 3, interval = "500ms", names = false },
]
"#;

#[tokio::test]
async fn a_walk_in_over_40_ms_leaves_the_true_figures_in_the_store() {
    let Some(lab) = lab("delay40") else { return };
    let (client, server) = (lab.host("client").unwrap(), lab.host("server").unwrap());
    let listen = format!("{}:7443", server.v4());
    let listener = Listener::start_by(on(&server, "cnc-listener"), &listen, PLAN, &["--behind-tls-proxy"]).await;
    let ended = Client::run_by(on(&client, "cnc"), listener.url(), None).ended().await;
    assert_eq!(ended.code, 0, "{}", ended.said);

    let session = store::sessions(&listener.store()).pop().unwrap();
    let completed = ["ping", "trace"].map(|kind| (kind.to_owned(), Some("completed".to_owned())));
    assert_eq!(store::outcomes(&listener.store(), &session), completed, "{}", ended.said);
    let figure = |kind, column| store::figure(&listener.store(), &session, kind, column);
    let median = figure("ping", "rtt_median_us") / 1e3;
    assert!((median - 40.0).abs() <= 1.0, "median {median} ms");
    assert!(figure("ping", "loss_ratio").abs() < f64::EPSILON);
    let hops = u32::try_from(lab.path("client", "server").unwrap().len()).unwrap();
    assert!((figure("trace", "hop_count") - f64::from(hops)).abs() < f64::EPSILON, "{hops} hops");
    assert_eq!(store::samples(&listener.store(), &session), ended.samples_sent());
    assert!(listener.report(&session).is_file());
}
