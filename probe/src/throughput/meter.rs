//! From running totals to samples, each with a round trip taken beside the load.

use std::time::Duration;

use cnc_model::test::ThroughputTest;
use cnc_model::throughput::{Direction, Growth, Phase, Ramp, ThroughputSample};
use cnc_model::{BitRate, Sample};

use super::latency::{Latency, LoadedRtts};
use crate::Sink;

/// Makes samples of totals.
pub(super) struct Meter<'a> {
    sink: &'a Sink,
    direction: Direction,
    ramp: Ramp,
    growth: Growth,
    idle_rtt: Option<Duration>,
    /// A round trip beside the load in the last interval told.
    latest_rtt: Option<Duration>,
    at: Duration,
    bytes: u64,
    rtts: LoadedRtts,
    is_probed: bool,
}

impl<'a> Meter<'a> {
    /// Begins at zero bytes and time.
    pub(super) fn start(sink: &'a Sink, direction: Direction, latency: &Latency, growth: Growth) -> Self {
        let rtts = latency.beside_load();
        Self {
            sink,
            direction,
            ramp: Ramp::default(),
            growth,
            idle_rtt: latency.idle,
            latest_rtt: None,
            at: Duration::ZERO,
            bytes: 0,
            rtts,
            is_probed: false,
        }
    }

    /// Gives the total told so far.
    pub(super) const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Gives the end of the last interval told.
    pub(super) const fn at(&self) -> Duration {
        self.at
    }

    /// Gives the mean of all that was told.
    pub(super) fn goodput(&self) -> BitRate {
        BitRate::of(self.bytes, self.at)
    }

    /// Tells whether the rate has been the same for so long that the test may end.
    pub(super) fn is_stable(&self) -> bool {
        self.ramp.is_stable()
    }

    /// Tells how many connections to add now. The ramp begins anew then.
    pub(super) fn grow(&mut self, test: &ThroughputTest) -> u8 {
        let at_this_pace = u128::from(self.bytes) * test.duration.as_nanos() / self.at.as_nanos().max(1);
        if at_this_pace >= u128::from(test.max_bytes) {
            // The shares of the connections that there are bring all that may be moved.
            self.growth.end();
        }
        let added = self.latest_rtt.zip(self.idle_rtt).map(|(loaded, idle)| loaded.saturating_sub(idle));
        let more = self.growth.observe(self.at, self.bytes, added);
        if more > 0 {
            self.ramp.restart();
        }
        more
    }

    /// Tells the interval from the last total to this one, both by the receiver's clock.
    pub(super) fn tell(&mut self, at: Duration, bytes: u64, flows: usize) {
        if self.is_probed {
            self.tell_ending(at, bytes, flows);
        } else {
            self.tell_as(at, bytes, flows, Ramp::observe);
        }
    }

    /// Probes go beside the load from now on, which take a part of the line: the steady state is over.
    pub(super) const fn probed(&mut self) {
        self.is_probed = true;
    }

    /// Tells an interval in which senders had stopped already and flows ended one after the other: it is no part of
    /// the steady state.
    pub(super) fn tell_ending(&mut self, at: Duration, bytes: u64, flows: usize) {
        self.tell_as(at, bytes, flows, |_, _, _| Phase::Ramp);
    }

    fn tell_as(&mut self, at: Duration, bytes: u64, flows: usize, phase: fn(&mut Ramp, Duration, u64) -> Phase) {
        let interval = at.saturating_sub(self.at);
        if interval.is_zero() {
            return;
        }
        let arrived = bytes.saturating_sub(self.bytes);
        let rtt = self.rtts.take();
        self.latest_rtt = rtt;
        self.sink.send(Sample::Throughput(ThroughputSample {
            direction: self.direction,
            at,
            interval,
            flow_count: u16::try_from(flows.max(1)).unwrap_or(u16::MAX),
            bytes: arrived,
            phase: phase(&mut self.ramp, interval, arrived),
            rtt,
        }));
        (self.at, self.bytes) = (at, self.bytes.max(bytes));
    }
}
