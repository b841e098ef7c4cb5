//! Round-trip times against a known delay.

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
