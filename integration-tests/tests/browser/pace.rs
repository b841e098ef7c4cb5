//! A page with a long call keeps pace with it and stays small. `cargo xtask bench console` measures the same with an
//! hour's samples on a machine that has nothing else to do.

use std::time::Duration;

use cnc_integration_tests::browser::Browser;
use cnc_integration_tests::listener::{Listener, QUICK};
use cnc_integration_tests::long_call::LongCall;

/// What is measured before the page comes.
const LASTED: Duration = Duration::from_mins(5);
/// Samples that are watched as they come.
const WATCHED: u32 = 30;
/// The bytes that the page may take until it shows the calls.
const MOST_BYTES: u64 = 250_000;
/// What nobody may wait for a sample, in milliseconds: a page that falls behind is seconds behind. Other tests run
/// beside this one, so the goal of a tenth of it is the benchmark's to judge.
const MOST_BEHIND_MS: f64 = 1_000.0;

#[tokio::test]
async fn a_page_keeps_pace_with_a_long_call() {
    let Some(browser) = Browser::find_or_skip() else { return };
    let listener = Listener::start(QUICK).await;
    let mut staff = listener.staff().await;
    let call = LongCall::begin(&listener, &mut staff, LASTED).await;
    let gauged = call.watched(&browser, &listener, &mut staff, WATCHED).await;
    let bytes = gauged.transferred.expect("it was counted");
    assert!(bytes > 50_000 && bytes <= MOST_BYTES, "{bytes} bytes");
    let pixels = gauged.pixels_ms;
    assert!(pixels.len() >= WATCHED as usize / 2, "{pixels:?}");
    assert!(pixels[0] > 0.0 && pixels[pixels.len() / 2] <= MOST_BEHIND_MS, "{pixels:?}");
}
