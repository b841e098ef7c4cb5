//! The handle that everybody else holds: submits to the writer, and reads on connections of its own.

mod documents;
mod export;
mod staff;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use cnc_model::session::{SequencedSample, SessionOverview, SessionRecord};
use cnc_model::{Sequence, SessionId, TestId, Timestamp};
use cnc_proto::support::SessionFilter;
use rusqlite::Connection;
use tokio::sync::{Semaphore, mpsc, oneshot, watch};

use super::counters::{Counters, Counts};
use super::error::{Fault, StoreError};
use super::jobs::{Job, JobEnd};
use super::sessions::Which;
use super::standing::{self, Standing};
use super::writer::{Answer, Request, Write, Writer, Written};
use super::{Commit, Removed, StoredSession, jobs, open, retention, sample, sessions, writer};

/// Writes that may wait for the writer: two or three of the disk's syncs at the rates that one machine sees. When it
/// is full whoever submits waits, which by and by holds up the clients' streams and nothing of theirs is lost.
const WRITES_WAITING: usize = 4_096;
/// Reads that may run side by side: as many as help on the few cores of a small server. Further ones wait.
const READERS: usize = 4;
/// The most rows of one answer.
pub const MAX_PAGE: u32 = 10_000;

/// The record. Clones share one writer; when the last one is dropped all that was submitted is stored first.
#[derive(Debug, Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    jobs_wanted: watch::Receiver<u64>,
    commits: watch::Receiver<u64>,
    exports: watch::Receiver<u64>,
    counters: Arc<Counters>,
    readers: Semaphore,
    idle: Mutex<Vec<Connection>>,
    writer: WriterGuard,
}

/// Joins the writer's thread when the last handle goes.
#[derive(Debug)]
struct WriterGuard {
    requests: Option<mpsc::Sender<Request>>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for WriterGuard {
    fn drop(&mut self) {
        drop(self.requests.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the store's writer panicked");
        }
    }
}

impl Store {
    /// Opens the database file, making or migrating it, and starts its writer.
    ///
    /// # Errors
    /// Says what keeps the file from being used and what to do about it.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let lock = open::lock(path)?;
        let connection = open::writer(path)?;
        let (requests, receiver) = mpsc::channel(WRITES_WAITING);
        let (jobs_wanted, wanted) = watch::channel(0);
        let (committed, commits) = watch::channel(0);
        let (exported, exports) = watch::channel(0);
        let counters = Arc::<Counters>::default();
        let counting = Arc::clone(&counters);
        let path = path.to_owned();
        let writer = Writer {
            connection,
            path: path.clone(),
            requests: receiver,
            jobs_wanted,
            committed,
            exported,
            counters: counting,
            lock,
        };
        let thread = writer::spawn(writer, &path)?;
        let writer = WriterGuard { requests: Some(requests), thread: Some(thread) };
        let idle = Mutex::new(Vec::with_capacity(READERS));
        let readers = Semaphore::new(READERS);
        let inner = Inner { path, jobs_wanted: wanted, commits, exports, counters, readers, idle, writer };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Hands over changes; waits only for room in the queue. What is returned resolves when they are durable.
    ///
    /// # Errors
    /// Fails when the writer is gone. Everything else is told by what is returned.
    pub async fn submit(&self, commit: Commit) -> Result<oneshot::Receiver<Result<(), StoreError>>, StoreError> {
        let (sender, receiver) = oneshot::channel();
        self.request(Write::Commit(commit), Answer::Durable(sender)).await?;
        Ok(receiver)
    }

    async fn request(&self, write: Write, answer: Answer) -> Result<(), StoreError> {
        let requests = self.inner.writer.requests.as_ref().ok_or(StoreError::Stopped)?;
        requests.send(Request { write, answer }).await.map_err(|_| StoreError::Stopped)
    }

    pub(super) async fn write(&self, write: Write) -> Result<Written, StoreError> {
        let (sender, receiver) = oneshot::channel();
        self.request(write, Answer::Written(sender)).await?;
        receiver.await.map_err(|_| StoreError::Stopped)?
    }

    pub(super) async fn read<T, F>(&self, read: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
    {
        // Liveness: a read is bounded work, after which its permit comes back.
        let _permit = self.inner.readers.acquire().await.map_err(|_| StoreError::Stopped)?;
        let inner = Arc::clone(&self.inner);
        tokio::task::spawn_blocking(move || {
            let idle = inner.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let connection = idle.map_or_else(|| open::reader(&inner.path), Ok)?;
            let result = read(&connection).map_err(|fault| fault.told(&inner.path));
            inner.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
            result
        })
        .await
        .map_err(|_| StoreError::Stopped)?
    }

    /// Reads a session as it is stored.
    ///
    /// # Errors
    /// Says what keeps it from being read.
    pub async fn session(&self, id: SessionId) -> Result<Option<StoredSession>, StoreError> {
        self.read(move |connection| first(connection, &Which::Id(id))).await
    }

    /// Reads the session that a client's key has joined.
    ///
    /// # Errors
    /// Says what keeps it from being read.
    pub async fn by_key_hash(&self, hash: [u8; 32]) -> Result<Option<StoredSession>, StoreError> {
        self.read(move |connection| first(connection, &Which::KeyHash(&hash))).await
    }

    /// Reads a session as staff see it.
    ///
    /// # Errors
    /// Says what keeps it from being read.
    pub async fn record(&self, id: SessionId) -> Result<Option<SessionRecord>, StoreError> {
        let stored = self.session(id).await?;
        Ok(stored.map(|StoredSession { row, tests, absences, .. }| SessionRecord {
            overview: row.overview,
            consented: row.consented,
            tests,
            absences,
        }))
    }

    /// Reads the sessions that have not ended, to go on with after a restart.
    ///
    /// # Errors
    /// Says what keeps them from being read.
    pub async fn open_sessions(&self) -> Result<Vec<StoredSession>, StoreError> {
        self.read(|connection| {
            sessions::rows(connection, &Which::Open)?
                .into_iter()
                .map(|row| sessions::with_tests(connection, row))
                .collect()
        })
        .await
    }

    /// Lists sessions of those that are looked for, the newest first: at most `limit` (and [`MAX_PAGE`]), from before
    /// an id on.
    ///
    /// # Errors
    /// Says what keeps them from being read.
    pub async fn sessions(
        &self,
        filter: SessionFilter,
        limit: u32,
        before: Option<SessionId>,
    ) -> Result<Vec<SessionOverview>, StoreError> {
        let limit = limit.min(MAX_PAGE);
        self.read(move |connection| {
            let rows = sessions::rows(connection, &Which::Newest { filter: &filter, before, limit })?;
            Ok(rows.into_iter().map(|row| row.overview).collect())
        })
        .await
    }

    /// Reads samples of a session, or of one of its tests, in the order of their sequences: at most `limit` (and
    /// [`MAX_PAGE`]) of those after a sequence.
    ///
    /// # Errors
    /// Says what keeps them from being read.
    pub async fn samples(
        &self,
        session: SessionId,
        test: Option<TestId>,
        after: Sequence,
        limit: u32,
    ) -> Result<Vec<SequencedSample>, StoreError> {
        let limit = limit.min(MAX_PAGE);
        self.read(move |connection| sample::page(connection, session, test, after, limit)).await
    }

    /// Removes a session with all that refers to it; `None` when there is none. What was exported of it is then to be
    /// removed there too.
    ///
    /// # Errors
    /// Says what keeps it from being removed.
    pub async fn delete(&self, session: SessionId, at: Timestamp) -> Result<Option<Removed>, StoreError> {
        match self.write(Write::Remove { session, at }).await? {
            Written::Removed(removed) => Ok(removed),
            Written::Done | Written::Changed(_) | Written::ThinnedOut(_) => Ok(None),
        }
    }

    /// Removes samples of a session that ended before a time, at most `limit`; tells how many, 0 when none are left.
    ///
    /// # Errors
    /// Says what keeps them from being removed.
    pub async fn thin_out(&self, before: Timestamp, limit: u32, at: Timestamp) -> Result<u64, StoreError> {
        match self.write(Write::ThinOut { before, limit, at }).await? {
            Written::ThinnedOut(samples) => Ok(samples),
            Written::Done | Written::Changed(_) | Written::Removed(_) => Ok(0),
        }
    }

    /// Lists sessions that ended before a time, the oldest first.
    ///
    /// # Errors
    /// Says what keeps them from being read.
    pub async fn ended_before(&self, before: Timestamp, limit: u32) -> Result<Vec<SessionId>, StoreError> {
        self.read(move |connection| retention::ended_before(connection, before, limit)).await
    }

    /// Tells how much the record holds and what waits.
    ///
    /// # Errors
    /// Says what keeps it from being read.
    pub async fn standing(&self) -> Result<Standing, StoreError> {
        self.read(|connection| Ok(standing::read(connection)?)).await
    }

    /// Reads the jobs that are due, the longest due first.
    ///
    /// # Errors
    /// Says what keeps them from being read.
    pub async fn due_jobs(&self, now: Timestamp, limit: u32) -> Result<Vec<Job>, StoreError> {
        self.read(move |connection| jobs::due(connection, now, limit)).await
    }

    /// Tells when the next waiting job is due.
    ///
    /// # Errors
    /// Says what keeps it from being read.
    pub async fn next_job_due(&self) -> Result<Option<Timestamp>, StoreError> {
        self.read(|connection| Ok(jobs::next_due(connection)?)).await
    }

    /// Notes how an attempt at a job went.
    ///
    /// # Errors
    /// Says what keeps it from being stored.
    pub async fn end_job(&self, end: JobEnd) -> Result<(), StoreError> {
        self.write(Write::EndJob(end)).await.map(drop)
    }

    /// Changes whenever a job is wanted.
    #[must_use]
    pub fn jobs_wanted(&self) -> watch::Receiver<u64> {
        self.inner.jobs_wanted.clone()
    }

    /// Tells what the writer has done since it was opened.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.inner.counters.read()
    }

    #[cfg(test)]
    pub(super) async fn limit_pages_for_test(&self, pages: Option<u32>) {
        self.write(Write::LimitPages(pages)).await.expect("a setting");
    }

    /// Tells whether the record can be written now: the writer runs and may begin a transaction. Only where the last
    /// write failed is anything written.
    ///
    /// # Errors
    /// Says what keeps it from being written.
    pub async fn check(&self) -> Result<(), StoreError> {
        self.write(Write::Nothing).await.map(drop)
    }
}

fn first(connection: &Connection, which: &Which<'_>) -> Result<Option<StoredSession>, Fault> {
    let row = sessions::rows(connection, which)?.into_iter().next();
    row.map(|row| sessions::with_tests(connection, row)).transpose()
}
