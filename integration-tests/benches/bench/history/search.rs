//! What staff look for among a hundred thousand sessions, each kind of search with what is often, seldom and never
//! found.

use anyhow::Result;
use cnc_integration_tests::past::{Past, destination};
use cnc_model::Timestamp;
use cnc_proto::support::SessionFilter;
use cnc_server::store::Store;
use tokio::runtime::Runtime;
use tokio::time::Instant;

use super::{BIG, END};
use crate::figure::{Bound, Figure, quantile};

/// 100,000 sessions of five tests each.
const MANY: Past = Past { days: 1_000, sessions_a_day: 100, samples_a_session: 3, ..BIG };
/// How often each is asked.
const ASKED: usize = 20;
/// A page, as the console asks for it.
const PAGE: u32 = 51;

/// Measures it.
pub(super) fn run(runtime: &Runtime) -> Result<Vec<Figure>> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("cnc.db");
    runtime.block_on(MANY.store(&file));
    let store = Store::open(&file)?;
    let mut figures = vec![];
    for (name, filters) in searches() {
        let mut times = vec![];
        for filter in &filters {
            for _ in 0..ASKED {
                let began = Instant::now();
                runtime.block_on(store.sessions(filter.clone(), PAGE, None))?;
                times.push(began.elapsed().as_secs_f64() * 1e3);
            }
        }
        times.sort_by(f64::total_cmp);
        figures.push(Figure {
            name: format!("search among 100,000 sessions by {name}, p95"),
            unit: "ms",
            ours: quantile(&times, 0.95),
            peer: f64::NAN,
            goal: Bound::Most(100.0).into(),
            version: "no peer".into(),
            turns: ASKED,
            why: "",
        });
    }
    Ok(figures)
}

fn searches() -> Vec<(&'static str, Vec<SessionFilter>)> {
    let ended = || SessionFilter { ended: Some(true), ..SessionFilter::default() };
    let search = |text: &str| SessionFilter { search: text.into(), ..ended() };
    let provider = |text: &str| SessionFilter { provider: text.into(), ..ended() };
    let to = |destination: String| SessionFilter { destination, ..ended() };
    let version = |text: &str| SessionFilter { client_version: text.into(), ..ended() };
    let day = |ago: i64| {
        let at = |ago: i64| Some(Timestamp::from_unix_us(END.unix_us() - ago * 86_400_000_000));
        SessionFilter { from: at(ago), until: at(ago - 1), ..ended() }
    };
    let live = SessionFilter { ended: Some(false), ..SessionFilter::default() };
    vec![
        ("nothing", vec![SessionFilter::default(), ended(), live]),
        ("text", vec![search("ticket"), search("ticket 4711"), search("198.51.100.7"), search("nobody")]),
        ("provider", vec![provider("AS64507"), provider("Provider 7"), provider("AS1"), provider("nobody")]),
        ("destination", vec![to(destination(3)), to(destination(0)), to("nowhere.example".into())]),
        ("version", vec![version("0.1"), version("9")]),
        ("day", vec![day(1), day(500), day(999), day(2_000)]),
    ]
}
