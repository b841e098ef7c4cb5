//! Traces against a known path: by each protocol, with and without privilege.

use std::net::IpAddr;
use std::process::Command;

use cnc_integration_tests::lines::{Lines, number};
use cnc_lab::{Hop, Host, Lab, Scenario};
use serde_json::Value;

use crate::privilege::{CLOSED, OPEN, as_nobody, open_folder, open_icmp};
use crate::{lab, on};

#[test]
fn seven_hops_are_exact_and_the_silent_one_is_unknown() {
    let Some(lab) = lab("path7") else { return };
    let client = lab.host("client").unwrap();
    for (protocol, engine) in [("icmp", "icmp raw"), ("udp", "udp error queue"), ("tcp", "tcp connect")] {
        exact(&lab, 7, || on(&client, "cnc"), &["-c", "3", "-i", "500ms", "--protocol", protocol], engine);
    }
}

#[test]
fn an_ordinary_user_finds_the_same_path() {
    let Some(lab) = lab("path7") else { return };
    let (client, folder) = (lab.host("client").unwrap(), open_folder());
    let engines = [
        (CLOSED, "icmp", "udp error queue"),
        (CLOSED, "udp", "udp error queue"),
        (CLOSED, "tcp", "tcp connect"),
        (OPEN, "icmp", "icmp datagram"),
    ];
    for (groups, protocol, engine) in engines {
        open_icmp(&client, groups);
        exact(&lab, 7, || as_nobody(&client, folder.path()), &["-c", "2", "--protocol", protocol], engine);
    }
}

#[test]
fn flows_that_are_told_apart_find_the_same_path_where_raw_sockets_are_permitted() {
    let Some(lab) = lab("path7") else { return };
    let (client, folder) = (lab.host("client").unwrap(), open_folder());
    for (strategy, engine) in [("dublin", "trippy-core udp dublin"), ("classic", "trippy-core udp classic")] {
        let args = ["-c", "1", "--protocol", "udp", "--strategy", strategy];
        exact(&lab, 7, || on(&client, "cnc"), &args, engine);
        let refused = trace(&mut as_nobody(&client, folder.path()), &args, &destination(&lab)[0].0);
        assert_eq!((refused.code, &refused.last["kind"]), (3, &"no_permission".into()), "{}", refused.last);
        assert!(refused.last["hint"].as_str().unwrap().contains("strategy paris"), "{}", refused.last);
    }
}

#[test]
fn ten_hops_at_40_ms_are_told_as_they_answer() {
    let Some(lab) = lab("path10") else { return };
    let client = lab.host("client").unwrap();
    for (address, _) in destination(&lab) {
        // The first packets wait for the network's own address resolution: the second round shows the path's times.
        let trace = trace(&mut on(&client, "cnc"), &["-c", "2"], &address);
        assert_eq!(trace.summary()["hops"].as_array().unwrap().len(), 10, "{}", trace.last);
        for sample in trace.samples.iter().filter(|sample| sample["round"] == 1) {
            let rtt = number(sample, "/rtt_ms");
            assert!((40.0..45.0).contains(&rtt), "{sample}");
            assert!(number(sample, "/at_ms") < 1_000.0 + 20.0, "side by side: {sample}");
        }
    }
}

#[test]
fn hops_that_keep_silent_are_told_after_all_that_answer() {
    let Some(lab) = lab("path10-silent") else { return };
    let (client, folder) = (lab.host("client").unwrap(), open_folder());
    open_icmp(&client, CLOSED);
    exact(&lab, 10, || on(&client, "cnc"), &["-c", "1"], "icmp raw");
    exact(&lab, 10, || as_nobody(&client, folder.path()), &["-c", "1"], "udp error queue");
    let trace = trace(&mut on(&client, "cnc"), &["-c", "1"], &destination(&lab)[0].0);
    let silent: Vec<_> = trace.samples.iter().map(|sample| sample["outcome"] == "silent").collect();
    assert!(silent.is_sorted(), "{:?}", trace.samples);
}

#[test]
fn a_dead_destination_leaves_the_path_as_far_as_it_is_known() {
    let Some(lab) = lab("path10-dead") else { return };
    let (client, folder) = (lab.host("client").unwrap(), open_folder());
    open_icmp(&client, CLOSED);
    let truth = lab.path("client", "server").unwrap();
    for (address, of) in destination(&lab) {
        for mut command in [on(&client, "cnc"), as_nobody(&client, folder.path())] {
            let trace = trace(&mut command, &["-c", "1"], &address);
            assert_eq!((trace.code, &trace.last["reached"]), (1, &false.into()), "{}", trace.last);
            let hops = trace.last["hops"].as_array().unwrap();
            let seen: Vec<_> = hops.iter().map(addresses).collect();
            let expected: Vec<_> = truth[..5].iter().map(|hop| vec![of(hop).to_string()]).chain([vec![]]).collect();
            assert_eq!(seen, expected, "{}", trace.last);
        }
    }
}

#[test]
fn a_router_that_refuses_ends_the_path_and_is_no_further_hop() {
    let Some(lab) = lab("path7") else { return };
    let (client, folder, router) = (lab.host("client").unwrap(), open_folder(), lab.host("r3").unwrap());
    open_icmp(&client, CLOSED);
    let refusal = "add table inet refuse; \
                   add chain inet refuse asked { type filter hook forward priority 0; }; \
                   add rule inet refuse asked reject with icmpx admin-prohibited";
    assert!(router.command("nft").arg(refusal).status().expect("nft can be started").success());
    let truth = lab.path("client", "server").unwrap();
    for (address, of) in destination(&lab) {
        for mut command in [on(&client, "cnc"), as_nobody(&client, folder.path())] {
            let trace = trace(&mut command, &["-c", "2"], &address);
            assert_eq!((trace.code, &trace.last["reached"]), (1, &false.into()), "{}", trace.last);
            assert!(trace.samples.iter().any(|sample| sample["outcome"] == "unreachable"), "{:?}", trace.samples);
            let seen: Vec<_> = trace.last["hops"].as_array().unwrap().iter().map(addresses).collect();
            let expected: Vec<_> = truth[..3].iter().map(|hop| vec![of(hop).to_string()]).collect();
            assert_eq!(seen, expected, "{}", trace.last);
        }
    }
}

#[test]
fn rounds_stay_within_what_linux_answers() {
    let Some(lab) = lab("path7") else { return };
    let client = lab.host("client").unwrap();
    // As Linux has it: six errors to one source at once, then one a second; of port and time alike.
    for host in lab.hosts().filter(|host| host.name() != "client") {
        limit(&host);
    }
    exact(&lab, 7, || on(&client, "cnc"), &["-c", "4", "--protocol", "udp"], "udp error queue");
}

/// Whose paths are looked at elsewhere: two routers at one distance, and destinations that never answer.
const OTHERWISE: [&str; 3] = ["ecmp", "dead-destination", "path10-dead"];

/// Holds the path of every scenario against what is found, address by address, in both families.
fn every_path(cnc: impl Fn(&Host) -> Command) {
    for scenario in Scenario::names().filter(|name| !OTHERWISE.contains(name)) {
        let Some(lab) = lab(scenario) else { return };
        let client = lab.host("client").expect("every lab has one");
        let truth = lab.path("client", "server").expect("every lab has both");
        // A probe that is lost is no hop that is not there.
        let rounds = if scenario.contains("loss") { "8" } else { "2" };
        for (address, of) in destination(&lab) {
            if scenario == "v6-broken" && address.contains(':') {
                continue;
            }
            let trace = trace(&mut cnc(&client), &["-c", rounds, "-i", "100ms"], &address);
            assert_eq!(trace.summary()["reached"], true, "{scenario}: {}", trace.last);
            let seen: Vec<_> = trace.last["hops"].as_array().expect("a trace has hops").iter().map(addresses).collect();
            let hop = |hop: &Hop| if hop.silent { vec![] } else { vec![of(hop).to_string()] };
            assert_eq!(seen, truth.iter().map(hop).collect::<Vec<_>>(), "{scenario}: {}", trace.last);
        }
    }
}

#[test]
fn every_scenario_s_path_is_exact_with_privilege() {
    every_path(|client| on(client, "cnc"));
}

#[test]
fn every_scenario_s_path_is_exact_without_privilege() {
    let folder = open_folder();
    every_path(|client| {
        open_icmp(client, CLOSED);
        as_nobody(client, folder.path())
    });
}

fn limit(host: &Host) {
    let settings = ["net.ipv4.icmp_ratelimit=1000", "net.ipv4.icmp_ratemask=6168", "net.ipv6.icmp.ratelimit=1000"];
    let set = host.command("sysctl").arg("-qw").args(settings).status();
    assert!(set.expect("sysctl can be started").success());
}

/// Gives a hop's address of one family.
type Address = fn(&Hop) -> IpAddr;

/// The server's addresses, and how a hop's of the same family is found.
fn destination(lab: &Lab) -> [(String, Address); 2] {
    let server = lab.host("server").expect("every lab has a server");
    [(server.v4().to_string(), |hop| hop.v4.into()), (server.v6().to_string(), |hop| hop.v6.into())]
}

fn trace(cnc: &mut Command, args: &[&str], address: &str) -> Lines {
    Lines::of(cnc.args(["trace", "-n", "--json"]).args(args).arg(address))
}

/// Holds the path that is found against the true one, in both families.
fn exact(lab: &Lab, distance: usize, cnc: impl Fn() -> Command, args: &[&str], engine: &str) {
    let truth = lab.path("client", "server").expect("every lab has both");
    assert_eq!(truth.len(), distance);
    for (address, of) in destination(lab) {
        let trace = trace(&mut cnc(), args, &address);
        assert_eq!(trace.summary()["engine"], engine, "{args:?}: {}", trace.last);
        holds(trace.summary(), &truth, of, args);
    }
}

fn holds(summary: &Value, truth: &[Hop], address: Address, args: &[&str]) {
    assert_eq!(summary["reached"], true, "{args:?}: {summary}");
    let hops = summary["hops"].as_array().expect("a trace has hops");
    assert_eq!(hops.len(), truth.len(), "{args:?}: {summary}");
    for (hop, truth) in hops.iter().zip(truth) {
        assert_eq!(hop["ttl"], truth.ttl, "{args:?}: {hop}");
        let seen = addresses(hop);
        if truth.silent {
            assert!(seen.is_empty(), "{args:?}: a silent hop is unknown: {hop}");
            assert_eq!(hop["received"], 0, "{args:?}: {hop}");
            assert_eq!(hop["loss_persists"], false, "{args:?}: what follows answers: {hop}");
        } else {
            assert_eq!(seen, [address(truth).to_string()], "{args:?}: {hop}");
            assert!(number(hop, "/loss_ratio") == 0.0, "{args:?}: the silent hop's neighbours are not blamed: {hop}");
        }
    }
}

/// Lists the addresses seen at a hop.
fn addresses(hop: &Value) -> Vec<String> {
    let seen = hop["addresses"].as_array().expect("a hop lists its addresses").iter();
    seen.map(|seen| seen["address"].as_str().expect("an address is text").to_owned()).collect()
}
