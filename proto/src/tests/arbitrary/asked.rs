//! Tests and plans.

use super::{address, port, text, ttl, within};
use cnc_model::message::When;
use cnc_model::ping::Pacing;
use cnc_model::test::{
    DnsTest, HttpTest, MtuTest, Multipath, PingProtocol, PingTest, ThroughputPeer, ThroughputTest, TraceProtocol,
    TraceTest,
};
use cnc_model::{Destination, Family, HostName, Plan, Test};
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;

fn host() -> impl Strategy<Value = HostName> {
    "[a-z0-9_]{1,20}(\\.[a-z0-9-]{0,9}[a-z0-9]){0,3}\\.?"
        .prop_filter("labels begin with no hyphen", |name| !name.contains(".-"))
        .prop_map(|name| name.parse().expect("a name"))
}

/// A name that is no address.
fn named() -> impl Strategy<Value = HostName> {
    host().prop_filter("an address is no name", |name| name.address().is_none())
}

pub(in crate::tests) fn destination() -> BoxedStrategy<Destination> {
    prop_oneof![
        host().prop_map(Destination::Host),
        address().prop_map(|address| Destination::Host(address.into())),
        select(vec![Destination::Gateway, Destination::Resolver, Destination::Listener]),
    ]
    .boxed()
}

pub(in crate::tests) fn family() -> impl Strategy<Value = Family> {
    select(vec![Family::Any, Family::V4, Family::V6])
}

pub(in crate::tests) fn ping_test() -> BoxedStrategy<PingTest> {
    let protocol =
        prop_oneof![Just(PingProtocol::Icmp), port().prop_map(PingProtocol::Tcp), port().prop_map(PingProtocol::Udp),];
    let wait = || within(cnc_model::test::MIN_INTERVAL, cnc_model::test::MAX_WAIT);
    let count = 1..=cnc_model::test::MAX_PROBES;
    let payload = 0..=cnc_model::test::MAX_PAYLOAD_BYTES;
    let pacing = select(vec![Pacing::Fixed, Pacing::Poisson]);
    (destination(), family(), protocol, count, wait(), pacing, wait(), payload)
        .prop_map(|(destination, family, protocol, count, interval, pacing, timeout, payload_bytes)| PingTest {
            destination,
            family,
            protocol,
            count,
            interval,
            pacing,
            timeout,
            payload_bytes,
        })
        .boxed()
}

pub(in crate::tests) fn trace_test() -> BoxedStrategy<TraceTest> {
    let protocol = prop_oneof![
        Just(TraceProtocol::Icmp),
        of(port()).prop_map(TraceProtocol::Udp),
        port().prop_map(TraceProtocol::Tcp),
    ];
    let strategy = select(vec![Multipath::Classic, Multipath::Paris, Multipath::Dublin]);
    let interval = within(cnc_model::test::MIN_ROUND_INTERVAL, cnc_model::test::MAX_WAIT);
    let rounds = 1..=cnc_model::test::MAX_ROUNDS;
    (destination(), family(), protocol, strategy, rounds, interval, ttl(), any::<bool>())
        .prop_map(|(destination, family, protocol, strategy, rounds, interval, max_hops, names)| TraceTest {
            destination,
            family,
            protocol,
            strategy,
            rounds,
            interval,
            max_hops,
            names,
        })
        .boxed()
}

pub(in crate::tests) fn throughput_test() -> BoxedStrategy<ThroughputTest> {
    let peer =
        prop_oneof![Just(ThroughputPeer::Listener), "https?://[a-z0-9.:/?=]{1,60}".prop_map(ThroughputPeer::Url),];
    let duration = within(cnc_model::test::MIN_LOAD, cnc_model::test::MAX_LOAD);
    let flows =
        (1..=cnc_model::test::MAX_FLOWS).prop_flat_map(|flows| (Just(flows), flows..=cnc_model::test::MAX_FLOWS));
    (peer, flows, duration, 1..=cnc_model::test::MAX_BYTES, any::<bool>())
        .prop_map(|(peer, (flows, most_flows), duration, max_bytes, stops_early)| ThroughputTest {
            peer,
            flows,
            most_flows,
            duration,
            max_bytes,
            stops_early,
        })
        .boxed()
}

pub(in crate::tests) fn test() -> BoxedStrategy<Test> {
    prop_oneof![
        Just(Test::System),
        ping_test().prop_map(Test::Ping),
        trace_test().prop_map(Test::Trace),
        throughput_test().prop_map(Test::Download),
        throughput_test().prop_map(Test::Upload),
        (destination(), family()).prop_map(|(destination, family)| Test::Mtu(MtuTest { destination, family })),
        (named(), of(destination())).prop_map(|(name, server)| Test::Dns(DnsTest { name, server })),
        ("https?://[a-z0-9.:/?=]{1,60}", family()).prop_map(|(url, family)| Test::Http(HttpTest { url, family })),
    ]
    .boxed()
}

pub(in crate::tests) fn when() -> impl Strategy<Value = When> {
    prop_oneof![Just(When::Now), any::<u32>().prop_map(When::Stage)]
}

pub(in crate::tests) fn plan() -> impl Strategy<Value = Plan> {
    (text(), text(), vec(vec(test(), 0..4), 0..4)).prop_map(|(name, description, stages)| Plan {
        name,
        description,
        stages,
    })
}
