//! What a damaged, full, foreign or busy file is told as; and power loss, as copies of the file at bad moments.

use std::os::unix::fs::PermissionsExt as _;

use super::super::open::MIGRATIONS;
use super::*;

#[tokio::test]
async fn a_second_listener_is_kept_off() {
    let place = Place::new();
    let first = place.open();
    assert_eq!(Store::open(&place.file()).err(), Some(StoreError::InUse { path: place.file() }));
    drop(first);
    place.open();
}

#[test]
fn a_newer_schema_is_refused() {
    let place = Place::new();
    drop(place.open());
    Connection::open(place.file()).expect("opens").pragma_update(None, "user_version", 99).expect("set");
    let error = Store::open(&place.file()).expect_err("newer");
    let known = i64::try_from(MIGRATIONS.len()).expect("few");
    assert_eq!(error, StoreError::Newer { path: place.file(), found: 99, known });
    assert!(error.to_string().contains("use the newer cnc-listener"));
}

#[test]
fn what_is_no_database_is_refused() {
    let place = Place::new();
    std::fs::write(place.file(), [b'x'; 8_192]).expect("written");
    assert!(matches!(Store::open(&place.file()), Err(StoreError::Corrupt { .. })));
}

#[test]
fn a_folder_that_is_not_there_is_told() {
    let place = Place::new();
    let file = place.folder.path().join("none").join("cnc.db");
    assert!(matches!(Store::open(&file), Err(StoreError::ReadOnly { .. })));
}

#[test]
fn a_file_that_cannot_be_written_is_told() {
    let place = Place::new();
    drop(place.open());
    let locked = std::fs::Permissions::from_mode(0o444);
    std::fs::set_permissions(place.file(), locked).expect("set");
    // Root may write whatever the mode says: then there is nothing to be told.
    if std::fs::File::options().append(true).open(place.file()).is_err() {
        assert!(matches!(Store::open(&place.file()), Err(StoreError::ReadOnly { .. })));
    }
}

#[tokio::test]
async fn a_full_disk_is_told_and_got_over() {
    let place = Place::new();
    let handle = place.open();
    store(&handle, vec![session()], None).await.expect("stored");
    // SQLite's own limit stands for the disk's: the same code comes up.
    handle.limit_pages_for_test(Some(1)).await;
    let many: Vec<_> = (1..5_000).map(|n| SequencedSample { sequence: Sequence::new(n), ..samples()[0] }).collect();
    let full = store(&handle, vec![Change::Samples(many.clone())], Some(4_999)).await;
    assert_eq!(full, Err(StoreError::DiskFull { path: place.file() }));
    assert_eq!(handle.session(id(1)).await.expect("readable").expect("there").stored, Sequence::NONE);

    handle.limit_pages_for_test(None).await;
    store(&handle, vec![Change::Samples(many)], Some(4_999)).await.expect("there is room again");
    assert_eq!(handle.session(id(1)).await.expect("readable").expect("there").stored, Sequence::new(4_999));
}

#[tokio::test]
async fn a_row_that_was_meddled_with_is_told() {
    let place = Place::new();
    let handle = place.open();
    store(&handle, vec![session(), Change::Samples(samples())], None).await.expect("stored");
    Connection::open(place.file()).expect("opens").execute("UPDATE samples SET kind = 'x'", ()).expect("meddled");
    let error = handle.samples(id(1), None, Sequence::NONE, 1).await.expect_err("unreadable");
    assert_eq!(error, StoreError::Unreadable { table: "samples", detail: "kind is \"x\"".into() });
}

/// What was acknowledged must be in every copy taken afterwards, however the writing went on meanwhile.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn copies_taken_while_writing_hold_what_was_answered() {
    let place = Place::new();
    let handle = place.open();
    store(&handle, vec![session()], None).await.expect("stored");
    let mut next = 1;
    for round in 0..10 {
        let mut answered = 0;
        let mut waiting = vec![];
        for _ in 0..40 {
            let changes = vec![Change::Samples(
                (next..next + 64).map(|n| SequencedSample { sequence: Sequence::new(n), ..samples()[0] }).collect(),
            )];
            next += 64;
            let through = Some(Sequence::new(next - 1));
            waiting.push((next - 1, handle.submit(Commit { session: id(1), changes, through }).await.expect("runs")));
        }
        let half = waiting.len() / 2;
        for (through, answer) in waiting.drain(..half) {
            answer.await.expect("answered").expect("stored");
            answered = through;
        }
        // The rest is being written right now. As after a power loss: the file first, its log after it.
        let copy = Place::new();
        copy_store(&place.file(), &copy.file());
        for (_, answer) in waiting {
            answer.await.expect("answered").expect("stored");
        }
        let reopened = copy.open();
        let stored = reopened.session(id(1)).await.expect("readable").expect("there");
        assert!(stored.stored.get() >= answered, "round {round}: {} < {answered}", stored.stored.get());
        drop(reopened);
        let whole: String = Connection::open(copy.file())
            .expect("opens")
            .query_row("PRAGMA integrity_check", (), |row| row.get(0))
            .expect("checked");
        assert_eq!(whole, "ok");
        let held = count(&copy.file(), "SELECT count(*) FROM samples");
        assert_eq!(held, i64::try_from(stored.stored.get()).expect("small"), "no more and no less than its mark");
    }
}

/// Copies file and log so that both are of one moment: no checkpoint may fall between.
fn copy_store(from: &Path, to: &Path) {
    let connection = Connection::open(from).expect("opens");
    // A reader keeps the log from being written back and cut while it is copied.
    connection.execute_batch("BEGIN; SELECT count(*) FROM sessions;").expect("reads");
    let log = |path: &Path| PathBuf::from(format!("{}-wal", path.display()));
    std::fs::copy(from, to).expect("copied");
    std::fs::copy(log(from), log(to)).expect("copied");
    connection.execute_batch("COMMIT").expect("done");
}

#[tokio::test]
async fn damage_is_found_and_told() {
    use std::os::unix::fs::FileExt as _;
    let place = Place::new();
    let handle = place.open();
    let many = (1..5_000).map(|n| SequencedSample { sequence: Sequence::new(n), ..samples()[0] }).collect();
    store(&handle, vec![session(), Change::Samples(many)], Some(4_999)).await.expect("stored");
    let sound = check(&place.file()).expect("looked over while it is in use");
    assert_eq!((sound.faults.len(), sound.sessions, sound.samples), (0, Some(1), Some(4_999)));
    drop(handle);
    let file = std::fs::File::options().write(true).open(place.file()).expect("opens");
    for page in 40..60 {
        file.write_all_at(&[0xa5; 4_096], page * 4_096).expect("written");
    }
    let damaged = check(&place.file()).expect("looked over");
    assert!(!damaged.faults.is_empty());
    // The head tells whether it is a database at all.
    file.write_all_at(&[0; 100], 0).expect("written");
    assert!(matches!(check(&place.file()), Err(StoreError::Corrupt { .. })));
}

#[tokio::test]
async fn rows_without_their_session_are_told() {
    let place = Place::new();
    let handle = place.open();
    store(&handle, vec![session(), Change::Samples(samples())], None).await.expect("stored");
    drop(handle);
    let connection = Connection::open(place.file()).expect("opens");
    connection.execute_batch("PRAGMA foreign_keys = OFF; DELETE FROM sessions").expect("meddled");
    let faults = check(&place.file()).expect("looked over").faults;
    let told = |rows: usize, table: &str| format!("{rows} rows of {table} belong to sessions that are not there");
    assert_eq!(faults, [told(1, "export_rows"), told(samples().len(), "samples")]);
}

#[tokio::test]
async fn a_lock_held_by_somebody_else_is_told_and_got_over() {
    let place = Place::new();
    let handle = place.open();
    let other = Connection::open(place.file()).expect("opens");
    other.execute_batch("BEGIN IMMEDIATE").expect("a lock");
    assert_eq!(store(&handle, vec![session()], None).await, Err(StoreError::InUse { path: place.file() }));
    other.execute_batch("ROLLBACK").expect("let go");
    store(&handle, vec![session()], None).await.expect("it goes on by itself");
}
