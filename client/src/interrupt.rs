//! Ctrl-C, and what the system sends when it wants a program gone.

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Interrupts that wait to be noticed; a third one is the same as the second.
const MAX_INTERRUPTS: usize = 2;

/// Listens for interrupts as long as it lives.
#[derive(Debug)]
pub(crate) struct Interrupts {
    /// Each interrupt.
    pub(crate) rung: mpsc::Receiver<()>,
    _listening: JoinSet<()>,
}

impl Interrupts {
    /// Begins to listen.
    pub(crate) fn listen() -> Self {
        let (bell, rung) = mpsc::channel(MAX_INTERRUPTS);
        let mut listening = JoinSet::new();
        listening.spawn(async move {
            while wait().await {
                // One that does not fit says nothing new.
                bell.try_send(()).ok();
            }
        });
        Self { rung, _listening: listening }
    }
}

/// Gives a token that the first interrupt cancels, and the task that listens for it.
pub(crate) fn token() -> (CancellationToken, JoinSet<()>) {
    let token = CancellationToken::new();
    let mut listening = JoinSet::new();
    let rung = token.clone();
    listening.spawn(async move {
        if wait().await {
            rung.cancel();
        }
    });
    (token, listening)
}

/// Waits for the next interrupt; false when the system tells of none.
#[cfg(unix)]
async fn wait() -> bool {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else { return false };
    // Liveness: the user or the system ends this wait, or whoever holds the task drops it.
    tokio::select! {
        pressed = tokio::signal::ctrl_c() => pressed.is_ok(),
        told = terminate.recv() => told.is_some(),
    }
}

#[cfg(not(unix))]
async fn wait() -> bool {
    // Liveness: the user ends this wait, or whoever holds the task drops it.
    tokio::signal::ctrl_c().await.is_ok()
}
