//! Which of a session's tests stand for a score's inputs, and the scores made of them. Pure.

use std::time::Duration;

use super::{Line, Score, Use};
use crate::ping::PingSummary;
use crate::throughput::{Direction, StoppedBy, ThroughputSummary};
use crate::{BitRate, Destination, Summary, Test};

/// How well a line serves each use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scores {
    /// Films and music.
    pub streaming: Score,
    /// Games.
    pub gaming: Score,
    /// Video calls.
    pub video_call: Score,
    /// Whether a score is missing only because a load was over too soon to see what it does to round trips.
    pub load_too_short: bool,
}

/// Why a line has no latency under load whose loads were over too soon.
const LOAD_TOO_SHORT: &str = "The latency under load was not measured: the load had moved all the bytes it may move \
                                  within a second, before its effect on round trips could be seen. Allow more bytes \
                                  for it.";

impl Scores {
    /// Gives each use with its score.
    #[must_use]
    pub const fn each(&self) -> [(Use, &Score); 3] {
        let Self { streaming, gaming, video_call, load_too_short: _ } = self;
        [(Use::Streaming, streaming), (Use::Gaming, gaming), (Use::VideoCall, video_call)]
    }

    /// Says in plain words why something was not measured, where that is known.
    #[must_use]
    pub fn why(&self) -> Option<&'static str> {
        self.load_too_short.then_some(LOAD_TOO_SHORT)
    }
}

impl Line {
    /// Gathers what the tests of one session tell of its line.
    ///
    /// Round trips, their jitter and loss are those of the ping that went to the listener, else of one to another host,
    /// with the most probes; gateways and DNS servers lie before the line's end. A ping without any answer tells
    /// nothing here: many hosts answer none. Without pings the idle round trip of a download or upload is the latency.
    /// The latency under load is that of the direction in which the load adds more, the download the fastest.
    #[must_use]
    pub fn of<'a>(tests: impl IntoIterator<Item = (&'a Test, &'a Summary)>) -> Self {
        let mut gathered = Gathered::default();
        for (test, summary) in tests {
            match (test, summary) {
                (Test::Ping(test), Summary::Ping(ping)) => gathered.ping(&test.destination, ping),
                (Test::Download(_) | Test::Upload(_), Summary::Throughput(load)) => gathered.load(load),
                _ => {}
            }
        }
        let Gathered { ping, idle, added_latency, download, is_short } = gathered;
        Self {
            latency: ping.and_then(|(_, ping)| ping.rtt).map(|rtt| rtt.median).or(idle),
            jitter: ping.and_then(|(_, ping)| ping.jitter),
            loss_ratio: ping.and_then(|(_, ping)| ping.loss_ratio),
            added_latency,
            download,
            load_too_short: is_short && added_latency.is_none(),
        }
    }

    /// Scores the line for each use.
    #[must_use]
    pub fn scores(&self) -> Scores {
        Scores {
            streaming: self.score(Use::Streaming),
            gaming: self.score(Use::Gaming),
            video_call: self.score(Use::VideoCall),
            load_too_short: self.load_too_short,
        }
    }

    /// Tells whether nothing of it was measured.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        *self == Self::default()
    }
}

#[derive(Default)]
struct Gathered<'a> {
    /// The ping that stands for the line so far, and whether it went to the listener.
    ping: Option<(bool, &'a PingSummary)>,
    idle: Option<Duration>,
    added_latency: Option<Duration>,
    download: Option<BitRate>,
    /// Whether a load ended by its bytes before it could tell what it adds.
    is_short: bool,
}

impl<'a> Gathered<'a> {
    fn ping(&mut self, to: &Destination, ping: &'a PingSummary) {
        let far = match to {
            Destination::Listener => true,
            Destination::Host(_) => false,
            Destination::Gateway | Destination::Resolver => return,
        };
        let weight = |(listener, ping): (bool, &PingSummary)| (listener, ping.sent);
        if ping.received > 0 && self.ping.is_none_or(|known| weight((far, ping)) > weight(known)) {
            self.ping = Some((far, ping));
        }
    }

    fn load(&mut self, load: &ThroughputSummary) {
        self.idle = self.idle.or(load.idle_rtt);
        self.added_latency = self.added_latency.max(load.added_rtt);
        let ended_by_bytes = match load.stopped_by {
            StoppedBy::Bytes | StoppedBy::End => true,
            StoppedBy::Duration | StoppedBy::Cancelled | StoppedBy::Broken | StoppedBy::Stable => false,
        };
        // Without an idle round trip it is that which is missing.
        self.is_short |= ended_by_bytes && load.idle_rtt.is_some() && load.added_rtt.is_none();
        if load.direction == Direction::Download && !load.duration.is_zero() {
            let rate = load.steady.unwrap_or(load.goodput);
            if self.download.is_none_or(|known| rate > known) {
                self.download = Some(rate);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ping::{Clock, PingFold, PingOutcome, PingReply, PingSample};
    use crate::score::{Input, Quality};
    use crate::summary::Measured;
    use crate::test::{PingTest, ThroughputPeer, ThroughputTest};
    use crate::throughput::{ThroughputEnd, ThroughputFold};

    const MS: Duration = Duration::from_millis(1);

    fn ping(to: &str, rtts_ms: &[Option<u32>]) -> (Test, Summary) {
        let mut fold = PingFold::default();
        for (seq, rtt) in (0..).zip(rtts_ms) {
            let reply = |rtt| PingReply { rtt: MS * rtt, from: [192, 0, 2, 1].into(), ttl: None, clock: Clock::Kernel };
            let outcome = rtt.map_or(PingOutcome::Lost, |rtt| PingOutcome::Reply(reply(rtt)));
            fold.observe(&PingSample { seq, at: MS * seq, outcome });
        }
        let test = Test::Ping(PingTest::to(to.parse().expect("a destination")));
        (test, Summary::Ping(fold.summary(Measured::default())))
    }

    fn load(direction: Direction, mbps: f64, added_ms: Option<u32>) -> (Test, Summary) {
        let mut summary = ThroughputFold::default().summary(ThroughputEnd {
            measured: Measured::default(),
            direction,
            stopped_by: StoppedBy::Stable,
            sender_bytes: None,
            idle_rtt: Some(12 * MS),
            responsiveness: None,
            listener: None,
        });
        summary.duration = Duration::from_secs(4);
        summary.steady = BitRate::from_bps(mbps * 1e6).ok();
        summary.added_rtt = added_ms.map(|ms| MS * ms);
        let test = ThroughputTest::against(ThroughputPeer::Listener);
        let test = match direction {
            Direction::Download => Test::Download(test),
            Direction::Upload => Test::Upload(test),
        };
        (test, Summary::Throughput(summary))
    }

    fn line(tests: &[(Test, Summary)]) -> Line {
        Line::of(tests.iter().map(|(test, summary)| (test, summary)))
    }

    #[test]
    fn the_ping_to_the_listener_stands_for_the_line() {
        let near = ping("gateway", &[Some(1); 50]);
        let (few, host) = (ping("listener", &[Some(20); 5]), ping("example.com", &[Some(40); 50]));
        let silent = ping("listener", &[None; 90]);
        let many = ping("listener", &[Some(30), Some(34), None, Some(30), Some(30), Some(30)]);
        let cases = [
            (vec![near.clone()], None),
            (vec![near.clone(), host.clone()], Some(40)),
            (vec![few.clone(), host.clone()], Some(20)),
            (vec![host.clone(), silent], Some(40)),
            (vec![many.clone(), few], Some(30)),
        ];
        for (tests, expected) in cases {
            assert_eq!(line(&tests).latency, expected.map(|ms| MS * ms));
        }
        let Line { loss_ratio, jitter, .. } = line(&[many]);
        assert_eq!((loss_ratio, jitter), (Some(1.0 / 6.0), Some(2 * MS)));
    }

    #[test]
    fn loads_give_the_fastest_download_and_the_worse_delay() {
        let down = |mbps| load(Direction::Download, mbps, Some(30));
        let found = line(&[down(8.0), load(Direction::Upload, 500.0, Some(90)), down(20.0)]);
        assert_eq!(found.download.map(BitRate::mbps), Some(20.0));
        assert_eq!((found.added_latency, found.latency, found.loss_ratio), (Some(90 * MS), Some(12 * MS), None));
    }

    #[test]
    fn a_load_that_was_over_at_once_says_that_it_was() {
        let ended = |by, added_ms| {
            let (test, summary) = load(Direction::Download, 30_000.0, added_ms);
            let Summary::Throughput(summary) = summary else { panic!("of a load") };
            (test, Summary::Throughput(ThroughputSummary { stopped_by: by, ..summary }))
        };
        let why = |tests: &[(Test, Summary)]| line(tests).scores().why();
        assert_eq!(why(&[ended(StoppedBy::Bytes, None)]), Some(LOAD_TOO_SHORT));
        assert_eq!(why(&[ended(StoppedBy::Broken, None)]), None, "another story");
        assert_eq!(why(&[ended(StoppedBy::Bytes, Some(4))]), None, "long enough");
        assert_eq!(why(&[ended(StoppedBy::Bytes, None), ended(StoppedBy::Stable, Some(4))]), None, "one was");
    }

    #[test]
    fn a_session_is_scored_or_told_what_it_lacks() {
        let scores = line(&[ping("listener", &[Some(8); 100]), load(Direction::Download, 200.0, Some(4))]).scores();
        assert!(scores.each().iter().all(|(_, score)| matches!(score, Score::Points { quality: Quality::Great, .. })));
        let scores = line(&[load(Direction::Download, 200.0, None)]).scores();
        assert_eq!(scores.gaming, Score::NotMeasured(vec![Input::Loss, Input::AddedLatency]));
        assert!(line(&[]).is_unknown());
    }
}
