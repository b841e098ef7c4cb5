//! The benchmarks: each figure of ours beside its peer's, measured in the same run on the same machine.
//!
//! Run by `cargo xtask bench [NAME…] [--json FILE]`. A name picks the benchmarks that begin with it: `truth` is all
//! that is held against the truth, `truth-rtt` a part of it.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use tokio::time::Instant;

mod certificates;
mod chaos;
mod console;
mod cost;
mod export;
mod figure;
mod fuzz;
mod history;
mod live;
mod peer;
mod truth;

use figure::Figure;

/// A benchmark: its name, and what measures it.
type Bench = (&'static str, fn() -> Result<Vec<Figure>>);

const BENCHES: &[Bench] = &[
    ("live", live::run),
    ("sessions", live::sessions),
    ("history", history::run),
    ("console", console::run),
    ("fuzz", fuzz::run),
    ("chaos", chaos::run),
    ("truth-rtt", truth::rtt::idle),
    ("truth-rtt-busy", truth::rtt::busy),
    ("truth-path", truth::path::idle),
    ("truth-path-busy", truth::path::busy),
    ("truth-loss", truth::loss::run),
    ("truth-added", truth::added::idle),
    ("truth-added-busy", truth::added::busy),
    ("truth-speed-slow", truth::speed::slow),
    ("truth-speed-100", truth::speed::hundred),
    ("truth-speed-500", truth::speed::fast),
    ("truth-speed-busy", truth::speed::busy),
    ("truth-speed-live", truth::speed::live),
    ("cost-ping", cost::ping::run),
    ("cost-program", cost::program::run),
    ("cost-load", cost::load::run),
    ("export", export::run),
    ("export-live", live::catch_up),
];

fn main() -> Result<()> {
    let mut args = std::env::args().skip(1);
    let (mut names, mut json) = (Vec::new(), None);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            // What cargo adds of itself.
            "--bench" => {}
            "--relay" => return live::relay(args.next().as_deref().map(Path::new)),
            "--google" => return live::google(),
            "--pinger" => return cost::ping::pinger(args.next().as_deref()),
            "--json" => json = Some(args.next().context("--json wants a file")?),
            _ => names.push(arg),
        }
    }
    let wanted = |bench: &str| names.is_empty() || names.iter().any(|name| bench.starts_with(name.as_str()));
    for name in &names {
        let known = BENCHES.iter().map(|(bench, _)| *bench).collect::<Vec<_>>().join(" ");
        ensure!(BENCHES.iter().any(|(bench, _)| bench.starts_with(name.as_str())), "no {name}; there are: {known}");
    }
    let mut file = json.map(|path| File::create(&path).with_context(|| format!("cannot write {path}"))).transpose()?;
    let (mut all, mut failed) = (Vec::new(), Vec::new());
    for (name, measure) in BENCHES.iter().filter(|(name, _)| wanted(name)) {
        let began = Instant::now();
        let figures = match measure().with_context(|| (*name).to_owned()) {
            Ok(figures) => figures,
            // The others' figures are no worse for it.
            Err(error) => {
                figure::print_failure(&error);
                failed.push(*name);
                continue;
            }
        };
        figure::print(name, began.elapsed(), &figures);
        if let Some(file) = &mut file {
            for figure in &figures {
                writeln!(file, "{}", figure.json(name))?;
            }
        }
        all.extend(figures);
    }
    figure::print_verdict(&all);
    ensure!(failed.is_empty(), "failed, each told above: {}", failed.join(", "));
    Ok(())
}
