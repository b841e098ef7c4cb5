//! `export-live`: what live sessions notice of an export that catches up with the outage of six hours.
//!
//! The real listener over a record of those hours, once with all of it still to export and once with nothing of it, in
//! turns, everything else the same. BigQuery is the stand-in, whose appends take as long as Google's; it is a process that
//! yields to the rest, for Google's machines are elsewhere.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Result, ensure};
use cnc_integration_tests::google::fixture::fill;
use cnc_integration_tests::google::{Fake, settings_at};
use cnc_integration_tests::listener::Listener;
use cnc_server::store::Store;
use rusqlite::Connection;
use tokio::runtime::Runtime;
use tokio::time::Instant;
use tonic::transport::Endpoint;

use super::load::{Load, Target};
use super::{Peer, quantiles};
use crate::figure::{Bound, Figure, Goal, median};

/// The six hours: five calls at a time, each with ten samples a second.
const SESSIONS: u32 = 108;
const SAMPLES: u64 = 10_000;
/// Turns of each side; the middle one counts.
const TURNS: usize = 5;
/// How long Google takes for an append of thousands of rows.
const APPEND: Duration = Duration::from_millis(100);

const LOADS: [Load; 2] =
    [Load { streams: 10, per_second: 1_000, watchers: 1 }, Load { streams: 100, per_second: 10_000, watchers: 1 }];

/// The sides, in the order of their figures.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Behind,
    UpToDate,
}

/// A turn's quantiles, and how many rows of the past went in each second meanwhile.
struct Turn {
    p99: f64,
    rows_a_second: f64,
}

/// Measures it.
pub(crate) fn run() -> Result<Vec<Figure>> {
    let runtime = Runtime::new()?;
    let [behind, up_to_date] = [tempfile::tempdir()?, tempfile::tempdir()?];
    runtime.block_on(prepare(behind.path(), Side::Behind))?;
    runtime.block_on(prepare(up_to_date.path(), Side::UpToDate))?;
    let mut figures = Vec::new();
    let mut rates = Vec::new();
    for load in LOADS {
        let mut turns: [Vec<f64>; 2] = Default::default();
        for _ in 0..TURNS {
            let turn = runtime.block_on(turn(load, behind.path(), Side::Behind))?;
            turns[0].push(turn.p99);
            rates.push(turn.rows_a_second);
            turns[1].push(runtime.block_on(self::turn(load, up_to_date.path(), Side::UpToDate))?.p99);
        }
        let [ours, peer] = turns.map(median);
        let Load { streams, per_second, .. } = load;
        figures.push(Figure {
            name: format!("live {per_second}/s {streams} streams p99 while the export catches up"),
            unit: "us",
            ours,
            peer,
            goal: Bound::MostOfPeer(1.2).into(),
            version: "the same listener with nothing to catch up with".to_owned(),
            turns: TURNS,
            why: "",
        });
    }
    figures.push(Figure {
        name: "rows of the outage that went meanwhile".to_owned(),
        unit: "r/s",
        ours: median(rates),
        peer: f64::NAN,
        goal: Goal::NONE,
        version: format!("none; a stand-in that takes {} ms an append", APPEND.as_millis()),
        turns: TURNS * LOADS.len(),
        why: "",
    });
    Ok(figures)
}

/// Makes the record of the six hours. History has summed it up already, so that the export alone is measured.
async fn prepare(folder: &Path, side: Side) -> Result<()> {
    let file = folder.join("cnc.db");
    let record = Store::open(&file)?;
    record.export_to("p.d".into()).await?;
    fill(&record, SESSIONS, SAMPLES).await;
    drop(record);
    let connection = Connection::open(&file)?;
    connection.execute("UPDATE sessions SET rolled_sequence = stored_sequence, rolled_asn = coalesce(asn, 0)", ())?;
    if side == Side::UpToDate {
        connection.execute("UPDATE sessions SET exported_sequence = stored_sequence", ())?;
        connection.execute("UPDATE export_rows SET exported_version = version", ())?;
    }
    Ok(())
}

async fn turn(load: Load, record: &Path, side: Side) -> Result<Turn> {
    let mut google =
        Peer::start(Command::new("chrt").args(["--idle", "0"]).arg(std::env::current_exe()?).arg("--google"))?;
    let listener = Listener::start_with(&settings_at(google.address, "metadata"), record).await;
    let target = Target { endpoint: Endpoint::new(listener.url().to_owned())?, token: Some(listener.token()) };
    let (began, before) = (Instant::now(), google.ask()?.parse()?);
    let [_, p99] = quantiles(load.run(&target, 0).await?);
    let (took, after): (_, u64) = (began.elapsed(), google.ask()?.parse()?);
    let past = u64::from(SESSIONS) * SAMPLES;
    ensure!(side == Side::UpToDate || (before..past).contains(&after) && after > before, "{after} of {past} rows went");
    #[expect(clippy::cast_precision_loss, reason = "some hundred thousand rows")]
    let rows_a_second = (after - before) as f64 / took.as_secs_f64();
    Ok(Turn { p99, rows_a_second })
}

/// Is BigQuery, as a process of its own: says its address, and how many samples have come whenever it is asked by a line.
#[expect(clippy::print_stdout, reason = "it answers the process that started it")]
pub(crate) fn google() -> Result<()> {
    let runtime = Runtime::new()?;
    let fake = runtime.block_on(Fake::start());
    fake.only_count(APPEND);
    println!("{}", fake.address());
    for asked in std::io::stdin().lines() {
        asked?;
        println!("{}", fake.count("samples"));
    }
    Ok(())
}
