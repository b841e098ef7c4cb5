//! History's tables: pieces, the sums of all pieces, and each session's cursor.
//!
//! Samples are read and folded beside the writer (`gather`); the writer only adds what they came to, moving the
//! session's cursor in the same transaction, and only if the cursor is where the reading began (`sums`). So each
//! sample is in the sums once, whatever is killed when, and nothing of it is on the way of a sample.

use cnc_model::SessionId;
use cnc_model::session::SessionOverview;
use cnc_proto::support::{
    HistoryPeriod, HistoryScope, HistorySeries, HistorySessions, HistorySubjects, ListHistorySessions,
};
use rusqlite::{Connection, Transaction};

use super::handle::Store;
use super::sessions::{self, Which};
use super::writer::Write;
use super::{Fault, StoreError};

mod ask;
mod gather;
mod sums;

pub(super) use gather::Rolled;
pub(super) use sums::{apply, remove};

/// Sessions of which something is not summed up. Written as in the index, or that would not be used.
const TO_ROLL: &str = "(stored_sequence > rolled_sequence OR coalesce(asn, 0) <> rolled_asn)";

/// What a step came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Step {
    /// Sessions that it went on with; 0 when none is left behind `after`.
    pub(crate) sessions: usize,
    /// Where the next step goes on.
    pub(crate) after: Option<String>,
}

impl Store {
    /// Sums up at most so many samples of at most so many sessions behind one, in the order of their ids.
    ///
    /// # Errors
    /// Says what keeps them from being summed up.
    pub(crate) async fn roll_up(
        &self,
        after: Option<String>,
        samples: usize,
        sessions: usize,
    ) -> Result<Step, StoreError> {
        let gathered = self.read(move |connection| gather::gather(connection, after, samples, sessions)).await?;
        let step = Step { sessions: gathered.rolled.len(), after: gathered.after };
        if step.sessions > 0 {
            self.write(Write::RollUp(gathered.rolled)).await?;
        }
        Ok(step)
    }

    /// Gives the figures of a subject by day and hour of day, and how many sessions are not in them yet.
    ///
    /// # Errors
    /// Says what keeps them from being read.
    pub(crate) async fn history(&self, scope: HistoryScope) -> Result<(Vec<HistorySeries>, u32), StoreError> {
        self.view(move |view| ask::figures(view, &scope)).await
    }

    /// Gives what there are figures of, the most measured first.
    ///
    /// # Errors
    /// Says what keeps it from being read.
    pub(crate) async fn history_subjects(
        &self,
        period: HistoryPeriod,
        limit: u32,
    ) -> Result<HistorySubjects, StoreError> {
        self.view(move |view| ask::subjects(view, period, limit)).await
    }

    /// Gives the sessions behind a point, those that fared worst first.
    ///
    /// # Errors
    /// Says what keeps them from being read.
    pub(crate) async fn history_sessions(
        &self,
        point: ListHistorySessions,
        limit: u32,
    ) -> Result<HistorySessions, StoreError> {
        self.view(move |view| ask::sessions(view, &point, limit)).await
    }

    /// Gives what is known here of sessions that another place named; those that are not here are left out.
    ///
    /// # Errors
    /// Says what keeps them from being read.
    pub(crate) async fn history_overviews(&self, ids: Vec<SessionId>) -> Result<Vec<SessionOverview>, StoreError> {
        self.view(move |view| {
            let mut known = vec![];
            for id in ids {
                known.extend(sessions::rows(view, &Which::Id(id))?.into_iter().map(|row| row.overview));
            }
            Ok(known)
        })
        .await
    }

    /// Reads from one view of all tables.
    async fn view<T, F>(&self, read: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
    {
        self.read(move |connection| {
            let view = view(connection)?;
            read(&view)
        })
        .await
    }
}

/// Gives one view of all tables, so that an answer and what it lacks fit together, whatever is summed up meanwhile.
fn view(connection: &Connection) -> Result<Transaction<'_>, rusqlite::Error> {
    connection.unchecked_transaction()
}

fn unreadable(table: &'static str, detail: &str) -> Fault {
    Fault::Told(StoreError::Unreadable { table, detail: detail.to_owned() })
}
