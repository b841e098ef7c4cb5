//! Every built-in plan, held against the policy and the schedule of the client that runs it: nothing is refused, and it
//! ends in the time that it promises on a normal line.

use std::collections::BTreeSet;
use std::time::Duration;

use cnc_client::policy::{Allowed, Policy, Surroundings, Verdict};
use cnc_client::schedule::{Added, Schedule};
use cnc_model::message::When;
use cnc_model::{Plan, Test, TestId};
use cnc_server::config::Config;
use tokio::time::Instant;

/// The longest that a test takes where everything answers and the last probe is lost all the same.
fn longest(test: &Test) -> Duration {
    let seconds = Duration::from_secs_f64;
    match test {
        Test::Ping(ping) => ping.interval * (ping.count - 1) + ping.timeout,
        // A second for the last round's answers; and names, which are looked up meanwhile, may take two.
        Test::Trace(trace) if trace.names => trace.interval * (trace.rounds - 1) + seconds(3.0),
        Test::Trace(trace) => trace.interval * (trace.rounds - 1) + seconds(1.0),
        // By UDP two packets, a second apart.
        Test::Mtu(_) => seconds(2.5),
        // One resolver of several is dead.
        Test::Dns(_) => seconds(3.0),
        Test::System | Test::Http(_) => seconds(1.0),
        // Connections and round trips of the idle line come first, and what is under way afterwards.
        Test::Download(load) | Test::Upload(load) => load.duration + seconds(1.5),
    }
}

/// The most bytes that a load moves.
fn moved(test: &Test) -> u64 {
    match test {
        Test::Download(load) | Test::Upload(load) => load.max_bytes,
        Test::System | Test::Ping(_) | Test::Trace(_) | Test::Mtu(_) | Test::Dns(_) | Test::Http(_) => 0,
    }
}

/// Runs a plan in an invented time, and gives how long it takes.
fn run(plan: &Plan) -> Duration {
    let began = Instant::now();
    let mut policy = Policy::new(Allowed::default(), Surroundings::default(), began);
    policy.agree(&plan.tests().map(|(_, test)| test.clone()).collect::<Vec<_>>());
    let mut schedule = Schedule::default();
    let mut id = TestId::FIRST;
    for (stage, test) in plan.tests() {
        assert_eq!(schedule.add(id, When::Stage(stage), test.clone()), Ok(Added::Waiting));
        id = id.next();
    }
    let (mut now, mut running) = (began, BTreeSet::new());
    while !schedule.is_idle() {
        let mut again = None;
        for (id, test) in schedule.ready() {
            match policy.admit(id, &test, now) {
                Verdict::Admit(admitted) => {
                    assert_eq!(admitted, test, "{}: as it was asked", plan.name);
                    schedule.started(id);
                    running.insert((now + longest(&test), id, moved(&test)));
                }
                Verdict::Wait(until) => again = [again, until].into_iter().flatten().min(),
                Verdict::Refuse(refusal) => panic!("{}, {}: {refusal}", plan.name, test.title()),
            }
        }
        let first = running.first().map(|(ends, ..)| *ends);
        now = [again, first].into_iter().flatten().min().expect("something runs or may run later");
        while let Some((_, id, bytes)) = running.first().copied().filter(|(ends, ..)| *ends <= now) {
            running.pop_first();
            policy.ended(id, bytes, now);
            schedule.ended(id);
        }
    }
    now - began
}

#[test]
fn built_in_plans_are_admitted_and_end_in_time() {
    let few = ["example.com", "example.org", "192.0.2.1", "2001:db8::1"];
    let promised = [
        ("default", 60),
        ("drops", 610),
        ("quick", 15),
        ("slow-download", 60),
        ("slow-web", 60),
        ("voip", 60),
        ("vpn", 60),
    ];
    for url in [None, Some("https://check.example.com:7443")] {
        for known in [&few[..0], &few] {
            let destinations = known.iter().map(|name| name.parse().expect("a name")).collect();
            let config = Config { public_url: url.map(str::to_owned), destinations, ..Config::default() };
            let took: Vec<_> =
                config.all_plans().iter().map(|plan| (plan.name.clone(), run(plan).as_secs_f64())).collect();
            let in_time = |((name, took), (expected, most)): (&(String, f64), &(&str, u32))| {
                name == expected && *took <= f64::from(*most)
            };
            assert!(
                took.len() == promised.len() && took.iter().zip(&promised).all(in_time),
                "{url:?} {known:?}: {took:?}"
            );
        }
    }
}
