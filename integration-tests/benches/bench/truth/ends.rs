//! A line between two hosts with a known bottleneck, and a listener at its far end.

use anyhow::{Result, ensure};
use cnc_integration_tests::listener::Listener;
use cnc_lab::{Host, Lab, Scenario};
use serde_json::Value;
use tokio::runtime::Handle;

use crate::peer::on;

/// A bottleneck of both directions alike.
#[derive(Debug, Clone, Copy)]
pub(super) struct Line {
    /// In Mbit/s of IP packets.
    pub(super) rate: u32,
    /// The round trip while idle, in milliseconds.
    pub(super) delay: u32,
    /// What the bottleneck's queue holds, in milliseconds.
    pub(super) queue: u32,
    /// The congestion control of both hosts.
    pub(super) control: &'static str,
}

/// A running line with its listener.
pub(super) struct Ends {
    pub(super) lab: Lab,
    pub(super) client: Host,
    pub(super) server: Host,
    pub(super) address: String,
    listener: Listener,
}

impl Line {
    /// Gives what it lets through of payload in bits a second: its rate is one of IP packets, of whose 1,500 bytes
    /// each 1,448 are payload.
    pub(super) fn truth_bps(&self) -> f64 {
        f64::from(self.rate) * 1e6 * 1_448.0 / 1_500.0
    }

    fn scenario(&self) -> Result<Scenario> {
        let Self { rate, delay, queue, .. } = self;
        let delay = if *delay == 0 { String::new() } else { format!("delay = \"{}us\"", delay * 500) };
        Ok(Scenario::parse(&format!(
            "description = \"a known rate\"\n[hosts.client]\n[hosts.server]\n[routers.r1]\n[routers.r2]\n\
             [[links]]\nbetween = [\"client\", \"r1\"]\n\
             [[links]]\nbetween = [\"r1\", \"r2\"]\nrate = \"{rate}mbit\"\nqueue = \"{queue}ms\"\n\
             [[links]]\nbetween = [\"r2\", \"server\"]\n{delay}\n"
        ))?)
    }
}

impl Ends {
    /// Builds the line and starts its listener.
    pub(super) fn start(line: &Line, runtime: &Handle) -> Result<Self> {
        let lab = Lab::build(&line.scenario()?)?;
        let (client, server) = (lab.host("client")?, lab.host("server")?);
        for host in [&client, &server] {
            control(host, line.control)?;
        }
        let address = server.v4().to_string();
        let listen = format!("{address}:7443");
        // No proxy is there, but nobody else is either: a network of its own.
        let options = ["--behind-tls-proxy"];
        let starting = Listener::start_by(on(&server, "cnc-listener")?, &listen, "public_speed = true", &options);
        let listener = runtime.block_on(starting);
        Ok(Self { lab, client, server, address, listener })
    }

    /// Runs `cnc speed` against it, and gives the lines that it wrote, the summary last.
    pub(super) fn speed(&self, options: &[&str]) -> Result<Vec<Value>> {
        let output = on(&self.client, "cnc")?.args(["speed", self.listener.url(), "--json"]).args(options).output()?;
        let text = String::from_utf8(output.stdout)?;
        Ok(text.lines().map(serde_json::from_str).collect::<Result<_, _>>()?)
    }
}

/// Gives all connections of a host this congestion control. By its route: a namespace's setting may only name what the
/// whole machine's lists, and that is not a benchmark's to change.
fn control(host: &Host, name: &str) -> Result<()> {
    let told = on(host, "ip")?.args(["route", "show", "default"]).output()?;
    let route = String::from_utf8(told.stdout)?;
    let words = route.split_whitespace();
    let status = on(host, "ip")?.args(["route", "change"]).args(words).args(["congctl", name]).status()?;
    ensure!(status.success(), "{} cannot have {name} on: {route}", host.name());
    Ok(())
}
