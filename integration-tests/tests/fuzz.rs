//! A few thousand inputs that nobody meant, for everything that reads what strangers wrote. `cargo xtask bench fuzz` tries a
//! million. `FUZZ_SEED=N` begins with that seed: what failed once is tried again.

use cnc_integration_tests::fuzz::{Router, TARGETS, seed};

#[test]
fn nothing_that_is_read_breaks_its_reader() {
    for target in TARGETS {
        target.run(seed(1), 3_000);
    }
}

#[tokio::test]
async fn every_request_has_an_answer() {
    Router::start().await.run(seed(1), 1_500).await;
}
