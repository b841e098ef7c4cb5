//! Databases made here, in the shape of those that operators get.

use std::net::Ipv4Addr;

use cnc_model::summary::Measured;
use cnc_model::trace::{HopAddress, HopSummary, Segment};
use cnc_model::{Outcome, TestId, Ttl};

use super::*;

/// Makes an ASN database of IPv4 networks: each with its bits, its number and who runs it.
pub(crate) fn database(networks: &[(&str, u32, u32, &str)]) -> Vec<u8> {
    /// A record that leads nowhere, to a node, or to data.
    #[derive(Clone, Copy)]
    enum Record {
        None,
        Node(usize),
        Data(usize),
    }
    let (mut nodes, mut data) = (vec![[Record::None; 2]], Vec::new());
    for &(network, bits, number, name) in networks {
        let address = u32::from(network.parse::<Ipv4Addr>().expect("an address"));
        let bit = |depth: u32| usize::from(address >> (31 - depth) & 1 == 1);
        let mut at = 0;
        for depth in 0..bits - 1 {
            at = match nodes[at][bit(depth)] {
                Record::Node(next) => next,
                Record::None | Record::Data(_) => {
                    nodes.push([Record::None; 2]);
                    nodes[at][bit(depth)] = Record::Node(nodes.len() - 1);
                    nodes.len() - 1
                }
            };
        }
        nodes[at][bit(bits - 1)] = Record::Data(data.len());
        data.push(0xe2);
        data.extend([text("autonomous_system_number"), unsigned(number)].concat());
        data.extend([text("autonomous_system_organization"), text(name)].concat());
    }
    let mut file = Vec::new();
    for record in nodes.iter().flatten() {
        let value = match record {
            Record::None => nodes.len(),
            Record::Node(node) => *node,
            Record::Data(at) => nodes.len() + 16 + at,
        };
        file.extend(&u32::try_from(value).expect("small").to_be_bytes()[1..]);
    }
    file.extend([0; 16]);
    file.extend(data);
    file.extend(b"\xab\xcd\xefMaxMind.com\xe9");
    file.extend([text("node_count"), unsigned(u32::try_from(nodes.len()).expect("few"))].concat());
    let short = [("record_size", 24), ("ip_version", 4), ("binary_format_major_version", 2)];
    for (key, value) in short.into_iter().chain([("binary_format_minor_version", 0)]) {
        file.extend([text(key), vec![0xa1, value]].concat());
    }
    // A number of 64 bits has a type beyond those of the first byte.
    file.extend([text("build_epoch"), vec![1, 2, 1]].concat());
    file.extend([text("database_type"), text("Test-ASN")].concat());
    // No languages, and no description.
    file.extend([text("languages"), vec![0, 4], text("description"), vec![0xe0]].concat());
    file
}

fn text(text: &str) -> Vec<u8> {
    let length = u8::try_from(text.len()).expect("short");
    // From 29 bytes on a second byte tells how many more there are.
    let control = if length < 0x1d { vec![0x40 | length] } else { vec![0x5d, length - 0x1d] };
    [&control, text.as_bytes()].concat()
}

fn unsigned(value: u32) -> Vec<u8> {
    [&[0xc4], &value.to_be_bytes()[..]].concat()
}

const NETWORKS: [(&str, u32, u32, &str); 2] =
    [("10.77.3.0", 24, 64_512, "Test ISP"), ("192.0.2.0", 25, 64_513, "Example Carrier of Considerable Length, Ltd")];

fn written(networks: &[(&str, u32, u32, &str)]) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("asn.mmdb");
    std::fs::write(&path, database(networks)).expect("written");
    (folder, path)
}

fn named(networks: &Networks, address: &str) -> Option<String> {
    networks.of(address.parse().expect("an address")).map(|network| network.to_string())
}

#[test]
fn addresses_have_the_networks_of_the_file() {
    let (_folder, path) = written(&NETWORKS);
    let networks = Networks::new(Some(path), false);
    let table = [
        ("10.77.3.2", Some("Test ISP (AS64512)")),
        ("::ffff:10.77.3.255", Some("Test ISP (AS64512)")),
        ("10.77.4.1", None),
        ("192.0.2.127", Some("Example Carrier of Considerable Length, Ltd (AS64513)")),
        ("192.0.2.128", None),
        ("2001:db8::1", None),
    ];
    for (address, expected) in table {
        assert_eq!(named(&networks, address).as_deref(), expected, "{address}");
    }
    assert_eq!(named(&Networks::default(), "10.77.3.2"), None);
}

#[test]
fn a_changed_file_is_read_again_and_a_bad_one_keeps_the_last() {
    let (_folder, path) = written(&NETWORKS[..1]);
    let networks = Networks::new(Some(path.clone()), false);
    assert_eq!(named(&networks, "192.0.2.1"), None);
    std::fs::write(&path, database(&NETWORKS)).expect("written");
    networks.refresh();
    assert!(named(&networks, "192.0.2.1").is_some());
    for damage in [&b"no database"[..], &database(&NETWORKS)[..200]] {
        std::fs::write(&path, damage).expect("written");
        networks.refresh();
        assert!(named(&networks, "192.0.2.1").is_some());
    }
    std::fs::remove_file(&path).expect("removed");
    networks.refresh();
    assert!(named(&networks, "192.0.2.1").is_some());
}

#[test]
fn a_missing_file_is_told_and_taken_when_it_comes() {
    let (_folder, path) = written(&[]);
    std::fs::remove_file(&path).expect("removed");
    let told = open(&path).expect_err("missing").to_string();
    assert!(told.starts_with(&format!("cannot use {} as the database", path.display())), "{told}");
    let networks = Networks::new(Some(path.clone()), false);
    assert_eq!(named(&networks, "10.77.3.2"), None);
    std::fs::write(&path, database(&NETWORKS)).expect("written");
    networks.refresh();
    assert!(named(&networks, "10.77.3.2").is_some());
}

#[test]
fn a_path_is_filled_in_whatever_the_client_says() {
    let (_folder, path) = written(&NETWORKS);
    let claimed = Some(AutonomousSystem { number: 1, name: Some("claimed".into()) });
    let hop = |address: &str| HopSummary {
        ttl: Ttl::FIRST,
        addresses: vec![HopAddress { address: address.parse().expect("valid"), name: None, network: claimed.clone() }],
        sent: 1,
        received: 1,
        loss_ratio: Some(0.0),
        loss_persists: false,
        rtt: None,
        segment: None,
    };
    let hops = ["192.168.1.1", "10.77.3.2", "192.0.2.1"].map(hop).into();
    let trace = TraceSummary { measured: Measured::default(), reached: true, rounds: 1, hops };
    let summary = Some(Box::new(Summary::Trace(trace)));
    let (test, at, outcome) = (TestId::FIRST, Duration::ZERO, Outcome::Completed);
    let mut items = vec![Item::TestEnded { test, at, outcome, summary }];
    let shown = |items: &[Item]| {
        let [Item::TestEnded { summary: Some(summary), .. }] = items else { panic!("{items:?}") };
        let Summary::Trace(trace) = &**summary else { panic!("{summary:?}") };
        let number = |hop: &HopSummary| hop.addresses[0].network.as_ref().map(|network| network.number);
        trace.hops.iter().map(|hop| (number(hop), hop.segment)).collect::<Vec<_>>()
    };
    Networks::new(Some(path), false).annotate(&mut items, Some(64_512));
    let (lan, access, destination) = (Some(Segment::Lan), Some(Segment::Access), Some(Segment::Destination));
    assert_eq!(shown(&items), [(None, lan), (Some(64_512), access), (Some(64_513), destination)]);
    Networks::default().annotate(&mut items, None);
    assert_eq!(shown(&items), [(None, lan), (None, lan), (None, destination)]);
}
