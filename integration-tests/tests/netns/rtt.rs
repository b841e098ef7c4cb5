//! Round-trip times against a known delay.

use cnc_integration_tests::busy::Busy;
use cnc_integration_tests::lines::{Lines, number};

use crate::{lab, on};

#[test]
fn the_median_round_trip_of_40_ms_is_within_1_ms() {
    let Some(lab) = lab("delay40") else { return };
    let (client, server) = (lab.host("client").unwrap(), lab.host("server").unwrap());
    for address in [server.v4().to_string(), server.v6().to_string()] {
        let ping = Lines::of(on(&client, "cnc").args(["ping", "-c", "50", "-i", "20ms", "--json", &address]));
        let summary = ping.summary();
        assert_eq!(summary["sent"], 50, "{summary}");
        assert_eq!(summary["received"], 50, "{summary}");
        assert_eq!(ping.samples.len(), 50);
        let median = number(summary, "/rtt_ms/median");
        assert!((median - 40.0).abs() <= 1.0, "{address}: median {median} ms; {summary}");
        assert!(number(summary, "/rtt_ms/min") >= 40.0, "{address}: faster than the path; {summary}");
    }
}

#[test]
fn no_round_trip_is_faster_than_the_path_while_all_cores_are_busy() {
    let Some(lab) = lab("delay40") else { return };
    let (client, server) = (lab.host("client").unwrap(), lab.host("server").unwrap());
    let busy = Busy::begin();
    for address in [server.v4().to_string(), server.v6().to_string()] {
        let ping = Lines::of(on(&client, "cnc").args(["ping", "-c", "1000", "-i", "5ms", "--json", &address]));
        let summary = ping.summary();
        assert_eq!(summary["received"], 1_000, "{summary}");
        assert!(number(summary, "/rtt_ms/min") >= 39.95, "{address}: faster than the path; {summary}");
        let by_kernel = ping.samples.iter().filter(|sample| sample["clock"] == "kernel").count();
        assert!(by_kernel >= 950, "{address}: only {by_kernel} stamped by the kernel");
    }
    drop(busy);
}

#[test]
fn no_hop_is_nearer_than_it_is_while_all_cores_are_busy() {
    let Some(lab) = lab("path10") else { return };
    let (client, server) = (lab.host("client").unwrap(), lab.host("server").unwrap());
    let busy = Busy::begin();
    for address in [server.v4().to_string(), server.v6().to_string()] {
        for protocol in ["icmp", "udp", "tcp"] {
            let args = ["trace", "-n", "-c", "5", "-i", "300ms", "--protocol", protocol, "--json"];
            let trace = Lines::of(on(&client, "cnc").args(args).arg(&address));
            let mut rtts: Vec<_> = trace.samples.iter().filter_map(|sample| sample["rtt_ms"].as_f64()).collect();
            rtts.sort_by(f64::total_cmp);
            assert!(rtts.len() >= 50 && rtts[0] >= 39.95, "{address} {protocol}: faster than the path; {rtts:?}");
            // Answers wait for a core, but their times do not hold that.
            assert!(rtts[rtts.len() * 3 / 4] <= 41.0, "{address} {protocol}: {rtts:?}");
        }
    }
    drop(busy);
}
