//! Removes at BigQuery what was removed here. A row that came of late cannot be changed there yet: its turn comes later.

use std::time::Duration;

use cnc_model::SessionId;

use super::ExportError;
use super::figures::ExportFigures;
use super::tables::delete_rows;
use crate::clock;
use crate::google::{BigQuery, GoogleError, Kind};
use crate::store::{ExportKind, Removal, Store, Tried, What};

/// Sessions of one statement: rows of a session lie together, so each costs what lies beside it.
const SESSIONS_A_STATEMENT: u32 = 500;
/// The wait where rows are too fresh to be changed: BigQuery lets go of them within 90 minutes.
const WAIT_WHILE_BUFFERED: Duration = Duration::from_mins(30);
/// The wait after the first failure of another kind; it doubles with each.
const FIRST_RETRY: Duration = Duration::from_mins(1);
/// The longest wait between attempts.
const LONGEST_RETRY: Duration = Duration::from_hours(1);

/// Removes what is due.
pub(super) async fn remove(store: &Store, bigquery: &BigQuery, figures: &ExportFigures) -> Result<(), ExportError> {
    for what in [What::Session, What::Samples] {
        loop {
            let due = store.due_removals(what, clock::wall(), SESSIONS_A_STATEMENT).await?;
            let Some(first) = due.first() else { break };
            let attempts = due.iter().map(|removal| removal.attempts).max().unwrap_or(first.attempts);
            let result = remove_all(bigquery, what, &due).await;
            let (result, error) = match result {
                Ok(rows) => {
                    tracing::info!(sessions = due.len(), rows, what = what.word(), "removed from BigQuery");
                    (Ok(rows), None)
                }
                Err(error) => {
                    let wait = wait(error.kind, attempts);
                    tracing::warn!(
                        sessions = due.len(),
                        wait_s = wait.as_secs(),
                        "not removed from BigQuery yet: {error}"
                    );
                    figures.failed(&error);
                    (Err((error.to_string(), wait)), Some(error))
                }
            };
            let ids = due.iter().map(|removal| removal.id).collect();
            store.removals_tried(Tried { ids, at: clock::wall(), result }).await?;
            match error {
                Some(error) if error.kind != Kind::Buffered => return Err(error.into()),
                Some(_) | None => {}
            }
        }
    }
    Ok(())
}

fn wait(kind: Kind, attempts: u32) -> Duration {
    match kind {
        Kind::Buffered => WAIT_WHILE_BUFFERED,
        Kind::Key
        | Kind::Clock
        | Kind::Permission
        | Kind::Scope
        | Kind::Disabled
        | Kind::NotFound
        | Kind::Folder
        | Kind::Storage
        | Kind::Quota
        | Kind::Schema
        | Kind::Invalid
        | Kind::Outage => FIRST_RETRY.saturating_mul(2_u32.saturating_pow(attempts)).min(LONGEST_RETRY),
    }
}

async fn remove_all(bigquery: &BigQuery, what: What, removals: &[Removal]) -> Result<u64, GoogleError> {
    // Ids are the record's own; what is none is in no table.
    let sessions: Vec<SessionId> = removals.iter().filter_map(|removal| removal.session.parse().ok()).collect();
    let kinds: &[ExportKind] = match what {
        What::Session => &[ExportKind::Samples, ExportKind::Findings, ExportKind::Tests, ExportKind::Sessions],
        What::Samples => &[ExportKind::Samples],
    };
    let mut rows = 0;
    for &kind in kinds {
        let told = format!("remove rows from table {}", kind.word());
        let sql = delete_rows(bigquery, kind, &sessions);
        rows += bigquery.query(&told, sql).await?.changed;
    }
    Ok(rows)
}
