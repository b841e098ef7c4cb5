//! Removes at BigQuery what was removed here, where it was then. A row that came of late cannot be changed there yet: its
//! turn comes later.

use std::collections::HashMap;
use std::time::Duration;

use cnc_model::SessionId;

use super::ExportError;
use super::figures::ExportFigures;
use super::tables::rows_of;
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

/// What an attempt at one dataset came to.
struct Attempt {
    /// How many rows of each session went, as far as it got.
    rows: HashMap<String, u64>,
    /// What stopped it.
    error: Option<GoogleError>,
}

/// Removes what is due, each where it was when it was removed here.
pub(super) async fn remove(store: &Store, bigquery: &BigQuery, figures: &ExportFigures) -> Result<(), ExportError> {
    for what in [What::Session, What::Samples] {
        loop {
            let due = store.due_removals(what, clock::wall(), SESSIONS_A_STATEMENT).await?;
            let Some(Removal { dataset, .. }) = due.first() else { break };
            let is_here = *dataset == bigquery.place();
            let Attempt { rows, error } = remove_all(bigquery, what, dataset, &due).await;
            let total: u64 = rows.values().sum();
            let failed = if let Some(error) = &error {
                let wait = wait(error.kind, due.iter().map(|removal| removal.attempts).max().unwrap_or(0));
                let (sessions, wait_s) = (due.len(), wait.as_secs());
                tracing::warn!(
                    sessions,
                    rows = total,
                    dataset,
                    wait_s,
                    "not all is removed from BigQuery yet: {error}"
                );
                figures.failed(error);
                Some((error.to_string(), wait))
            } else {
                tracing::info!(
                    sessions = due.len(),
                    rows = total,
                    dataset,
                    what = what.word(),
                    "removed from BigQuery"
                );
                None
            };
            let went = |removal: &Removal| (removal.id, rows.get(&removal.session).copied().unwrap_or(0));
            let removals = due.iter().map(went).collect();
            store.removals_tried(Tried { removals, at: clock::wall(), failed }).await?;
            match error {
                // What is wrong where things went before is not the fault of those that go now.
                Some(error) if is_here && error.kind != Kind::Buffered => return Err(error.into()),
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
        | Kind::Cap
        | Kind::Schema
        | Kind::Invalid
        | Kind::Outage => FIRST_RETRY.saturating_mul(2_u32.saturating_pow(attempts)).min(LONGEST_RETRY),
    }
}

async fn remove_all(bigquery: &BigQuery, what: What, dataset: &str, removals: &[Removal]) -> Attempt {
    // Ids are the record's own; what is none is in no table.
    let sessions: Vec<SessionId> = removals.iter().filter_map(|removal| removal.session.parse().ok()).collect();
    let kinds: &[ExportKind] = match what {
        What::Session => &[ExportKind::Samples, ExportKind::Findings, ExportKind::Tests, ExportKind::Sessions],
        What::Samples => &[ExportKind::Samples],
    };
    let is_here = dataset == bigquery.place();
    let bigquery = if is_here { bigquery.clone() } else { bigquery.anywhere() };
    let mut rows = HashMap::new();
    for &kind in kinds {
        match remove_from(&bigquery, dataset, kind, &sessions).await {
            Ok(went) => went.into_iter().for_each(|(session, count)| *rows.entry(session).or_default() += count),
            // A table where things went before, and that its owner has removed, has no rows to remove.
            Err(error) if !is_here && error.kind == Kind::NotFound => {}
            Err(error) => return Attempt { rows, error: Some(error) },
        }
    }
    Attempt { rows, error: None }
}

/// Removes sessions' rows from a table; gives how many each had. None come meanwhile, for all come by this task.
async fn remove_from(
    bigquery: &BigQuery,
    dataset: &str,
    kind: ExportKind,
    sessions: &[SessionId],
) -> Result<Vec<(String, u64)>, GoogleError> {
    let told = format!("remove rows from table {dataset}.{}", kind.word());
    let [count, delete] = rows_of(dataset, kind, sessions);
    let counted = bigquery.query(&told, count).await?;
    let row = |row: Vec<Option<String>>| {
        let [session, count] = <[_; 2]>::try_from(row).ok()?;
        Some((session?, count?.parse().ok()?))
    };
    let there: Vec<_> = counted.rows.into_iter().filter_map(row).collect();
    if !there.is_empty() {
        bigquery.query(&told, delete).await?;
    }
    Ok(there)
}
