//! What a story in the browser measured of its page, held against when the samples were known. It opens no browser.
//!
//! *Sample to pixel* is the time from the moment a reply reaches the client, by the client's own clock, to the moment
//! the frame with it is on the screen, as the browser's own trace tells. Client, listener and browser run on one
//! machine, so all times are of one clock; the client's is known to the listener within half a loopback round trip.
//! A *frame* is the time between two frames that the page is given.

use std::time::Duration;

use cnc_model::ping::{PingOutcome, PingSample};
use cnc_model::session::SequencedSample;
use cnc_model::{Sample, SessionId, TestId};
use serde_json::Value;

use crate::staff::Staff;

/// What was measured of a page. Times are in milliseconds, the shortest first.
#[derive(Debug)]
pub struct Gauged {
    /// From each reply to the frame with it.
    pub pixels_ms: Vec<f64>,
    /// From each frame to the next.
    pub frames_ms: Vec<f64>,
    /// The bytes that came until the page was there, where the story counted them.
    pub transferred: Option<u64>,
    /// The bytes of what was measured before the page came, where the story counted them.
    pub held: Option<u64>,
}

impl Gauged {
    /// Reads what a story says of a ping's card.
    ///
    /// # Panics
    /// When a story says something else, or the listener knows nothing of the test.
    pub async fn read(told: &str, staff: &mut Staff, session: SessionId, test: TestId) -> Self {
        let told: Value = serde_json::from_str(told).expect("the story says JSON");
        let record = staff.session(session).await;
        let started = record.tests.iter().find(|each| each.id == test).and_then(|each| each.started);
        let started = started.expect("the test has begun");
        // The page counts samples in the order in which they came, as the record has them.
        let samples = staff.samples(session, test).await;
        let mut pixels_ms = Vec::new();
        let mut counted = None;
        for shown in told["shown"].as_array().expect("what was shown") {
            let count = usize::try_from(shown[0].as_u64().expect("a count")).expect("it fits");
            let unix_ms = shown[1].as_f64().expect("a time");
            let new = &samples[counted.unwrap_or(count - 1)..count];
            for known in new.iter().filter_map(known_at) {
                #[expect(clippy::cast_precision_loss, reason = "microseconds since 1970 fit 53 bits")]
                let known_ms = started.after(known).unix_us() as f64 / 1e3;
                pixels_ms.push(unix_ms - known_ms);
            }
            counted = Some(count);
        }
        pixels_ms.sort_by(f64::total_cmp);
        let frames = told["frames"].as_array().expect("frames");
        let mut frames_ms: Vec<_> = frames.iter().map(|frame| frame.as_f64().expect("a time")).collect();
        frames_ms.sort_by(f64::total_cmp);
        Self { pixels_ms, frames_ms, transferred: told["transferred"].as_u64(), held: told["held"].as_u64() }
    }
}

/// Gives when a sample was known, since its test began; `None` for one of which only a wait's end tells.
fn known_at(sample: &SequencedSample) -> Option<Duration> {
    match sample.sample {
        Sample::Ping(PingSample { at, outcome: PingOutcome::Reply(reply) | PingOutcome::Late(reply), .. }) => {
            Some(at + reply.rtt)
        }
        Sample::Ping(_) | Sample::Hop(_) | Sample::Throughput(_) => None,
    }
}
