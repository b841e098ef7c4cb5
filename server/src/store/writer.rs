//! The writer's thread: commits whatever has gathered since its last commit, then answers.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use cnc_model::{SessionId, Timestamp};
use cnc_proto::support::Note;
use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::{mpsc, oneshot, watch};

use super::audit::AuditEntry;
use super::counters::Counters;
use super::documents::{self, DocumentNote};
use super::error::{Fault, StoreError};
use super::export::{self, ExportNote};
use super::history::Rolled;
use super::jobs::JobEnd;
use super::links::ReportLink;
use super::tokens::TokenRow;
use super::write::Applied;
use super::{Change, Commit, Removed, audit, history, jobs, links, notes, open, retention, sessions, tokens, write};

/// The most rows of one transaction: about 100 ms of inserting, so that the first answer of a burst does not wait
/// for all of it. What is over waits for the next.
const ROWS_A_TRANSACTION: usize = 50_000;

/// One thing to write.
#[derive(Debug)]
pub(super) enum Write {
    Commit(Commit),
    Remove {
        session: SessionId,
        at: Timestamp,
    },
    ThinOut {
        before: Timestamp,
        limit: u32,
        at: Timestamp,
    },
    InsertToken(TokenRow),
    RevokeToken {
        id: String,
        at: Timestamp,
    },
    TokenUsed {
        id: String,
        at: Timestamp,
    },
    InsertLink(ReportLink),
    Unshare {
        session: SessionId,
        at: Timestamp,
    },
    AddNote(SessionId, Note),
    EndJob(JobEnd),
    Export(Box<ExportNote>),
    Document(Box<DocumentNote>),
    Audit(AuditEntry),
    RollUp(Vec<Rolled>),
    /// Nothing that anybody would miss: to see whether the writer answers, and, where it could not write of late,
    /// whether it can now.
    Nothing,
    /// Bounds the file's pages, as a disk does.
    #[cfg(test)]
    LimitPages(Option<u32>),
}

/// What a write brought about, where anybody asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Written {
    Done,
    Removed(Option<Removed>),
    Changed(bool),
    ThinnedOut(u64),
}

/// Something to write, and who waits for it to be durable.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) write: Write,
    pub(super) answer: Answer,
}

/// Who waits. A receiver that is gone is nobody, which is no fault.
#[derive(Debug)]
pub(super) enum Answer {
    Durable(oneshot::Sender<Result<(), StoreError>>),
    Written(oneshot::Sender<Result<Written, StoreError>>),
}

impl Answer {
    fn send(self, result: Result<Written, StoreError>) {
        let gone = match self {
            Self::Durable(sender) => sender.send(result.map(|_| ())).is_err(),
            Self::Written(sender) => sender.send(result).is_err(),
        };
        if gone {
            tracing::trace!("nobody waited for a write");
        }
    }
}

/// The thread's state.
pub(super) struct Writer {
    pub(super) connection: Connection,
    pub(super) path: PathBuf,
    pub(super) requests: mpsc::Receiver<Request>,
    /// Counts the times that a job was wanted.
    pub(super) jobs_wanted: watch::Sender<u64>,
    /// Counts the transactions.
    pub(super) committed: watch::Sender<u64>,
    /// Counts the exported batches.
    pub(super) exported: watch::Sender<u64>,
    pub(super) counters: Arc<Counters>,
    pub(super) lock: open::Lock,
}

impl Writer {
    /// Runs until every handle is gone and all that was submitted is answered.
    // Liveness: ends when the last `Store` is dropped, which closes `requests`.
    pub(super) fn run(mut self) {
        while let Some(first) = self.requests.blocking_recv() {
            let group = self.gather(first);
            self.commit(group);
        }
        drop(self.connection);
        drop(self.lock);
    }

    /// Takes what has gathered while the last commit was on its way to the disk.
    fn gather(&mut self, first: Request) -> Vec<Request> {
        let mut rows = rows(&first.write);
        let mut group = vec![first];
        while rows < ROWS_A_TRANSACTION
            && let Ok(request) = self.requests.try_recv()
        {
            rows += self::rows(&request.write);
            group.push(request);
        }
        group
    }

    fn commit(&mut self, group: Vec<Request>) {
        match self.together(&group) {
            Ok(written) => {
                for (request, written) in group.into_iter().zip(written) {
                    request.answer.send(Ok(written));
                }
            }
            Err(error) if group.len() == 1 || error.is_fault() => {
                self.counters.failed(&error);
                tracing::warn!(%error, writes = group.len(), "could not store");
                for request in group {
                    request.answer.send(Err(error.clone()));
                }
            }
            // One of them is at fault and must not take the others with it.
            Err(_) => group.into_iter().for_each(|request| self.commit(vec![request])),
        }
    }

    /// Writes a group in one transaction.
    fn together(&mut self, group: &[Request]) -> Result<Vec<Written>, StoreError> {
        let mut applied = Applied::default();
        let tries = self.counters.is_at_fault();
        let written = transaction(&mut self.connection, group, tries, &mut applied);
        let written = written.map_err(|fault| fault.told(&self.path))?;
        if !tries && group.iter().all(|request| matches!(request.write, Write::Nothing)) {
            return Ok(written);
        }
        self.counters.committed(group.iter().map(|request| samples(&request.write)).sum());
        self.committed.send_modify(|count| *count += 1);
        if group.iter().any(|request| matches!(&request.write, Write::Export(note) if note.is_arrival())) {
            self.exported.send_modify(|count| *count += 1);
        }
        if applied.job_wanted {
            self.jobs_wanted.send_modify(|count| *count += 1);
        }
        Ok(written)
    }
}

fn transaction(
    connection: &mut Connection,
    group: &[Request],
    tries: bool,
    applied: &mut Applied,
) -> Result<Vec<Written>, Fault> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    if tries {
        // The number that is there: a page is written, and nothing is changed.
        let version: i64 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
        transaction.pragma_update(None, "user_version", version)?;
    }
    let mut written = Vec::with_capacity(group.len());
    for request in group {
        written.push(apply(&transaction, &request.write, applied)?);
    }
    transaction.commit()?;
    Ok(written)
}

fn apply(connection: &Connection, write: &Write, applied: &mut Applied) -> Result<Written, Fault> {
    match write {
        Write::Commit(commit) => applied.job_wanted |= write::apply(connection, commit)?.job_wanted,
        Write::Remove { session, at } => {
            let removed = sessions::remove(connection, *session, *at)?;
            applied.job_wanted |= removed.is_some_and(|removed| removed.document);
            return Ok(Written::Removed(removed));
        }
        Write::ThinOut { before, limit, at } => {
            return Ok(Written::ThinnedOut(retention::thin_out(connection, *before, *limit, *at)?));
        }
        Write::InsertToken(token) => tokens::insert(connection, token)?,
        Write::RevokeToken { id, at } => return Ok(Written::Changed(tokens::revoke(connection, id, *at)?)),
        Write::TokenUsed { id, at } => tokens::used(connection, id, *at)?,
        Write::InsertLink(link) => links::insert(connection, link)?,
        Write::Unshare { session, at } => return Ok(Written::Changed(links::unshare(connection, *session, *at)?)),
        Write::AddNote(session, note) => notes::insert(connection, *session, note)?,
        Write::EndJob(end) => {
            jobs::end(connection, end)?;
            applied.job_wanted |= end.document;
        }
        Write::Export(note) => export::apply(connection, note)?,
        Write::Document(note) => return Ok(Written::Changed(documents::apply(connection, note)?)),
        Write::Audit(entry) => audit::insert(connection, entry)?,
        Write::RollUp(step) => history::apply(connection, step)?,
        Write::Nothing => {}
        #[cfg(test)]
        Write::LimitPages(pages) => connection.pragma_update(None, "max_page_count", pages.unwrap_or(u32::MAX - 1))?,
    }
    Ok(Written::Done)
}

fn rows(write: &Write) -> usize {
    match write {
        Write::Commit(commit) => commit
            .changes
            .iter()
            .map(|change| match change {
                Change::Session(_) | Change::Test(_) | Change::Absence(_) => 1,
                Change::Samples(samples) => samples.len(),
            })
            .sum(),
        Write::ThinOut { limit, .. } => *limit as usize,
        Write::RollUp(step) => step.iter().map(Rolled::rows).sum(),
        Write::Remove { .. }
        | Write::InsertToken(_)
        | Write::RevokeToken { .. }
        | Write::TokenUsed { .. }
        | Write::InsertLink(_)
        | Write::Unshare { .. }
        | Write::AddNote(..)
        | Write::EndJob(_)
        | Write::Export(_)
        | Write::Document(_)
        | Write::Audit(_)
        | Write::Nothing => 1,
        #[cfg(test)]
        Write::LimitPages(_) => 1,
    }
}

fn samples(write: &Write) -> u64 {
    let Write::Commit(commit) = write else { return 0 };
    let samples = commit.changes.iter().map(|change| match change {
        Change::Samples(samples) => samples.len() as u64,
        Change::Session(_) | Change::Test(_) | Change::Absence(_) => 0,
    });
    samples.sum()
}

/// Starts the thread.
pub(super) fn spawn(writer: Writer, path: &Path) -> Result<std::thread::JoinHandle<()>, StoreError> {
    std::thread::Builder::new()
        .name("store".into())
        .spawn(move || writer.run())
        .map_err(|error| StoreError::Io { path: path.to_owned(), detail: error.to_string() })
}
