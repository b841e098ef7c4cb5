//! The store against real files: what is answered is durable, once, and reads back as it was given.

mod documents;
mod earlier;
mod exported;
mod faults;
mod history;
mod jobs;
mod listing;
mod made_up;

use std::path::{Path, PathBuf};

use cnc_model::session::{EndReason, SessionState};
use cnc_model::{Sequence, TestId, Timestamp};
use cnc_proto::support::{Note, SessionFilter};
use proptest::prelude::*;
use rusqlite::Connection;
use tempfile::TempDir;

use super::*;
use made_up::{completed, id, row, samples, test};

/// A store in a folder of its own.
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

/// Looks into the file as somebody with `sqlite3` would.
fn count(file: &Path, sql: &str) -> i64 {
    Connection::open(file).expect("opens").query_row(sql, (), |row| row.get(0)).expect("a number")
}

async fn store(store: &Store, changes: Vec<Change>, through: Option<u64>) -> Result<(), StoreError> {
    let commit = Commit { session: id(1), changes, through: through.map(Sequence::new) };
    store.submit(commit).await.expect("the writer runs").await.expect("an answer")
}

fn session() -> Change {
    Change::Session(Box::new(row(1)))
}

#[tokio::test]
async fn what_is_stored_reads_back_after_reopening() {
    let place = Place::new();
    let first = place.open();
    let completed_ones = (2..=8).map(completed);
    let tests: Vec<_> = std::iter::once(test(1)).chain(completed_ones).collect();
    let mut changes = vec![session(), Change::Samples(samples())];
    changes.extend(tests.iter().cloned().map(|test| Change::Test(Box::new(test))));
    store(&first, changes, Some(99)).await.expect("stored");
    drop(first);

    let again = place.open();
    let stored = again.session(id(1)).await.expect("readable").expect("there");
    let mut expected = row(1);
    expected.overview.code = None;
    expected.overview.connected = false;
    expected.overview.stored = Sequence::new(99);
    assert_eq!(stored.row, expected);
    assert_eq!(stored.stored, Sequence::new(99));
    let counted = stored.tests.iter().map(|test| test.samples).sum::<u64>();
    assert_eq!(counted, samples().len() as u64);
    for (stored, given) in stored.tests.iter().zip(&tests) {
        assert_eq!(TestRecord { samples: 0, ..stored.clone() }, TestRecord { samples: 0, ..given.clone() });
    }
    assert_eq!(again.samples(id(1), None, Sequence::NONE, MAX_PAGE).await.expect("readable"), samples());
    assert_eq!(again.by_key_hash([7; 32]).await.expect("readable"), Some(stored.clone()));
    assert_eq!(again.by_key_hash([8; 32]).await.expect("readable"), None);
    assert_eq!(again.open_sessions().await.expect("readable"), [stored]);
}

#[tokio::test]
async fn storing_twice_is_storing_once() {
    let place = Place::new();
    let handle = place.open();
    for _ in 0..2 {
        let changes = vec![session(), Change::Test(Box::new(completed(2))), Change::Samples(samples())];
        store(&handle, changes, Some(20)).await.expect("stored");
    }
    // A sequence that is stored keeps what was stored first; the stored mark never goes back.
    let mut other = samples();
    for sample in &mut other {
        sample.test = TestId::FIRST;
    }
    store(&handle, vec![Change::Samples(other)], Some(5)).await.expect("stored");
    assert_eq!(handle.samples(id(1), None, Sequence::NONE, MAX_PAGE).await.expect("readable"), samples());
    assert_eq!(handle.session(id(1)).await.expect("readable").expect("there").stored, Sequence::new(20));
    drop(handle);
    assert_eq!(count(&place.file(), "SELECT count(*) FROM tests"), 1);
    assert_eq!(count(&place.file(), "SELECT count(*) FROM samples"), i64::try_from(samples().len()).expect("few"));
}

#[tokio::test]
async fn one_bad_commit_does_not_take_its_neighbours_with_it() {
    let place = Place::new();
    let handle = place.open();
    store(&handle, vec![session()], None).await.expect("stored");
    let commit = |session, sequence| {
        let mut sample = samples()[0];
        sample.sequence = Sequence::new(sequence);
        Commit { session, changes: vec![Change::Samples(vec![sample])], through: Some(Sequence::new(sequence)) }
    };
    // All three wait before the writer can commit the first together with the others.
    let (a, b, c) =
        tokio::join!(handle.submit(commit(id(1), 1)), handle.submit(commit(id(9), 1)), handle.submit(commit(id(1), 2)));
    assert_eq!(a.expect("runs").await.expect("answered"), Ok(()));
    assert_eq!(b.expect("runs").await.expect("answered"), Err(StoreError::UnknownSession));
    assert_eq!(c.expect("runs").await.expect("answered"), Ok(()));
    assert_eq!(handle.samples(id(1), None, Sequence::NONE, MAX_PAGE).await.expect("readable").len(), 2);
}

#[tokio::test]
async fn dropping_the_last_handle_stores_what_was_submitted() {
    let place = Place::new();
    let handle = place.open();
    store(&handle, vec![session()], None).await.expect("stored");
    for n in 1..=500 {
        let mut sample = samples()[0];
        sample.sequence = Sequence::new(n);
        let changes = vec![Change::Samples(vec![sample])];
        drop(handle.submit(Commit { session: id(1), changes, through: None }).await.expect("runs"));
    }
    drop(handle);
    assert_eq!(count(&place.file(), "SELECT count(*) FROM samples"), 500);
}

#[tokio::test]
async fn a_deleted_session_leaves_nothing() {
    let place = Place::new();
    let handle = place.open();
    let link = ReportLink { session: id(1), hash: [3; 32], created: Timestamp::from_unix_us(1), shared_by: None };
    let ended = Change::Session(Box::new(made_up::ended(row(1), EndReason::Staff)));
    store(&handle, vec![ended, Change::Test(Box::new(completed(2))), Change::Samples(samples())], None)
        .await
        .expect("stored");
    handle.insert_report_link(link).await.expect("stored");
    assert_eq!(handle.report_link([3; 32]).await.expect("readable"), Some(id(1)));
    let note = |text: &str| Note { at: Timestamp::from_unix_us(2), who: "Ada".into(), text: text.into() };
    for text in ["first", "second"] {
        handle.add_note(id(1), note(text)).await.expect("stored");
    }
    assert!(handle.add_note(id(2), note("x")).await.is_err(), "of no session");
    assert_eq!(handle.notes(id(1), 9).await.expect("readable"), [note("first"), note("second")]);
    assert_eq!(handle.notes(id(1), 1).await.expect("readable"), [note("second")]);
    // What staff share can be taken back; the user's own link stays.
    let at = Timestamp::from_unix_us(3);
    let shared = ReportLink { session: id(1), hash: [4; 32], created: at, shared_by: Some("Ada".into()) };
    handle.insert_report_link(shared).await.expect("stored");
    assert_eq!(handle.shared(id(1)).await.expect("readable"), 1);
    assert!(handle.unshare(id(1), at).await.expect("stored"));
    assert!(!handle.unshare(id(1), at).await.expect("stored"));
    assert_eq!(handle.shared(id(1)).await.expect("readable"), 0);
    assert_eq!(handle.report_link([4; 32]).await.expect("readable"), None);
    assert_eq!(handle.report_link([3; 32]).await.expect("readable"), Some(id(1)));
    let label = row(1).overview.label;
    let removed = handle.delete(id(1), Timestamp::from_unix_us(0)).await.expect("removed");
    let samples = samples().len() as u64;
    let nothing = Removed { tests: 1, samples, history_hours: 0, is_exported: false, document: false };
    assert_eq!(removed, Some(nothing));
    assert_eq!(handle.delete(id(1), Timestamp::from_unix_us(0)).await.expect("nothing to do"), None);
    assert_eq!(handle.report_link([3; 32]).await.expect("readable"), None);
    drop(handle);
    for table in ["sessions", "tests", "samples", "findings", "jobs", "report_links", "notes"] {
        assert_eq!(count(&place.file(), &format!("SELECT count(*) FROM {table}")), 0, "{table}");
    }
    let bytes = std::fs::read(place.file()).expect("read");
    let holds = |text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(holds("CREATE TABLE sessions"), "the file is looked at");
    assert!(!label.is_empty() && !holds(&label), "what was deleted is overwritten");
}

#[tokio::test]
async fn tokens_and_audit_are_kept() {
    let place = Place::new();
    let handle = place.open();
    let token = made_up::token();
    handle.insert_token(token.clone()).await.expect("stored");
    let at = Timestamp::from_unix_us(9);
    handle.token_used(token.id.clone(), at).await.expect("stored");
    assert_eq!(handle.revoke_token(token.id.clone(), at).await, Ok(true));
    assert_eq!(handle.revoke_token(token.id.clone(), at).await, Ok(false));
    let expected = TokenRow { last_used: Some(at), revoked: Some(at), ..token };
    assert_eq!(handle.tokens().await.expect("readable"), [expected]);
    let entry = AuditEntry { at, who: "a".into(), action: "end", session: Some(id(1)), detail: String::new() };
    handle.audit(entry).await.expect("stored");
    drop(handle);
    assert_eq!(count(&place.file(), "SELECT count(*) FROM audit WHERE action = 'end'"), 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever order and repetition samples come in, each sequence is stored once, as it came first.
    #[test]
    fn every_sequence_is_stored_once(batches in prop::collection::vec(prop::collection::vec(1_u64..40, 0..12), 1..12)) {
        let place = Place::new();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let handle = place.open();
            store(&handle, vec![session()], None).await.expect("stored");
            let mut expected = std::collections::BTreeMap::new();
            for batch in &batches {
                let given: Vec<_> = batch.iter().map(|&n| SequencedSample {
                    sequence: Sequence::new(n), ..samples()[usize::try_from(n).expect("small") % samples().len()]
                }).collect();
                for sample in &given {
                    expected.entry(sample.sequence).or_insert(*sample);
                }
                store(&handle, vec![Change::Samples(given)], None).await.expect("stored");
            }
            let stored = handle.samples(id(1), None, Sequence::NONE, MAX_PAGE).await.expect("readable");
            assert_eq!(stored, expected.into_values().collect::<Vec<_>>());
        });
    }
}

#[tokio::test]
async fn what_is_kept_no_longer_goes_in_steps() {
    let place = Place::new();
    let handle = place.open();
    let ended = |n, at| {
        let mut row = made_up::ended(row(n), EndReason::Staff);
        row.overview.ended = Some(Timestamp::from_unix_us(at));
        row.key_hash = Some([u8::try_from(n).expect("few"); 32]);
        Change::Session(Box::new(row))
    };
    for (n, at) in [(1, 100), (2, 200), (3, 300)] {
        let changes = vec![ended(n, at), Change::Samples(samples())];
        let commit = Commit { session: id(n), changes, through: Some(Sequence::new(99)) };
        handle.submit(commit).await.expect("runs").await.expect("answered").expect("stored");
    }
    let before = Timestamp::from_unix_us(300);
    assert_eq!(handle.thin_out(before, 2, before).await, Ok(0), "not before history has summed them up");
    handle.roll_up(None, 1_000, 9).await.expect("summed up");
    let all = samples().len() as u64;
    let mut steps = vec![];
    loop {
        match handle.thin_out(before, 2, before).await.expect("removed") {
            0 => break,
            step => steps.push(step),
        }
    }
    assert_eq!(steps.iter().sum::<u64>(), 2 * all);
    assert!(steps.iter().all(|step| *step <= 2), "{steps:?}");
    assert_eq!(handle.samples(id(2), None, Sequence::NONE, MAX_PAGE).await.expect("readable"), []);
    assert_eq!(handle.samples(id(3), None, Sequence::NONE, MAX_PAGE).await.expect("readable"), samples());
    let stored = handle.session(id(1)).await.expect("readable").expect("it stays");
    assert_eq!(stored.stored, Sequence::new(99), "the mark stays: nothing is asked for again");
    assert_eq!(handle.ended_before(before, 9).await.expect("readable"), [id(1), id(2)]);
    assert_eq!(handle.ended_before(before, 1).await.expect("readable"), [id(1)]);
}
