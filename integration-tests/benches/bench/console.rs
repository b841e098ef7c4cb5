//! `console`: the page in a real browser on the real listener. It has no peer: what stands beside it is its goal. What
//! a *sample to pixel* and a *frame* are, `gauge` defines.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use cnc_integration_tests::browser::Browser;
use cnc_integration_tests::busy::Busy;
use cnc_integration_tests::gauge::Gauged;
use cnc_integration_tests::listener::{Listener, QUICK};
use cnc_integration_tests::long_call::LongCall;
use cnc_model::TestId;
use serde_json::Value;
use tokio::runtime::Runtime;

use crate::figure::{Bound, Figure, Goal, quantile};
use crate::peer::version;

/// How long the call has lasted whose page is measured.
const LASTED: Duration = Duration::from_hours(1);
/// Samples that are watched as they come: half a minute's.
const WATCHED: u32 = 300;

/// Measures it.
pub(crate) fn run() -> Result<Vec<Figure>> {
    let runtime = Runtime::new()?;
    let browser = Browser::find_or_skip().context("needs Node.js, chromium, and the console in the listener")?;
    let mut figures = runtime.block_on(call(&browser))?;
    let hour = runtime.block_on(hour(&browser));
    figures.extend(of("an hour of 10/s loaded", &hour, true)?);
    let kilo = |bytes: Option<u64>| Ok::<_, anyhow::Error>(f64::from(u32::try_from(bytes.context("counted")?)?) / 1e3);
    figures.push(figure("transferred until the calls are listed", "kB", kilo(hour.transferred)?, Bound::Most(250.0)));
    figures.push(figure("transferred of the hour's samples", "kB", kilo(hour.held)?, None));
    let busy = Busy::begin();
    let hour = runtime.block_on(self::hour(&browser));
    drop(busy);
    figures.extend(of("the same, all cores busy", &hour, false)?);
    Ok(figures)
}

/// A call with a real client.
async fn call(browser: &Browser) -> Result<Vec<Figure>> {
    let listener = Listener::start(QUICK).await;
    let told = browser.tell("live", &listener, &[("CNC_MORE", &WATCHED.to_string())]).await;
    let about: Value = serde_json::from_str(&told)?;
    let session = about["session"].as_str().context("a session")?.parse()?;
    let test = TestId::try_from(u32::try_from(about["test"].as_u64().context("a test")?)?)?;
    let gauged = Gauged::read(&told, &mut listener.staff().await, session, test).await;
    of("a real client, 10/s", &gauged, true)
}

/// A page with a long call that goes on.
async fn hour(browser: &Browser) -> Gauged {
    let listener = Listener::start(QUICK).await;
    let mut staff = listener.staff().await;
    let call = LongCall::begin(&listener, &mut staff, LASTED).await;
    call.watched(browser, &listener, &mut staff, WATCHED).await
}

/// Gives what a page's times come to, against the goals where the machine has nothing else to do.
fn of(name: &str, gauged: &Gauged, is_judged: bool) -> Result<Vec<Figure>> {
    let Gauged { pixels_ms, frames_ms, .. } = gauged;
    ensure!(pixels_ms.len() >= WATCHED as usize * 9 / 10, "only {} of {WATCHED} samples were seen", pixels_ms.len());
    let longest = frames_ms.last().copied().context("no frames")?;
    let goal = |most| is_judged.then_some(Bound::Most(most));
    Ok(vec![
        figure(&format!("sample to pixel p50, {name}"), "ms", quantile(pixels_ms, 0.5), goal(100.0)),
        figure(&format!("sample to pixel p95, {name}"), "ms", quantile(pixels_ms, 0.95), None),
        figure(&format!("frame p50, {name}"), "ms", quantile(frames_ms, 0.5), None),
        figure(&format!("frame longest, {name}"), "ms", longest, goal(50.0)),
    ])
}

fn figure(name: &str, unit: &'static str, ours: f64, goal: impl Into<Option<Bound>>) -> Figure {
    let goal = goal.into().map_or(Goal::NONE, Goal::from);
    let version = version("chromium").unwrap_or_default();
    Figure { name: format!("console {name}"), unit, ours, peer: f64::NAN, goal, version, turns: 1, why: "" }
}
