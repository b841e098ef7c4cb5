//! UDP echo of the listener over networks with known faults: the figures of a session's ping against the truth.

use cnc_integration_tests::client::{Client, Ended};
use cnc_integration_tests::lines::Lines;
use cnc_integration_tests::listener::Listener;
use cnc_integration_tests::store;
use cnc_lab::Lab;

use crate::{lab, metrics, on};

/// A session whose plan is one UDP ping of the listener, with what ended and the session's id.
async fn session(lab: &Lab, ping: &str) -> (Listener, Ended, String) {
    let (client, server) = (lab.host("client").expect("in all"), lab.host("server").expect("in all"));
    let plan = format!(
        "[plan.default]\ndescription = \"UDP\"\n[[plan.default.stage]]\ntests = [{{ ping = \"listener\", \
         protocol = \"udp:7443\", {ping} }}]\n"
    );
    let listen = format!("{}:7443", server.v4());
    let listener = Listener::start_by(on(&server, "cnc-listener"), &listen, &plan, &["--behind-tls-proxy"]).await;
    let ended = Client::run_by(on(&client, "cnc"), listener.url(), None).ended().await;
    let session = store::sessions(&listener.store()).pop().expect("a session");
    (listener, ended, session)
}

#[tokio::test]
async fn udp_that_is_echoed_over_40_ms_has_that_round_trip_by_the_kernel_s_clock() {
    let Some(lab) = lab("delay40") else { return };
    let (listener, ended, session) = session(&lab, "count = 100, interval = \"20ms\"").await;
    assert_eq!(ended.code, 0, "{}", ended.said);
    let figure = |column| store::figure(&listener.store(), &session, "ping", column);
    let median = figure("rtt_median_us") / 1e3;
    // The listener is a program that has to be woken up, unlike what answers ICMP.
    assert!((40.0..41.5).contains(&median), "median {median} ms");
    assert!(figure("loss_ratio").abs() < f64::EPSILON, "{}", figure("loss_ratio"));
}

#[tokio::test]
async fn udp_loses_what_the_network_loses() {
    let Some(lab) = lab("loss10") else { return };
    let (listener, ended, session) = session(&lab, "count = 500, interval = \"10ms\", pacing = \"poisson\"").await;
    // Ten times the policy's rate at the worst: refused, and told so.
    assert_eq!(store::outcomes(&listener.store(), &session)[0].1.as_deref(), Some("failed"), "{}", ended.said);
    // The next one wants its port.
    assert_eq!(listener.stop().await, Some(0));

    let (listener, ended, session) = self::session(&lab, "count = 500, interval = \"10ms\", timeout = \"500ms\"").await;
    assert_eq!(ended.code, 0, "{}", ended.said);
    assert_eq!(store::outcomes(&listener.store(), &session)[0].1.as_deref(), Some("completed"), "{}", ended.said);
    let loss = store::figure(&listener.store(), &session, "ping", "loss_ratio");
    // Every tenth packet of all that pass is lost, the session's own stream among them.
    assert!((loss - 0.1).abs() <= 0.02, "{loss}");
    let metrics = metrics(&listener, &lab.host("server").unwrap());
    let echoed = metrics.lines().find_map(|line| line.strip_prefix("cnc_udp_echoes_total ")).expect("it is counted");
    let echoed: f64 = echoed.parse().expect("a number");
    assert!((500.0 * (1.0 - loss) - echoed).abs() < 0.5, "all that arrived were given back: {echoed}, loss {loss}");
}

#[tokio::test]
async fn nobody_is_answered_without_a_session() {
    let Some(lab) = lab("plain") else { return };
    let (client, server) = (lab.host("client").expect("in all"), lab.host("server").expect("in all"));
    let listen = format!("{}:7443", server.v4());
    let listener = Listener::start_by(on(&server, "cnc-listener"), &listen, "", &["--behind-tls-proxy"]).await;
    let args = ["ping", "--udp", "7443", "-c", "3", "-i", "20ms", "-W", "100ms"];
    let address = server.v4().to_string();
    let ping = Lines::of(on(&client, "cnc").args(args).args(["--json", &address]));
    assert_eq!((ping.code, ping.last["received"].as_u64()), (1, Some(0)), "{}", ping.last);
    let said = on(&client, "cnc").args(args).arg(&address).output().expect("it runs");
    let said = String::from_utf8_lossy(&[said.stdout, said.stderr].concat()).into_owned();
    assert!(said.contains("Nothing came back from UDP port 7443."), "{said}");
    let metrics = metrics(&listener, &lab.host("server").unwrap());
    assert!(
        metrics.contains("\ncnc_udp_denied_total 6\n") && metrics.contains("\ncnc_udp_echoes_total 0\n"),
        "{metrics}"
    );
}
