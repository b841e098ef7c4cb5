//! `durability = "bigquery"`: a commit counts as stored once BigQuery has what is in it.

use std::sync::Arc;

use cnc_model::{Sequence, SessionId};
use tokio::sync::oneshot;

use super::Shared;
use crate::store::StoreError;

type Answer = oneshot::Receiver<Result<(), StoreError>>;

impl Shared {
    /// Makes of the store's answer one that comes once BigQuery has a session up to an item.
    pub(super) fn after_export(self: &Arc<Self>, session: SessionId, through: Sequence, stored: Answer) -> Answer {
        let (mut sender, answer) = oneshot::channel();
        let shared = Arc::clone(self);
        self.tasks.spawn(async move {
            let waited = async {
                // Liveness: the store answers every commit.
                stored.await.unwrap_or(Err(StoreError::Stopped))?;
                shared.exported(session, through).await
            };
            let result = tokio::select! {
                result = waited => result,
                // Whoever waited has given up: the session was deleted.
                () = sender.closed() => return,
            };
            // A session that is gone by now waits for nothing.
            sender.send(result).unwrap_or_default();
        });
        answer
    }

    async fn exported(&self, session: SessionId, through: Sequence) -> Result<(), StoreError> {
        let mut exports = self.store.exports();
        loop {
            exports.mark_unchanged();
            if self.store.is_exported(session, through).await? {
                return Ok(());
            }
            tokio::select! {
                // Liveness: changed by each batch that arrives, however long Google takes; `stop` ends the wait.
                changed = exports.changed() => changed.map_err(|_| StoreError::Stopped)?,
                () = self.stop.cancelled() => return Err(StoreError::Stopped),
            }
        }
    }
}
