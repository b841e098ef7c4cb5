//! Throughput against a known rate.

use cnc_integration_tests::lines::{Lines, number};
use cnc_integration_tests::listener::Listener;

use crate::{lab, on};

/// What 20 Mbit/s of IP packets leave for TCP's payload.
const TRUTH_BPS: f64 = 20e6 * 1448.0 / 1500.0;

#[tokio::test]
async fn goodput_over_20_mbit_is_within_5_percent_down_and_up() {
    let Some(lab) = lab("rate20") else { return };
    let (client, server) = (lab.host("client").unwrap(), lab.host("server").unwrap());
    let listen = format!("{}:7443", server.v4());
    let config = "public_speed = true";
    // No proxy is there, but nobody else is either: a network of its own.
    let listener = Listener::start_by(on(&server, "cnc-listener"), &listen, config, &["--behind-tls-proxy"]).await;
    let speed = Lines::of(on(&client, "cnc").args(["speed", listener.url(), "-t", "5s", "--json"]));
    for direction in ["download", "upload"] {
        let goodput = number(speed.summary(), &format!("/{direction}/goodput_bps"));
        let off = goodput / TRUTH_BPS - 1.0;
        assert!(off.abs() <= 0.05, "{direction}: {goodput} bit/s, {:.1} % off; {}", off * 100.0, speed.last);
    }
}
