//! Paths of odd shapes: split, hidden behind an address, lossy at their beginning, and with a router that seldom
//! answers.

use cnc_integration_tests::lines::{Lines, number};
use cnc_lab::Lab;
use serde_json::Value;

use crate::privilege::{CLOSED, as_nobody, open_folder, open_icmp};
use crate::{lab, on};

/// The server's addresses.
fn server(lab: &Lab) -> [String; 2] {
    let server = lab.host("server").expect("every lab has one");
    [server.v4().to_string(), server.v6().to_string()]
}

fn trace(lab: &Lab, args: &[&str], address: &str) -> Lines {
    let client = lab.host("client").expect("every lab has one");
    Lines::of(on(&client, "cnc").args(["trace", "-n", "--json"]).args(args).arg(address))
}

/// Lists each hop's addresses, sorted.
fn seen(summary: &Value) -> Vec<Vec<String>> {
    let addresses = |hop: &Value| {
        let seen = hop["addresses"].as_array().expect("a hop lists its addresses").iter();
        let mut seen: Vec<_> = seen.map(|seen| seen["address"].as_str().unwrap_or_default().to_owned()).collect();
        seen.sort();
        seen
    };
    summary["hops"].as_array().expect("a trace has hops").iter().map(addresses).collect()
}

#[test]
fn a_split_path_is_told_whole_by_many_flows_and_in_one_way_by_one() {
    let Some(lab) = lab("ecmp") else { return };
    let truth = lab.path("client", "server").unwrap();
    let either = ["left", "right"].map(|name| lab.host(name).unwrap());
    for (nth, address) in server(&lab).iter().enumerate() {
        let of = |v4: String, v6: String| if nth == 0 { v4 } else { v6 };
        let mut hops: Vec<_> = truth.iter().map(|hop| vec![of(hop.v4.to_string(), hop.v6.to_string())]).collect();
        let ways: Vec<_> = either.iter().map(|host| of(host.v4().to_string(), host.v6().to_string())).collect();
        for protocol in ["icmp", "udp", "tcp"] {
            let found = trace(&lab, &["-c", "3", "-i", "200ms", "--protocol", protocol], address);
            let mut found = seen(found.summary());
            // By TCP each probe is a connection, and so a flow, of its own.
            assert!(found[1].len() == 1 || protocol == "tcp", "one flow goes one way: {protocol} {found:?}");
            assert!(found[1].iter().all(|way| ways.contains(way)), "{protocol}: {found:?}");
            found[1] = hops[1].clone();
            // Which of the last router's addresses answers is of the way that it takes back.
            found[2] = hops[2].clone();
            assert_eq!(found, hops, "{protocol}");
        }
        if nth > 0 {
            // The families differ in addresses alone, and many flows take a while.
            continue;
        }
        hops[1] = ways;
        let args = ["-c", "16", "-i", "200ms", "--protocol", "udp", "--strategy", "classic"];
        let mut found = seen(trace(&lab, &args, address).summary());
        found[2] = hops[2].clone();
        assert_eq!(found, hops);
    }
}

#[test]
fn a_path_behind_a_shared_address_is_exact() {
    let Some(lab) = lab("nat") else { return };
    let (client, folder) = (lab.host("client").unwrap(), open_folder());
    open_icmp(&client, CLOSED);
    let truth = lab.path("client", "server").unwrap();
    for (nth, address) in server(&lab).iter().enumerate() {
        let hops = truth.iter().map(|hop| vec![if nth == 0 { hop.v4.to_string() } else { hop.v6.to_string() }]);
        let hops: Vec<_> = hops.collect();
        for protocol in ["icmp", "udp", "tcp"] {
            let args = ["trace", "-n", "--json", "-c", "1", "--protocol", protocol, address];
            for mut command in [on(&client, "cnc"), as_nobody(&client, folder.path())] {
                assert_eq!(seen(Lines::of(command.args(args)).summary()), hops, "{protocol}");
            }
        }
    }
}

#[test]
fn a_router_that_seldom_answers_is_not_blamed_for_loss() {
    let Some(lab) = lab("icmp-limited") else { return };
    for address in server(&lab) {
        let trace = trace(&lab, &["-c", "10", "-i", "200ms"], &address);
        for hop in trace.summary()["hops"].as_array().expect("a trace has hops") {
            let loss = number(hop, "/loss_ratio");
            assert_eq!(loss > 0.0, hop["ttl"] == 2, "{address}: {hop}");
            assert_eq!(hop["loss_persists"], false, "{address}: what follows answers: {hop}");
        }
    }
}

#[test]
fn loss_at_the_first_hop_goes_on_to_the_last() {
    let Some(lab) = lab("lossy-first-hop") else { return };
    let client = lab.host("client").unwrap();
    for name in ["home", "server"] {
        let address = lab.host(name).unwrap().v4().to_string();
        let args = ["ping", "-c", "50", "-i", "5ms", "-W", "200ms", "--json", &address];
        let ping = Lines::of(on(&client, "cnc").args(args));
        assert_eq!((&ping.summary()["sent"], &ping.last["received"]), (&50.into(), &40.into()), "{name}");
    }
    // Three probes a round and no more, so that every fifth is each hop's in turn.
    let found = trace(&lab, &["-c", "10", "-i", "200ms", "-m", "3"], &server(&lab)[0]);
    let hops = found.summary()["hops"].as_array().expect("a trace has hops");
    for hop in hops {
        // Behind the last round late answers have no time.
        let received = hop["received"].as_u64().expect("a count");
        assert!(hop["sent"] == 10 && (7..=8).contains(&received), "{}", found.last);
    }
    assert_eq!(hops[0]["loss_persists"], true, "{}", found.last);
}

#[test]
fn a_round_trip_is_the_sum_of_both_ways() {
    let Some(lab) = lab("asymmetric-delay") else { return };
    for address in server(&lab) {
        let client = lab.host("client").unwrap();
        let ping = Lines::of(on(&client, "cnc").args(["ping", "-c", "20", "-i", "20ms", "--json", &address]));
        let median = number(ping.summary(), "/rtt_ms/median");
        assert!((median - 40.0).abs() <= 1.0, "{}", ping.last);
    }
}

#[test]
fn a_policed_line_that_is_idle_loses_nothing() {
    let Some(lab) = lab("policer20") else { return };
    let client = lab.host("client").unwrap();
    let args = ["ping", "-c", "20", "-i", "5ms", "-s", "1400", "--json", &server(&lab)[0]];
    let ping = Lines::of(on(&client, "cnc").args(args));
    let median = number(ping.summary(), "/rtt_ms/median");
    assert!(ping.last["received"] == 20 && (median - 10.0).abs() <= 1.0, "{}", ping.last);
}
