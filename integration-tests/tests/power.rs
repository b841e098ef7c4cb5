//! Power loss: the store's file and its log as they lie on the disk at a random moment, the unsynced end of the log torn
//! or gone. Whatever is left opens clean and holds all that was answered before.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use cnc_integration_tests::random::Random;
use cnc_integration_tests::store::{integrity, last_sample, samples};
use cnc_model::ping::{PingOutcome, PingSample};
use cnc_model::session::{SequencedSample, SessionOverview, SessionState};
use cnc_model::{Sample, Sequence, SessionId, TestId, Timestamp};
use cnc_server::store::{Change, Commit, SessionRow, Store};
use rusqlite::Connection;
use tokio::task::JoinSet;
use tokio::time::sleep;

/// How often the power is lost.
const LOSSES: u64 = 60;

fn row(id: SessionId) -> SessionRow {
    let now = Timestamp::from_unix_us(1_800_000_000_000_000);
    let overview = SessionOverview {
        id,
        label: "power".into(),
        plan: "p".into(),
        walk_in: false,
        code: None,
        state: SessionState::Active,
        connected: true,
        created: now,
        joined: Some(now),
        ended: None,
        client_version: None,
        public_address: None,
        network: None,
        clock_offset_us: None,
        stored: Sequence::NONE,
    };
    SessionRow { overview, consented: Some(now), code_hash: None, key_hash: None }
}

/// A commit whose samples tell their sequences.
fn commit(session: SessionId, first: u64, count: u64) -> Commit {
    let sample = |sequence| {
        let seq = u32::try_from(sequence).expect("few");
        let sample = PingSample { seq, at: Duration::from_micros(sequence), outcome: PingOutcome::Lost };
        SequencedSample { sequence: Sequence::new(sequence), test: TestId::FIRST, sample: Sample::Ping(sample) }
    };
    let changes = vec![Change::Samples((first..first + count).map(sample).collect())];
    Commit { session, changes, through: Some(Sequence::new(first + count - 1)) }
}

/// Writes with hardly a pause, and counts what was answered.
async fn write(store: Store, session: SessionId, answered: Arc<AtomicU64>, mut random: Random) {
    let changes = vec![Change::Session(Box::new(row(session)))];
    let made = store.submit(Commit { session, changes, through: None }).await.expect("it runs");
    made.await.expect("answered").expect("stored");
    let mut next = 1;
    loop {
        let mut waiting = Vec::new();
        for _ in 0..=random.below(8) {
            let count = 1 + random.below(16);
            let answer = store.submit(commit(session, next, count)).await.expect("it runs");
            next += count;
            waiting.push((next - 1, answer));
        }
        for (through, answer) in waiting {
            answer.await.expect("answered").expect("stored");
            answered.store(through, Ordering::SeqCst);
        }
        sleep(Duration::from_micros(random.below(4_000))).await;
    }
}

fn log_of(file: &Path) -> PathBuf {
    PathBuf::from(format!("{}-wal", file.display()))
}

/// Finds where the last whole commit ends in a log: what is synced lies before it.
fn committed(log: &Path) -> u64 {
    let Ok(bytes) = std::fs::read(log) else { return 0 };
    let word = |at: usize| bytes.get(at..at + 4).map(|four| u32::from_be_bytes(four.try_into().expect("four")));
    let (Some(page), Some(salt)) = (word(8), bytes.get(16..24)) else { return 0 };
    let frame = 24 + usize::try_from(page).expect("pages are small");
    let mut end = 0;
    let mut at = 32;
    while bytes.get(at + 8..at + 16) == Some(salt) && bytes.len() >= at + frame {
        if word(at + 4).is_some_and(|pages| pages > 0) {
            end = at + frame;
        }
        at += frame;
    }
    u64::try_from(end).expect("files are small")
}

/// Does to the end of a log what a disk without power does.
fn tear(log: &Path, from: u64, random: &mut Random) {
    let file = File::options().write(true).open(log).expect("a log");
    let length = file.metadata().expect("a log").len();
    let unsynced = length.saturating_sub(from);
    let at = from + random.below(unsynced + 1);
    match random.below(5) {
        0 => {}
        1 => file.set_len(at).expect("cut"),
        2 => {
            file.set_len(at).expect("cut");
            file.set_len(length).expect("zeroed");
        }
        3 => {
            // Sectors that never reached the disk, anywhere in what was not synced.
            for _ in 0..=random.below(8) {
                let sector = from.div_ceil(512) * 512 + 512 * random.below(unsynced / 512 + 1);
                if sector + 512 <= length {
                    file.write_all_at(&[0; 512], sector).expect("written");
                }
            }
        }
        _ => {
            let noise: Vec<u8> = (0..random.below(4_096)).map(|_| random.bits().to_le_bytes()[0]).collect();
            file.write_all_at(&noise, at).expect("written");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_answered_survives_it() {
    let seed = std::env::var("POWER_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1);
    let mut random = Random::new(seed);
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("cnc.db");
    let store = Store::open(&file).expect("a new store");
    let ids: Vec<_> = (0..3).map(|n| SessionId::new(Timestamp::from_unix_us(1_800_000_000_000_000), n)).collect();
    let answered: Vec<_> = ids.iter().map(|_| Arc::<AtomicU64>::default()).collect();
    let mut writing = JoinSet::new();
    for (&id, answered) in ids.iter().zip(&answered) {
        writing.spawn(write(store.clone(), id, Arc::clone(answered), Random::new(random.bits())));
    }
    for loss in 0..LOSSES {
        sleep(Duration::from_micros(random.below(30_000))).await;
        let copied = tempfile::tempdir().expect("a folder");
        let copy = copied.path().join("cnc.db");
        // A reader keeps the log from being begun anew, so that both files are of one moment, as a disk's are.
        let reader = Connection::open(&file).expect("it opens");
        reader.execute_batch("BEGIN; SELECT count(*) FROM sessions;").expect("it reads");
        let before: Vec<_> = answered.iter().map(|answered| answered.load(Ordering::SeqCst)).collect();
        let synced = committed(&log_of(&file));
        sleep(Duration::from_micros(random.below(3_000))).await;
        let mut files = [(file.clone(), copy.clone()), (log_of(&file), log_of(&copy))];
        if random.once_in(2) {
            files.reverse();
        }
        for (from, to) in files {
            std::fs::copy(from, to).expect("copied");
        }
        reader.execute_batch("COMMIT").expect("done");
        drop(reader);
        tear(&log_of(&copy), synced, &mut random);

        let told = format!("POWER_SEED={seed}, loss {loss}");
        let reopened = Store::open(&copy).unwrap_or_else(|error| panic!("{told}: {error}"));
        for (&id, &before) in ids.iter().zip(&before) {
            let stored = reopened.session(id).await.expect("readable").map_or(0, |session| session.stored.get());
            assert!(stored >= before, "{told}: {stored} is left of {before}");
            // All of them are samples, and each sequence is there once at the most.
            let id = id.to_string();
            let held = (samples(&copy, &id) as u64, last_sample(&copy, &id));
            assert_eq!(held, (stored, stored), "{told}: no more and no less than its mark");
        }
        drop(reopened);
        assert_eq!(integrity(&copy), "ok", "{told}");
    }
    assert!(answered.iter().all(|answered| answered.load(Ordering::SeqCst) > 0), "it wrote all the while");
}
