//! Both sides killed and started again at random, and answers that fail in every way: in the end each claimed call has
//! exactly one document.

use std::io::Write as _;
use std::time::Duration;

use cnc_integration_tests::random::Random;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::place::Place;

/// So many stories of chance; each is told apart by its seed.
const SEEDS: u64 = 20;
/// Calls in each.
const CALLS: u8 = 2;
/// Times that something is killed in each.
const KILLS: usize = 4;
/// Stories at a time: each has a listener of its own.
const AT_ONCE: usize = 5;

async fn story(seed: u64) {
    let mut random = Random::new(seed);
    let mut place = Place::open().await;
    place.fake.world().chance = Some((Random::new(seed.wrapping_mul(31)), 8));
    let mut sessions = Vec::new();
    for call in 1..=CALLS {
        sessions.push(place.call(call).await.0);
    }
    for _ in 0..KILLS {
        // A moment of chance is what this is about.
        sleep(Duration::from_millis(random.below(600))).await;
        if random.once_in(2) {
            place.kill().await;
            place.start().await;
        } else {
            place.fake.kill();
            sleep(Duration::from_millis(random.below(300))).await;
            place.fake.revive();
        }
    }
    place.fake.world().chance = None;
    for session in sessions {
        place.made(session, 1).await;
        let documents = place.fake.world().documents(&session.to_string()).len();
        assert_eq!(documents, 1, "seed {seed}: {session} has {documents} documents");
    }
    assert_eq!(place.fake.world().count(), usize::from(CALLS), "seed {seed}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_claimed_call_has_exactly_one_document_in_the_end() {
    let mut running = JoinSet::new();
    for seed in 1..=SEEDS {
        writeln!(std::io::stderr(), "seed {seed}").expect("standard error takes it");
        if running.len() >= AT_ONCE {
            running.join_next().await.expect("one runs").expect("a story ends well");
        }
        running.spawn(story(seed));
    }
    while let Some(ended) = running.join_next().await {
        ended.expect("a story ends well");
    }
}
