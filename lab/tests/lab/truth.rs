//! Delay, loss, rate, paths: measured by programs that know nothing of the lab.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Stdio},
    time::Duration,
};

use cnc_lab::{Lab, Scenario};

use crate::{build, lab, median, output, round_trips};

#[test]
fn delay40_is_40_ms_in_both_families() {
    let Some(lab) = lab("delay40") else { return };
    assert_eq!(lab.round_trip("client", "server").unwrap(), Duration::from_millis(40));
    let server = lab.host("server").unwrap();
    for address in server.addresses() {
        let printed = output(&lab, "client", &format!("ping -c 30 -i 0.02 {address}"));
        let times = round_trips(&printed);
        assert_eq!(times.len(), 30, "{printed}");
        let (median, least) = (median(&times), times.iter().copied().fold(f64::MAX, f64::min));
        assert!((40.0..41.0).contains(&median), "median {median} ms");
        assert!((40.0..40.5).contains(&least), "least {least} ms");
    }
}

#[test]
fn delay_of_one_way_only_is_not_added_to_the_other() {
    if !cnc_lab::root_or_skip("asymmetric delay") {
        return;
    }
    let lab = build(&two_hosts("forward.delay = \"15ms\""));
    let printed = output(&lab, "client", &format!("ping -c 20 -i 0.02 {}", lab.host("server").unwrap().v4()));
    let median = median(&round_trips(&printed));
    assert!((15.0..16.0).contains(&median), "{printed}");
}

#[test]
fn loss10_is_exactly_every_tenth() {
    let Some(lab) = lab("loss10") else { return };
    for address in lab.host("server").unwrap().addresses() {
        let printed = output(&lab, "client", &format!("ping -c 200 -i 0.002 -W 1 {address}"));
        assert!(printed.contains(" 10% packet loss"), "{printed}");
        let answered = sequences(&printed);
        let expected = (1..=200_u32).filter(|number| number % 10 != 0);
        assert_eq!(answered, expected.collect::<Vec<_>>());
    }
    let counts = lab.counts("r1", "server").unwrap();
    assert_eq!((counts.packets, counts.lost, counts.relay_drops), (400, 40, 0));
    assert_eq!(lab.counts("server", "r1").unwrap().lost, 0);
}

#[test]
fn loss2_counts_what_ping_misses() {
    let Some(lab) = lab("loss2") else { return };
    let server = lab.host("server").unwrap();
    let printed = output(&lab, "client", &format!("ping -q -c 1000 -i 0.002 -W 1 {}", server.v4()));
    let lost = lab.counts("r1", "server").unwrap().lost;
    assert!(printed.contains(&format!(" {} received", 1000 - lost)), "{lost} lost\n{printed}");
    // 20 expected, standard deviation 4.4; the seed is fixed, so this holds always or never.
    assert!((8..=32).contains(&lost), "{lost}");
}

#[test]
fn path7_has_seven_hops_and_the_fourth_is_silent() {
    let Some(lab) = lab("path7") else { return };
    let hops = lab.path("client", "server").unwrap();
    assert_eq!(hops.len(), 7);
    assert_eq!(hops.iter().filter(|hop| hop.silent).map(|hop| hop.ttl).collect::<Vec<_>>(), [4]);
    let (last4, last6) = (hops[6].v4, hops[6].v6);
    for hop in &hops {
        for (target, address) in [(last4.to_string(), hop.v4.to_string()), (last6.to_string(), hop.v6.to_string())] {
            let printed = output(&lab, "client", &format!("ping -n -c 1 -W 0.3 -t {} {target}", hop.ttl));
            match (hop.silent, hop.ttl) {
                (true, _) => assert!(!printed.contains("rom "), "{printed}"),
                (false, 7) => assert!(printed.contains(&format!("bytes from {address}")), "{printed}"),
                (false, _) => assert!(printed.contains(&format!("From {address} icmp_seq=1 Time")), "{printed}"),
            }
        }
    }
    assert_eq!(lab.silenced("r4").unwrap(), 2);
    assert_eq!(lab.silenced("r3").unwrap(), 0);
}

#[test]
fn routers_answer_each_of_many_packets_that_expire_at_once() {
    let Some(lab) = lab("path7") else { return };
    for address in lab.host("server").unwrap().addresses() {
        output(&lab, "client", &format!("ping -n -q -c 500 -l 500 -w 1 -t 3 {address}"));
    }
    // What the router's own kernel says it sent: ping's buffer does not hold them all.
    let sent4 = output(&lab, "r3", "cat /proc/net/snmp");
    let icmp: Vec<Vec<_>> =
        sent4.lines().filter(|line| line.starts_with("Icmp:")).map(|line| line.split(' ').collect()).collect();
    let column = icmp[0].iter().position(|name| *name == "OutTimeExcds").unwrap();
    assert_eq!(icmp[1][column], "500", "{sent4}");
    let sent6 = output(&lab, "r3", "cat /proc/net/snmp6");
    let line = sent6.lines().find(|line| line.starts_with("Icmp6OutTimeExcds")).unwrap();
    assert_eq!(line.split_whitespace().last(), Some("500"), "{sent6}");
}

#[test]
fn dead_destination_is_dead_and_its_neighbour_is_not() {
    let Some(lab) = lab("dead-destination") else { return };
    for (server, listener) in lab.host("server").unwrap().addresses().zip(lab.host("listener").unwrap().addresses()) {
        let printed = output(&lab, "client", &format!("ping -n -c 3 -i 0.01 -W 0.3 {server}"));
        assert!(printed.contains("0 received, 100% packet loss") && !printed.contains("rom "), "{printed}");
        let printed = output(&lab, "client", &format!("ping -c 3 -i 0.01 {listener}"));
        assert!(printed.contains(" 0% packet loss"), "{printed}");
    }
}

#[test]
fn jitter_keeps_order_and_its_bounds() {
    if !cnc_lab::root_or_skip("jitter") {
        return;
    }
    let lab = build(&two_hosts("forward.delay = \"10ms\"\nforward.jitter = \"10ms\""));
    let printed = output(&lab, "client", &format!("ping -c 300 -i 0.003 {}", lab.host("server").unwrap().v4()));
    assert_eq!(sequences(&printed), (1..=300).collect::<Vec<_>>());
    let mut times = round_trips(&printed);
    times.sort_by(f64::total_cmp);
    // 10 to 20 ms; a busy machine adds to the slowest.
    let (least, tenth, ninetieth) = (times[0], times[30], times[270]);
    assert!((10.0..11.5).contains(&least), "{times:?}");
    assert!((10.5..13.5).contains(&tenth) && (16.5..20.5).contains(&ninetieth), "{times:?}");
}

#[test]
fn rate20_carries_20_mbit_both_ways_and_its_queue_holds_50_ms() {
    let Some(lab) = lab("rate20") else { return };
    let server = Iperf::start(&lab);
    for direction in ["", "-R"] {
        let mut ping = lab.host("client").unwrap().command("ping");
        let ping = ping.args(["-i", "0.05", "-c", "70", &server.address]).stdout(Stdio::piped()).spawn().unwrap();
        let rate = server.mbit(&lab, &format!("-t 4 -O 1 {direction}"));
        // 1,448 bytes of each 1,500 are goodput.
        let expected = 20.0 * 1448.0 / 1500.0;
        assert!((rate / expected - 1.0).abs() < 0.05, "{rate} Mbit/s {direction}");
        let printed = String::from_utf8(ping.wait_with_output().unwrap().stdout).unwrap();
        let mut times = round_trips(&printed);
        times.sort_by(f64::total_cmp);
        // The queue's 50 ms, but for the slowest few: a busy machine adds to those.
        let full = times[times.len() * 9 / 10];
        assert!((35.0..56.0).contains(&full), "{full} ms under load {direction}");
    }
    let drops = (lab.counts("r1", "r2").unwrap().queue_drops, lab.counts("r2", "r1").unwrap().queue_drops);
    assert!(drops.0 > 0 && drops.1 > 0, "{drops:?}");
}

#[test]
fn bufferbloat20_bloats() {
    let Some(lab) = lab("bufferbloat20") else { return };
    let server = Iperf::start(&lab);
    let ping = |count| output(&lab, "client", &format!("ping -i 0.05 -c {count} {}", lab.host("server").unwrap().v4()));
    let idle = median(&round_trips(&ping(10)));
    assert!((10.0..11.0).contains(&idle), "{idle} ms idle");
    let loaded = std::thread::scope(|scope| {
        let load = scope.spawn(|| server.mbit(&lab, "-t 6 -P 4"));
        let loaded = round_trips(&ping(110)).into_iter().fold(0.0, f64::max);
        assert!(load.join().unwrap() > 17.0);
        loaded
    });
    assert!((250.0..420.0).contains(&loaded), "{loaded} ms under load");
}

#[test]
fn rate_and_delay_on_one_link_hold_together() {
    if !cnc_lab::root_or_skip("rate and delay on one link") {
        return;
    }
    let lab = build(&two_hosts("rate = \"20mbit\"\nqueue = \"100ms\"\ndelay = \"10ms\""));
    let server = Iperf::start(&lab);
    let times = round_trips(&output(&lab, "client", &format!("ping -c 20 -i 0.02 {}", server.address)));
    assert!((20.0..21.0).contains(&median(&times)), "{times:?}");
    let rate = server.mbit(&lab, "-t 4 -O 1");
    assert!((rate / 19.3 - 1.0).abs() < 0.05, "{rate} Mbit/s");
    let counts = lab.counts("client", "server").unwrap();
    assert_eq!(counts.relay_drops, 0, "{counts:?}");
}

#[test]
fn a_relay_passes_all_of_100_mbit() {
    let Some(lab) = lab("delay40") else { return };
    let server = Iperf::start(&lab);
    let report = server.run(&lab, "-t 3 -u -b 100M -l 1400");
    let sent = report["end"]["sum"]["packets"].as_u64().unwrap();
    let counts = lab.counts("r1", "server").unwrap();
    // iperf3's own TCP connection is beside them. What its busy receiver misses is not the relay's.
    assert!((sent..sent + 100).contains(&counts.packets), "{sent} sent, {counts:?}");
    assert_eq!((counts.lost, counts.relay_drops), (0, 0));
}

/// The sequence numbers that ping printed, in the order they came.
fn sequences(printed: &str) -> Vec<u32> {
    let numbers = printed.lines().filter_map(|line| line.split_once("icmp_seq=")?.1.split(' ').next());
    numbers.map(|number| number.parse().unwrap()).collect()
}

fn two_hosts(link: &str) -> Scenario {
    let text = format!(
        "description = \"two hosts\"\n[hosts.client]\n[hosts.server]\n[[links]]\nbetween = [\"client\", \"server\"]\n{link}\n"
    );
    Scenario::parse(&text).unwrap()
}

/// An iperf3 server that ends with the test.
struct Iperf {
    child: Child,
    address: String,
}

impl Iperf {
    fn start(lab: &Lab) -> Self {
        let host = lab.host("server").unwrap();
        let mut command = host.command("iperf3");
        let mut child = command.args(["-s", "--forceflush"]).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.as_mut().unwrap()).lines();
        lines.find(|line| line.as_ref().unwrap().contains("Server listening")).expect("it listens").unwrap();
        Self { child, address: host.v4().to_string() }
    }

    /// Sends as told and gives iperf3's report.
    fn run(&self, lab: &Lab, how: &str) -> serde_json::Value {
        let printed = output(lab, "client", &format!("iperf3 -J -c {} {how}", self.address));
        serde_json::from_str(&printed).unwrap_or_else(|error| panic!("{error}: {printed}"))
    }

    /// Sends by TCP as told and gives what arrived, in Mbit/s.
    fn mbit(&self, lab: &Lab, how: &str) -> f64 {
        let report = self.run(lab, how);
        report["end"]["sum_received"]["bits_per_second"].as_f64().unwrap_or_else(|| panic!("{report}")) / 1e6
    }
}

impl Drop for Iperf {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}
