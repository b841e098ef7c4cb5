//! `history`: a month of ten million samples in the listener's own store: how fast it is summed up, asked, searched,
//! and how soon a listener is ready on it.
//!
//! The peer of an answer is the plainest SQL for the same percentiles, on the same samples in the same run; it is also
//! what the answers' exactness is held against.

use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use cnc_integration_tests::past::{DESTINATIONS, Past, destination};
use cnc_model::Timestamp;
use cnc_proto::support::{HistoryPeriod, HistoryScope, HistorySeries, HistorySubject};
use cnc_server::history::{ERROR_RATIO, HistorySource, catch_up};
use cnc_server::store::Store;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::time::Instant;

mod plain;
mod search;
mod start;

use crate::figure::{Bound, Figure, Goal, median};

/// The big store: 10,080,000 samples of 1,440 sessions.
const BIG: Past = Past { until: END, days: 30, sessions_a_day: 48, samples_a_session: 7_000 };
/// The same with a tenth of the samples, to see what an answer's time grows with.
const SMALL: Past = Past { samples_a_session: 700, ..BIG };
/// 2027-01-31T00:00Z.
const END: Timestamp = Timestamp::from_unix_us(1_801_353_600_000_000);
/// How often each thing is asked; the middle one counts.
const TURNS: usize = 5;

/// Measures it.
pub(crate) fn run() -> Result<Vec<Figure>> {
    let runtime = Runtime::new()?;
    let mut figures = vec![];
    let big = runtime.block_on(made(&BIG))?;
    figures.push(rolled_up(&runtime, &big.path().join("cnc.db"))?);
    let small = runtime.block_on(made(&SMALL))?;
    runtime.block_on(async { catch_up(&Store::open(&small.path().join("cnc.db"))?).await })?;
    figures.extend(answers(&runtime, &big, &small)?);
    figures.extend(start::run(big.path())?);
    drop((big, small));
    figures.extend(search::run(&runtime)?);
    Ok(figures)
}

async fn made(past: &Past) -> Result<TempDir> {
    let folder = tempfile::tempdir()?;
    past.store(&folder.path().join("cnc.db")).await;
    Ok(folder)
}

/// Sums the whole past up, pauses included, as after an upgrade.
fn rolled_up(runtime: &Runtime, file: &Path) -> Result<Figure> {
    let store = Store::open(file)?;
    let began = Instant::now();
    runtime.block_on(catch_up(&store))?;
    let samples = f64::from(BIG.days * BIG.sessions_a_day) * f64::from(BIG.samples_a_session);
    Ok(Figure {
        name: "history summed up in the background, pauses included".into(),
        unit: "M/s",
        ours: samples / began.elapsed().as_secs_f64() / 1e6,
        peer: f64::NAN,
        goal: Goal::NONE,
        version: format!("{samples} samples"),
        turns: 1,
        why: "",
    })
}

fn answers(runtime: &Runtime, big: &TempDir, small: &TempDir) -> Result<Vec<Figure>> {
    let version = format!("SQLite {}, window functions on the samples", rusqlite::version());
    let mut figures = vec![];
    let file = big.path().join("cnc.db");
    for days in [3, 30] {
        let period = HistoryPeriod { from: Timestamp::from_unix_us(END.unix_us() - days * 86_400_000_000), until: END };
        let began = Instant::now();
        let plain = plain::percentiles(&file, period)?;
        let peer = began.elapsed().as_secs_f64() * 1e3;
        let (ours, found) = asked(runtime, &file, period)?;
        figures.push(Figure {
            name: format!("history {days} days of {DESTINATIONS} destinations, p50 and p95 a day"),
            unit: "ms",
            ours,
            peer,
            goal: Goal::from(Bound::Most(300.0)).and(Bound::MostOfPeer(1.0)),
            version: version.clone(),
            turns: TURNS,
            why: "",
        });
        figures.push(Figure {
            name: format!("history {days} days: a percentile's worst error"),
            unit: "%",
            ours: plain::worst_error(&plain, &found)? * 100.0,
            peer: 0.0,
            goal: Bound::Most(ERROR_RATIO * 100.0).into(),
            version: "the same percentiles by SQL".into(),
            turns: TURNS,
            why: "",
        });
        if days == 30 {
            // More samples of an hour fall into the same classes by and by, so the time grows far less than they do.
            let (few, _) = asked(runtime, &small.path().join("cnc.db"), period)?;
            figures.push(Figure {
                name: "history 30 days, 10 M samples beside 1 M".into(),
                unit: "ms",
                ours,
                peer: few,
                goal: Bound::MostOfPeer(5.0).into(),
                version: "the same with a tenth of the samples".into(),
                turns: TURNS,
                why: "",
            });
        }
    }
    Ok(figures)
}

/// Asks for all destinations, one after the other; gives the milliseconds and the answers.
fn asked(runtime: &Runtime, file: &Path, period: HistoryPeriod) -> Result<(f64, Vec<(String, HistorySeries)>)> {
    let source = HistorySource::Store(Store::open(file)?);
    let (mut times, mut last) = (vec![], vec![]);
    for _ in 0..TURNS {
        last.clear();
        let began = Instant::now();
        for n in 0..DESTINATIONS {
            let subject = HistorySubject::Destination(destination(n));
            let scope = HistoryScope { subject, period, utc_offset_minutes: 0 };
            let history = runtime.block_on(source.figures(scope))?;
            ensure!(history.sessions_behind == 0, "all is summed up");
            let pings = history.series.into_iter().find(|of| of.kind.is_ping()).context("pings")?;
            last.push((destination(n), pings));
        }
        times.push(began.elapsed().as_secs_f64() * 1e3);
    }
    Ok((median(times), last))
}
