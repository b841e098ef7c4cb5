//! Every row of every table, from both sides of its threshold.

use proptest::prelude::*;

use super::*;

fn ms(millis: f64) -> Duration {
    Duration::from_secs_f64(millis / 1e3)
}

fn mbps(mbps: f64) -> BitRate {
    BitRate::from_bps(mbps * 1e6).expect("finite and positive")
}

/// A line that earns the most points everywhere.
fn best() -> Line {
    Line {
        latency: Some(ms(5.0)),
        jitter: Some(ms(1.0)),
        loss_ratio: Some(0.0),
        added_latency: Some(ms(2.0)),
        download: Some(mbps(500.0)),
        load_too_short: false,
    }
}

#[test]
fn every_row_of_the_bufferbloat_grade() {
    let cases = [
        (0.0, "A+"),
        (4.999, "A+"),
        (5.0, "A"),
        (29.999, "A"),
        (30.0, "B"),
        (59.999, "B"),
        (60.0, "C"),
        (199.999, "C"),
        (200.0, "D"),
        (399.999, "D"),
        (400.0, "F"),
        (10_000.0, "F"),
    ];
    for (added, grade) in cases {
        assert_eq!(BufferbloatGrade::of(ms(added)).to_string(), grade, "{added} ms");
    }
}

#[test]
fn every_row_of_latency_and_added_latency() {
    let rows = [
        (0.0, 20),
        (9.999, 20),
        (10.0, 10),
        (19.999, 10),
        (20.0, 5),
        (49.999, 5),
        (50.0, 0),
        (99.999, 0),
        (100.0, -10),
        (499.999, -10),
        (500.0, -20),
        (9_000.0, -20),
    ];
    for (latency, points) in rows {
        let line = Line { latency: Some(ms(latency)), added_latency: Some(ms(latency)), ..Line::default() };
        assert_eq!(line.points(Input::Latency), Some(points), "{latency} ms");
        assert_eq!(line.points(Input::AddedLatency), Some(points), "{latency} ms");
    }
}

#[test]
fn every_row_of_jitter() {
    let rows = [
        (0.0, 10),
        (9.999, 10),
        (10.0, 5),
        (19.999, 5),
        (20.0, 0),
        (99.999, 0),
        (100.0, -10),
        (499.999, -10),
        (500.0, -20),
    ];
    for (jitter, points) in rows {
        let line = Line { jitter: Some(ms(jitter)), ..Line::default() };
        assert_eq!(line.points(Input::Jitter), Some(points), "{jitter} ms");
    }
}

#[test]
fn every_row_of_loss_and_what_calls_get_of_it() {
    let rows = [
        (0.0, 10, 10),
        (0.009_9, 10, 10),
        (0.01, 5, 0),
        (0.049, 5, 0),
        (0.05, 0, 0),
        (0.249, 0, 0),
        (0.25, -10, -10),
        (0.499, -10, -10),
        (0.50, -20, -20),
        (1.0, -20, -20),
    ];
    for (ratio, points, in_calls) in rows {
        let line = Line { loss_ratio: Some(ratio), ..best() };
        assert_eq!(line.points(Input::Loss), Some(points), "{ratio}");
        let Score::Points { points: call, .. } = line.score(Use::VideoCall) else { panic!("all was measured") };
        assert_eq!(call, 20 + 10 + 20 + in_calls, "{ratio}");
    }
}

#[test]
fn every_row_of_the_rate() {
    let rows = [
        (0.0, 0),
        (0.999, 0),
        (1.0, 5),
        (9.999, 5),
        (10.0, 10),
        (49.999, 10),
        (50.0, 20),
        (99.999, 20),
        (100.0, 30),
        (9_000.0, 30),
    ];
    for (rate, points) in rows {
        let line = Line { download: Some(mbps(rate)), ..Line::default() };
        assert_eq!(line.points(Input::Download), Some(points), "{rate} Mbit/s");
    }
}

#[test]
fn every_cut_of_every_use() {
    let cases = [([15, 20, 40, 60]), ([5, 15, 25, 30]), ([5, 15, 25, 40])];
    for cuts in cases {
        let words = [Quality::Bad, Quality::Poor, Quality::Average, Quality::Good, Quality::Great];
        for (cut, pair) in cuts.into_iter().zip(words.windows(2)) {
            assert_eq!(quality(cut - 1, cuts), pair[0], "below {cut} of {cuts:?}");
            assert_eq!(quality(cut, cuts), pair[1], "at {cut} of {cuts:?}");
        }
    }
}

#[test]
fn a_use_counts_its_own_inputs_alone() {
    let points = |points, quality| Score::Points { points, quality };
    assert_eq!(best().score(Use::Streaming), points(80, Quality::Great));
    assert_eq!(best().score(Use::Gaming), points(50, Quality::Great));
    assert_eq!(best().score(Use::VideoCall), points(60, Quality::Great));
    let slow = Line { latency: Some(ms(60.0)), added_latency: Some(ms(250.0)), download: Some(mbps(0.5)), ..best() };
    assert_eq!(slow.score(Use::Streaming), points(0, Quality::Bad));
    assert_eq!(slow.score(Use::Gaming), points(0, Quality::Bad));
    assert_eq!(slow.score(Use::VideoCall), points(10, Quality::Poor));
}

#[test]
fn what_was_not_measured_is_named_and_never_scores() {
    let without = |change: fn(&mut Line)| {
        let mut line = best();
        change(&mut line);
        line
    };
    let no_load = without(|line| (line.added_latency, line.download) = (None, None));
    assert_eq!(no_load.score(Use::Streaming), Score::NotMeasured(vec![Input::AddedLatency, Input::Download]));
    assert_eq!(no_load.score(Use::Gaming), Score::NotMeasured(vec![Input::AddedLatency]));
    let no_loss = without(|line| line.loss_ratio = None);
    assert_eq!(no_loss.score(Use::VideoCall), Score::NotMeasured(vec![Input::Loss]));
    let no_jitter = without(|line| line.jitter = None);
    assert_eq!(no_jitter.score(Use::VideoCall), Score::NotMeasured(vec![Input::Jitter]));
    assert!(matches!(no_jitter.score(Use::Gaming), Score::Points { .. }));
    let nonsense = without(|line| line.loss_ratio = Some(f64::NAN));
    assert_eq!(nonsense.score(Use::Gaming), Score::NotMeasured(vec![Input::Loss]));
    let all = [Input::Latency, Input::Jitter, Input::Loss, Input::AddedLatency];
    assert_eq!(Line::default().score(Use::VideoCall), Score::NotMeasured(all.to_vec()));
}

proptest! {
    #[test]
    fn a_worse_line_never_scores_better(
        latency in 0.0..1_000.0_f64, jitter in 0.0..1_000.0_f64, loss in 0.0..0.9_f64, added in 0.0..1_000.0_f64,
        download in 0.0..500.0_f64, more in 0.0..100.0_f64,
    ) {
        let line = |more: f64| Line {
            latency: Some(ms(latency + more)),
            jitter: Some(ms(jitter + more)),
            loss_ratio: Some((loss + more / 1e3).min(1.0)),
            added_latency: Some(ms(added + more)),
            download: Some(mbps((download - more).max(0.0))),
            load_too_short: false,
        };
        for purpose in [Use::Streaming, Use::Gaming, Use::VideoCall] {
            let Score::Points { points: worse, quality: word } = line(more).score(purpose) else { panic!("all is there") };
            let Score::Points { points, quality } = line(0.0).score(purpose) else { panic!("all is there") };
            prop_assert!(worse <= points && word <= quality);
        }
        prop_assert!(BufferbloatGrade::of(ms(added)) <= BufferbloatGrade::of(ms(added + more)));
    }
}
