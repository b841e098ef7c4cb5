//! Ctrl-C, and what the system sends when it wants a program gone.

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Interrupts that wait to be noticed; a third one is the same as the second.
const MAX_INTERRUPTS: usize = 2;

/// How long a measurement that is told to stop may take for its last words.
const STOP_WAIT: std::time::Duration = std::time::Duration::from_secs(5);
/// The exit code of a program that was interrupted.
const INTERRUPTED: i32 = 130;

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

/// Gives a token that the first interrupt cancels, and the task that listens for it. A program that is held up by who
/// does not read what it prints ends then all the same, after a moment or at the next interrupt.
pub(crate) fn token() -> (CancellationToken, JoinSet<()>) {
    let token = CancellationToken::new();
    let mut listening = JoinSet::new();
    let rung = token.clone();
    listening.spawn(async move {
        if wait().await {
            rung.cancel();
            // Liveness: the moment passes.
            tokio::select! {
                _ = wait() => {}
                () = tokio::time::sleep(STOP_WAIT) => {}
            }
            std::process::exit(INTERRUPTED);
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
