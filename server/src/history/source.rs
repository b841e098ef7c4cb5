//! The seam: who answers what is asked of history. Whoever does, it is by the same definitions (`history/1`).

use cnc_proto::support::{
    History, HistoryScope, HistorySessions, HistorySubjects, ListHistorySessions, ListHistorySubjects,
};
use thiserror::Error;

use super::{ERROR_RATIO, METHOD};
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
}

/// Why there is no answer.
#[derive(Debug, Error)]
pub enum HistoryError {
    /// The record cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl HistorySource {
    /// Gives the word for who answers.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Store(_) => "store",
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
                Ok(History {
                    series,
                    method: METHOD.to_owned(),
                    error_ratio: ERROR_RATIO,
                    source: self.word().to_owned(),
                    billed_bytes: None,
                    sessions_behind,
                })
            }
        }
    }

    /// Gives the destinations and providers that there are figures of, the most measured first.
    ///
    /// # Errors
    /// Says why there is no answer.
    pub async fn subjects(&self, request: ListHistorySubjects) -> Result<HistorySubjects, HistoryError> {
        let ListHistorySubjects { period, limit } = request;
        match self {
            Self::Store(store) => Ok(store.history_subjects(period, page(limit)).await?),
        }
    }

    /// Gives the sessions behind a point, those that fared worst first.
    ///
    /// # Errors
    /// Says why there is no answer.
    pub async fn sessions(&self, request: ListHistorySessions) -> Result<HistorySessions, HistoryError> {
        let limit = page(request.limit);
        match self {
            Self::Store(store) => Ok(store.history_sessions(request, limit).await?),
        }
    }
}

fn page(asked: Option<std::num::NonZeroU32>) -> u32 {
    asked.map_or(PAGE, std::num::NonZeroU32::get).min(MOST)
}
