//! The console on a caller's network whose faults are known: what the page shows is held against the truth.

use cnc_integration_tests::browser::Browser;
use cnc_integration_tests::listener::{Listener, QUICK};
use cnc_integration_tests::programs::program;
use cnc_lab::{Lab, Scenario};
use serde_json::{Value, json};

/// 2 % of the caller's packets are lost, the third router is silent.
const SCENARIO: &str = "lossy-home";
/// The probes of the story's ping: enough that some are lost, whatever else the network carries meanwhile.
const PROBES: u64 = 400;
/// What jitter and the machine may add to a round trip, in milliseconds.
const JITTER_MS: f64 = 10.0;

#[tokio::test]
async fn what_the_page_shows_of_a_lossy_home_is_true() {
    if !cnc_lab::root_or_skip(SCENARIO) {
        return;
    }
    let Some(browser) = Browser::find_or_skip() else { return };
    let lab = Lab::build(&Scenario::named(SCENARIO).expect("the scenario exists")).expect("the network can be built");
    let (caller, server) = (lab.host("client").expect("a host"), lab.host("server").expect("a host"));
    let browser = browser.with_client(&caller.command(program("cnc").to_str().expect("text")));
    // The listener, the browser and this thread are at the listener's; only the client is at the caller's.
    let there = server.enter().expect("the namespace can be entered");
    let (pages, clients) = ("http://127.0.0.1:7443", format!("http://{}:7443", server.v4()));
    let command = std::process::Command::new(program("cnc-listener"));
    let listener = Listener::start_by(command, "0.0.0.0:7443", QUICK, &["--behind-tls-proxy"]).await;
    let probes = PROBES.to_string();
    let more = [("CNC_URL_FOR_PAGES", pages), ("CNC_URL_FOR_CLIENTS", &clients), ("CNC_PROBES", &probes)];
    let told = browser.tell("lab", &listener, &more).await;
    drop(there);
    let told: Value = serde_json::from_str(&told).expect("the story says JSON");

    let truth = lab.path("client", "server").expect("a path");
    let hops: Vec<_> = truth.iter().map(|hop| (!hop.silent).then(|| hop.v4.to_string())).collect();
    assert_eq!(told["hops"], json!(hops), "hop for hop");

    let round_trip = lab.round_trip("client", "server").expect("a path").as_secs_f64() * 1e3;
    for what in ["rtt_ms", "path_rtt_ms"] {
        let shown = told[what].as_f64().expect("a time");
        assert!((round_trip..round_trip + JITTER_MS).contains(&shown), "{what}: {shown} ms, not {round_trip}");
    }
    // What the page calls lost was lost on the way: the relay has counted every packet that it dropped, of all kinds.
    let dropped = lab.counts("client", "home").expect("a link").lost;
    let lost = told["lost"].as_u64().expect("a count");
    assert!(lost > 0 && lost <= dropped && lost <= PROBES / 10, "{lost} of {PROBES} lost; {dropped} were dropped");
    let ratio = told["loss_percent"].as_f64().expect("a share");
    #[expect(clippy::cast_precision_loss, reason = "some hundred probes")]
    let expected = lost as f64 * 100.0 / PROBES as f64;
    assert!((ratio - expected).abs() < 0.06, "{ratio} % of {PROBES} are not {lost}");
    // The line's rate, as the scenario has it; what the ramp and the loss cost may be missing.
    let speed = told["mbit_per_s"].as_f64().expect("a rate");
    assert!((5.0..=50.5).contains(&speed), "{speed} Mbit/s through 50");
}
