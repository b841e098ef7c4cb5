//! Sees to it that claimed sessions' reports become documents in Drive, and go from there with their sessions. One at a
//! time, apart from the reports: nobody waits for Drive but a client at its goodbye, and that not for long.

use std::sync::Arc;
use std::time::Duration;

use cnc_model::message::Farewell;
use cnc_model::session::{EndReason, SessionRecord, SessionState};
use cnc_model::{SessionId, Timestamp};

use super::command::Command;
use super::{Sessions, Shared, reporting};
use crate::drive::{DocumentError, DocumentFigures, Draft, Drive, Maker, Removal};
use crate::report::{sortable, title};
use crate::secret;
use crate::store::{AuditEntry, Document, DocumentFile, DocumentNote, DocumentState};

/// Documents taken from the store at a time.
const AT_ONCE: u32 = 8;
/// The wait after the first failure; it doubles with each.
const FIRST_RETRY: Duration = Duration::from_secs(1);
/// The longest wait between attempts.
const LONGEST_RETRY: Duration = Duration::from_hours(1);
/// How long a client waits at its goodbye for the document's address: an upload takes two or three seconds.
const PATIENCE: Duration = Duration::from_secs(8);

/// Tells whether a session is somebody's: a code was joined, or staff took part. What walk-ins measure by themselves
/// becomes no document.
pub(super) fn is_claimed(record: &SessionRecord) -> bool {
    let by_staff = |by: &str| !by.starts_with("plan ");
    !record.overview.walk_in
        || record.overview.state == SessionState::Ended(EndReason::Staff)
        || record.tests.iter().any(|test| !test.id.is_own() && by_staff(&test.issued_by))
}

impl Sessions {
    /// Gives the figures of the documents in Drive; `None` where there are none.
    pub(crate) fn document_figures(&self) -> Option<Arc<DocumentFigures>> {
        self.shared.drive.as_ref().map(|drive| Arc::clone(&drive.figures))
    }
}

/// Makes and removes what is due until the listener stops; the rest comes after the next start.
pub(super) async fn run(sessions: Sessions, drive: Drive) {
    let shared = &sessions.shared;
    let mut wanted = shared.store.jobs_wanted();
    loop {
        let due = shared.store.due_documents(shared.clock.now().wall, AT_ONCE).await.unwrap_or_else(|error| {
            tracing::warn!(%error, "the waiting documents cannot be read");
            Vec::new()
        });
        let more = !due.is_empty();
        for document in due {
            tokio::select! {
                // What was under way is asked for after the next start.
                () = shared.stop.cancelled() => return,
                () = work(shared, &drive, document) => {}
            }
        }
        if more {
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
    match shared.store.next_document_due().await {
        Ok(Some(due)) => due.since(shared.clock.now().wall).clamp(Duration::from_millis(50), LONGEST_RETRY),
        Ok(None) | Err(_) => LONGEST_RETRY,
    }
}

/// Takes a document one attempt further, and notes how that went.
async fn work(shared: &Shared, drive: &Drive, document: Document) {
    let id = document.session;
    let maker = Maker { drive, store: &shared.store, now: shared.clock.now().wall };
    let done = match document.state {
        DocumentState::Waiting => make(shared, &maker, &document).await.map(|()| drive.figures.made()),
        DocumentState::Removing => remove(shared, &maker, &document).await.map(|()| drive.figures.removed()),
        DocumentState::Done => Ok(()),
    };
    if let Err(error) = done {
        drive.figures.failed(&error);
        let wait = wait_after(document.attempts);
        let attempts = document.attempts.saturating_add(1);
        let due = shared.clock.now().wall.after(wait);
        let note =
            DocumentNote::Failed { document: Box::new(document), error: error.to_string(), kind: error.kind(), due };
        let noted = shared.store.note_document(note).await;
        tracing::warn!(session = %id, %error, attempts, wait_s = wait.as_secs_f64(), "the document in Drive is not done");
        if let Err(error) = noted {
            tracing::warn!(session = %id, %error, "that cannot be noted; it is tried again at once");
            tokio::time::sleep(FIRST_RETRY).await;
        }
    }
    shared.documents_tried.send_modify(|count| *count += 1);
}

/// Gives the wait after so many failures: doubling, and up to a fifth less by chance, so that not all come at once.
fn wait_after(attempts: u32) -> Duration {
    let wait = (FIRST_RETRY * 2_u32.saturating_pow(attempts)).min(LONGEST_RETRY);
    #[expect(clippy::cast_precision_loss, reason = "a chance needs no last digits")]
    let chance = secret::random_u64() as f64 / u64::MAX as f64;
    wait.mul_f64(1.0 - 0.2 * chance)
}

async fn make(shared: &Shared, maker: &Maker<'_>, document: &Document) -> Result<(), DocumentError> {
    let id = document.session;
    let file = maker.make(document, async || draft(shared, id).await).await?;
    let at = shared.clock.now().wall;
    shared.store.note_document(DocumentNote::Made(id, document.wanted, at)).await?;
    tracing::info!(session = %id, file = %file.id, "the report is in Drive");
    Ok(())
}

async fn draft(shared: &Shared, id: SessionId) -> Result<Draft, DocumentError> {
    let drawing = |error: reporting::ReportError| DocumentError::Drawing(error.to_string());
    let record = shared.store.record(id).await?.ok_or(crate::store::StoreError::UnknownSession)?;
    let made = shared.clock.now().wall;
    let bytes = reporting::draw_document(&shared.store, id, &shared.settings.operator, made).await;
    Ok(Draft { name: name(&record), bytes: bytes.map_err(drawing)? })
}

/// Names a document so that people find it: when, who, and the session's id.
fn name(record: &SessionRecord) -> String {
    let overview = &record.overview;
    let began: Timestamp = overview.joined.unwrap_or(overview.created);
    let label = if overview.label.trim().is_empty() { "Network check".into() } else { title(overview) };
    format!("{} · {label} · {}", sortable(began), overview.id)
}

async fn remove(shared: &Shared, maker: &Maker<'_>, document: &Document) -> Result<(), DocumentError> {
    let id = document.session;
    let how = match maker.remove(document).await? {
        Some((file, how)) => note_removal(shared, id, &file, how).await?,
        None => "there was none",
    };
    shared.store.note_document(DocumentNote::Gone(id)).await?;
    tracing::info!(session = %id, how, "the deleted session has no document in Drive any more");
    Ok(())
}

/// Writes into the audit how a document was removed; gives the words.
async fn note_removal(
    shared: &Shared,
    id: SessionId,
    file: &DocumentFile,
    how: Removal,
) -> Result<&'static str, DocumentError> {
    let how = match how {
        Removal::Gone => "removed for good",
        Removal::Trashed => "moved to the trash, which empties itself after 30 days: a Content manager may do no more",
    };
    let (at, who) = (shared.clock.now().wall, "cnc-listener".to_owned());
    let detail = format!("{}: {how}", file.link);
    let entry = AuditEntry { at, who, action: "remove_document", session: Some(id), detail };
    shared.store.audit(entry).await?;
    Ok(how)
}

/// Tells a session that its report is there, once its document is, too, or has been waited for long enough.
pub(super) async fn tell_when_there(sessions: Sessions, id: SessionId, report_url: Option<String>) {
    let shared = &sessions.shared;
    let found = tokio::time::timeout(PATIENCE, address(shared, id));
    let document_url = tokio::select! {
        () = shared.stop.cancelled() => None,
        found = found => found.unwrap_or(None),
    };
    if let Some(handle) = sessions.handle(id) {
        // A session that is gone by now waits for nothing.
        let farewell = Farewell { report_url, document_url };
        handle.commands.send(Command::Reported(Box::new(farewell))).await.unwrap_or_default();
    }
}

/// Waits for a document's address; `None` when an attempt has failed.
async fn address(shared: &Shared, id: SessionId) -> Option<String> {
    let mut tried = shared.documents_tried.subscribe();
    loop {
        match shared.store.document(id).await {
            Ok(Some(Document { state: DocumentState::Waiting, attempts: 0, .. })) => {}
            Ok(Some(Document { state: DocumentState::Done, file: Some(file), .. })) => return Some(file.link),
            Ok(_) | Err(_) => return None,
        }
        // Liveness: the caller gives up in time.
        tried.changed().await.ok()?;
    }
}
