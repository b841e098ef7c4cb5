//! The seam: who answers what is asked of history. Whoever does, it is by the same definitions (`history/1`).

use cnc_proto::support::{
    History, HistoryOrigin, HistoryScope, HistorySessions, HistorySubjects, ListHistorySessions, ListHistorySubjects,
};
use thiserror::Error;

use super::bigquery::BigQueryHistory;
use super::costs::HistoryCosts;
use super::{ERROR_RATIO, METHOD};
use crate::google::GoogleError;
use crate::store::{Store, StoreError};

/// How many destinations, providers or sessions are given where nobody says how many.
const PAGE: u32 = 100;
/// The most of them that are given: what a person looks through, or a script asks for at once.
const MOST: u32 = 1_000;

/// Who answers.
#[derive(Debug, Clone)]
pub enum HistorySource {
    /// The listener's own record, from the sums that it keeps.
    Store(Store),
    /// BigQuery, from the samples that went there.
    BigQuery(BigQueryHistory),
}

/// Why there is no answer.
#[derive(Debug, Error)]
pub enum HistoryError {
    /// The record cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// BigQuery does not answer.
    #[error(
        "{}. Nothing else is shown in its place: history = \"store\" in [google] has the listener's own record answer",
        .0.told_to_asker()
    )]
    Google(#[from] GoogleError),
}

impl HistorySource {
    /// Gives what answers came to, where they are charged for.
    #[must_use]
    pub fn costs(&self) -> Option<&HistoryCosts> {
        match self {
            Self::Store(_) => None,
            Self::BigQuery(bigquery) => Some(bigquery.costs()),
        }
    }

    /// Gives the figures of a destination, a provider or both, over a period.
    ///
    /// # Errors
    /// Says why there is no answer.
    pub async fn figures(&self, scope: HistoryScope) -> Result<History, HistoryError> {
        match self {
            Self::Store(store) => {
                let (series, sessions_behind) = store.history(scope).await?;
                let (method, error_ratio, origin) = (METHOD.to_owned(), ERROR_RATIO, the_store());
                Ok(History { series, method, error_ratio, sessions_behind, origin })
            }
            Self::BigQuery(bigquery) => bigquery.figures(scope).await,
        }
    }

    /// Gives the destinations and providers that there are figures of, the most measured first.
    ///
    /// # Errors
    /// Says why there is no answer.
    pub async fn subjects(&self, request: ListHistorySubjects) -> Result<HistorySubjects, HistoryError> {
        let ListHistorySubjects { period, limit } = request;
        match self {
            Self::Store(store) => {
                let subjects = store.history_subjects(period, page(limit)).await?;
                Ok(HistorySubjects { origin: the_store(), ..subjects })
            }
            Self::BigQuery(bigquery) => bigquery.subjects(period, page(limit)).await,
        }
    }

    /// Gives the sessions behind a point, those that fared worst first.
    ///
    /// # Errors
    /// Says why there is no answer.
    pub async fn sessions(&self, request: ListHistorySessions) -> Result<HistorySessions, HistoryError> {
        let limit = page(request.limit);
        match self {
            Self::Store(store) => {
                let sessions = store.history_sessions(request, limit).await?;
                Ok(HistorySessions { origin: the_store(), ..sessions })
            }
            Self::BigQuery(bigquery) => bigquery.sessions(request, limit).await,
        }
    }
}

/// Says that the record answered: all of it, and free of charge.
fn the_store() -> HistoryOrigin {
    HistoryOrigin { source: "store".into(), ..HistoryOrigin::default() }
}

fn page(asked: Option<std::num::NonZeroU32>) -> u32 {
    asked.map_or(PAGE, std::num::NonZeroU32::get).min(MOST)
}
