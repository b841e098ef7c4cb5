//! Opening the file: the lock against a second listener, the settings of every connection, the migrations.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::StoreError;

/// Every schema's step from the one before it. A step is never changed once released; columns are never removed.
pub(super) const MIGRATIONS: [&str; 15] = [
    include_str!("migrations/0001.sql"),
    include_str!("migrations/0002.sql"),
    include_str!("migrations/0003.sql"),
    include_str!("migrations/0004.sql"),
    include_str!("migrations/0005.sql"),
    include_str!("migrations/0006.sql"),
    include_str!("migrations/0007.sql"),
    include_str!("migrations/0008.sql"),
    include_str!("migrations/0009.sql"),
    include_str!("migrations/0010.sql"),
    include_str!("migrations/0011.sql"),
    include_str!("migrations/0012.sql"),
    include_str!("migrations/0013.sql"),
    include_str!("migrations/0014.sql"),
    include_str!("migrations/0015.sql"),
];

/// How long a statement waits for another process's lock, as a person with `sqlite3` may hold it.
const BUSY_WAIT: Duration = Duration::from_secs(5);
/// Statements kept prepared for each connection: more than there are.
const PREPARED_STATEMENTS: usize = 64;
/// The write-ahead log is cut back to this size after a checkpoint, in bytes: a burst must not keep its room for ever.
const LOG_BYTES_KEPT: i64 = 64 << 20;

/// Holds the lock that keeps a second listener off the same file; dropping it lets go.
#[derive(Debug)]
pub(super) struct Lock(File);

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing alone lets go only once nobody has a copy, and a child that is just being started has one for a moment.
        // What cannot be let go of here is by the file's closing.
        drop(self.0.unlock());
    }
}

/// Takes the lock beside the database, or tells who is in the way.
pub(super) fn lock(path: &Path) -> Result<Lock, StoreError> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let lock_path = PathBuf::from(name);
    let denied = |error: &std::io::Error| StoreError::ReadOnly { path: lock_path.clone(), detail: error.to_string() };
    let opened = File::options().write(true).create(true).truncate(false).open(&lock_path);
    let file = opened.map_err(|error| {
        let full = error.kind() == std::io::ErrorKind::StorageFull;
        if full { StoreError::DiskFull { path: path.to_owned() } } else { denied(&error) }
    })?;
    match file.try_lock() {
        Ok(()) => Ok(Lock(file)),
        Err(TryLockError::WouldBlock) => Err(StoreError::InUse { path: path.to_owned() }),
        Err(TryLockError::Error(error)) => Err(denied(&error)),
    }
}

/// Opens the writer's connection, checks the file and brings its schema up to date.
pub(super) fn writer(path: &Path) -> Result<Connection, StoreError> {
    let told = |error: rusqlite::Error| StoreError::of(path, &error);
    let mut connection = Connection::open(path).map_err(told)?;
    settings(&connection).map_err(told)?;
    connection.pragma_update(None, "journal_mode", "WAL").map_err(told)?;
    connection.pragma_update(None, "synchronous", "FULL").map_err(told)?;
    // What is deleted is overwritten: a session that was removed must not be found in the file.
    connection.pragma_update(None, "secure_delete", true).map_err(told)?;
    connection.pragma_update(None, "journal_size_limit", LOG_BYTES_KEPT).map_err(told)?;
    migrate(path, &mut connection)?;
    Ok(connection)
}

/// Opens a connection that only reads.
pub(super) fn reader(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let told = |error: rusqlite::Error| StoreError::of(path, &error);
    let connection = Connection::open_with_flags(path, flags).map_err(told)?;
    settings(&connection).map_err(told)?;
    Ok(connection)
}

fn settings(connection: &Connection) -> Result<(), rusqlite::Error> {
    connection.busy_timeout(BUSY_WAIT)?;
    connection.set_prepared_statement_cache_capacity(PREPARED_STATEMENTS);
    connection.pragma_update(None, "foreign_keys", true)
}

fn migrate(path: &Path, connection: &mut Connection) -> Result<(), StoreError> {
    let told = |error: rusqlite::Error| StoreError::of(path, &error);
    let found: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0)).map_err(told)?;
    let known = i64::try_from(MIGRATIONS.len()).expect("a handful");
    let done = usize::try_from(found).ok().filter(|&done| done <= MIGRATIONS.len());
    let Some(done) = done else {
        return Err(StoreError::Newer { path: path.to_owned(), found, known });
    };
    for (version, step) in (1_i64..).zip(MIGRATIONS).skip(done) {
        let transaction = connection.transaction().map_err(told)?;
        transaction.execute_batch(step).map_err(told)?;
        transaction.pragma_update(None, "user_version", version).map_err(told)?;
        transaction.commit().map_err(told)?;
        tracing::info!(version, "store migrated");
    }
    Ok(())
}
