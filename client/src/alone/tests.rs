//! Runs without a listener that sessions take, as files that a killed program leaves behind.

use std::path::Path;
use std::time::Duration;

use cnc_model::test::PingTest;
use cnc_model::{Destination, Outcome, Test};

use super::*;
use crate::config::ListenerUrl;
use crate::state::alone;

const AT: Duration = Duration::from_secs(1);
const BEGAN: Timestamp = Timestamp::from_unix_us(1_700_000_000_000_000);

fn listener() -> ListenerUrl {
    "https://one.example".parse().expect("valid")
}

fn id(n: u32) -> TestId {
    TestId::try_from(n).expect("not 0")
}

fn declared(n: u32) -> Item {
    let what = Box::new(Test::Ping(PingTest::to(Destination::Gateway)));
    Item::OwnTest { test: id(n), began: BEGAN, what }
}

fn ended(n: u32) -> Item {
    Item::TestEnded { test: id(n), at: AT, outcome: Outcome::Completed, summary: None }
}

/// Two tests, of which the program's end cut the second short, and one that was never declared.
fn left() -> Vec<Item> {
    vec![
        declared(1),
        declared(2),
        Item::TestStarted { test: id(1), at: AT },
        Item::TestStarted { test: id(2), at: AT },
        ended(3),
        ended(1),
    ]
}

fn write(path: &Path, items: Vec<Item>) {
    let mut journal = Journal::open(path).expect("opens");
    journal.write(Some((Sequence::new(1), items)), Sequence::NONE).expect("writes");
}

fn leave(folder: &Path, began: Timestamp) {
    let key = SavedKey::open_alone(folder, &listener(), began).expect("opens");
    write(&key.journal().expect("a file"), left());
}

fn names(items: &[Item]) -> Vec<u32> {
    let name = |item: &Item| match item {
        Item::OwnTest { test, .. }
        | Item::TestStarted { test, .. }
        | Item::Sample { test, .. }
        | Item::TestEnded { test, .. } => Some(test.get()),
        Item::Consent { .. } | Item::Goodbye { .. } | Item::Unknown => None,
    };
    items.iter().filter_map(name).collect()
}

#[test]
fn a_run_becomes_whole_and_its_tests_get_names_of_the_sessions() {
    let folder = tempfile::tempdir().expect("a folder");
    leave(folder.path(), BEGAN);
    let mut runs = alone(folder.path(), &listener(), BEGAN);
    let [run] = runs.as_mut_slice() else { panic!("{runs:?}") };
    assert_eq!((run.tests(), run.began(), run.is_taken()), (2, BEGAN, false));
    let items = run.give(&ClientKey::new([1; 32]), Sequence::new(40)).expect("noted");
    assert_eq!(names(&items), [1_000_040, 1_000_041, 1_000_040, 1_000_041, 1_000_040, 1_000_041]);
    let Some(Item::TestEnded { outcome: Outcome::Failed(failure), at: AT, .. }) = items.last() else {
        panic!("{items:?}")
    };
    assert_eq!(failure.message, "the client was stopped while the test ran");
    assert!(run.is_taken());
}

/// However much of the run was in the session's journal when the program was killed: the rest follows, nothing twice.
#[test]
fn a_killed_program_brings_each_item_once() {
    let now = BEGAN.after(Duration::from_mins(1));
    for taken in 0..=6 {
        let folder = tempfile::tempdir().expect("a folder");
        leave(folder.path(), BEGAN);
        let session = SavedKey::open(folder.path(), &listener(), None, now).expect("opens");
        let mut runs = alone(folder.path(), &listener(), now);
        let given = runs[0].give(&session.key, Sequence::new(2)).expect("noted");
        let mut written = vec![Item::Consent { at: AT, names: false }];
        written.extend(given.iter().take(taken).cloned());
        write(&session.journal().expect("a file"), written.clone());
        let (key, last) = (session.key.clone(), Sequence::new(written.len() as u64));
        drop((runs, session));

        let mut again = alone(folder.path(), &listener(), now);
        match taken {
            0 => {
                assert!(!again[0].is_taken(), "free for any session");
                assert_eq!(again[0].give(&ClientKey::new([2; 32]), Sequence::new(2)), Some(given));
            }
            6 => assert!(again.is_empty(), "it is all there: {again:?}"),
            _ => {
                assert!(again[0].is_taken(), "no other session gets it");
                assert_eq!(again[0].rest(&ClientKey::new([2; 32]), last), []);
                assert_eq!(again[0].rest(&key, last), given[taken..]);
                assert_eq!(again[0].rest(&key, Sequence::new(7)), [], "once");
            }
        }
    }
}

#[test]
fn what_a_session_that_is_delivered_had_is_gone() {
    let folder = tempfile::tempdir().expect("a folder");
    leave(folder.path(), BEGAN);
    let mut runs = alone(folder.path(), &listener(), BEGAN);
    runs[0].give(&ClientKey::new([1; 32]), Sequence::new(2)).expect("noted");
    drop(runs);
    assert!(alone(folder.path(), &listener(), BEGAN).is_empty());
    assert_eq!(std::fs::read_dir(folder.path().join("keys")).expect("there").count(), 0);
}

#[test]
fn runs_are_kept_for_a_week_for_their_listener_and_not_too_many() {
    let folder = tempfile::tempdir().expect("a folder");
    for n in 0..12 {
        leave(folder.path(), BEGAN.after(Duration::from_secs(n)));
    }
    let other = "https://other.example".parse().expect("valid");
    let began = |runs: Vec<Alone>| runs.first().map(Alone::began);
    assert_eq!(alone(folder.path(), &other, BEGAN).len(), 0);
    let runs = alone(folder.path(), &listener(), BEGAN);
    assert_eq!((runs.len(), began(runs)), (7, Some(BEGAN.after(Duration::from_secs(5)))));
    let session = SavedKey::open(folder.path(), &listener(), None, BEGAN).expect("opens");
    assert!(!session.resumed, "no session goes on with one");
    assert!(alone(folder.path(), &listener(), BEGAN.after(Duration::from_hours(7 * 24 + 1))).is_empty());
}
