//! Traces against a known path.

use std::net::IpAddr;

use cnc_integration_tests::lines::{Lines, number};
use cnc_lab::Hop;
use serde_json::Value;

use crate::{lab, on};

#[test]
fn seven_hops_are_exact_and_the_silent_one_is_unknown() {
    let Some(lab) = lab("path7") else { return };
    let (client, server) = (lab.host("client").unwrap(), lab.host("server").unwrap());
    let truth = lab.path("client", "server").unwrap();
    assert_eq!(truth.len(), 7);
    let families: [(IpAddr, Address); 2] =
        [(server.v4().into(), |hop| hop.v4.into()), (server.v6().into(), |hop| hop.v6.into())];
    for (server, of) in families {
        let address = server.to_string();
        for protocol in ["icmp", "udp", "tcp"] {
            let trace = Lines::of(on(&client, "cnc").args([
                "trace",
                "-n",
                "-c",
                "3",
                "-i",
                "500ms",
                "--protocol",
                protocol,
                "--json",
                &address,
            ]));
            holds(trace.summary(), &truth, of, protocol);
        }
    }
}

/// Gives a hop's address of one family.
type Address = fn(&Hop) -> IpAddr;

fn holds(summary: &Value, truth: &[Hop], address: Address, protocol: &str) {
    assert_eq!(summary["reached"], true, "{protocol}: {summary}");
    let hops = summary["hops"].as_array().expect("a trace has hops");
    assert_eq!(hops.len(), truth.len(), "{protocol}: {summary}");
    for (hop, truth) in hops.iter().zip(truth) {
        assert_eq!(hop["ttl"], truth.ttl, "{protocol}: {hop}");
        let seen: Vec<_> = hop["addresses"]
            .as_array()
            .expect("a hop lists its addresses")
            .iter()
            .map(|seen| seen["address"].as_str().expect("an address is text").to_owned())
            .collect();
        if truth.silent {
            assert!(seen.is_empty(), "{protocol}: a silent hop is unknown: {hop}");
            assert_eq!(hop["received"], 0, "{protocol}: {hop}");
            assert_eq!(hop["loss_persists"], false, "{protocol}: what follows answers: {hop}");
        } else {
            assert_eq!(seen, [address(truth).to_string()], "{protocol}: {hop}");
            assert!(number(hop, "/loss_ratio") == 0.0, "{protocol}: the silent hop's neighbours are not blamed: {hop}");
        }
    }
}
