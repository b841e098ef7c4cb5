//! The exporter's task: rounds over the tables while there is something, waits when there is nothing or Google says no.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use super::backoff::Backoff;
use super::carry::{Carried, Carrier, ROWS_A_BATCH};
use super::figures::{ExportFigures, Failing};
use super::sink::Sink;
use super::{ExportError, removal};
use crate::clock;
use crate::google::{BIGQUERY_SCOPE, BigQuery, Google, GoogleError, Kind, Tokens};
use crate::secret;
use crate::store::{ExportKind, Store};

/// How long it waits where nothing is due: a removal that another process asked for is seen by then.
const IDLE: Duration = Duration::from_mins(10);

/// How long the exporter waits for what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tempo {
    /// How long rows gather before they go.
    pub gather: Duration,
    /// The wait after the first failure; it doubles with each.
    pub first_retry: Duration,
    /// The longest wait between attempts.
    pub longest_retry: Duration,
    /// No answer takes longer; what takes longer is in doubt.
    pub answer: Duration,
}

impl Tempo {
    /// Large batches, and nobody waits for them. After an outage of days it goes on within minutes.
    pub const GATHERING: Self = Self {
        gather: Duration::from_secs(1),
        first_retry: Duration::from_secs(1),
        longest_retry: Duration::from_mins(5),
        answer: Duration::from_secs(30),
    };
    /// As prompt as helps: clients wait for it.
    pub const PROMPT: Self =
        Self { gather: Duration::from_millis(20), longest_retry: Duration::from_secs(30), ..Self::GATHERING };
}

/// What follows the record into BigQuery.
#[derive(Debug)]
pub struct Exporter {
    store: Store,
    google: Google,
    dataset: String,
    pub(super) tempo: Tempo,
    figures: Arc<ExportFigures>,
}

/// What is open while Google says yes.
struct Open {
    sink: Sink,
    bigquery: BigQuery,
}

impl Exporter {
    /// Makes one. Nothing is asked of Google yet.
    #[must_use]
    pub fn new(store: Store, google: Google, dataset: String, tempo: Tempo) -> Self {
        Self { store, google, dataset, tempo, figures: Arc::default() }
    }

    /// Gives what it tells of itself.
    #[must_use]
    pub fn figures(&self) -> Arc<ExportFigures> {
        Arc::clone(&self.figures)
    }

    /// Exports until told to stop. What is not done by then is gone on with after the next start.
    // Liveness: ended by `stop`.
    pub async fn run(self, stop: CancellationToken) {
        tokio::select! {
            () = stop.cancelled() => {}
            () = self.go_on() => {}
        }
    }

    async fn go_on(self) {
        let mut commits = self.store.commits();
        let mut most_rows = [ROWS_A_BATCH; ExportKind::ALL.len()];
        let mut backoff = Backoff::new(self.tempo.first_retry, self.tempo.longest_retry);
        let mut open = None;
        loop {
            // Before the round: what is stored while it runs asks for another.
            commits.mark_unchanged();
            match self.round(&mut open, &mut most_rows).await {
                Ok(()) => {
                    backoff.succeeded();
                    if self.figures.failing().is_some() {
                        tracing::info!("the export to BigQuery gets on again");
                    }
                    self.figures.stands(None);
                    if !self.idle(&mut commits).await {
                        return;
                    }
                }
                Err(error) => {
                    // A new key or another address counts from the next attempt on.
                    open = None;
                    let wait = backoff.failed(secret::random_u64());
                    self.tell(&error, wait);
                    self.wait(&mut commits, wait).await;
                }
            }
        }
    }

    /// Carries all that is there, then removes what is to be removed.
    async fn round(
        &self,
        open: &mut Option<Open>,
        most_rows: &mut [usize; ExportKind::ALL.len()],
    ) -> Result<(), ExportError> {
        let Open { sink, bigquery } = match open {
            Some(open) => open,
            None => open.insert(self.open().await?),
        };
        let mut failed = None;
        for (kind, most_rows) in ExportKind::ALL.into_iter().zip(most_rows) {
            let (store, figures) = (&self.store, &*self.figures);
            let mut carrier = Carrier { kind, store, sink, bigquery, figures, most_rows };
            loop {
                match carrier.carry().await {
                    Ok(Carried::Something) => {}
                    Ok(Carried::Nothing) => break,
                    // One table's fault is not the others'.
                    Err(ExportError::Google(error))
                        if matches!(error.kind, Kind::Schema | Kind::NotFound | Kind::Permission) =>
                    {
                        failed = failed.or(Some(error));
                        break;
                    }
                    Err(error) => return Err(error),
                }
            }
        }
        // Nor is it those rows' fault that are to go.
        let removed = removal::remove(&self.store, bigquery, &self.figures).await;
        if let Some(error) = failed {
            return Err(error.into());
        }
        removed?;
        // What was left may have been removed here, and then no batch says that nothing is left.
        self.store.export_looked(clock::wall()).await?;
        Ok(())
    }

    async fn open(&self) -> Result<Open, ExportError> {
        // First: what is to go there is behind from now on, whether or not Google lets anybody in.
        self.store.export_to(self.google.place(&self.dataset)).await?;
        let tokens = Tokens::open(&self.google, &[BIGQUERY_SCOPE]).await?;
        let bigquery = BigQuery::open(&self.google, &self.dataset, tokens.clone()).await?;
        let sink = Sink::open(&self.google, &self.dataset, tokens, self.tempo.answer)?;
        Ok(Open { sink, bigquery })
    }

    /// Waits until there may be something to do; tells whether there ever will be.
    async fn idle(&self, commits: &mut watch::Receiver<u64>) -> bool {
        let due = match self.store.next_removal_due().await {
            Ok(Some(due)) => due.since(clock::wall()).clamp(Duration::from_secs(1), IDLE),
            Ok(None) | Err(_) => IDLE,
        };
        tokio::select! {
            // Liveness: changed by the store's writer; its end ends this too.
            changed = commits.changed() => if changed.is_err() { return false },
            () = sleep_until(Instant::now() + due) => return true,
        }
        sleep(self.tempo.gather).await;
        true
    }

    /// Waits after a failure, and notes meanwhile since when BigQuery lacks something.
    async fn wait(&self, commits: &mut watch::Receiver<u64>, wait: Duration) {
        let until = Instant::now() + wait;
        loop {
            commits.mark_unchanged();
            match self.store.export_looked(clock::wall()).await {
                Ok(false) => {}
                // Once it is noted it stays so. A record that cannot be read is told of by the next attempt.
                Ok(true) | Err(_) => return sleep_until(until).await,
            }
            tokio::select! {
                // Liveness: changed by the store's writer; without one nothing comes that could be noted.
                changed = commits.changed() => if changed.is_err() { return sleep_until(until).await },
                () = sleep_until(until) => return,
            }
        }
    }

    fn tell(&self, error: &ExportError, wait: Duration) {
        let wait_s = wait.as_secs();
        match error {
            ExportError::Google(refusal) => {
                self.figures.failed(refusal);
                let GoogleError { kind, .. } = refusal;
                self.figures.stands(Some(Failing { kind: *kind, message: refusal.to_string(), at: clock::wall() }));
                tracing::warn!(kind = kind.word(), wait_s, "the export to BigQuery waits: {refusal}");
            }
            ExportError::Store(error) => tracing::warn!(%error, wait_s, "the export to BigQuery waits for the record"),
        }
    }
}
