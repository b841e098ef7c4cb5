//! When a load ends, and when probes go beside it. Pure.

use std::time::Duration;

use cnc_model::test::ThroughputTest;
use cnc_model::throughput::StoppedBy;

/// How long probes go beside the load: the four intervals of a second that the figure is made from.
pub(super) const PROBING: Duration = Duration::from_secs(4);
/// Less time than this is not worth it: few round trips of a loaded line fit into it.
const WORTH: Duration = Duration::from_millis(1_500);

/// One load's course.
#[derive(Debug, Clone)]
pub(super) struct Course {
    duration: Duration,
    max_bytes: u64,
    stops_early: bool,
    /// Whether there is somebody to probe, or still is.
    can_probe: bool,
    /// When probing began.
    probing: Option<Duration>,
    /// Whether the rate had been stable by then.
    stable: bool,
}

/// What to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Go on.
    Go,
    /// Begin to probe.
    Probe,
    /// End.
    Stop(StoppedBy),
}

impl Course {
    /// Begins; without somebody to probe a load ends as soon as it is stable.
    pub(super) const fn new(test: &ThroughputTest, can_probe: bool) -> Self {
        let ThroughputTest { duration, max_bytes, stops_early, .. } = *test;
        Self { duration, max_bytes, stops_early, can_probe, probing: None, stable: false }
    }

    /// Tells what to do after a sample: how much has arrived at its end, and whether the rate has been stable for long.
    pub(super) fn step(&mut self, at: Duration, bytes: u64, is_stable: bool) -> Step {
        if let Some(began) = self.probing {
            return if self.stable && (at >= began + PROBING || !self.can_probe) { self.end() } else { Step::Go };
        }
        self.stable = is_stable && self.stops_early;
        let left = self.duration.saturating_sub(at);
        // A rate that may still become stable is given time to.
        let latest = if self.stops_early { WORTH } else { PROBING };
        let is_time = self.stable && left >= WORTH || left <= latest && self.duration >= PROBING * 2;
        if is_time && self.can_probe && self.fits(at, bytes, left.min(PROBING)) {
            self.probing = Some(at);
            return Step::Probe;
        }
        if self.stable { self.end() } else { Step::Go }
    }

    /// Says what ended a load whose time is over.
    pub(super) const fn over(&self) -> StoppedBy {
        if self.stable { StoppedBy::Stable } else { StoppedBy::Duration }
    }

    /// Probes do not go any more, or cannot.
    pub(super) const fn cannot_probe(&mut self) {
        self.can_probe = false;
    }

    const fn end(&self) -> Step {
        Step::Stop(self.over())
    }

    /// Tells whether the bytes that may be moved last for so much longer.
    fn fits(&self, at: Duration, bytes: u64, longer: Duration) -> bool {
        let then = u128::from(bytes) * (at + longer).as_nanos() / at.as_nanos().max(1);
        then < u128::from(self.max_bytes)
    }
}

#[cfg(test)]
mod tests {
    use cnc_model::test::ThroughputPeer;

    use super::*;

    /// Walks through a load of so many megabytes a second that is stable from the fourth second on, or never, and tells
    /// when it began to probe and when and why it ended.
    fn walk(
        test: &ThroughputTest,
        can_probe: bool,
        stable: bool,
        rate: u64,
    ) -> (Option<u64>, Option<(u64, StoppedBy)>) {
        let mut course = Course::new(test, can_probe);
        let mut probing = None;
        for nth in 1..=u64::try_from(test.duration.as_millis() / 100).expect("small") {
            let at = Duration::from_millis(100 * nth);
            match course.step(at, nth * rate * 100_000, stable && nth >= 40) {
                Step::Go => {}
                Step::Probe => probing = Some(nth),
                Step::Stop(why) => return (probing, Some((nth, why))),
            }
        }
        (probing, None)
    }

    #[test]
    fn probes_go_once_the_figure_is_known_and_while_there_is_time_and_room() {
        let of = |seconds| ThroughputTest {
            duration: Duration::from_secs(seconds),
            ..ThroughputTest::against(ThroughputPeer::Listener)
        };
        let long = ThroughputTest { stops_early: false, ..of(10) };
        let small = ThroughputTest { max_bytes: 50_000_000, ..of(10) };
        let early = |at| Some((at, StoppedBy::Stable));
        let cases = [
            ("stable", of(10), true, true, (Some(40), early(80))),
            ("nobody to probe", of(10), false, true, (None, early(40))),
            ("little time left", of(5), true, true, (None, early(40))),
            ("enough left", of(6), true, true, (Some(40), None)),
            ("never stable", of(10), true, false, (Some(85), None)),
            ("short and never stable", of(5), true, false, (None, None)),
            ("for its time", long, true, true, (Some(60), None)),
            ("few bytes left", small, true, true, (None, early(40))),
        ];
        for (name, test, can_probe, stable, expected) in cases {
            assert_eq!(walk(&test, can_probe, stable, 10), expected, "{name}");
        }
    }

    #[test]
    fn a_load_whose_probes_fail_ends_when_it_is_stable() {
        let test = ThroughputTest::against(ThroughputPeer::Listener);
        let mut course = Course::new(&test, true);
        let second = Duration::from_secs(1);
        assert_eq!(course.step(4 * second, 1, true), Step::Probe);
        assert_eq!(course.over(), StoppedBy::Stable);
        course.cannot_probe();
        assert_eq!(course.step(5 * second, 1, false), Step::Stop(StoppedBy::Stable));
    }
}
