//! The path's MTU against known links: with and without privilege, and where nobody says "too big".

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use cnc_integration_tests::lines::Lines;
use cnc_lab::{Host, Lab};
use tokio::time::Instant;

use crate::privilege::{CLOSED, OPEN, as_nobody, open_folder, open_icmp};
use crate::{lab, on};

/// The link's, as the scenarios have it.
const NARROW: u32 = 1_400;
/// The most that a search takes: most of it waiting where larger packets vanish and hosts pace their errors.
const LONGEST: Duration = Duration::from_secs(5);

/// Each way of asking: who may open ICMP datagram sockets, whether it is root who asks, and the engine.
const WAYS: [(&str, bool, &str); 3] =
    [(CLOSED, true, "icmp raw"), (OPEN, false, "icmp datagram"), (CLOSED, false, "udp error queue")];

fn cnc(client: &Host, is_root: bool, folder: &Path) -> Command {
    if is_root { on(client, "cnc") } else { as_nobody(client, folder) }
}

/// Holds what is found by each way and in both families against the truth.
fn holds(lab: &Lab, path_bytes: u32, is_black_hole: bool, is_told: bool) {
    let host = |name| lab.host(name).expect("every lab has both");
    let (client, server, folder) = (host("client"), host("server"), open_folder());
    let router = lab.path("client", "server").expect("every lab has both").swap_remove(0);
    for (groups, is_root, engine) in WAYS {
        open_icmp(&client, groups);
        for (address, told) in
            [(server.v4().to_string(), router.v4.to_string()), (server.v6().to_string(), router.v6.to_string())]
        {
            let began = Instant::now();
            let mtu = Lines::of(cnc(&client, is_root, folder.path()).args(["mtu", "--json", &address]));
            let (summary, took) = (mtu.summary(), began.elapsed());
            assert_eq!(summary["engine"], engine, "{summary}");
            assert_eq!(summary["path_mtu_bytes"], path_bytes, "{summary}");
            assert_eq!(summary["interface_mtu_bytes"], 1_500, "{summary}");
            assert_eq!(summary["black_hole"], is_black_hole, "{summary}");
            assert_eq!(summary["limited_by"].as_str(), is_told.then_some(told.as_str()), "{summary}");
            assert!(took < LONGEST, "{took:?}: {summary}");
        }
    }
}

#[test]
fn a_narrow_link_is_found_by_the_router_that_says_so() {
    let Some(lab) = lab("mtu-step") else { return };
    holds(&lab, NARROW, false, true);
}

#[test]
fn a_narrow_link_that_keeps_silent_is_a_black_hole_of_exactly_its_size() {
    let Some(lab) = lab("mtu-black-hole") else { return };
    holds(&lab, NARROW, true, false);
}

#[test]
fn a_sound_path_is_as_wide_as_its_interface() {
    let Some(lab) = lab("delay40") else { return };
    holds(&lab, 1_500, false, false);
}
