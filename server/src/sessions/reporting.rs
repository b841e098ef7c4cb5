//! Makes sessions' reports from the store, and the links by which their users read them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use cnc_model::message::Farewell;
use cnc_model::session::SessionRecord;
use cnc_model::{Sample, Sequence, SessionId, TestId, Timestamp};
use thiserror::Error;

use super::command::Command;
use super::{Sessions, Shared, documents};
use crate::report::{DocumentError, Report};
use crate::secret;
use crate::store::{Job, JobEnd, JobKind, MAX_PAGE, ReportLink, Store, StoreError};

/// Jobs taken from the store at a time.
const JOBS_AT_ONCE: u32 = 8;
/// The wait after the first failure; it doubles with each.
const FIRST_RETRY: Duration = Duration::from_secs(1);
/// The longest wait between attempts.
const LONGEST_RETRY: Duration = Duration::from_hours(1);

/// Why a report could not be made.
#[derive(Debug, Error)]
pub(crate) enum ReportError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("session {0} is not in the store")]
    NotFound(SessionId),
    #[error("writing {path}: {source}")]
    Write { path: PathBuf, source: std::io::Error },
    #[error("drawing the report failed")]
    Drawing,
    #[error(transparent)]
    Document(#[from] DocumentError),
}

impl ReportError {
    const fn is_of_no_session(&self) -> bool {
        matches!(self, Self::Store(StoreError::UnknownSession) | Self::NotFound(_))
    }
}

/// Gives the file that a session's report lies in.
pub(crate) fn path(folder: &Path, id: SessionId) -> PathBuf {
    folder.join(format!("{id}.html"))
}

/// Draws a session's report as it is stored now.
pub(crate) async fn draw(store: &Store, id: SessionId, operator: &str, made: Timestamp) -> Result<String, ReportError> {
    let operator = operator.to_owned();
    from_store(store, id, move |record, samples| Ok(Report { record, samples, operator: &operator, made }.html())).await
}

/// Draws the same as a document for word processors.
pub(crate) async fn draw_document(
    store: &Store,
    id: SessionId,
    operator: &str,
    made: Timestamp,
) -> Result<Vec<u8>, ReportError> {
    let operator = operator.to_owned();
    from_store(store, id, move |record, samples| Ok(Report { record, samples, operator: &operator, made }.docx()?))
        .await
}

/// Draws what is stored of a session, on a thread that may take its time.
async fn from_store<T: Send + 'static>(
    store: &Store,
    id: SessionId,
    draw: impl FnOnce(&SessionRecord, &BTreeMap<TestId, Vec<Sample>>) -> Result<T, ReportError> + Send + 'static,
) -> Result<T, ReportError> {
    let record = store.record(id).await?.ok_or(ReportError::NotFound(id))?;
    let mut samples = BTreeMap::<TestId, Vec<Sample>>::new();
    let mut after = Sequence::NONE;
    loop {
        let page = store.samples(id, None, after, MAX_PAGE).await?;
        let Some(last) = page.last() else { break };
        after = last.sequence;
        for sequenced in page {
            samples.entry(sequenced.test).or_default().push(sequenced.sample);
        }
    }
    let drawn = tokio::task::spawn_blocking(move || draw(&record, &samples)).await;
    drawn.unwrap_or(Err(ReportError::Drawing))
}

/// Makes the reports that are due, as the store's jobs ask for them, until the listener stops. What is not made by
/// then is made after the next start.
pub(super) async fn run(sessions: Sessions) {
    let shared = &sessions.shared;
    let mut wanted = shared.store.jobs_wanted();
    loop {
        let due = shared.store.due_jobs(shared.clock.now().wall, JOBS_AT_ONCE).await.unwrap_or_else(|error| {
            tracing::warn!(%error, "the waiting reports cannot be read");
            Vec::new()
        });
        let more = !due.is_empty();
        for job in due {
            match job.kind {
                JobKind::Report => work(&sessions, job).await,
            }
        }
        if more && !shared.stop.is_cancelled() {
            continue;
        }
        let pause = pause_until_due(shared).await;
        tokio::select! {
            () = shared.stop.cancelled() => return,
            // Liveness: changed by the store's writer; its end ends this too.
            changed = wanted.changed() => if changed.is_err() { return },
            () = tokio::time::sleep(pause) => {}
        }
    }
}

async fn pause_until_due(shared: &Shared) -> Duration {
    match shared.store.next_job_due().await {
        Ok(Some(due)) => due.since(shared.clock.now().wall).clamp(FIRST_RETRY, LONGEST_RETRY),
        Ok(None) | Err(_) => LONGEST_RETRY,
    }
}

/// Makes one report, notes how that went, and tells the session if it is still there.
async fn work(sessions: &Sessions, job: Job) {
    let shared = &sessions.shared;
    let id = job.session;
    let made = make(shared, id).await;
    let at = shared.clock.now().wall;
    let (url, document, failure) = match made {
        Ok((url, document)) => (url, document, None),
        Err(error) => {
            let wait = (FIRST_RETRY * 2_u32.saturating_pow(job.attempts)).min(LONGEST_RETRY);
            tracing::warn!(session = %id, %error, wait_s = wait.as_secs(), "the report could not be made");
            (None, false, Some((error.to_string(), wait)))
        }
    };
    if let Err(error) = shared.store.end_job(JobEnd { job, at, failure, document }).await {
        tracing::warn!(session = %id, %error, "how the report went cannot be noted; it will be made again");
    }
    if document && sessions.handle(id).is_some() {
        shared.tasks.spawn(documents::tell_when_there(sessions.clone(), id, url));
    } else if let Some(handle) = sessions.handle(id) {
        // A session that is gone by now waits for nothing.
        let farewell = Farewell { report_url: url, document_url: None };
        handle.commands.send(Command::Reported(Box::new(farewell))).await.unwrap_or_default();
    }
}

/// Makes a report; gives its link for the user, and whether it is to become a document in Drive.
async fn make(shared: &Shared, id: SessionId) -> Result<(Option<String>, bool), ReportError> {
    let made = shared.clock.now().wall;
    let html = draw(&shared.store, id, &shared.settings.operator, made).await?;
    let path = write(&shared.settings.reports, id, html).await?;
    tracing::info!(session = %id, report = %path.display(), "report written");
    let document = match shared.drive {
        Some(_) => shared.store.record(id).await?.is_some_and(|record| documents::is_claimed(&record)),
        None => false,
    };
    match &shared.settings.public_url {
        Some(url) => {
            let link = link(&shared.store, url, id, made).await;
            if link.as_ref().is_err_and(ReportError::is_of_no_session) {
                // It was deleted while its report was being made.
                remove(&shared.settings.reports, id).await;
            }
            Ok((Some(link?), document))
        }
        None => Ok((None, document)),
    }
}

/// Writes a session's report, whole or not at all.
async fn write(folder: &Path, id: SessionId, html: String) -> Result<PathBuf, ReportError> {
    let path = path(folder, id);
    let unfinished = path.with_extension("html.part");
    let failed = |source| ReportError::Write { path: path.clone(), source };
    tokio::fs::create_dir_all(folder).await.map_err(failed)?;
    tokio::fs::write(&unfinished, html).await.map_err(failed)?;
    tokio::fs::rename(&unfinished, &path).await.map_err(failed)?;
    Ok(path)
}

/// Makes a link that opens a session's report to whoever holds it.
async fn link(store: &Store, public_url: &str, session: SessionId, created: Timestamp) -> Result<String, ReportError> {
    let token = secret::token();
    let hash = secret::hash(token.as_bytes());
    store.insert_report_link(ReportLink { session, hash, created, shared_by: None }).await?;
    Ok(format!("{public_url}/r/{token}"))
}

/// Removes a session's report, where there is one.
pub(super) async fn remove(folder: &Path, id: SessionId) {
    let path = path(folder, id);
    if let Err(error) = tokio::fs::remove_file(&path).await
        && error.kind() != std::io::ErrorKind::NotFound
    {
        tracing::warn!(path = %path.display(), %error, "a deleted session's report could not be removed");
    }
}
