//! Awkward stories of plans, pushed tests and cancellations.

use cnc_model::Destination;
use cnc_model::test::{PingTest, ThroughputPeer, ThroughputTest};
use proptest::prelude::*;

use super::*;

fn id(n: u32) -> TestId {
    TestId::try_from(n).expect("not 0")
}

fn ping() -> Test {
    Test::Ping(PingTest::to(Destination::Gateway))
}

fn download() -> Test {
    Test::Download(ThroughputTest::against(ThroughputPeer::Listener))
}

fn schedule(tests: &[(u32, When, Test)]) -> Schedule {
    let mut schedule = Schedule::default();
    for (n, when, test) in tests {
        assert_eq!(schedule.add(id(*n), *when, test.clone()), Ok(Added::Waiting));
    }
    schedule
}

/// Begins all that may begin, and names it.
fn start(schedule: &mut Schedule) -> Vec<u32> {
    let ready = schedule.ready();
    for (id, _) in &ready {
        schedule.started(*id);
    }
    ready.iter().map(|(id, _)| id.get()).collect()
}

use When::{Now, Stage};

#[test]
fn stages_run_one_after_the_other() {
    let mut plan =
        schedule(&[(1, Stage(0), ping()), (2, Stage(0), ping()), (3, Stage(2), ping()), (4, Stage(5), ping())]);
    assert_eq!(start(&mut plan), [1, 2]);
    assert!(start(&mut plan).is_empty());
    plan.ended(id(1));
    assert!(start(&mut plan).is_empty());
    plan.ended(id(2));
    assert_eq!(start(&mut plan), [3]);
    plan.ended(id(3));
    assert_eq!(start(&mut plan), [4]);
    plan.ended(id(4));
    assert!(plan.is_idle());
}

#[test]
fn a_pushed_test_waits_for_nothing_and_nothing_waits_for_it() {
    let mut plan = schedule(&[(1, Stage(0), ping()), (2, Stage(1), ping()), (3, Now, ping())]);
    assert_eq!(start(&mut plan), [1, 3]);
    plan.ended(id(1));
    assert_eq!(start(&mut plan), [2]);
}

#[test]
fn one_throughput_test_at_a_time() {
    let mut plan =
        schedule(&[(1, Stage(0), download()), (2, Stage(0), download()), (3, Stage(0), ping()), (4, Now, download())]);
    assert_eq!(start(&mut plan), [1, 3]);
    plan.ended(id(1));
    assert_eq!(start(&mut plan), [2]);
    plan.ended(id(2));
    assert_eq!(start(&mut plan), [4]);
}

#[test]
fn a_repeated_instruction_is_ignored() {
    let mut plan = schedule(&[(1, Now, ping())]);
    assert_eq!(plan.add(id(1), Now, download()), Ok(Added::Ignored));
    start(&mut plan);
    plan.ended(id(1));
    assert_eq!(plan.add(id(1), Now, ping()), Ok(Added::Ignored));
    assert!(plan.is_idle());
}

#[test]
fn cancelling_lets_the_next_stage_begin() {
    let mut plan = schedule(&[(1, Stage(0), ping()), (2, Stage(0), download()), (3, Stage(1), ping())]);
    assert_eq!(plan.cancel(id(2)), Cancelled::Waiting);
    assert_eq!(start(&mut plan), [1]);
    assert_eq!(plan.cancel(id(1)), Cancelled::Running);
    assert!(start(&mut plan).is_empty(), "it has not ended yet");
    plan.ended(id(1));
    assert_eq!(plan.cancel(id(1)), Cancelled::NotOpen);
    assert_eq!(plan.cancel(id(77)), Cancelled::NotOpen);
    assert_eq!(start(&mut plan), [3]);
}

#[test]
fn closing_drops_what_waits_and_takes_nothing_new() {
    let mut plan = schedule(&[(1, Now, ping()), (2, Stage(0), ping()), (3, Stage(1), ping())]);
    plan.started(id(1));
    assert_eq!(plan.close(), [id(2), id(3)]);
    assert_eq!(plan.add(id(4), Now, ping()), Ok(Added::Ignored));
    assert!(!plan.is_idle(), "1 still runs");
    plan.ended(id(1));
    assert!(plan.is_idle());
}

#[test]
fn too_many_are_refused() {
    let mut plan = Schedule::default();
    let max = u32::try_from(MAX_OPEN_TESTS).expect("small");
    for n in 1..=max {
        assert_eq!(plan.add(id(n), Stage(n), ping()), Ok(Added::Waiting));
    }
    assert_eq!(plan.add(id(max + 1), Now, ping()), Err(TooMany));
    assert_eq!(plan.add(id(max + 1), Now, ping()), Ok(Added::Ignored));
}

proptest! {
    /// Whatever the plan and the order in which tests end, every test runs once, no stage overtakes an earlier one,
    /// and no two throughput tests run at the same time.
    #[test]
    fn every_test_gets_its_turn(
        tests in prop::collection::vec((prop::option::of(0_u32..4), any::<bool>()), 1..30),
        picks in prop::collection::vec(any::<prop::sample::Index>(), 30),
    ) {
        let mut plan = Schedule::default();
        for (n, &(stage, load)) in (1..).zip(&tests) {
            let test = if load { download() } else { ping() };
            plan.add(id(n), stage.map_or(Now, Stage), test).expect("few");
        }
        let at = |id: u32| tests[id as usize - 1];
        let (mut running, mut ran) = (Vec::new(), Vec::new());
        for pick in picks {
            for id in start(&mut plan) {
                running.push(id);
                ran.push(id);
            }
            prop_assert!(running.iter().filter(|&&id| at(id).1).count() <= 1);
            let stages: BTreeSet<_> = running.iter().filter_map(|&id| at(id).0).collect();
            prop_assert!(stages.len() <= 1);
            if !running.is_empty() {
                plan.ended(id(running.swap_remove(pick.index(running.len()))));
            }
        }
        ran.sort_unstable();
        prop_assert_eq!(ran, (1..=u32::try_from(tests.len()).expect("few")).collect::<Vec<_>>());
        prop_assert!(plan.is_idle());
    }
}
