//! From running totals to samples, each with a round trip taken beside the load.

use std::time::Duration;

use cnc_model::Sample;
use cnc_model::throughput::{Direction, Phase, Ramp, ThroughputSample};

use super::latency::{Latency, LoadedRtts};
use crate::Sink;

/// Makes samples of totals.
pub(super) struct Meter<'a> {
    sink: &'a Sink,
    direction: Direction,
    ramp: Ramp,
    at: Duration,
    bytes: u64,
    rtts: LoadedRtts,
}

impl<'a> Meter<'a> {
    /// Begins at zero bytes and time.
    pub(super) fn start(sink: &'a Sink, direction: Direction, latency: &Latency) -> Self {
        let rtts = latency.beside_load();
        Self { sink, direction, ramp: Ramp::default(), at: Duration::ZERO, bytes: 0, rtts }
    }

    /// Gives the total told so far.
    pub(super) const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Tells whether the rate has been the same for so long that the test may end.
    pub(super) fn is_stable(&self) -> bool {
        self.ramp.is_stable()
    }

    /// Tells the interval from the last total to this one, both by the receiver's clock.
    pub(super) fn tell(&mut self, at: Duration, bytes: u64, flows: usize) {
        self.tell_as(at, bytes, flows, Ramp::observe);
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
        self.sink.send(Sample::Throughput(ThroughputSample {
            direction: self.direction,
            at,
            interval,
            flow_count: u16::try_from(flows.max(1)).unwrap_or(u16::MAX),
            bytes: arrived,
            phase: phase(&mut self.ramp, interval, arrived),
            rtt: self.rtts.take(),
        }));
        (self.at, self.bytes) = (at, self.bytes.max(bytes));
    }
}
