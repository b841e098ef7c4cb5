//! Samples.

use super::{address, duration, ttl, whole};
use cnc_model::Sample;
use cnc_model::ping::{Clock, PingOutcome, PingReply, PingSample};
use cnc_model::throughput::{Direction, Phase, ThroughputSample};
use cnc_model::trace::{HopOutcome, HopReply, HopSample};
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;

pub(in crate::tests) fn ping_reply() -> impl Strategy<Value = PingReply> {
    (duration(), address(), of(ttl()), select(vec![Clock::Kernel, Clock::User]))
        .prop_map(|(rtt, from, ttl, clock)| PingReply { rtt, from, ttl, clock })
}

pub(in crate::tests) fn ping_sample() -> BoxedStrategy<PingSample> {
    let outcome = prop_oneof![
        ping_reply().prop_map(PingOutcome::Reply),
        Just(PingOutcome::Lost),
        ping_reply().prop_map(PingOutcome::Late),
        of(address()).prop_map(|from| PingOutcome::Unreachable { from }),
        Just(PingOutcome::NotSent),
    ];
    (any::<u32>(), duration(), outcome).prop_map(|(seq, at, outcome)| PingSample { seq, at, outcome }).boxed()
}

pub(in crate::tests) fn hop_reply() -> impl Strategy<Value = HopReply> {
    (address(), duration()).prop_map(|(address, rtt)| HopReply { address, rtt })
}

pub(in crate::tests) fn hop_sample() -> BoxedStrategy<HopSample> {
    let outcome = prop_oneof![
        hop_reply().prop_map(HopOutcome::Hop),
        Just(HopOutcome::Silent),
        hop_reply().prop_map(HopOutcome::Destination),
        hop_reply().prop_map(HopOutcome::Unreachable),
    ];
    (any::<u32>(), ttl(), duration(), outcome)
        .prop_map(|(round, ttl, at, outcome)| HopSample { round, ttl, at, outcome })
        .boxed()
}

pub(in crate::tests) fn direction() -> impl Strategy<Value = Direction> {
    select(vec![Direction::Download, Direction::Upload])
}

pub(in crate::tests) fn throughput_sample() -> BoxedStrategy<ThroughputSample> {
    let phase = select(vec![Phase::Ramp, Phase::Steady]);
    (direction(), duration(), duration(), any::<u16>(), whole(), phase, of(duration()))
        .prop_map(|(direction, at, interval, flow_count, bytes, phase, rtt)| ThroughputSample {
            direction,
            at,
            interval,
            flow_count,
            bytes,
            phase,
            rtt,
        })
        .boxed()
}

pub(in crate::tests) fn sample() -> BoxedStrategy<Sample> {
    prop_oneof![
        ping_sample().prop_map(Sample::Ping),
        hop_sample().prop_map(Sample::Hop),
        throughput_sample().prop_map(Sample::Throughput),
    ]
    .boxed()
}
