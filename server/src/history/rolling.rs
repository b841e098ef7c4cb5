//! Keeps the sums: in the background, in small steps, so that what is being stored goes first.
//!
//! It remembers nothing. Which samples are in the sums is each session's own durable cursor, so whatever is killed, the
//! next start goes on where the last step that became durable ended.

use std::time::Duration;

use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::store::{Store, StoreError};

/// How often it is looked for new samples of sessions that go on: history is told in hours.
const EVERY: Duration = Duration::from_mins(1);
/// The least time between two looks, where sessions end one after the other.
const SOONEST: Duration = Duration::from_secs(1);
/// Samples of one step: about 10 ms of reading, beside the writer.
const SAMPLES_A_STEP: usize = 10_000;
/// Sessions of one step: a few milliseconds of the writer's.
const SESSIONS_A_STEP: usize = 200;
/// The pause after a step is as long as the step, and at least this: catching up with an old record takes half a core.
const LEAST_PAUSE: Duration = Duration::from_millis(5);

/// Keeps the sums until the listener stops: every minute, and soon after a session has ended.
// Liveness: ended by `stop`.
pub(crate) async fn run(store: Store, stop: CancellationToken) {
    let mut ended = store.jobs_wanted();
    loop {
        let caught_up = tokio::select! {
            () = stop.cancelled() => return,
            caught_up = catch_up(&store) => caught_up,
        };
        if let Err(error) = caught_up {
            tracing::warn!(%error, "history could not be summed up; it is tried again in a minute");
        }
        let soonest = Instant::now() + SOONEST;
        tokio::select! {
            () = stop.cancelled() => return,
            // Liveness: changed by the store's writer; its end ends this too.
            changed = ended.changed() => if changed.is_err() { return },
            () = sleep(EVERY) => {}
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep_until(soonest) => {}
        }
    }
}

/// Sums up what is not yet, once through all sessions.
///
/// # Errors
/// Says what keeps it from being read or written.
pub async fn catch_up(store: &Store) -> Result<(), StoreError> {
    let mut after = None;
    loop {
        let began = Instant::now();
        let step = store.roll_up(after, SAMPLES_A_STEP, SESSIONS_A_STEP).await?;
        if step.sessions == 0 {
            return Ok(());
        }
        after = step.after;
        sleep(began.elapsed().max(LEAST_PAUSE)).await;
    }
}
