//! Many destinations at once: each ping keeps its own pace, by the stamps of the first router's kernel.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use cnc_integration_tests::client::Client;
use cnc_integration_tests::listener::Listener;
use cnc_integration_tests::store;
use cnc_lab::Frame;

use crate::{lab, on};

const PROBES: usize = 60;
const INTERVAL_NS: u64 = 100_000_000;

/// Gives when echo requests passed, by destination.
fn requests(frames: &[Frame]) -> BTreeMap<Ipv4Addr, Vec<u64>> {
    let mut passed = BTreeMap::<_, Vec<_>>::new();
    for Frame { stamp, bytes } in frames {
        // IPv4 without options, ICMP, an echo request.
        if bytes.len() > 34 && bytes[12..15] == [0x08, 0x00, 0x45] && (bytes[23], bytes[34]) == (1, 8) {
            let to: [u8; 4] = bytes[30..34].try_into().expect("four");
            passed.entry(to.into()).or_default().push(*stamp);
        }
    }
    passed
}

#[tokio::test]
async fn eight_destinations_at_once_are_each_probed_at_their_pace() {
    let Some(lab) = lab("path7") else { return };
    let (client, server) = (lab.host("client").unwrap(), lab.host("server").unwrap());
    let hops = lab.path("client", "server").unwrap();
    let tests: Vec<_> = hops
        .iter()
        .map(|hop| format!("{{ ping = \"{}\", count = {PROBES}, interval = \"100ms\", timeout = \"1s\" }}", hop.v4))
        .chain([format!("{{ ping = \"gateway\", protocol = \"tcp:9\", count = {PROBES}, interval = \"100ms\" }}")])
        .collect();
    let plan =
        format!("[plan.default]\ndescription = \"all\"\n[[plan.default.stage]]\ntests = [\n{}\n]\n", tests.join(",\n"));
    let listen = format!("{}:7443", server.v4());
    let listener = Listener::start_by(on(&server, "cnc-listener"), &listen, &plan, &["--behind-tls-proxy"]).await;
    let capture = lab.host("r1").unwrap().capture().unwrap();
    let mut command = on(&client, "cnc");
    command.arg("--allow-lan");
    let ended = Client::run_by(command, listener.url(), None).ended().await;
    assert_eq!(ended.code, 0, "{}", ended.said);
    let session = store::sessions(&listener.store()).pop().unwrap();
    let outcomes = store::outcomes(&listener.store(), &session);
    assert!(outcomes.iter().all(|(_, outcome)| outcome.as_deref() == Some("completed")), "{outcomes:?}");

    let passed = requests(&capture.frames().unwrap());
    let expected: BTreeSet<_> = hops.iter().map(|hop| hop.v4).collect();
    assert_eq!(passed.keys().copied().collect::<BTreeSet<_>>(), expected);
    for (to, stamps) in &passed {
        assert_eq!(stamps.len(), PROBES, "{to}");
        // One that was late makes its own gap longer and the next one shorter: the pace itself never slips.
        let mean = (stamps[PROBES - 1] - stamps[0]) / (PROBES as u64 - 1);
        assert!(mean.abs_diff(INTERVAL_NS) < INTERVAL_NS / 100, "{to}: {mean} ns between two on the whole");
        // A machine that is busy with something else delays some, never most.
        let mut off: Vec<_> = stamps.windows(2).map(|pair| (pair[1] - pair[0]).abs_diff(INTERVAL_NS)).collect();
        off.sort_unstable();
        assert!(off[off.len() / 2] < INTERVAL_NS / 50, "{to}: so far off are the gaps, in nanoseconds: {off:?}");
    }
}
