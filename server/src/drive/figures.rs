//! What becomes of attempts at documents, counted for metrics.

use std::sync::atomic::{AtomicU64, Ordering};

use super::DocumentError;
use crate::google::Kind;

/// The kinds of failure that are not Google's.
const OWN: [&str; 4] = ["record", "disk", "drawing", "unsettled"];
const KINDS: usize = Kind::ALL.len() + OWN.len();

/// The figures since the start.
#[derive(Debug, Default)]
pub(crate) struct DocumentFigures {
    made: AtomicU64,
    removed: AtomicU64,
    failures: [AtomicU64; KINDS],
}

/// Gives the words of all kinds of failure, in the order of the counters.
fn kinds() -> impl Iterator<Item = &'static str> {
    Kind::ALL.into_iter().map(Kind::word).chain(OWN)
}

impl DocumentError {
    /// Gives the word for it in metrics and columns.
    pub(crate) const fn kind(&self) -> &'static str {
        match self {
            Self::Google(error) => error.kind.word(),
            Self::Store(_) => "record",
            Self::Spool(_) => "disk",
            Self::Drawing(_) => "drawing",
            Self::Unsure => "unsettled",
            Self::BrokenOff(_) => Kind::Outage.word(),
        }
    }
}

impl DocumentFigures {
    /// Counts a document that is up to date.
    pub(crate) fn made(&self) {
        self.made.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a document that was removed.
    pub(crate) fn removed(&self) {
        self.removed.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a failure.
    pub(crate) fn failed(&self, error: &DocumentError) {
        let place = kinds().position(|kind| kind == error.kind());
        if let Some(counter) = place.and_then(|place| self.failures.get(place)) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Gives the documents made and those removed.
    pub(crate) fn done(&self) -> (u64, u64) {
        (self.made.load(Ordering::Relaxed), self.removed.load(Ordering::Relaxed))
    }

    /// Gives the failures of each kind.
    pub(crate) fn failures(&self) -> impl Iterator<Item = (&'static str, u64)> {
        kinds().zip(&self.failures).map(|(kind, count)| (kind, count.load(Ordering::Relaxed)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::google::GoogleError;
    use crate::store::StoreError;

    #[test]
    fn each_failure_is_counted_by_its_kind() {
        let failures = [
            (DocumentError::Google(GoogleError::new(Kind::Folder, "see", "no")), "folder"),
            (DocumentError::Store(StoreError::UnknownSession), "record"),
            (DocumentError::Spool(std::io::Error::other("full")), "disk"),
            (DocumentError::Drawing("no".into()), "drawing"),
            (DocumentError::Unsure, "unsettled"),
            (DocumentError::BrokenOff(1), "outage"),
        ];
        let figures = DocumentFigures::default();
        for (error, _) in &failures {
            figures.failed(error);
        }
        let counted: Vec<_> = figures.failures().filter(|(_, times)| *times > 0).collect();
        assert_eq!(counted.len(), failures.len());
        for (error, word) in failures {
            assert!(counted.contains(&(word, 1)), "{error}");
        }
    }
}
