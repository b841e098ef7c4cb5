//! Ctrl-C, and what the system sends when it wants a program gone.

use std::io;

#[cfg(unix)]
use tokio::signal::unix::{Signal, SignalKind, signal};
#[cfg(windows)]
use tokio::signal::windows::{CtrlC, ctrl_c};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::{CancellationToken, DropGuard};

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
            let Ok(mut signals) = Signals::register() else { return };
            while signals.next().await {
                // One that does not fit says nothing new.
                bell.try_send(()).ok();
            }
        });
        Self { rung, _listening: listening }
    }
}

/// Gives a token that the first interrupt cancels, while the guard lives. A program that is held up by who does not read
/// what it prints ends at an interrupt all the same, after a moment or at the next one: a thread of its own listens.
pub(crate) fn token() -> (CancellationToken, DropGuard) {
    let (token, over) = (CancellationToken::new(), CancellationToken::new());
    // Here and not on the thread, which may be late to start. Where the system gives neither, interrupts do what they do
    // to any program, or nothing.
    if let Ok(signals) = Signals::register() {
        let listen = listen(signals, token.clone(), over.clone());
        std::thread::Builder::new().name("interrupts".into()).spawn(move || run(listen)).ok();
    }
    (token, over.drop_guard())
}

/// Runs what listens, while the other threads may be held up.
fn run(listen: impl Future<Output = ()>) {
    if let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() {
        runtime.block_on(listen);
    }
}

async fn listen(mut signals: Signals, token: CancellationToken, over: CancellationToken) {
    let end = async {
        if !signals.next().await {
            return;
        }
        token.cancel();
        // Liveness: the moment passes.
        tokio::select! {
            _ = signals.next() => {}
            () = tokio::time::sleep(STOP_WAIT) => {}
        }
        std::process::exit(INTERRUPTED);
    };
    // Liveness: whoever has the guard drops it.
    over.run_until_cancelled(end).await;
}

/// What tells that the program is to end.
#[cfg(unix)]
struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

#[cfg(unix)]
impl Signals {
    /// From here on none ends the program by itself.
    fn register() -> io::Result<Self> {
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    /// Waits for the next; false when the system tells of none.
    async fn next(&mut self) -> bool {
        // Liveness: the user or the system ends this wait, or whoever holds the task drops it.
        tokio::select! {
            pressed = self.interrupt.recv() => pressed.is_some(),
            told = self.terminate.recv() => told.is_some(),
        }
    }
}

/// What tells that the program is to end.
#[cfg(windows)]
struct Signals {
    interrupt: CtrlC,
}

#[cfg(windows)]
impl Signals {
    /// From here on none ends the program by itself.
    fn register() -> io::Result<Self> {
        Ok(Self { interrupt: ctrl_c()? })
    }

    /// Waits for the next; false when the system tells of none.
    async fn next(&mut self) -> bool {
        // Liveness: the user ends this wait, or whoever holds the task drops it.
        self.interrupt.recv().await.is_some()
    }
}
