//! Load against known queues: the steady state, the early end, and what a load adds to round trips.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use cnc_integration_tests::lines::{Lines, number};
use cnc_integration_tests::listener::Listener;
use cnc_lab::{Lab, Scenario};
use serde_json::Value;
use tokio::time::Instant;

use crate::{lab, on};

/// What the shaper lets through of payload: it counts IP packets of 1,500 bytes with 1,448 of payload each.
fn truth_bps(mbit: f64) -> f64 {
    mbit * 1e6 * 1_448.0 / 1_500.0
}

async fn listener(lab: &Lab) -> Listener {
    let server = lab.host("server").expect("there is one");
    let listen = format!("{}:7443", server.v4());
    // No proxy is there, but nobody else is either: a network of its own.
    Listener::start_by(on(&server, "cnc-listener"), &listen, "public_speed = true", &["--behind-tls-proxy"]).await
}

fn speed(lab: &Lab, listener: &Listener) -> Lines {
    let client = lab.host("client").expect("there is one");
    Lines::of(on(&client, "cnc").args(["speed", listener.url(), "-t", "10s", "--json"]))
}

/// Holds a direction's steady state against the truth, and that it ended by itself.
fn holds(summary: &Value, direction: &str, mbit: f64) {
    // A packet is much of what slow lines bring in a sample, and what is sent twice after a flood is no goodput.
    let tolerance = if mbit <= 20.0 { 0.015 } else { 0.005 };
    let off = number(summary, &format!("/{direction}/steady_bps")) / truth_bps(mbit) - 1.0;
    assert!(off.abs() <= tolerance, "{direction}: {:.2} % off; {summary}", off * 100.0);
    assert_eq!(summary[direction]["stopped_by"], "stable", "{summary}");
    assert_eq!(summary[direction]["confidence"], "high", "{summary}");
    // Then probes go beside the load.
    assert!(number(summary, &format!("/{direction}/responsiveness/began_ms")) <= 8_600.0, "{summary}");
}

#[tokio::test]
async fn each_direction_of_an_asymmetric_line_comes_to_its_own_truth_and_ends_by_itself() {
    let Some(lab) = lab("asymmetric100-10") else { return };
    let listener = listener(&lab).await;
    let speed = speed(&lab, &listener);
    holds(speed.summary(), "download", 100.0);
    holds(speed.summary(), "upload", 10.0);
}

#[tokio::test]
async fn what_a_load_adds_is_what_waits_in_the_queue() {
    let Some(lab) = lab("bufferbloat20") else { return };
    let listener = listener(&lab).await;
    let began = Instant::now();
    let is_over = AtomicBool::new(false);
    let (speed, backlogs) = thread::scope(|scope| {
        let watching = scope.spawn(|| {
            let mut backlogs = Vec::new();
            while !is_over.load(Ordering::Relaxed) {
                // Towards the client, and from it.
                let waiting =
                    [("r2", "r1"), ("r1", "r2")].map(|(from, to)| lab.counts(from, to).unwrap().backlog_bytes);
                backlogs.push((began.elapsed(), waiting));
            }
            backlogs
        });
        let speed = speed(&lab, &listener);
        is_over.store(true, Ordering::Relaxed);
        (speed, watching.join().unwrap())
    });
    let summary = speed.summary();
    let idle = number(summary, "/idle_rtt_ms");
    assert!((idle - 10.0).abs() < 1.0, "{summary}");
    let mut worst = 0.0_f64;
    for (nth, direction) in ["download", "upload"].into_iter().enumerate() {
        holds(summary, direction, 20.0);
        let added = added(&speed, direction, idle);
        let queued = queued(&backlogs, nth, LOADED);
        assert!((added / queued - 1.0).abs() <= 0.1, "{direction}: {added} ms added, {queued} ms queued; {summary}");
        worst = worst.max(number(summary, &format!("/loaded_rtt_ms/{direction}")));
    }
    assert!(worst > 150.0, "{summary}");
    let grade = summary["bufferbloat_grade"].as_str().unwrap();
    assert!(["C", "D"].contains(&grade), "{summary}");
    // Each of a probe's round trips takes what the queue holds.
    assert_eq!(summary["rpm_word"], "poor", "{summary}");
    for (nth, direction) in ["download", "upload"].into_iter().enumerate() {
        let found = |what| number(summary, &format!("/{direction}/responsiveness/{what}"));
        // What waits grows and falls over seconds: only the same seconds tell.
        let probed = Duration::from_secs_f64(found("began_ms") / 1e3);
        let held = idle + queued(&backlogs, nth, probed..probed + PROBED);
        for part in ["tcp_ms", "http_new_ms"] {
            assert!((0.7..1.5).contains(&(found(part) / held)), "{direction} {part}: {held} ms held; {summary}");
        }
        // What waits in the sender, and what is sent again, comes on top there.
        assert!((0.8..3.0).contains(&(found("http_loaded_ms") / found("tcp_ms"))), "{direction}; {summary}");
        assert!(found("new_probes") >= 10.0 && found("loaded_probes") >= 10.0, "{summary}");
        assert!(summary[direction]["responsiveness"]["tls_ms"].is_null(), "there is no TLS; {summary}");
    }
}

#[tokio::test]
async fn a_good_line_leaves_much_to_everything_else() {
    let Some(lab) = lab("rate20") else { return };
    let listener = listener(&lab).await;
    let speed = speed(&lab, &listener);
    let summary = speed.summary();
    assert!(number(summary, "/loaded_rtt_ms/download") < 60.0, "{summary}");
    let word = summary["rpm_word"].as_str().unwrap();
    assert!(["fair", "good"].contains(&word), "{summary}");
}

/// 40 ms away, where each connection's window holds so little that the line is never full. Windows are as large as they
/// get from the beginning: how fast they grow depends on when a busy machine lets the receiver read.
const SMALL_WINDOWS: &str = r#"
description = "small windows over a round trip of 40.0 ms"

[hosts.client.sysctl]
"net.ipv4.tcp_rmem" = "4096 65536 65536"
[hosts.server.sysctl]
"net.ipv4.tcp_rmem" = "4096 65536 65536"

[[links]]
between = ["client", "server"]
delay = "20ms"
"#;

#[tokio::test]
async fn connections_are_added_where_each_carries_little() {
    if !cnc_lab::root_or_skip("small windows") {
        return;
    }
    let lab = Lab::build(&Scenario::parse(SMALL_WINDOWS).unwrap()).unwrap();
    let listener = listener(&lab).await;
    let grown = speed(&lab, &listener);
    let client = lab.host("client").unwrap();
    let fixed = Lines::of(on(&client, "cnc").args(["speed", listener.url(), "-t", "4s", "--flows", "4", "--json"]));
    for direction in ["download", "upload"] {
        let (grown, fixed) = (&grown.summary()[direction], &fixed.summary()[direction]);
        assert_eq!((&grown["flows"], &fixed["flows"]), (&8.into(), &4.into()), "{grown} {fixed}");
        let gain = number(grown, "/steady_bps") / number(fixed, "/steady_bps");
        if direction == "download" {
            let tcp = |what: &str| number(fixed, &format!("/listener/tcp_info/{what}"));
            assert!(tcp("rwnd_limited_ms") > 0.5 * tcp("busy_ms"), "the receiver's window is the limit: {fixed}");
            assert!(tcp("min_rtt_ms") >= 39.9, "{fixed}");
        }
        // About twice.
        assert!(gain > 1.4, "{direction}: {gain}; {grown} {fixed}");
    }
}

/// Gives the mean of what was added to round trips begun from the first second on to the middle of the fifth, in milliseconds.
fn added(speed: &Lines, direction: &str, idle: f64) -> f64 {
    let of_way = speed.samples.iter().filter(|sample| sample["direction"] == direction);
    let added: Vec<_> = of_way
        .filter_map(|sample| {
            let rtt = sample["rtt_ms"].as_f64()?;
            let begun = number(sample, "/at_ms") - rtt;
            (1_000.0..4_500.0).contains(&begun).then_some(rtt - idle)
        })
        .collect();
    assert!(added.len() >= 10, "{} round trips", added.len());
    mean(&added)
}

/// The time of a load in which its figure is made, and how long responsiveness is probed behind it.
const LOADED: Range<Duration> = Duration::from_secs(1)..Duration::from_millis(4_500);
const PROBED: Duration = Duration::from_millis(3_500);

/// Gives the mean of what waited in a queue in some time of its load, in milliseconds.
fn queued(backlogs: &[(Duration, [u64; 2])], way: usize, when: Range<Duration>) -> f64 {
    let began = backlogs.iter().find(|(_, waiting)| waiting[way] > 20_000).expect("something waited").0;
    let loaded = began + when.start..began + when.end;
    let within = backlogs.iter().filter(|(at, _)| loaded.contains(at));
    #[expect(clippy::cast_precision_loss, reason = "a queue holds far less than 2^53 bytes")]
    let waits: Vec<_> = within.map(|(_, waiting)| waiting[way] as f64 * 8.0 / 20e6 * 1e3).collect();
    assert!(waits.len() >= 20, "{} looks", waits.len());
    mean(&waits)
}

#[expect(clippy::cast_precision_loss, reason = "some hundred values")]
fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}
