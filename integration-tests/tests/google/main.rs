//! History in BigQuery: against an emulator, and against a stand-in for what that cannot do.

mod chaos;
mod costs;
mod emulator;
mod faults;
mod history;
mod kills;
mod lag;
mod outage;
mod refusals;
mod removal;

use std::path::PathBuf;

use cnc_server::store::Store;
use tempfile::TempDir;

/// A record in a folder of its own.
struct Place {
    folder: TempDir,
}

impl Place {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a folder") }
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("cnc.db")
    }

    fn open(&self) -> Store {
        Store::open(&self.file()).expect("opens")
    }
}
