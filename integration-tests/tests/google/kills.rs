//! The listener itself, killed as by a power cut while it exports: at a request chosen by the seed, before BigQuery had
//! it, before its answer came, or just behind. In the end every row is there once.

use std::path::Path;
use std::sync::Arc;

use cnc_integration_tests::google::fixture::{assert_whole, begin, end, export_all, lacks, observe};
use cnc_integration_tests::google::{Fake, Held};
use cnc_integration_tests::listener::Listener;
use cnc_integration_tests::random::Random;
use cnc_server::store::Store;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

const SEEDS: u64 = 20;
/// Lives of the listener that end by a kill, of each seed.
const KILLS: u32 = 4;
/// Stories that are told at one time: each starts programs.
const AT_ONCE: usize = 4;
/// The first life makes so many requests at the least: a token, three streams, and an append to each.
const REQUESTS_AT_FIRST: u64 = 7;
/// Each later one: a token, and an append of each table that has something new.
const REQUESTS_LATER: u64 = 4;
/// Samples that come between two lives, at the most.
const MOST_SAMPLES: u64 = 400;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(clippy::print_stdout, reason = "each seed is told, so that one that failed can be tried again")]
async fn every_row_is_there_once_whenever_the_listener_is_killed() {
    let turns = Arc::new(Semaphore::new(AT_ONCE));
    let mut stories = JoinSet::new();
    for seed in 0..SEEDS {
        let turns = Arc::clone(&turns);
        stories.spawn(async move {
            // Liveness: each story gives its turn back when it ends.
            let _turn = turns.acquire().await.expect("it is never closed");
            let kills = story(seed).await;
            println!("seed {seed}: whole after kills at {}", kills.join(", "));
        });
    }
    // Liveness: each story ends by itself.
    while let Some(told) = stories.join_next().await {
        told.expect("a story of the seed that is told above, or is missing there");
    }
}

/// Lets one listener live and die some times while its record grows; gives where it was killed.
async fn story(seed: u64) -> Vec<String> {
    let mut random = Random::new(seed);
    let fake = Fake::start().await;
    let config = fake.settings("metadata");
    let mut data = tempfile::tempdir().expect("a folder");
    let mut kills = Vec::new();
    for life in 0..KILLS {
        grow(&data.path().join("cnc.db"), life, &mut random).await;
        let most = if life == 0 { REQUESTS_AT_FIRST } else { REQUESTS_LATER };
        let (request, held) = (1 + random.below(most), *random.pick(&[Held::Before, Held::After, Held::Not]));
        fake.hold(request, held);
        let listener = Listener::start_on(data, &config).await;
        fake.until(Fake::is_held).await;
        data = listener.kill().await;
        kills.push(format!("{request} ({held:?})"));
    }
    let listener = Listener::start_on(data, &config).await;
    let file = listener.store();
    fake.until(|fake| !lacks(&file, |table| fake.rows(table))).await;
    let data = listener.kill().await;
    // Should the last kill have left a doubt, what resolves it must send nothing twice.
    let file = data.path().join("cnc.db");
    export_all(&Store::open(&file).expect("opens"), &fake.google()).await;
    assert_whole(&file, |table| fake.rows(table));
    kills
}

/// Lets something new of each table come: a session that stays open, and more of the one before, which ends.
async fn grow(file: &Path, life: u32, random: &mut Random) {
    let record = Store::open(file).expect("nobody else has it");
    begin(&record, life).await;
    observe(&record, life, 2, 2 + random.below(MOST_SAMPLES)).await;
    if let Some(before) = life.checked_sub(1) {
        let next = MOST_SAMPLES + 3;
        observe(&record, before, next, next + random.below(MOST_SAMPLES)).await;
        end(&record, before, next + MOST_SAMPLES).await;
    }
}
