//! What an ordinary user can measure, and what they are told where they cannot.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use cnc_integration_tests::lines::Lines;
use cnc_integration_tests::listener::Listener;
use cnc_integration_tests::programs::program;
use cnc_lab::Host;
use serde_json::Value;
use tokio::task::JoinSet;

use crate::answers::{Answers, dns};
use crate::{lab, on, utf8};

/// No group may open ICMP datagram sockets.
pub(crate) const CLOSED: &str = "1 0";
/// Every group may.
pub(crate) const OPEN: &str = "0 2147483647";

#[test]
fn an_ordinary_user_pings_where_datagram_sockets_are_open() {
    let Some(lab) = lab("plain") else { return };
    let (client, server) = (lab.host("client").unwrap(), lab.host("server").unwrap());
    let folder = open_folder();
    open_icmp(&client, OPEN);
    for address in [server.v4().to_string(), server.v6().to_string()] {
        let ping =
            Lines::of(as_nobody(&client, folder.path()).args(["ping", "-c", "5", "-i", "50ms", "--json", &address]));
        assert_eq!(ping.summary()["received"], 5, "{}", ping.last);
    }
}

#[test]
fn an_ordinary_user_is_told_what_would_help_where_they_are_closed() {
    let Some(lab) = lab("plain") else { return };
    let (client, server) = (lab.host("client").unwrap(), lab.host("server").unwrap().v4().to_string());
    let folder = open_folder();
    open_icmp(&client, CLOSED);
    let ping = Lines::of(as_nobody(&client, folder.path()).args(["ping", "-c", "5", "--json", &server]));
    assert_eq!(ping.code, 3, "{}", ping.last);
    assert_eq!(ping.last["type"], "error", "{}", ping.last);
    assert_eq!(ping.last["kind"], "no_permission", "{}", ping.last);
    let hint = ping.last["hint"].as_str().unwrap();
    assert!(hint.contains("ping_group_range") || hint.contains("cap_net_raw"), "{hint}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_test_gives_results_to_an_ordinary_user() {
    let Some(lab) = lab("delay40") else { return };
    let (client, server) = (lab.host("client").unwrap(), lab.host("server").unwrap());
    let (folder, address) = (open_folder(), server.v4().to_string());
    open_icmp(&client, OPEN);
    let mut servers = JoinSet::new();
    dns(&server, Answers::knowing("known.example", [192, 0, 2, 10]), &mut servers);
    let listen = format!("{address}:7443");
    let listener =
        Listener::start_by(on(&server, "cnc-listener"), &listen, "public_speed = true", &["--behind-tls-proxy"]).await;
    let health = format!("{}/healthz", listener.url());
    let table: [(&[&str], &str, Value); 6] = [
        (&["ping", "-c", "3", "-i", "50ms", &address], "/received", 3.into()),
        (&["trace", "-n", "-c", "1", &address], "/reached", true.into()),
        (&["speed", listener.url(), "-t", "1s"], "/upload/bytes", Value::Null),
        (&["mtu", &address], "/path_mtu_bytes", 1_500.into()),
        (&["dns", "known.example", "--server", &address], "/resolvers/0/answers/0", "192.0.2.10".into()),
        (&["http", &health], "/status", 200.into()),
    ];
    for (args, figure, expected) in table {
        let lines = Lines::of(as_nobody(&client, folder.path()).args(args).arg("--json"));
        let found = lines.summary().pointer(figure);
        assert!(found.is_some_and(|found| expected.is_null() || *found == expected), "{args:?}: {}", lines.last);
    }
}

/// Says which groups may open ICMP datagram sockets.
pub(crate) fn open_icmp(host: &Host, groups: &str) {
    let set = host.command("sysctl").args(["-qw", &format!("net.ipv4.ping_group_range={groups}")]).status();
    assert!(set.expect("sysctl can be started").success());
}

/// A folder with a copy of `cnc` that everyone may run: the build's own may lie where only its owner looks.
pub(crate) fn open_folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("its owner may open it");
    fs::copy(program("cnc"), folder.path().join("cnc")).expect("the program can be copied");
    folder
}

/// The command that runs `cnc` as an ordinary user without any privilege.
pub(crate) fn as_nobody(host: &Host, folder: &Path) -> Command {
    let mut command = host.command("setpriv");
    command.args(["--reuid", "65534", "--regid", "65534", "--clear-groups", "--bounding-set=-all", "--inh-caps=-all"]);
    command.arg(utf8(&folder.join("cnc")));
    command
}
