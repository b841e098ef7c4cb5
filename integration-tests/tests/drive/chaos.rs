//! The listener killed by SIGKILL and Drive cut off, each in the middle of a request that chance chooses, and answers that
//! fail in every way: in the end each claimed call has exactly one document.

use std::io::Write as _;

use cnc_integration_tests::random::Random;
use cnc_model::SessionId;
use tokio::task::JoinSet;

use crate::place::Place;

/// So many stories of chance; each is told apart by its seed.
const SEEDS: u64 = 20;
/// Calls in each.
const CALLS: u8 = 2;
/// Times that something is killed in each.
const KILLS: usize = 4;
/// Requests from one kill to the next, at the most: a document takes five.
const REQUESTS: u64 = 6;
/// Of the bytes that are being sent so many arrive before a kill, at the most: a document has some ten thousand.
const BYTES: usize = 20_000;
/// Stories at a time: each has a listener of its own.
const AT_ONCE: usize = 5;
/// What the listener logs of an attempt in vain.
const IN_VAIN: &str = "the document in Drive is not done";

fn all_made(place: &Place, sessions: &[SessionId]) -> bool {
    sessions.iter().all(|session| place.column(*session, "state").as_deref() == Some("done"))
}

/// Waits until a request is under way that is never answered; where no more come, nothing is left to be interrupted.
async fn in_mid_request(place: &Place, random: &mut Random, sessions: &[SessionId]) {
    let held = {
        let mut world = place.fake.world();
        world.hold_at = Some((world.requests + 1 + random.below(REQUESTS), random.place(BYTES)));
        world.held
    };
    place
        .until("a request is under way, or all is done", || place.fake.world().held > held || all_made(place, sessions))
        .await;
    place.fake.world().hold_at = None;
}

async fn story(seed: u64) {
    let mut random = Random::new(seed);
    let mut place = Place::open().await;
    place.fake.world().chance = Some((Random::new(seed.wrapping_mul(31)), 8));
    let mut sessions = Vec::new();
    for call in 1..=CALLS {
        sessions.push(place.call(call).await.0);
    }
    for _ in 0..KILLS {
        in_mid_request(&place, &mut random, &sessions).await;
        if random.once_in(2) {
            place.kill().await;
            place.start().await;
            continue;
        }
        let before = place.log().matches(IN_VAIN).count();
        place.fake.kill();
        if random.once_in(2) {
            place
                .until("Drive is missed, or all is done", || {
                    place.log().matches(IN_VAIN).count() > before || all_made(&place, &sessions)
                })
                .await;
        }
        place.fake.revive();
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
