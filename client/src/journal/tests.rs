//! Files that are opened again, cut short, trimmed, and read back.

use std::time::Duration;

use cnc_model::ping::{PingOutcome, PingSample};
use cnc_model::{Sample, TestId};

use super::*;

fn sample(seq: u32) -> Item {
    let sample = Sample::Ping(PingSample { seq, at: Duration::ZERO, outcome: PingOutcome::Lost });
    Item::Sample { test: TestId::FIRST, sample }
}

fn samples(range: std::ops::RangeInclusive<u32>) -> (Sequence, Vec<Item>) {
    (Sequence::new(u64::from(*range.start())), range.map(sample).collect())
}

fn through(n: u64) -> Sequence {
    Sequence::new(n)
}

fn place() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("0.journal");
    (folder, path)
}

#[test]
fn what_was_written_is_there_again() {
    let (_folder, path) = place();
    let mut journal = Journal::open(&path).expect("opens");
    assert_eq!(journal.waiting().expect("reads"), Waiting::default());
    journal.write(Some(samples(1..=100)), Sequence::NONE).expect("writes");
    journal.write(Some(samples(101..=101)), through(70)).expect("writes");
    drop(journal);
    let mut journal = Journal::open(&path).expect("opens");
    let waiting = journal.waiting().expect("reads");
    assert_eq!((waiting.acknowledged, waiting.more), (through(70), 0));
    assert_eq!(waiting.items, (71..=101).map(sample).collect::<Vec<_>>());
    assert_eq!(journal.read(through(71)).expect("there").first(), Some(&sample(71)));
    assert!(journal.read(through(102)).is_err(), "there is no such item");
    assert!(journal.write(Some(samples(103..=103)), through(70)).is_err(), "none may be left out");
}

#[test]
fn a_torn_tail_is_cut_and_written_over() {
    let (_folder, path) = place();
    let mut journal = Journal::open(&path).expect("opens");
    journal.write(Some(samples(1..=10)), Sequence::NONE).expect("writes");
    let whole = std::fs::metadata(&path).expect("there").len();
    journal.write(Some(samples(11..=20)), Sequence::NONE).expect("writes");
    drop(journal);
    let all = std::fs::read(&path).expect("there");
    for end in usize::try_from(whole).expect("small")..all.len() {
        std::fs::write(&path, &all[..end]).expect("written");
        let mut journal = Journal::open(&path).expect("opens");
        assert_eq!(journal.contents().last, through(10), "cut at {end}");
        journal.write(Some(samples(11..=12)), Sequence::NONE).expect("writes");
        drop(journal);
        let mut journal = Journal::open(&path).expect("opens");
        assert_eq!(journal.waiting().expect("reads").items, (1..=12).map(sample).collect::<Vec<_>>());
    }
}

#[test]
fn what_is_no_journal_is_begun_anew() {
    let (_folder, path) = place();
    std::fs::write(&path, "something else").expect("written");
    let mut journal = Journal::open(&path).expect("opens");
    journal.write(Some(samples(1..=1)), Sequence::NONE).expect("writes");
    assert_eq!(Journal::open(&path).expect("opens").contents().last, through(1));
}

#[test]
fn a_long_session_in_touch_keeps_a_small_file_and_its_numbers() {
    let (_folder, path) = place();
    let mut journal = Journal::open(&path).expect("opens");
    let started = Item::TestStarted { test: TestId::FIRST, at: Duration::ZERO };
    journal.write(Some((through(1), vec![started])), Sequence::NONE).expect("writes");
    for n in 2..20_000 {
        journal.write(Some(samples(n..=n)), through(u64::from(n) - 1)).expect("writes");
        journal.write(None, through(u64::from(n))).expect("writes");
    }
    assert!(std::fs::metadata(&path).expect("there").len() < 128 << 10);
    let journal = Journal::open(&path).expect("opens");
    assert_eq!((journal.contents().last, journal.contents().is_delivered()), (through(19_999), true));
    assert!(journal.contents().running.contains(&TestId::FIRST), "its beginning was trimmed away, but it runs");
}

#[test]
fn a_file_with_much_that_is_dead_is_rewritten_around_what_waits() {
    let (_folder, path) = place();
    let mut journal = Journal::open(&path).expect("opens");
    let (mut last, mut largest) = (0, 0);
    while last < 600_000 {
        journal
            .write(Some(samples(last + 1..=last + 1_000)), through(u64::from(last.saturating_sub(500))))
            .expect("writes");
        last += 1_000;
        largest = largest.max(std::fs::metadata(&path).expect("there").len());
    }
    assert!(largest < 5 << 20, "{largest}");
    drop(journal);
    let mut journal = Journal::open(&path).expect("opens");
    let waiting = journal.waiting().expect("reads");
    assert_eq!(waiting.acknowledged, through(598_500));
    assert_eq!(waiting.items, (598_501..=600_000).map(sample).collect::<Vec<_>>());
}

#[test]
fn more_than_fits_into_memory_stays_on_disk() {
    let (_folder, path) = place();
    let mut journal = Journal::open(&path).expect("opens");
    journal.write(Some(samples(1..=12_345)), Sequence::NONE).expect("writes");
    drop(journal);
    let waiting = Journal::open(&path).expect("opens").waiting().expect("reads");
    assert_eq!((waiting.items.len(), waiting.more), (MAX_IN_MEMORY, 2_345));
}
