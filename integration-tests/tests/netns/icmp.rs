//! ICMP echo with and without privilege: both kinds of socket must tell the same.

use std::path::Path;
use std::process::Command;

use cnc_integration_tests::lines::Lines;
use cnc_lab::Host;

use crate::privilege::{as_nobody, open_folder, open_icmp};
use crate::{lab, on};

const ENGINES: [&str; 2] = ["icmp raw", "icmp datagram"];

/// The command that makes `cnc` use an engine.
fn cnc(engine: &str, client: &Host, folder: &Path) -> Command {
    if engine == "icmp raw" {
        // To nobody, not even to root, who may open raw sockets.
        open_icmp(client, "1 0");
        return on(client, "cnc");
    }
    open_icmp(client, "0 2147483647");
    as_nobody(client, folder)
}

#[test]
fn replies_are_stamped_by_the_kernel_and_tell_the_ttl() {
    let Some(lab) = lab("delay40") else { return };
    let (client, server) = (lab.host("client").unwrap(), lab.host("server").unwrap());
    let folder = open_folder();
    for engine in ENGINES {
        for address in [server.v4().to_string(), server.v6().to_string()] {
            let ping = Lines::of(
                cnc(engine, &client, folder.path()).args(["ping", "-c", "20", "-i", "20ms", "--json", &address]),
            );
            assert_eq!((&ping.summary()["engine"], &ping.summary()["received"]), (&engine.into(), &20.into()));
            // The first packets wait for the neighbour's address after the send: the program's own times hold that.
            for sample in ping.samples.iter().filter(|sample| sample["at_ms"].as_f64() > Some(150.0)) {
                assert_eq!((&sample["clock"], &sample["ttl"]), (&"kernel".into(), &63.into()), "{engine}: {sample}");
            }
        }
    }
}

#[test]
fn an_unreachable_destination_is_told_with_who_said_so() {
    let Some(lab) = lab("delay40") else { return };
    let (client, server) = (lab.host("client").unwrap(), lab.host("server").unwrap());
    let router = lab.host("r1").unwrap();
    // A route of the type `unreachable` would say so five times only: Linux limits how often it does.
    let refusal = "add table inet refuse; \
                   add chain inet refuse asked { type filter hook forward priority 0; }; \
                   add rule inet refuse asked reject with icmpx host-unreachable";
    assert!(router.command("nft").arg(refusal).status().expect("nft can be started").success());
    let said_by: Vec<String> = router.addresses().map(|address| address.to_string()).collect();
    let folder = open_folder();
    for engine in ENGINES {
        for address in server.addresses() {
            let ping = Lines::of(cnc(engine, &client, folder.path()).args([
                "ping",
                "-c",
                "10",
                "-i",
                "20ms",
                "--json",
                &address.to_string(),
            ]));
            let summary = &ping.last;
            assert_eq!((&summary["engine"], &summary["sent"]), (&engine.into(), &10.into()), "{summary}");
            assert_eq!((&summary["unreachable"], &summary["received"]), (&10.into(), &0.into()), "{summary}");
            for sample in &ping.samples {
                let from = sample["from"].as_str().unwrap_or_default();
                assert!(said_by.iter().any(|address| address == from), "{sample}: not of {said_by:?}");
            }
        }
    }
}

#[test]
fn replies_after_the_timeout_are_lost_and_late() {
    let Some(lab) = lab("delay40") else { return };
    let (client, server) = (lab.host("client").unwrap(), lab.host("server").unwrap());
    let folder = open_folder();
    for engine in ENGINES {
        let ping = Lines::of(
            cnc(engine, &client, folder.path())
                .args(["ping", "-c", "10", "-i", "50ms", "-W", "20ms", "--json"])
                .arg(server.v4().to_string()),
        );
        let summary = &ping.last;
        assert_eq!((&summary["engine"], &summary["received"]), (&engine.into(), &0.into()), "{summary}");
        // Nobody waits for the last probe's reply.
        assert_eq!((&summary["sent"], &summary["late"]), (&10.into(), &9.into()), "{summary}");
    }
}
