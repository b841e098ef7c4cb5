//! Where the exporter runs: on a thread of its own that yields to whatever else wants a core, so that catching up with
//! an outage costs live sessions nothing.

use std::io;
use std::time::Duration;

use tokio::runtime::Builder;
use tokio_util::sync::CancellationToken;

use super::{Exporter, Failing, Tempo};
use crate::clock;
use crate::google::Kind;

/// How long a name may still be looked up after the end.
const LOOKUP: Duration = Duration::from_secs(1);

impl Exporter {
    /// Exports aside until told to stop, or dropped. Where clients wait for the export, it yields to nobody.
    // Liveness: ended by `stop`; a read that is under way is bounded work.
    pub async fn run_aside(self, stop: CancellationToken) {
        let stop = stop.child_token();
        let _dropped = stop.clone().drop_guard();
        let figures = self.figures();
        if let Err(error) = self.aside(stop).await {
            let message = format!("the export to BigQuery has ended: {error}. Restart the listener, and it goes on.");
            tracing::error!("{message}");
            figures.stands(Some(Failing { kind: Kind::Outage, message, at: clock::wall() }));
        }
    }

    async fn aside(self, stop: CancellationToken) -> io::Result<()> {
        let (ended, end) = tokio::sync::oneshot::channel();
        let yields = self.tempo != Tempo::PROMPT;
        let aside = move || {
            if yields && let Err(error) = yield_to_all() {
                tracing::warn!(%error, "the export to BigQuery cannot yield to live sessions");
            }
            // Threads that read the record for it are started by this one, and yield as it does.
            let ran = Builder::new_current_thread().enable_all().build().map(|runtime| {
                runtime.block_on(self.run(stop));
                runtime.shutdown_timeout(LOOKUP);
            });
            // Nobody waits any more where the listener itself is gone.
            ended.send(ran).ok();
        };
        std::thread::Builder::new().name("export".into()).spawn(aside)?;
        end.await.map_err(|_| io::Error::other("its thread panicked"))?
    }
}

/// Lets this thread run only while nothing else wants its core; what it starts does likewise.
#[cfg(target_os = "linux")]
fn yield_to_all() -> io::Result<()> {
    #[expect(unsafe_code, reason = "no crate of ours asks for this")]
    // SAFETY: the kernel reads the parameter during the call; 0 is this thread.
    let refused = unsafe { libc::sched_setscheduler(0, libc::SCHED_IDLE, &libc::sched_param { sched_priority: 0 }) };
    if refused == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Elsewhere nothing is asked of the system: the listener is deployed on Linux.
#[cfg(not(target_os = "linux"))]
fn yield_to_all() -> io::Result<()> {
    Ok(())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    /// Gives the word of this thread's scheduling policy, field 41 of its line in `/proc`.
    fn policy() -> Option<String> {
        let line = std::fs::read_to_string("/proc/thread-self/stat").ok()?;
        line.rsplit_once(')')?.1.split_whitespace().nth(41 - 3).map(str::to_owned)
    }

    #[test]
    fn what_yields_is_idle_by_the_kernels_own_word_and_so_is_what_it_starts() {
        let before = policy();
        let seen = std::thread::spawn(|| {
            yield_to_all().expect("yielding takes no privilege");
            [policy(), std::thread::spawn(policy).join().expect("it only reads")]
        });
        let idle = Some(libc::SCHED_IDLE.to_string());
        assert_eq!(seen.join().expect("it only reads"), [idle.clone(), idle]);
        assert_eq!(policy(), before, "the thread that started it goes on as before");
    }
}
