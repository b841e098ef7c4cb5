//! What a download or upload observes and the figures it gives (`throughput/3`).

use std::fmt;
use std::time::Duration;

use crate::BitRate;
use crate::responsiveness::Responsiveness;
use crate::score::BufferbloatGrade;
use crate::stats::{mean, nearest_rank};
use crate::summary::Measured;

pub mod growth;
pub mod steady;
pub mod witness;

pub use self::growth::Growth;
use self::steady::Interval;
pub use self::steady::Ramp;
pub use self::witness::{TcpInfo, Witness};

/// The name and version of this method, stored with every result. `throughput/1` ended its ramp at the first agreement
/// of averages, often amid a queue's first flood, and took the mean from there to the very end; `throughput/2` called
/// lines that are never quiet settled 0.75 s later, and left the second that showed it out of the mean.
pub const METHOD: &str = "throughput/3";

/// How far apart samples are meant to be. The measured interval is what rates are computed with.
pub const SAMPLE_INTERVAL: Duration = Duration::from_millis(100);

/// Which way the bytes flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Towards the client.
    Download,
    /// From the client.
    Upload,
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Download => "download",
            Self::Upload => "upload",
        })
    }
}

/// One observation: what arrived at the receiver during one interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ThroughputSample {
    /// Which way.
    pub direction: Direction,
    /// The interval's end, since the bytes began to flow, by the receiver's clock.
    pub at: Duration,
    /// The interval's measured length.
    pub interval: Duration,
    /// Connections open during it.
    pub flow_count: u16,
    /// Payload bytes that arrived during it.
    pub bytes: u64,
    /// Whether the rate had settled.
    pub phase: Phase,
    /// A round trip taken during it, where latency under load is measured.
    pub rtt: Option<Duration>,
}

impl ThroughputSample {
    /// Gives the interval's goodput.
    #[must_use]
    pub fn goodput(&self) -> BitRate {
        BitRate::of(self.bytes, self.interval)
    }
}

/// Whether the rate had settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Phase {
    /// Connections are still growing, or ending one after the other; or one was added for probes beside the load, which
    /// take a part of the line.
    Ramp,
    /// The rate has been stable at least once.
    Steady,
}

/// How far a steady-state figure can be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Confidence {
    /// The rate never settled.
    Low,
    /// It settled, for less than [`HIGH_CONFIDENCE_AFTER`] or without ever being quiet.
    Medium,
    /// It settled and stayed, or was stable enough to stop early.
    High,
}

/// What ended a throughput test.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StoppedBy {
    /// Its time was over.
    Duration,
    /// It had moved as much as it may.
    Bytes,
    /// The sender had no more: a file came to its end.
    End,
    /// Staff or the user stopped it.
    Cancelled,
    /// The connections broke off.
    Broken,
    /// Its rate had been stable for so long that more of it would tell nothing new.
    Stable,
}

/// A throughput test's figures.
#[derive(Debug, Clone, PartialEq)]
pub struct ThroughputSummary {
    /// What was measured, and how; the host is the URL.
    pub measured: Measured,
    /// Which way.
    pub direction: Direction,
    /// Payload bytes at the receiver over the whole time: the whole-run mean.
    pub goodput: BitRate,
    /// The mean of the steady part (see [`steady_part`]), between two moments without a backlog (see [`steady::rate`]);
    /// `None` when the rate never settled.
    pub steady: Option<BitRate>,
    /// Payload bytes that arrived.
    pub bytes: u64,
    /// From the common start to the last byte counted.
    pub duration: Duration,
    /// The most connections open at once.
    pub flows: u16,
    /// How far `steady` can be trusted.
    pub confidence: Confidence,
    /// What ended it.
    pub stopped_by: StoppedBy,
    /// The sender's own count, where it is known.
    pub sender_bytes: Option<u64>,
    /// Median round trip before the load, where measured.
    pub idle_rtt: Option<Duration>,
    /// Median round trip during the load, where measured.
    pub loaded_rtt: Option<Duration>,
    /// What the load added to the round trip: the mean of those taken after the first second, in which queues fill,
    /// less the idle one. `None` where either was not measured.
    pub added_rtt: Option<Duration>,
    /// How many round trips a minute the load leaves to everything else; `None` where not measured.
    pub responsiveness: Option<Responsiveness>,
    /// What the listener saw of the test; `None` where there was none, or an older one.
    pub listener: Option<Witness>,
}

impl ThroughputSummary {
    /// Grades what the load added to the round trip; `None` where it was not measured.
    #[must_use]
    pub fn bufferbloat(&self) -> Option<BufferbloatGrade> {
        self.added_rtt.map(BufferbloatGrade::of)
    }

    /// Tells whether the two ends' counts disagree by more than [`DISAGREEMENT`]; `None` without the sender's count.
    #[must_use]
    pub fn ends_disagree(&self) -> Option<bool> {
        #[expect(clippy::cast_precision_loss, reason = "2^53 bytes are more than any test moves")]
        self.sender_bytes.map(|sent| sent.abs_diff(self.bytes) as f64 > DISAGREEMENT * sent as f64)
    }
}

/// The share by which the two ends' counts may differ: what was still in flight at the end.
pub const DISAGREEMENT: f64 = 0.05;
/// A steady part at least this long, and quiet, gives high confidence.
pub const HIGH_CONFIDENCE_AFTER: Duration = Duration::from_secs(2);

/// Gathers a throughput test's samples into its figures.
#[derive(Debug, Clone, Default)]
pub struct ThroughputFold {
    samples: Vec<ThroughputSample>,
}

/// What the samples of a throughput test cannot tell.
#[derive(Debug, Clone, PartialEq)]
pub struct ThroughputEnd {
    /// What was measured, and how.
    pub measured: Measured,
    /// Which way.
    pub direction: Direction,
    /// What ended it.
    pub stopped_by: StoppedBy,
    /// The sender's own count, where it is known.
    pub sender_bytes: Option<u64>,
    /// Median round trip before the load, where measured.
    pub idle_rtt: Option<Duration>,
    /// What probes beside the load found, where they went.
    pub responsiveness: Option<Responsiveness>,
    /// What the listener saw of the test, where it says so.
    pub listener: Option<Witness>,
}

impl ThroughputFold {
    /// Takes one sample in, in order of time.
    pub fn observe(&mut self, sample: &ThroughputSample) {
        self.samples.push(*sample);
    }

    /// Gives the figures of all samples so far.
    #[must_use]
    pub fn summary(&self, end: ThroughputEnd) -> ThroughputSummary {
        let ThroughputEnd { measured, direction, stopped_by, sender_bytes, idle_rtt, responsiveness, listener } = end;
        let (bytes, duration) = total(self.samples.iter());
        let settled: Vec<_> = steady_part(&self.samples).iter().map(Interval::from).collect();
        let mut rtts: Vec<_> = self.samples.iter().filter_map(|s| s.rtt).collect();
        rtts.sort_unstable();
        ThroughputSummary {
            measured,
            direction,
            goodput: BitRate::of(bytes, duration),
            steady: steady::rate(&settled),
            bytes,
            duration,
            flows: self.samples.iter().map(|s| s.flow_count).max().unwrap_or(0),
            confidence: confidence(&settled, stopped_by),
            stopped_by,
            sender_bytes,
            idle_rtt,
            loaded_rtt: nearest_rank(&rtts, 50),
            added_rtt: self.loaded_mean().zip(idle_rtt).map(|(loaded, idle)| loaded.saturating_sub(idle)),
            responsiveness,
            listener,
        }
    }
}

impl ThroughputFold {
    /// Gives the mean round trip once the load was there.
    fn loaded_mean(&self) -> Option<Duration> {
        let loaded = self.samples.iter().filter(|sample| sample.at > steady::SKIPPED);
        mean(&loaded.filter_map(|sample| sample.rtt).collect::<Vec<_>>())
    }
}

/// Gives the steady part of a test's samples, given in order of time: those that were called so last, and before them the
/// rest of the second by which that was seen. Empty for a rate that never settled.
#[must_use]
pub fn steady_part(samples: &[ThroughputSample]) -> &[ThroughputSample] {
    let is_steady = |sample: &ThroughputSample| sample.phase == Phase::Steady;
    let Some(last) = samples.iter().rposition(is_steady) else { return &[] };
    let first = samples[..last].iter().rposition(|sample| !is_steady(sample)).map_or(0, |ramp| ramp + 1);
    let mut covered = Duration::ZERO;
    let begin = samples[..=first].iter().rposition(|sample| {
        covered += sample.interval;
        // Half an interval short still is the time.
        covered + SAMPLE_INTERVAL / 2 >= steady::WINDOW
    });
    &samples[begin.unwrap_or(0)..=last]
}

fn confidence(settled: &[Interval], stopped_by: StoppedBy) -> Confidence {
    let time: Duration = settled.iter().map(|interval| interval.length).sum();
    if time.is_zero() {
        Confidence::Low
    } else if stopped_by == StoppedBy::Stable || time >= HIGH_CONFIDENCE_AFTER && steady::is_quiet(settled) {
        Confidence::High
    } else {
        Confidence::Medium
    }
}

impl From<&ThroughputSample> for Interval {
    fn from(sample: &ThroughputSample) -> Self {
        Self { length: sample.interval, bytes: sample.bytes }
    }
}

fn total<'a>(samples: impl Iterator<Item = &'a ThroughputSample>) -> (u64, Duration) {
    samples.fold((0, Duration::ZERO), |(bytes, time), s| (bytes + s.bytes, time + s.interval))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A download whose interval `i` moves `rate(i)` bytes in 100 ms.
    fn run(intervals: u64, rate: impl Fn(u64) -> u64) -> ThroughputSummary {
        let (mut ramp, mut fold) = (Ramp::default(), ThroughputFold::default());
        for i in 0..intervals {
            let bytes = rate(i);
            let phase = ramp.observe(SAMPLE_INTERVAL, bytes);
            let at = SAMPLE_INTERVAL * u32::try_from(i + 1).expect("small");
            fold.observe(&ThroughputSample {
                direction: Direction::Download,
                at,
                interval: SAMPLE_INTERVAL,
                flow_count: 4,
                bytes,
                phase,
                rtt: Some(Duration::from_millis(i)),
            });
        }
        fold.summary(ThroughputEnd {
            measured: Measured::default(),
            direction: Direction::Download,
            stopped_by: StoppedBy::Duration,
            sender_bytes: None,
            idle_rtt: Some(Duration::from_millis(10)),
            responsiveness: None,
            listener: None,
        })
    }

    #[test]
    fn a_steady_rate_is_found_exactly_and_the_ramp_cut_off() {
        let summary = run(60, |i| if i < 5 { 10_000 * i } else { 250_000 });
        assert_eq!(summary.steady.map(BitRate::mbps), Some(20.0));
        assert!(summary.goodput.mbps() < 20.0);
        assert_eq!(summary.confidence, Confidence::High);
        assert_eq!(summary.duration, Duration::from_secs(6));
        assert_eq!(summary.loaded_rtt, Some(Duration::from_millis(29)));
        // The round trips are 0 to 59 ms in this order, those after the first second 10 to 59 ms, the idle one 10 ms.
        assert_eq!(summary.added_rtt, Some(Duration::from_micros(24_500)));
        assert_eq!(summary.bufferbloat(), Some(BufferbloatGrade::A));
    }

    #[test]
    fn a_rate_that_never_settles_has_no_steady_state() {
        let summary = run(40, |i| 1_000 << (i / 2).min(30));
        assert_eq!((summary.steady, summary.confidence), (None, Confidence::Low));
    }

    #[test]
    fn the_steady_part_is_the_last_and_begins_with_the_second_that_showed_it() {
        let sample = |(phase, nth)| ThroughputSample {
            direction: Direction::Download,
            at: SAMPLE_INTERVAL * nth,
            interval: SAMPLE_INTERVAL,
            flow_count: 4,
            bytes: 1,
            phase: if phase == 's' { Phase::Steady } else { Phase::Ramp },
            rtt: None,
        };
        let part = |words: &str| {
            let samples: Vec<_> = words.chars().zip(1..).map(sample).collect();
            steady_part(&samples).iter().map(|sample| sample.at.as_millis()).collect::<Vec<_>>()
        };
        let cases: [(&str, &[u128]); 5] = [
            ("rrrrrrrrrrrr", &[]),
            ("rrrrrrrrrrrrs", &[400, 500, 600, 700, 800, 900, 1_000, 1_100, 1_200, 1_300]),
            // Probes beside the load, or flows that end one after the other, come after it.
            ("rrrrrrrrrrrrsrrr", &[400, 500, 600, 700, 800, 900, 1_000, 1_100, 1_200, 1_300]),
            // Connections were added amid it.
            ("ssssssrrrrrrrrrrrs", &[900, 1_000, 1_100, 1_200, 1_300, 1_400, 1_500, 1_600, 1_700, 1_800]),
            ("rrs", &[100, 200, 300]),
        ];
        for (words, expected) in cases {
            assert_eq!(part(words), expected, "{words}");
        }
    }

    #[test]
    fn nothing_moving_is_no_steady_state() {
        let summary = run(40, |_| 0);
        assert_eq!((summary.steady, summary.confidence), (None, Confidence::Low));
        assert_eq!(summary.goodput, BitRate::ZERO);
    }

    #[test]
    fn a_short_steady_part_gives_medium_confidence() {
        assert_eq!(run(25, |_| 250_000).confidence, Confidence::Medium);
    }

    #[test]
    fn the_two_ends_disagree_beyond_five_percent() {
        let mut summary = run(20, |_| 100);
        assert_eq!(summary.ends_disagree(), None);
        for (sent, disagree) in [(2_000, false), (2_100, false), (2_200, true), (1_000, true)] {
            summary.sender_bytes = Some(sent);
            assert_eq!(summary.ends_disagree(), Some(disagree), "{sent}");
        }
    }
}
