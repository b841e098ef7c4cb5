//! Looking a record over without changing it: what SQLite finds wrong with the file, and what the tables hold.

use std::path::Path;

use rusqlite::Connection;

use super::error::{Fault, StoreError};
use super::open;

/// The most faults told: behind a few hundred there is nothing new.
const MOST_FAULTS: u32 = 200;

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// The file's schema.
    pub schema: i64,
    /// What is wrong, in `SQLite`'s words; none when it is sound.
    pub faults: Vec<String>,
    /// Sessions in it, where they can be counted.
    pub sessions: Option<u64>,
    /// Samples in it, where they can be counted.
    pub samples: Option<u64>,
}

/// Looks a database file over, page by page and row by row. A listener may be using it meanwhile.
///
/// # Errors
/// Says why it cannot be looked at.
pub fn check(path: &Path) -> Result<Checked, StoreError> {
    let connection = open::reader(path)?;
    look_over(&connection).map_err(|fault| fault.told(path))
}

fn look_over(connection: &Connection) -> Result<Checked, Fault> {
    let schema = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let mut faults = vec![];
    // What is too damaged to be looked over is told as a fault like the others.
    match integrity(connection) {
        Ok(found) => faults.extend(found),
        Err(error) => faults.push(error.to_string()),
    }
    match orphans(connection) {
        Ok(found) => faults.extend(found),
        Err(error) => faults.push(error.to_string()),
    }
    faults.dedup();
    let count = |table: &str| {
        let counted = connection.query_row(&format!("SELECT count(*) FROM {table}"), (), |row| row.get::<_, i64>(0));
        counted.ok().map(i64::unsigned_abs)
    };
    Ok(Checked { schema, faults, sessions: count("sessions"), samples: count("samples") })
}

fn integrity(connection: &Connection) -> Result<Vec<String>, rusqlite::Error> {
    let mut statement = connection.prepare(&format!("PRAGMA integrity_check({MOST_FAULTS})"))?;
    let told: Result<Vec<String>, _> = statement.query_map((), |row| row.get(0))?.collect();
    let mut told = told?;
    told.retain(|line| line != "ok");
    Ok(told)
}

/// Finds rows whose session is not there.
fn orphans(connection: &Connection) -> Result<Vec<String>, rusqlite::Error> {
    let mut statement = connection.prepare(
        "SELECT \"table\", \"parent\", count(*) FROM pragma_foreign_key_check GROUP BY \"table\", \"parent\"",
    )?;
    let told = statement.query_map((), |row| {
        let (table, parent, rows): (String, String, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        Ok(format!("{rows} rows of {table} belong to {parent} that are not there"))
    })?;
    told.collect()
}
