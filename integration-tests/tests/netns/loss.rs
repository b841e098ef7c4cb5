//! Loss against a known loss.

use cnc_integration_tests::lines::{Lines, number};

use crate::{lab, on};

#[test]
fn the_loss_of_every_10th_packet_is_exactly_10_percent() {
    let Some(lab) = lab("loss10") else { return };
    let (client, server) = (lab.host("client").unwrap(), lab.host("server").unwrap().v4().to_string());
    let ping =
        Lines::of(on(&client, "cnc").args(["ping", "-c", "200", "-i", "10ms", "-W", "500ms", "--json", &server]));
    let summary = ping.summary();
    assert_eq!(summary["sent"], 200, "{summary}");
    assert_eq!(summary["received"], 180, "{summary}");
    assert!((number(summary, "/loss_ratio") - 0.1).abs() < 1e-9, "{summary}");
    assert_eq!(lab.counts("r1", "server").unwrap().lost, 20, "what the network itself counted");

    let lost: Vec<_> =
        ping.samples.iter().filter(|sample| sample["outcome"] == "lost").map(|sample| number(sample, "/seq")).collect();
    assert_eq!(lost.len(), 20);
    assert!(lost.windows(2).all(|pair| (pair[1] - pair[0] - 10.0).abs() < 1e-9), "every 10th: {lost:?}");
}
