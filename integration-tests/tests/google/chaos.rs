//! Whatever goes wrong and whenever the exporter is killed: in the end every row is there once.

use std::time::Duration;

use cnc_integration_tests::google::Fake;
use cnc_integration_tests::google::fixture::{assert_whole, begin, caught_up, end, exporter, observe};
use cnc_integration_tests::random::Random;
use cnc_server::store::Store;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::Place;

const SEEDS: u64 = 20;
const SESSIONS: u32 = 4;
const SAMPLES: u64 = 300;
/// One of so many calls goes wrong while samples still come.
const ONE_IN: u64 = 3;
/// The exporter lives for less than this before it is killed, in milliseconds.
const LONGEST_LIFE_MS: u64 = 60;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(clippy::print_stdout, reason = "each seed is told, so that one that failed can be tried again")]
async fn every_row_is_there_once_whatever_is_killed_when() {
    let mut stories = JoinSet::new();
    for seed in 0..SEEDS {
        stories.spawn(async move {
            let kills = story(seed).await;
            println!("seed {seed}: whole after {kills} kills");
        });
    }
    // Liveness: each story ends by itself.
    while let Some(told) = stories.join_next().await {
        told.expect("a story of the seed that is told above, or is missing there");
    }
}

/// Lets one record be exported under faults and kills while it grows; gives the kills.
async fn story(seed: u64) -> u32 {
    let place = Place::new();
    let record = place.open();
    let fake = Fake::start().await;
    fake.chaos(ONE_IN, seed);
    let growing = tokio::spawn(grow(record.clone(), seed));
    let mut random = Random::new(seed ^ 0xc0de);
    let mut kills = 0;
    while !growing.is_finished() || kills < 10 {
        let life = Duration::from_millis(random.below(LONGEST_LIFE_MS));
        let google = fake.google();
        // Dropped wherever it is, as a process is killed.
        let killed = tokio::time::timeout(life, exporter(&record, &google).run(CancellationToken::new())).await;
        assert!(killed.is_err(), "seed {seed}: the exporter ended by itself");
        kills += 1;
    }
    growing.await.expect("it is stored");
    // Its last life: things still go wrong, but it may go on.
    let stop = CancellationToken::new();
    let running = tokio::spawn(exporter(&record, &fake.google()).run(stop.clone()));
    caught_up(&record).await;
    stop.cancel();
    running.await.expect("the exporter does not panic");
    assert_whole(&place.file(), |table| fake.rows(table));
    kills
}

async fn grow(record: Store, seed: u64) {
    let mut random = Random::new(seed);
    for n in 0..SESSIONS {
        begin(&record, n).await;
    }
    let mut stored = [1; SESSIONS as usize];
    while stored.iter().any(|last| *last < SAMPLES) {
        let n = random.place(stored.len());
        let last = (stored[n] + random.below(60)).min(SAMPLES);
        let session = u32::try_from(n).expect("few");
        observe(&record, session, stored[n] + 1, last).await;
        stored[n] = last;
        if random.once_in(3) {
            end(&record, session, last).await;
            stored[n] = last + 1;
        }
        tokio::task::yield_now().await;
    }
    for n in 0..SESSIONS {
        end(&record, n, stored[n as usize]).await;
    }
}
