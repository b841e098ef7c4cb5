//! The HTTP/2 streams of one connection: tasks that are waited for at the listener's end, and whose absence for long
//! lets the connection go. Over HTTP/1.1 there are none, and a time for each head holds.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::sleep;
use tokio_util::task::TaskTracker;

/// Runs a connection's streams as tasks.
#[derive(Debug, Clone)]
pub(super) struct Streams {
    tasks: TaskTracker,
    /// How many run; `None` before the first.
    running: Arc<watch::Sender<Option<usize>>>,
}

/// A stream while it runs.
struct Running(Arc<watch::Sender<Option<usize>>>);

impl Streams {
    /// Begins with none.
    pub(super) fn of(tasks: TaskTracker) -> Self {
        Self { tasks, running: Arc::new(watch::Sender::new(None)) }
    }

    /// Waits until there were some and then none for so long.
    // Liveness: the connection's end drops it.
    pub(super) async fn quiet(&self, patience: Duration) {
        let mut running = self.running.subscribe();
        // The sender is this one's own, so the wait for it does not fail.
        while running.wait_for(|count| *count == Some(0)).await.is_ok() {
            tokio::select! {
                () = sleep(patience) => return,
                _ = running.changed() => {}
            }
        }
    }
}

impl Running {
    fn begin(running: &Arc<watch::Sender<Option<usize>>>) -> Self {
        running.send_modify(|count| *count = Some(count.unwrap_or(0) + 1));
        Self(Arc::clone(running))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count = count.map(|count| count.saturating_sub(1)));
    }
}

impl<F> hyper::rt::Executor<F> for Streams
where
    F: Future<Output: Send + 'static> + Send + 'static,
{
    fn execute(&self, stream: F) {
        let running = Running::begin(&self.running);
        self.tasks.spawn(async move {
            let _running = running;
            stream.await;
        });
    }
}

#[cfg(test)]
mod tests {
    use hyper::rt::Executor as _;
    use tokio::sync::oneshot;
    use tokio::time::{Instant, timeout};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn only_a_connection_whose_streams_are_over_is_quiet() {
        const PATIENCE: Duration = Duration::from_mins(10);
        let streams = Streams::of(TaskTracker::new());
        assert!(timeout(10 * PATIENCE, streams.quiet(PATIENCE)).await.is_err(), "none has begun");
        let (end, ended) = oneshot::channel::<()>();
        streams.execute(async move { drop(ended.await) });
        assert!(timeout(10 * PATIENCE, streams.quiet(PATIENCE)).await.is_err(), "one goes on");
        end.send(()).expect("it runs");
        let began = Instant::now();
        streams.quiet(PATIENCE).await;
        assert_eq!(began.elapsed(), PATIENCE);
    }
}
