//! Documents in Drive as rows: which are wanted, which are to be removed, and how far each has come. A row outlives its
//! session until the document is gone as well.

use std::time::Duration;

use cnc_model::{SessionId, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row};

use super::error::{Fault, StoreError};

pub(super) mod standing;

/// No document is due further ahead than this: the longest wait between attempts, twice.
const FURTHEST_DUE: Duration = Duration::from_hours(2);

/// A document that is wanted, made, or to be removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// The session that it is of.
    pub session: SessionId,
    /// Where it stands.
    pub state: DocumentState,
    /// Counts up whenever what it is made from changes.
    pub wanted: i64,
    /// Failures since it was last wanted.
    pub attempts: u32,
    /// Why the last attempt failed.
    pub last_error: Option<String>,
    /// The file in Drive, once it is known.
    pub file: Option<DocumentFile>,
    /// The upload that was begun and is not known to have ended.
    pub upload: Option<Upload>,
}

/// Where a document stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DocumentState {
    /// It is to be made, or made again.
    Waiting,
    /// It is as it was last wanted.
    Done,
    /// Its session was deleted: it is to go as well.
    Removing,
}

/// A file in Drive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentFile {
    /// Its id.
    pub id: String,
    /// Its address for people.
    pub link: String,
}

/// An upload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upload {
    /// Where the bytes go.
    pub url: String,
    /// How many there are.
    pub bytes: u64,
    /// The wish that it fulfils.
    pub wanted: i64,
    /// When the address was given.
    pub begun: Timestamp,
}

/// What became of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DocumentNote {
    /// An upload was opened; it counts once this is durable.
    Begun(SessionId, Upload),
    /// The file is known; no upload is under way any more.
    Known(SessionId, DocumentFile),
    /// There is no file, and no upload from which one can come.
    Lost(SessionId),
    /// It is as it was wanted the so-many-eth time.
    Made(SessionId, i64, Timestamp),
    /// An attempt failed.
    Failed {
        /// The document as it was taken.
        document: Box<Document>,
        /// Why.
        error: String,
        /// Which kind of failure that is.
        kind: &'static str,
        /// When it is tried again.
        due: Timestamp,
    },
    /// It is gone, and its session too.
    Gone(SessionId),
}

/// Asks for a session's document, or for its making again.
pub(super) fn want(connection: &Connection, session: &str, at: Timestamp) -> Result<(), rusqlite::Error> {
    connection
        .prepare_cached(
            "INSERT INTO documents (session_id, state, created_us, due_us, waiting_us) VALUES (?1, 'waiting', ?2, ?2, ?2)
             ON CONFLICT (session_id) DO UPDATE SET state = 'waiting', wanted = wanted + 1, attempts = 0, due_us = ?2,
                waiting_us = iif(state = 'waiting', coalesce(waiting_us, created_us), ?2), failure = NULL
                WHERE state <> 'removing'",
        )?
        .execute((session, at.unix_us()))?;
    Ok(())
}

/// Sees to it that a deleted session's document goes as well; tells whether there may be one.
pub(super) fn remove(connection: &Connection, session: &str, at: Timestamp) -> Result<bool, rusqlite::Error> {
    connection
        .prepare_cached("DELETE FROM documents WHERE session_id = ?1 AND file_id IS NULL AND upload_url IS NULL")?
        .execute([session])?;
    let changed = connection
        .prepare_cached(
            "UPDATE documents SET state = 'removing', attempts = 0, due_us = 0, waiting_us = ?2, failure = NULL
             WHERE session_id = ?1",
        )?
        .execute((session, at.unix_us()))?;
    Ok(changed > 0)
}

/// Notes what became of a document; tells whether there still is a row of it.
pub(super) fn apply(connection: &Connection, note: &DocumentNote) -> Result<bool, rusqlite::Error> {
    let changed = match note {
        DocumentNote::Begun(session, Upload { url, bytes, wanted, begun }) => connection
            .prepare_cached(
                "UPDATE documents SET upload_url = ?2, upload_bytes = ?3, upload_wanted = ?4, upload_us = ?5
                 WHERE session_id = ?1",
            )?
            .execute((session.to_string(), url, i64::try_from(*bytes).unwrap_or(0), wanted, begun.unix_us()))?,
        DocumentNote::Known(session, DocumentFile { id, link }) => connection
            .prepare_cached("UPDATE documents SET file_id = ?2, link = ?3, upload_url = NULL WHERE session_id = ?1")?
            .execute((session.to_string(), id, link))?,
        DocumentNote::Lost(session) => connection
            .prepare_cached(
                "UPDATE documents SET file_id = NULL, link = NULL, upload_url = NULL WHERE session_id = ?1",
            )?
            .execute([session.to_string()])?,
        DocumentNote::Made(session, wanted, at) => connection
            .prepare_cached(
                "UPDATE documents SET state = 'done', last_error = NULL, failure = NULL, attempts = 0, finished_us = ?3
                 WHERE session_id = ?1 AND wanted = ?2 AND state = 'waiting'",
            )?
            .execute((session.to_string(), wanted, at.unix_us()))?,
        DocumentNote::Failed { document, error, kind, due } => {
            let Document { session, wanted, state, .. } = &**document;
            connection
                .prepare_cached(
                    "UPDATE documents SET attempts = attempts + 1, last_error = ?4, failure = ?5, due_us = ?6
                     WHERE session_id = ?1 AND wanted = ?2 AND state = ?3",
                )?
                .execute((session.to_string(), wanted, state.word(), error, kind, due.unix_us()))?
        }
        DocumentNote::Gone(session) => connection
            .prepare_cached("DELETE FROM documents WHERE session_id = ?1 AND state = 'removing'")?
            .execute([session.to_string()])?,
    };
    Ok(changed > 0)
}

/// Gives the documents that are due, the longest due first. What is due further ahead than any ever is shows that the
/// clock was set back, and is due now.
pub(super) fn due(connection: &Connection, now: Timestamp, limit: u32) -> Result<Vec<Document>, Fault> {
    let mut statement = connection.prepare_cached(
        "SELECT * FROM documents WHERE state <> 'done' AND (due_us <= ?1 OR due_us > ?2) ORDER BY due_us LIMIT ?3",
    )?;
    let set_back = now.after(FURTHEST_DUE).unix_us();
    let mut rows = statement.query((now.unix_us(), set_back, limit))?;
    let mut documents = vec![];
    while let Some(row) = rows.next()? {
        documents.push(read(row)?);
    }
    Ok(documents)
}

/// Gives the time at which the next one is due.
pub(super) fn next_due(connection: &Connection) -> Result<Option<Timestamp>, rusqlite::Error> {
    connection
        .prepare_cached("SELECT due_us FROM documents WHERE state <> 'done' ORDER BY due_us LIMIT 1")?
        .query_row((), |row| row.get(0).map(Timestamp::from_unix_us))
        .optional()
}

/// Gives a session's document.
pub(super) fn of(connection: &Connection, session: SessionId) -> Result<Option<Document>, Fault> {
    let mut statement = connection.prepare_cached("SELECT * FROM documents WHERE session_id = ?1")?;
    let mut rows = statement.query([session.to_string()])?;
    rows.next()?.map(read).transpose()
}

impl DocumentState {
    const ALL: [Self; 3] = [Self::Waiting, Self::Done, Self::Removing];

    const fn word(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Done => "done",
            Self::Removing => "removing",
        }
    }
}

fn read(row: &Row<'_>) -> Result<Document, Fault> {
    let unreadable = |detail: String| Fault::Told(StoreError::Unreadable { table: "documents", detail });
    let session: String = row.get("session_id")?;
    let state: String = row.get("state")?;
    let file: (Option<String>, Option<String>) = (row.get("file_id")?, row.get("link")?);
    let upload: Option<String> = row.get("upload_url")?;
    Ok(Document {
        session: session.parse().map_err(|_| unreadable(format!("session_id is {session:?}")))?,
        state: DocumentState::ALL
            .into_iter()
            .find(|known| known.word() == state)
            .ok_or_else(|| unreadable(format!("state is {state:?}")))?,
        wanted: row.get("wanted")?,
        attempts: row.get("attempts")?,
        last_error: row.get("last_error")?,
        file: file.0.map(|id| DocumentFile { id, link: file.1.unwrap_or_default() }),
        upload: upload.map(|url| read_upload(row, url)).transpose()?,
    })
}

fn read_upload(row: &Row<'_>, url: String) -> Result<Upload, rusqlite::Error> {
    Ok(Upload {
        url,
        bytes: row.get::<_, i64>("upload_bytes")?.unsigned_abs(),
        wanted: row.get("upload_wanted")?,
        begun: Timestamp::from_unix_us(row.get("upload_us")?),
    })
}
