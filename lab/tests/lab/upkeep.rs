//! Building, sharing a machine, and leaving nothing behind.

use std::{
    net::TcpListener,
    panic::{AssertUnwindSafe, catch_unwind},
    process::{Command, id},
    time::Duration,
};

use cnc_lab::{Lab, LabError, Scenario};

use crate::{build, lab, namespaces, output};

#[test]
fn every_named_scenario_stands_and_its_server_is_reached_unless_it_says_otherwise() {
    if !cnc_lab::root_or_skip("all scenarios") {
        return;
    }
    for name in Scenario::names() {
        let lab = build(&Scenario::named(name).unwrap());
        let is_dead = lab.path("client", "server").unwrap().last().unwrap().silent;
        let no_v6 = lab.scenario().nodes.iter().any(|node| node.manners.no_v6);
        for address in lab.host("server").unwrap().addresses() {
            let is_lost = is_dead || (no_v6 && address.is_ipv6());
            // A busy machine answers late; what is lost is lost at once.
            let wait = if is_lost { "0.5" } else { "30" };
            let printed = output(&lab, "client", &format!("ping -c 1 -W {wait} {address}"));
            assert_eq!(printed.contains("1 received"), !is_lost, "{name}: {printed}");
        }
    }
}

#[test]
fn two_labs_of_one_scenario_run_side_by_side() {
    let (Some(first), Some(second)) = (lab("loss10"), lab("loss10")) else { return };
    let address = first.host("server").unwrap().v4();
    assert_eq!(address, second.host("server").unwrap().v4());
    for lab in [&first, &second] {
        let printed = output(lab, "client", &format!("ping -q -c 50 -i 0.002 -W 1 {address}"));
        assert!(printed.contains(" 10% packet loss"), "{printed}");
        assert_eq!(lab.counts("r1", "server").unwrap().packets, 50);
    }
}

#[test]
fn dropping_a_lab_removes_it_after_a_panic_too() {
    let Some(lab) = lab("rate20-delay40") else { return };
    let names: Vec<_> = lab.hosts().map(|host| host.namespace().to_owned()).collect();
    assert!(names.iter().all(|name| namespaces().contains(name)));
    let panicked = catch_unwind(AssertUnwindSafe(move || {
        assert!(lab.host("nobody").is_ok(), "as intended");
    }));
    assert!(panicked.is_err());
    let prefix = names[0].trim_end_matches("client");
    let wires = prefix.trim_end_matches('-').to_owned() + ".";
    let left = namespaces().into_iter().filter(|name| name.starts_with(prefix) || name.starts_with(&wires));
    assert_eq!(left.collect::<Vec<_>>(), Vec::<String>::new());
}

#[test]
fn leftovers_of_a_killed_process_are_swept_and_those_of_the_living_stay() {
    if !cnc_lab::root_or_skip("sweeping") {
        return;
    }
    let mut dead = Command::new("true").spawn().unwrap();
    dead.wait().unwrap();
    let (gone, alive) = (format!("cnclab-{}-7-client", dead.id()), format!("cnclab-{}-never-client", id()));
    for name in [&gone, &alive] {
        assert!(Command::new("ip").args(["netns", "add", name]).status().unwrap().success());
    }
    drop(build(&Scenario::named("plain").unwrap()));
    let left = namespaces();
    assert!(!left.contains(&gone));
    assert!(left.contains(&alive));
    assert!(Command::new("ip").args(["netns", "del", &alive]).status().unwrap().success());
}

#[test]
fn a_scenario_the_kernel_refuses_is_told_and_leaves_nothing() {
    if !cnc_lab::root_or_skip("refused sysctl") {
        return;
    }
    let text = "description = \"d\"\n[hosts.client]\nsysctl = { \"net.no.such\" = 1 }\n[hosts.server]\n\
                [[links]]\nbetween = [\"client\", \"server\"]\n";
    let before: Vec<_> =
        namespaces().into_iter().filter(|name| name.starts_with(&format!("cnclab-{}-", id()))).collect();
    let error = Lab::build(&Scenario::parse(text).unwrap()).err().expect("there is no such setting");
    assert!(error.to_string().contains("net.no.such"), "{error}");
    let after: Vec<_> =
        namespaces().into_iter().filter(|name| name.starts_with(&format!("cnclab-{}-", id()))).collect();
    assert!(after.len() <= before.len(), "{after:?}");
}

#[test]
fn code_runs_inside_of_a_host_in_three_ways() {
    let Some(lab) = lab("plain") else { return };
    let (client, server) = (lab.host("client").unwrap(), lab.host("server").unwrap());
    let address = (server.v4(), 7007);
    let listener = server.run(move || TcpListener::bind(address)).unwrap().unwrap();
    let accepting = server.spawn_thread(move || listener.accept().map(|(_, peer)| peer.ip())).unwrap();
    {
        let _inside = client.enter().unwrap();
        std::net::TcpStream::connect_timeout(&address.into(), Duration::from_secs(2)).unwrap();
    }
    assert_eq!(accepting.join().unwrap().unwrap().unwrap(), client.v4());
    // Outside again: the server's address is nobody's here.
    assert!(TcpListener::bind(address).is_err());
}

#[test]
fn sysctls_of_a_host_are_set_there() {
    if !cnc_lab::root_or_skip("sysctls") {
        return;
    }
    let text = "description = \"d\"\n[hosts.client]\n[hosts.client.sysctl]\n\"net.ipv4.ping_group_range\" = \"0 2147483647\"\n\
                \"net.ipv4.ip_default_ttl\" = 33\n[hosts.server]\n[[links]]\nbetween = [\"client\", \"server\"]\n";
    let lab = build(&Scenario::parse(text).unwrap());
    assert_eq!(output(&lab, "client", "cat /proc/sys/net/ipv4/ping_group_range").trim(), "0\t2147483647");
    assert_eq!(output(&lab, "client", "cat /proc/sys/net/ipv4/ip_default_ttl").trim(), "33");
    assert_eq!(output(&lab, "server", "cat /proc/sys/net/ipv4/tcp_congestion_control").trim(), "reno");
}

#[test]
fn strangers_are_told_who_there_is() {
    let Some(lab) = lab("plain") else { return };
    let error = lab.host("r1").unwrap_err();
    assert_eq!(error.to_string(), "there is no `r1` in this lab; there are: client, server");
    assert!(matches!(lab.counts("client", "client"), Err(LabError::NotLinked { .. })));
}
