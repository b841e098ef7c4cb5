//! Client, router and listener, each a namespace of its own; the router is where the line is cut.

use std::net::SocketAddr;
use std::process::{Command, Stdio};

use cnc_lab::{Host, Lab, Scenario};

/// Where in the network the listener answers.
const PORT: u16 = 7443;

/// The network. Dropping it removes it.
pub struct Network {
    lab: Lab,
}

const SCENARIO: &str = r#"
description = "a router between client and server, where the line is cut"

[hosts.client]
[hosts.server]
[routers.r1]

[[links]]
between = ["client", "r1"]

[[links]]
between = ["r1", "server"]
"#;

/// Which way packets are lost without a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// Both ways.
    Whole,
    /// What the client sends.
    There,
    /// What the listener sends.
    Back,
}

impl Network {
    /// Builds one, or gives `None` where that cannot be done and a skip was told.
    ///
    /// # Panics
    /// When root cannot build it.
    #[must_use]
    pub fn build() -> Option<Self> {
        if !cnc_lab::root_or_skip("a bad day in a network") {
            return None;
        }
        let scenario = Scenario::parse(SCENARIO).expect("it is well-formed");
        let network = Self { lab: Lab::build(&scenario).expect("the network can be built") };
        let rules = "add table ip cut\nadd chain ip cut way { type filter hook forward priority 0; }\n";
        network.nft(rules);
        Some(network)
    }

    /// Gives the address on which the listener is to listen.
    #[must_use]
    pub fn listen(&self) -> SocketAddr {
        (self.host("server").v4(), PORT).into()
    }

    /// Gives the command that runs a program at the client's place.
    #[must_use]
    pub fn at_client(&self, program: &str) -> Command {
        self.host("client").command(program)
    }

    /// Gives the command that runs a program at the listener's place.
    #[must_use]
    pub fn at_listener(&self, program: &str) -> Command {
        self.host("server").command(program)
    }

    /// Cuts the line: what is on its way is lost, and neither end is told.
    pub fn cut(&self, cut: Cut) {
        let (client, server) = (self.host("client").v4(), self.host("server").v4());
        let rule = match cut {
            Cut::Whole => "drop".to_owned(),
            Cut::There => format!("ip saddr {client} drop"),
            Cut::Back => format!("ip saddr {server} drop"),
        };
        self.nft(&format!("add rule ip cut way {rule}\n"));
    }

    /// Joins the line again.
    pub fn join(&self) {
        self.nft("flush chain ip cut way\n");
    }

    fn nft(&self, rules: &str) {
        use std::io::Write as _;
        let mut nft = self.host("r1").command("nft");
        let mut nft = nft.args(["-f", "-"]).stdin(Stdio::piped()).spawn().expect("nft runs");
        nft.stdin.take().expect("it is piped").write_all(rules.as_bytes()).expect("nft reads");
        assert!(nft.wait().expect("nft ends").success(), "{rules}");
    }

    fn host(&self, name: &str) -> Host {
        self.lab.host(name).expect("the scenario has it")
    }
}
