//! Recorded shapes with a known truth, made-up ones with a known answer, and what must always hold.

use proptest::prelude::*;

use super::*;
use crate::throughput::{Direction, ThroughputSample, steady_part};

/// See the file's own head.
const RECORDED: &str = include_str!("recorded.txt");

const TENTH: Duration = Duration::from_millis(100);

/// One recorded run.
struct Run {
    name: &'static str,
    truth: f64,
    intervals: Vec<Interval>,
}

fn recorded() -> Vec<Run> {
    let run = |line: &'static str| {
        let mut parts = line.split("; ");
        let (name, truth) = (parts.next().expect("a name"), parts.next().expect("a truth"));
        let intervals = parts.next().expect("intervals").split(' ').map(|pair| {
            let (us, bytes) = pair.split_once(':').expect("a pair");
            let length = Duration::from_micros(us.parse().expect("a number"));
            Interval { length, bytes: bytes.parse().expect("a number") }
        });
        Run { name, truth: truth.parse().expect("a number"), intervals: intervals.collect() }
    };
    RECORDED.lines().filter(|line| !line.starts_with('#')).map(run).collect()
}

/// What a run comes to when it ends after so much time, or by itself when it is stable.
struct Came {
    settled_at: Option<Duration>,
    stable_at: Option<Duration>,
    bps: Option<f64>,
}

fn run(intervals: &[Interval], stops_early: bool, within: Duration) -> Came {
    let (mut ramp, mut samples, mut at) = (Ramp::default(), Vec::new(), Duration::ZERO);
    let mut came = Came { settled_at: None, stable_at: None, bps: None };
    for interval in intervals {
        at += interval.length;
        if at > within {
            break;
        }
        let phase = ramp.observe(interval.length, interval.bytes);
        if phase == Phase::Steady {
            came.settled_at.get_or_insert(at);
        }
        samples.push(sample(at, *interval, phase));
        if ramp.is_stable() {
            came.stable_at.get_or_insert(at);
            if stops_early {
                break;
            }
        }
    }
    let settled: Vec<_> = steady_part(&samples).iter().map(Interval::from).collect();
    came.bps = rate(&settled).map(BitRate::bps);
    came
}

fn sample(at: Duration, Interval { length, bytes }: Interval, phase: Phase) -> ThroughputSample {
    let direction = Direction::Download;
    ThroughputSample { direction, at, interval: length, flow_count: 4, bytes, phase, rtt: None }
}

/// How far off a figure is, in percent.
fn off(bps: f64, truth: f64) -> f64 {
    (bps / truth - 1.0).abs() * 100.0
}

fn steady(rate: impl Fn(usize) -> u64, count: usize) -> Vec<Interval> {
    (0..count).map(|nth| Interval { length: TENTH, bytes: rate(nth) }).collect()
}

#[test]
fn recorded_runs_come_to_the_truth_whether_they_stop_early_or_not() {
    for Run { name, truth, intervals } in recorded() {
        for stops_early in [false, true] {
            let came = run(&intervals, stops_early, Duration::MAX);
            let bps = came.bps.unwrap_or_else(|| panic!("{name}: never settled"));
            assert!(off(bps, truth) <= 0.45, "{name}: {bps} bit/s, {:.2} % off", off(bps, truth));
            assert!(came.settled_at >= Some(Duration::from_millis(1_900)), "{name}: {:?}", came.settled_at);
        }
    }
}

#[test]
fn recorded_lines_that_are_quiet_are_known_after_three_seconds_and_most_stop_before_the_record_ends() {
    let quiet: Vec<_> = recorded().into_iter().filter(|run| run.truth > 40e6).collect();
    for Run { name, truth, intervals } in &quiet {
        let bps = run(intervals, false, Duration::from_secs(3)).bps.unwrap_or_else(|| panic!("{name}: not settled"));
        assert!(off(bps, *truth) <= 0.5, "{name}: {bps} bit/s, {:.2} % off", off(bps, *truth));
    }
    let stable = quiet.iter().filter(|quiet| run(&quiet.intervals, true, Duration::MAX).stable_at.is_some());
    assert_eq!((stable.count(), quiet.len()), (6, 7));
}

#[test]
fn a_queue_that_is_flooded_and_drains_is_no_steady_state() {
    // Full rate, a second of nothing but repeats, all that was held back at once, and the full rate again.
    let flood = |nth| match nth {
        0 => 100_000,
        12..20 => 5_000,
        20..24 => 740_000,
        _ => 250_000,
    };
    let came = run(&steady(flood, 70), true, Duration::MAX);
    assert_eq!(came.settled_at, Some(Duration::from_millis(3_200)));
    assert_eq!(came.bps, Some(20e6));
}

#[test]
fn what_grows_drops_or_stands_still_is_not_stable() {
    let shapes = [
        ("creeps up by 2 % a second", steady(|nth| 250_000 + 500 * nth as u64, 55)),
        ("falls to half after three seconds", steady(|nth| if nth < 33 { 250_000 } else { 125_000 }, 55)),
        ("doubles each second", steady(|nth| 10_000 << (nth / 10), 55)),
        ("nothing moves", steady(|_| 0, 55)),
    ];
    for (name, intervals) in shapes {
        let came = run(&intervals, false, Duration::MAX);
        assert_eq!(came.stable_at, None, "{name}");
    }
}

#[test]
fn a_rate_that_grows_by_a_tenth_a_second_has_not_settled() {
    let growing = |permille_a_tenth: u64| {
        let bytes = |nth| (0..nth).fold(2_000_000, |bytes, _| bytes + bytes * permille_a_tenth / 1_000);
        run(&steady(bytes, 55), false, Duration::MAX).settled_at
    };
    // By 11.6 % a second, and by 8.3 %.
    assert_eq!((growing(11), growing(8)), (None, Some(Duration::from_millis(2_700))));
}

#[test]
fn a_rate_that_sways_settles_by_its_averages_and_is_never_stable() {
    // As Wi-Fi does: a quarter up and down within a second, the same every second.
    let came = run(&steady(|nth| [190_000, 310_000, 250_000, 280_000, 220_000][nth % 5], 60), false, Duration::MAX);
    assert_eq!((came.settled_at, came.stable_at), (Some(Duration::from_millis(2_700)), None));
    assert!(off(came.bps.expect("settled"), 20e6) < 1.0);
}

#[test]
fn connections_that_are_added_begin_the_ramp_anew() {
    let mut ramp = Ramp::default();
    let mut phases = Vec::new();
    for nth in 0..60 {
        if nth == 30 {
            ramp.restart();
        }
        phases.push((ramp.observe(TENTH, 250_000), ramp.is_stable()));
    }
    let first = |from: usize, wanted| phases.iter().skip(from).position(|phase| *phase == wanted).map(|nth| from + nth);
    assert_eq!(first(0, (Phase::Steady, false)), Some(19));
    assert_eq!(first(30, (Phase::Ramp, false)), Some(30));
    assert_eq!(first(30, (Phase::Steady, false)), Some(44));
    assert_eq!(phases.iter().filter(|(_, stable)| *stable).count(), 0);
}

#[test]
fn the_ends_of_the_steady_part_leave_backlogs_out() {
    let even = vec![250_000; 30];
    let cases: [(&str, &[(usize, u64)]); 4] = [
        ("as it is", &[]),
        ("held back at the end", &[(28, 20_000), (29, 0)]),
        ("caught up at the beginning", &[(0, 480_000), (1, 480_000)]),
        ("a loss amid it", &[(14, 0), (15, 100_000), (16, 650_000)]),
    ];
    for (name, changes) in cases {
        let mut bytes = even.clone();
        for &(nth, changed) in changes {
            bytes[nth] = changed;
        }
        assert_eq!(rate(&steady(|nth| bytes[nth], 30)).map(BitRate::bps), Some(20e6), "{name}");
    }
    assert_eq!(rate(&[]), None);
    let one = [Interval { length: Duration::from_secs(1), bytes: 125_000 }];
    assert_eq!(rate(&one).map(BitRate::mbps), Some(1.0));
}

fn intervals() -> impl Strategy<Value = Vec<Interval>> {
    let interval =
        (50_u64..150, 0_u64..2_000_000).prop_map(|(ms, bytes)| Interval { length: Duration::from_millis(ms), bytes });
    proptest::collection::vec(interval, 1..120)
}

proptest! {
    #[test]
    fn a_rate_lies_between_the_slowest_and_the_fastest_interval(intervals in intervals()) {
        let rate = rate(&intervals).expect("some time").bps();
        let rates = intervals.iter().map(|i| BitRate::of(i.bytes, i.length).bps());
        let (least, most) = rates.fold((f64::MAX, 0.0_f64), |(least, most), bps| (least.min(bps), most.max(bps)));
        prop_assert!(rate >= least * 0.999_999 && rate <= most * 1.000_001, "{least} {rate} {most}");
    }

    #[test]
    fn an_even_rate_is_found_however_the_timer_drifts(lengths in proptest::collection::vec(60_u64..140, 90..120)) {
        let intervals: Vec<_> =
            lengths.iter().map(|&ms| Interval { length: Duration::from_millis(ms), bytes: ms * 2_500 }).collect();
        let came = run(&intervals, true, Duration::MAX);
        prop_assert!(came.stable_at.is_some());
        prop_assert!(off(came.bps.expect("settled"), 20e6) < 1e-6);
    }

    #[test]
    fn any_intervals_are_taken(intervals in proptest::collection::vec((0_u64..10_000_000, any::<u64>()), 0..80)) {
        let mut ramp = Ramp::default();
        for (us, bytes) in intervals {
            let phase = ramp.observe(Duration::from_micros(us), bytes % (1 << 40));
            prop_assert!(phase == Phase::Steady || !ramp.is_stable());
        }
    }
}
