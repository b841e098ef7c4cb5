//! What is kept no longer goes by itself, round after round, and stays where the clock is not to be trusted.

use super::super::retention::run;
use super::*;

/// A day, as short as a test's.
const EVERY: Duration = Duration::from_millis(5);
const PATIENCE: Duration = Duration::from_secs(20);

/// A listener that keeps nothing of ended sessions.
async fn listener() -> Listener {
    let folder = tempfile::tempdir().expect("a folder");
    let retention = Retention { samples: Some(Duration::ZERO), sessions: Some(Duration::ZERO) };
    let sessions = open_with(&folder, retention).await;
    Listener { folder, sessions }
}

/// Makes a session that is over.
async fn over(sessions: &Sessions) -> SessionId {
    let id = sessions.create(sessions.new_id(), None, String::new()).expect("a session").id;
    let mut watching = sessions.watch(id).await.expect("followed");
    sessions.end(id).await.expect("ended");
    // Liveness: the session's end closes it.
    while watching.next().await.expect("it holds").is_some() {}
    id
}

/// Waits until nothing of a session is left.
async fn gone(sessions: &Sessions, id: SessionId) {
    while !matches!(sessions.record(id).await, Err(SessionsError::NotFound(_))) {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn ended_sessions_go_round_after_round_and_live_ones_stay() {
    let listener = listener().await;
    let sessions = &listener.sessions;
    let live = sessions.create(sessions.new_id(), None, String::new()).expect("a session").id;
    let removing = tokio::spawn(run(sessions.clone(), EVERY));
    for _ in 0..2 {
        let ended = over(sessions).await;
        tokio::time::timeout(PATIENCE, gone(sessions, ended)).await.expect("the next round, or the one behind it");
    }
    assert!(sessions.record(live).await.is_ok());
    sessions.shared.stop.cancel();
    removing.await.expect("it ends with the listener");
    drop(listener.folder);
}

#[tokio::test]
async fn a_clock_that_was_set_removes_nothing() {
    let listener = listener().await;
    let sessions = &listener.sessions;
    let removing = tokio::spawn(run(sessions.clone(), EVERY));
    tokio::task::yield_now().await;
    // The monotonic clock runs ahead: to the listener the wall clock was set back by three days.
    tokio::time::pause();
    tokio::time::advance(Duration::from_hours(72)).await;
    tokio::time::resume();
    let ended = over(sessions).await;
    let went = tokio::time::timeout(20 * EVERY, gone(sessions, ended)).await;
    assert!(went.is_err(), "it is still there after many rounds");
    sessions.shared.stop.cancel();
    removing.await.expect("it ends with the listener");
    drop(listener.folder);
}
