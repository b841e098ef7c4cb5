//! Removes what is kept no longer, each day, in small steps.

use std::time::Duration;

use cnc_model::Timestamp;
use tokio::time::sleep;

use super::{Sessions, Shared};
use crate::config::Retention;
use crate::history;
use crate::store::StoreError;

/// How often it is looked for what is over: retention is told in days.
pub(super) const EVERY: Duration = Duration::from_hours(24);
/// Samples of one step: a few milliseconds of the writer's.
const SAMPLES_A_STEP: u32 = 5_000;
/// Sessions looked for at a time.
const SESSIONS_A_STEP: u32 = 100;
/// The pause between steps: what is being stored goes first.
const PAUSE: Duration = Duration::from_millis(20);
/// How far the wall clock may run from the monotonic one before nothing is removed by it: a clock that was set wrong
/// must not remove everything.
const CLOCK_TRUSTED: Duration = Duration::from_hours(24);

/// Removes what is over now and every so often, until the listener stops.
// Liveness: ended by `stop`.
pub(super) async fn run(sessions: Sessions, every: Duration) {
    let shared = &sessions.shared;
    let began = shared.clock.now();
    loop {
        let now = shared.clock.now();
        let ran = now.elapsed.saturating_sub(began.elapsed);
        let expected = began.wall.after(ran);
        let off = now.wall.since(expected).max(expected.since(now.wall));
        if off > CLOCK_TRUSTED {
            tracing::warn!(off_s = off.as_secs(), "the clock was changed by more than a day: nothing is removed by it");
        } else if let Err(error) = remove(&sessions, shared.settings.retention, now.wall).await {
            tracing::warn!(%error, "what is kept no longer could not be removed; it is tried again later");
        }
        tokio::select! {
            () = shared.stop.cancelled() => return,
            () = sleep(every) => {}
        }
    }
}

/// Removes what is over, sessions first.
pub(super) async fn remove(sessions: &Sessions, keep: Retention, now: Timestamp) -> Result<(), StoreError> {
    let shared = &sessions.shared;
    if let Some(kept) = keep.sessions {
        let removed = remove_sessions(sessions, before(now, kept)).await?;
        tracing::info!(removed, "sessions kept no longer");
    }
    if let Some(kept) = keep.samples {
        let removed = remove_samples(shared, before(now, kept)).await?;
        tracing::info!(removed, "samples kept no longer");
    }
    Ok(())
}

fn before(now: Timestamp, kept: Duration) -> Timestamp {
    let us = i64::try_from(kept.as_micros()).unwrap_or(i64::MAX);
    Timestamp::from_unix_us(now.unix_us().saturating_sub(us))
}

async fn remove_sessions(sessions: &Sessions, before: Timestamp) -> Result<u64, StoreError> {
    let shared = &sessions.shared;
    let mut removed = 0;
    loop {
        let over = shared.store.ended_before(before, SESSIONS_A_STEP).await?;
        if over.is_empty() {
            return Ok(removed);
        }
        for id in over {
            if shared.stop.is_cancelled() {
                return Ok(removed);
            }
            match sessions.delete(id).await {
                Ok(_) | Err(super::SessionsError::NotFound(_)) => removed += 1,
                Err(super::SessionsError::Store(error)) => return Err(error),
                // It is being let go at this moment, or the listener stops: its turn comes tomorrow.
                Err(_) => return Ok(removed),
            }
            sleep(PAUSE).await;
        }
    }
}

async fn remove_samples(shared: &Shared, before: Timestamp) -> Result<u64, StoreError> {
    let mut removed = 0;
    // What they say stays in history, so they stay until it does.
    history::catch_up(&shared.store).await?;
    while !shared.stop.is_cancelled() {
        let step = shared.store.thin_out(before, SAMPLES_A_STEP, shared.clock.now().wall).await?;
        if step == 0 {
            break;
        }
        removed += step;
        sleep(PAUSE).await;
    }
    Ok(removed)
}
