//! A client in a network namespace of its own, a hostile listener in another, and a count of all that the client sends
//! to anybody else.

use std::io::Write as _;
use std::process::{Command, Stdio};

use cnc_integration_tests::client::{Client, Ended};
use cnc_integration_tests::programs::program;
use cnc_lab::{Host, Lab, Scenario};
use serde_json::Value;

use super::stream::Hostile;

/// A network with a hostile listener in it.
pub(super) struct Scene {
    lab: Lab,
    pub(super) listener: Hostile,
    names: Names,
}

/// The names that the client's namespace knows; gone with the scene.
struct Names(std::path::PathBuf);

impl Drop for Names {
    fn drop(&mut self) {
        // What stays behind is a file for a namespace that is no more.
        std::fs::remove_dir_all(&self.0).unwrap_or_default();
    }
}

impl Names {
    /// Gives a namespace names of its own: those of an attacker, who says where they lead.
    fn of(host: &Host) -> Self {
        let folder = std::path::Path::new("/etc/netns").join(host.namespace());
        std::fs::create_dir_all(&folder).expect("root may");
        let hosts = "127.0.0.1 localhost rebind.example\n::1 ip6-localhost rebind6.example\n\
                     192.168.77.1 lan.example\nfd00::1 lan6.example\n169.254.169.254 metadata.example\n\
                     10.1.2.3 mixed.example\n198.51.100.7 mixed.example\n224.0.0.1 group.example\n";
        std::fs::write(folder.join("hosts"), hosts).expect("root may");
        // Nobody is asked: names are in the file or nowhere.
        std::fs::write(folder.join("nsswitch.conf"), "hosts: files\n").expect("root may");
        std::fs::write(folder.join("resolv.conf"), "nameserver 198.51.100.53\n").expect("root may");
        Self(folder)
    }
}

impl Scene {
    /// Builds it, or gives `None` where that cannot be done and a skip was told.
    pub(super) fn set(why: &str, more: axum::Router) -> Option<Self> {
        if !cnc_lab::root_or_skip(why) {
            return None;
        }
        let lab = Lab::build(&Scenario::named("plain").expect("it is embedded")).expect("the network can be built");
        let (client, server) = (host(&lab, "client"), host(&lab, "server"));
        let names = Names::of(&client);
        watch(&client, &server);
        let bind = || std::net::TcpListener::bind((server.v4(), 0)).expect("a free port");
        let listener = Hostile::start(server.run(bind).expect("the namespace can be entered"), more);
        Some(Self { lab, listener, names })
    }

    /// The command that runs the client where it lives.
    pub(super) fn command(&self) -> Command {
        debug_assert!(self.names.0.is_dir());
        host(&self.lab, "client").command(program("cnc").to_str().expect("a path in UTF-8"))
    }

    /// Starts a client that has agreed to everything in advance and allows nothing more.
    pub(super) fn client(&self) -> Client {
        Client::run_by(self.command(), &self.listener.url(), None)
    }

    /// Gives where else the client sent anything: every address but the listener's.
    pub(super) fn strays(&self) -> Vec<String> {
        let listed = self.nft(&["-j", "list", "table", "inet", "watch"]);
        let sets = listed["nftables"].as_array().into_iter().flatten().filter_map(|object| object["set"].as_object());
        sets.filter_map(|set| set.get("elem")?.as_array()).flatten().map(Value::to_string).collect()
    }

    /// Gives the echo requests that the client sent to the listener.
    pub(super) fn probes(&self) -> u64 {
        let listed = self.nft(&["-j", "list", "counter", "inet", "watch", "probes"]);
        let counters = listed["nftables"].as_array().into_iter().flatten();
        counters.filter_map(|object| object["counter"]["packets"].as_u64()).sum()
    }

    fn nft(&self, arguments: &[&str]) -> Value {
        let output = host(&self.lab, "client").command("nft").args(arguments).output().expect("nft runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).expect("nft answers in JSON")
    }
}

fn host(lab: &Lab, name: &str) -> Host {
    lab.host(name).expect("every lab has it")
}

/// Counts what leaves the client's machine. Neighbour discovery and group reports are its kernel's.
fn watch(client: &Host, server: &Host) {
    let (v4, v6) = (server.v4(), server.v6());
    let rules = format!(
        "table inet watch {{
            set strays4 {{ type ipv4_addr; flags dynamic; size 4096; }}
            set strays6 {{ type ipv6_addr; flags dynamic; size 4096; }}
            counter probes {{ }}
            chain sent {{
                type filter hook output priority 0; policy accept;
                ip daddr {v4} icmp type echo-request counter name probes
                ip daddr {v4} accept
                ip6 daddr {v6} accept
                icmpv6 type {{ nd-router-solicit, nd-neighbor-solicit, nd-neighbor-advert, mld-listener-report,
                               mld-listener-done, mld2-listener-report }} accept
                ip protocol igmp accept
                meta nfproto ipv4 add @strays4 {{ ip daddr }}
                meta nfproto ipv6 add @strays6 {{ ip6 daddr }}
            }}
        }}\n"
    );
    let mut nft = client.command("nft").args(["-f", "-"]).stdin(Stdio::piped()).spawn().expect("nft runs");
    nft.stdin.take().expect("piped").write_all(rules.as_bytes()).expect("nft reads");
    assert!(nft.wait().expect("nft ends").success(), "{rules}");
}

/// Holds what is true of every client's end.
pub(super) fn sound(ended: &Ended) {
    assert!(!ended.said.contains("panicked"), "{}", ended.said);
    let harmful = |c: &char| c.is_control() && !matches!(c, '\n' | '\r');
    assert_eq!(ended.said.chars().find(harmful), None, "control characters on the screen:\n{:?}", ended.said);
}
