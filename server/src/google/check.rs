//! `google check`: each right that is needed is tried, and named where it is missing, with the role that grants it.
//!
//! Each use of Google's has its own list of trials; this only runs them.

use super::{BIGQUERY_SCOPE, Google, GoogleError, Tokens};
use crate::{drive, export};

/// Something that must be permitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Right {
    /// What is tried, in words.
    pub what: &'static str,
    /// Google's name for the right.
    pub permission: &'static str,
    /// The least role that grants it, and on what.
    pub role: &'static str,
}

/// How a trial went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It is permitted.
    Granted,
    /// It is not, or could not be tried.
    Refused(GoogleError),
    /// One before it failed, without which it cannot be tried.
    NotTried,
}

/// A right with its verdict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// The right.
    pub right: Right,
    /// Whether it is there.
    pub verdict: Verdict,
}

/// Trials in their order: once one fails, what builds on it is not tried.
#[derive(Debug, Default)]
pub struct Trials {
    checked: Vec<Checked>,
    stopped: bool,
}

impl Trials {
    /// Tries something; gives what it brought.
    pub async fn try_one<T>(&mut self, right: Right, trial: impl Future<Output = Result<T, GoogleError>>) -> Option<T> {
        if self.stopped {
            self.checked.push(Checked { right, verdict: Verdict::NotTried });
            return None;
        }
        match trial.await {
            Ok(brought) => {
                self.checked.push(Checked { right, verdict: Verdict::Granted });
                Some(brought)
            }
            Err(error) => {
                self.stopped = true;
                self.checked.push(Checked { right, verdict: Verdict::Refused(error) });
                None
            }
        }
    }

    /// Notes that something cannot be tried.
    pub fn not_tried(&mut self, right: Right) {
        self.checked.push(Checked { right, verdict: Verdict::NotTried });
    }

    /// Gives all of them.
    #[must_use]
    pub fn finish(self) -> Vec<Checked> {
        self.checked
    }
}

const TOKEN: Right = Right {
    what: "get a token",
    permission: "a key, a login or a machine's own account",
    role: "google.credentials in the settings",
};

/// Tries everything that the settings ask for.
pub async fn run(google: &Google) -> Vec<Checked> {
    let mut all = Vec::new();
    if let Some(dataset) = &google.dataset {
        let mut trials = Trials::default();
        let tokens = trials.try_one(TOKEN, async {
            let tokens = Tokens::open(google, &[BIGQUERY_SCOPE]).await?;
            tokens.token().await.map(|_| tokens)
        });
        let tokens = tokens.await;
        Box::pin(export::check(&mut trials, google, dataset, tokens)).await;
        all.extend(trials.finish());
    }
    if let Some(folder) = &google.folder {
        let mut trials = Trials::default();
        Box::pin(drive::check(&mut trials, google, folder)).await;
        all.extend(trials.finish());
    }
    all
}
