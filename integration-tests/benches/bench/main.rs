//! The benchmarks: each figure of ours beside its peer's, measured in the same run on the same machine.
//!
//! Run by `cargo xtask bench [NAME…] [--json FILE]`. A name picks the benchmarks that begin with it.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};

mod chaos;
mod figure;
mod fuzz;
mod live;
mod trace;
mod truth;

use figure::Figure;

/// A benchmark: its name, and what measures it.
type Bench = (&'static str, fn() -> Result<Vec<Figure>>);

const BENCHES: &[Bench] = &[
    ("live", live::run),
    ("sessions", live::sessions),
    ("fuzz", fuzz::run),
    ("chaos", chaos::run),
    ("trace", trace::run),
    ("truth", truth::run),
];

fn main() -> Result<()> {
    let mut args = std::env::args().skip(1);
    let (mut names, mut json) = (Vec::new(), None);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            // What cargo adds of itself.
            "--bench" => {}
            "--relay" => return live::relay(args.next().as_deref().map(Path::new)),
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
    for (name, measure) in BENCHES.iter().filter(|(name, _)| wanted(name)) {
        for figure in measure().with_context(|| (*name).to_owned())? {
            figure.print();
            if let Some(file) = &mut file {
                writeln!(file, "{}", figure.json())?;
            }
        }
    }
    Ok(())
}
