//! Bodies that a peer asked for and does not take. Over HTTP/2 a peer may leave one stream unread for ever while the
//! connection stays lively; what such a body holds would never be given back.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

/// The bodies under way on one connection; every request carries it.
#[derive(Debug, Clone, Default)]
pub struct Unread(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    taken: Mutex<Taken>,
    changed: Notify,
}

/// When the peer last took something of each body.
#[derive(Debug, Default)]
struct Taken {
    next: u64,
    last: HashMap<u64, Instant>,
}

/// One body under way; dropping it ends the wait for its reader.
#[derive(Debug)]
pub struct Taking {
    of: Unread,
    id: u64,
}

impl Unread {
    /// Begins to wait for a body's reader.
    #[must_use]
    pub fn begin(&self) -> Taking {
        let mut taken = self.taken();
        let id = taken.next;
        taken.next += 1;
        taken.last.insert(id, Instant::now());
        drop(taken);
        self.0.changed.notify_one();
        Taking { of: self.clone(), id }
    }

    /// Waits until a body was left alone for too long; for ever while each is read.
    // Liveness: the connection's end drops it.
    pub(super) async fn left_alone(&self, patience: Duration) {
        loop {
            let oldest = self.taken().last.values().min().copied();
            match oldest.map(|oldest| oldest + patience) {
                Some(due) if due <= Instant::now() => return,
                Some(due) => sleep_until(due).await,
                None => self.0.changed.notified().await,
            }
        }
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        // Each change is one insertion or removal, so what is there is whole.
        self.0.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Taking {
    /// Tells that the peer takes more.
    pub fn more(&self) {
        self.of.taken().last.insert(self.id, Instant::now());
    }
}

impl Drop for Taking {
    fn drop(&mut self) {
        self.of.taken().last.remove(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn only_what_is_left_alone_ends_the_wait() {
        const PATIENCE: Duration = Duration::from_mins(1);
        let unread = Unread::default();
        let began = Instant::now();
        let waiting = tokio::spawn({
            let unread = unread.clone();
            async move { unread.left_alone(PATIENCE).await }
        });
        let (read, left) = (unread.begin(), unread.begin());
        for _ in 0..4 {
            tokio::time::sleep(PATIENCE / 2).await;
            read.more();
            if began.elapsed() < PATIENCE * 3 / 2 {
                left.more();
            }
        }
        waiting.await.expect("no panic");
        assert_eq!(began.elapsed(), PATIENCE * 2);
        drop((read, left));
        assert!(unread.taken().last.is_empty());
    }
}
