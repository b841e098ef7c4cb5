//! Losses told beside those that the network counts itself, packet by packet.

use anyhow::{Context as _, Result, ensure};
use cnc_integration_tests::lines::number;
use cnc_lab::{Host, Lab, Scenario};
use serde_json::Value;

use super::so_often;
use crate::figure::{Bound, Figure, median};
use crate::peer::{on, version};

const PROBES: u32 = 500;

/// A program that tells losses: its words, the last of which wants the number of probes, and how it tells them.
type Teller = (&'static [&'static str], fn(&str) -> Option<f64>);

/// Ours, then the peers.
const TELLERS: [Teller; 3] = [
    (&["cnc", "ping", "-i", "2ms", "-W", "1s", "--json", "-c"], of_cnc),
    (&["fping", "-q", "-p", "2", "-t", "1000", "-C"], of_fping),
    (&["ping", "-q", "-n", "-i", "0.002", "-W", "1", "-c"], of_ping),
];

/// Measures it.
pub(crate) fn run() -> Result<Vec<Figure>> {
    ensure!(cnc_lab::root_or_skip("truth-loss"), "it needs root");
    let lab = Lab::build(&Scenario::named("loss2")?)?;
    let (client, server) = (lab.host("client")?, lab.host("server")?.v4().to_string());
    let lost = || Ok::<_, anyhow::Error>(lab.counts("r1", "server")?.lost);
    let mut off: [Vec<f64>; TELLERS.len()] = Default::default();
    for _ in 0..so_often() {
        for (teller, off) in TELLERS.iter().zip(&mut off) {
            let before = lost()?;
            let told = tell(*teller, &client, &server)?;
            let counted = f64::from(u32::try_from(lost()? - before)?);
            off.push((told - counted).abs());
        }
    }
    let figure = |(teller, theirs): (&Teller, &Vec<f64>)| Figure {
        name: format!("loss of 2 %, {PROBES} probes: told beside counted, off by"),
        unit: "",
        ours: median(off[0].clone()),
        peer: median(theirs.clone()),
        goal: Bound::Most(0.0).into(),
        version: version(teller.0[0]).unwrap_or_default(),
        turns: so_often(),
        why: "",
    };
    Ok(TELLERS.iter().zip(&off).skip(1).map(figure).collect())
}

fn tell((words, read): Teller, client: &Host, server: &str) -> Result<f64> {
    let output = on(client, words[0])?.args(&words[1..]).arg(PROBES.to_string()).arg(server).output()?;
    let text = [output.stdout, output.stderr].concat();
    read(&String::from_utf8_lossy(&text)).with_context(|| format!("{} tells no losses", words[0]))
}

fn of_cnc(text: &str) -> Option<f64> {
    let summary: Value = serde_json::from_str(text.lines().last()?).ok()?;
    Some(number(&summary, "/sent") - number(&summary, "/received"))
}

/// A `-` for each.
fn of_fping(text: &str) -> Option<f64> {
    let values = text.split_once(" : ")?.1.split_whitespace();
    u32::try_from(values.filter(|value| *value == "-").count()).ok().map(f64::from)
}

/// `500 packets transmitted, 491 received, 1.8% packet loss`.
fn of_ping(text: &str) -> Option<f64> {
    let line = text.lines().find(|line| line.contains("packets transmitted"))?;
    let mut counts = line.split(", ").filter_map(|part| part.split_whitespace().next()?.parse::<f64>().ok());
    Some(counts.next()? - counts.next()?)
}
