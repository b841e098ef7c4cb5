//! Summaries.

use super::{address, bit_rate, duration, observed::direction, ratio, text, ttl, whole};
use cnc_model::Summary;
use cnc_model::dns::{DnsOutcome, DnsSummary, ResolverAnswer};
use cnc_model::http::{FamilyReach, HttpSummary};
use cnc_model::mtu::MtuSummary;
use cnc_model::network::AutonomousSystem;
use cnc_model::ping::PingSummary;
use cnc_model::responsiveness::{Responsiveness, Rpm};
use cnc_model::stats::RttSummary;
use cnc_model::summary::Measured;
use cnc_model::system::{Cpu, Interface, InterfaceAddress, InterfaceKind, Memory, SystemInfo};
use cnc_model::throughput::{Confidence, StoppedBy, TcpInfo, ThroughputSummary, Witness};
use cnc_model::trace::{HopAddress, HopSummary, Segment, TraceSummary};
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;

pub(in crate::tests) fn measured() -> BoxedStrategy<Measured> {
    (text(), of(address()), text(), text(), whole())
        .prop_map(|(host, address, method, engine, shed)| Measured { host, address, method, engine, shed })
        .boxed()
}

pub(in crate::tests) fn rtt_summary() -> impl Strategy<Value = RttSummary> {
    [duration(), duration(), duration(), duration(), duration(), duration(), duration(), duration()].prop_map(
        |[min, mean, median, p90, p95, p99, max, stddev]| RttSummary { min, mean, median, p90, p95, p99, max, stddev },
    )
}

pub(in crate::tests) fn ping_summary() -> BoxedStrategy<PingSummary> {
    let counts = [whole(), whole(), whole(), whole(), whole(), whole(), whole()];
    (measured(), counts, of(ratio()), of(rtt_summary()), of(duration()), of(duration()))
        .prop_map(|(measured, counts, loss_ratio, rtt, jitter, pdv)| {
            let [sent, received, late, duplicates, reordered, unreachable, not_sent] = counts;
            PingSummary {
                measured,
                sent,
                received,
                loss_ratio,
                late,
                duplicates,
                reordered,
                unreachable,
                not_sent,
                rtt,
                jitter,
                pdv,
            }
        })
        .boxed()
}

pub(in crate::tests) fn network() -> BoxedStrategy<AutonomousSystem> {
    (any::<u32>(), of(text())).prop_map(|(number, name)| AutonomousSystem { number, name }).boxed()
}

pub(in crate::tests) fn hop_summary() -> BoxedStrategy<HopSummary> {
    let answerer = (address(), of(text()), of(network())).prop_map(|(address, name, network)| HopAddress {
        address,
        name,
        network,
    });
    let segment = of(select(Segment::ALL.to_vec()));
    (ttl(), vec(answerer, 0..4), whole(), whole(), of(ratio()), any::<bool>(), of(rtt_summary()), segment)
        .prop_map(|(ttl, addresses, sent, received, loss_ratio, loss_persists, rtt, segment)| HopSummary {
            ttl,
            addresses,
            sent,
            received,
            loss_ratio,
            loss_persists,
            rtt,
            segment,
        })
        .boxed()
}

pub(in crate::tests) fn trace_summary() -> BoxedStrategy<TraceSummary> {
    (measured(), any::<bool>(), whole(), vec(hop_summary(), 0..6))
        .prop_map(|(measured, reached, rounds, hops)| TraceSummary { measured, reached, rounds, hops })
        .boxed()
}

pub(in crate::tests) fn throughput_summary() -> BoxedStrategy<ThroughputSummary> {
    let confidence = select(vec![Confidence::Low, Confidence::Medium, Confidence::High]);
    let stopped_by = select(vec![
        StoppedBy::Duration,
        StoppedBy::Bytes,
        StoppedBy::End,
        StoppedBy::Cancelled,
        StoppedBy::Broken,
        StoppedBy::Stable,
    ]);
    let figures = (bit_rate(), of(bit_rate()), whole(), duration(), any::<u16>());
    let rtts = [of(duration()), of(duration()), of(duration())];
    (measured(), direction(), figures, confidence, stopped_by, of(whole()), rtts, of(responsiveness()), of(witness()))
        .prop_map(
            |(measured, direction, figures, confidence, stopped_by, sender_bytes, rtts, responsiveness, listener)| {
                let (goodput, steady, bytes, duration, flows) = figures;
                let [idle_rtt, loaded_rtt, added_rtt] = rtts;
                ThroughputSummary {
                    measured,
                    direction,
                    goodput,
                    steady,
                    bytes,
                    duration,
                    flows,
                    confidence,
                    stopped_by,
                    sender_bytes,
                    idle_rtt,
                    loaded_rtt,
                    added_rtt,
                    responsiveness,
                    listener,
                }
            },
        )
        .boxed()
}

fn responsiveness() -> BoxedStrategy<Responsiveness> {
    let rpm = (0.0..1e9_f64).prop_map(|rpm| Rpm::from_per_minute(rpm).expect("a number"));
    let times = [duration(), duration(), duration(), duration()];
    (rpm, times, of(duration()), any::<u32>(), any::<u32>())
        .prop_map(|(rpm, [began, tcp, http_new, http_loaded], tls, new_probes, loaded_probes)| Responsiveness {
            rpm,
            began,
            tcp,
            tls,
            http_new,
            http_loaded,
            new_probes,
            loaded_probes,
        })
        .boxed()
}

fn witness() -> BoxedStrategy<Witness> {
    let counts = [whole(), whole()];
    let times = [duration(), duration(), duration()];
    let tcp = (counts, of(duration()), of(duration()), times).prop_map(|(counts, min_rtt, rtt, times)| {
        let [sent_bytes, retransmitted_bytes] = counts;
        let [busy, rwnd_limited, sndbuf_limited] = times;
        TcpInfo { sent_bytes, retransmitted_bytes, min_rtt, rtt, busy, rwnd_limited, sndbuf_limited }
    });
    (of(tcp), of(ratio()), any::<u32>(), of(0.0..1e6_f64), of(any::<bool>()), duration())
        .prop_map(|(tcp, cpu_load, tests, uplink_share, contended, waited)| Witness {
            tcp,
            cpu_load,
            tests,
            uplink_share,
            contended,
            waited,
        })
        .boxed()
}

pub(in crate::tests) fn interface() -> BoxedStrategy<Interface> {
    let kind = select(vec![
        InterfaceKind::Unknown,
        InterfaceKind::Loopback,
        InterfaceKind::Ethernet,
        InterfaceKind::Wireless,
        InterfaceKind::Mobile,
        InterfaceKind::Tunnel,
        InterfaceKind::Virtual,
    ]);
    let network = (address(), 0..=32_u8).prop_map(|(address, prefix_bits)| InterfaceAddress { address, prefix_bits });
    let link = (of(any::<bool>()), of(bit_rate()), of(any::<u32>()));
    let counters = [of(whole()), of(whole()), of(whole()), of(whole())];
    (text(), kind, link, vec(network, 0..4), counters, of(any::<i32>()))
        .prop_map(|(name, kind, link, addresses, counters, signal_dbm)| {
            let (up, speed, mtu_bytes) = link;
            let [receive_errors, transmit_errors, receive_drops, transmit_drops] = counters;
            Interface {
                name,
                kind,
                up,
                speed,
                mtu_bytes,
                addresses,
                receive_errors,
                transmit_errors,
                receive_drops,
                transmit_drops,
                signal_dbm,
            }
        })
        .boxed()
}

pub(in crate::tests) fn system() -> BoxedStrategy<SystemInfo> {
    let texts = (of(text()), of(text()), of(text()), text(), of(text()));
    let cpu = (of(text()), of(any::<u32>()), of(ratio())).prop_map(|(model, cores, load)| Cpu { model, cores, load });
    let memory = || {
        (of(whole()), of(whole())).prop_map(|(total_bytes, available_bytes)| Memory { total_bytes, available_bytes })
    };
    let servers = || vec(address(), 0..3);
    let ways = (servers(), servers(), of(text()), of(text()));
    (texts, cpu, memory(), memory(), of(duration()), vec(interface(), 0..3), ways)
        .prop_map(|(texts, cpu, memory, swap, uptime, interfaces, ways)| {
            let (gateways, resolvers, leaves_by, proxy) = ways;
            let (os_name, os_version, kernel, architecture, host_name) = texts;
            SystemInfo {
                os_name,
                os_version,
                kernel,
                architecture,
                host_name,
                cpu,
                memory,
                swap,
                uptime,
                interfaces,
                gateways,
                resolvers,
                leaves_by,
                proxy,
            }
        })
        .boxed()
}

fn mtu_summary() -> BoxedStrategy<MtuSummary> {
    (measured(), of(any::<u32>()), of(any::<u32>()), any::<bool>(), of(address()), any::<u32>())
        .prop_map(|(measured, path_mtu_bytes, interface_mtu_bytes, black_hole, limited_by, probes)| MtuSummary {
            measured,
            path_mtu_bytes,
            interface_mtu_bytes,
            black_hole,
            limited_by,
            probes,
        })
        .boxed()
}

fn dns_summary() -> BoxedStrategy<DnsSummary> {
    let outcome = prop_oneof![
        any::<u16>().prop_map(DnsOutcome::Answered),
        Just(DnsOutcome::Timeout),
        Just(DnsOutcome::Unreachable),
        Just(DnsOutcome::Malformed),
        Just(DnsOutcome::NotFound),
    ];
    let resolver = (of(address()), of(duration()), outcome, vec(address(), 0..3), of(any::<bool>())).prop_map(
        |(address, rtt, outcome, answers, hijacks)| ResolverAnswer { address, rtt, outcome, answers, hijacks },
    );
    (measured(), vec(resolver, 0..3)).prop_map(|(measured, resolvers)| DnsSummary { measured, resolvers }).boxed()
}

fn http_summary() -> BoxedStrategy<HttpSummary> {
    let phases = (of(duration()), of(duration()), of(duration()), of(duration()), of(duration()));
    let texts = (of(text()), of(text()), of(text()), of(text()), of(text()));
    let found = (of(any::<bool>()), of(family_reach()), of(family_reach()));
    (measured(), of(any::<u16>()), phases, whole(), texts, found)
        .prop_map(|(measured, status, phases, bytes, texts, (intercepted, v4, v6))| {
            let (dns, tcp, tls, first_byte, total) = phases;
            let (tls_version, issuer, proxy, location, error) = texts;
            HttpSummary {
                measured,
                status,
                dns,
                tcp,
                tls,
                first_byte,
                total,
                bytes,
                tls_version,
                issuer,
                intercepted,
                v4,
                v6,
                proxy,
                location,
                error,
            }
        })
        .boxed()
}

fn family_reach() -> BoxedStrategy<FamilyReach> {
    (address(), of(duration()), of(text()))
        .prop_map(|(address, tcp, error)| FamilyReach { address, tcp, error })
        .boxed()
}

pub(in crate::tests) fn summary() -> BoxedStrategy<Summary> {
    prop_oneof![
        ping_summary().prop_map(Summary::Ping),
        trace_summary().prop_map(Summary::Trace),
        throughput_summary().prop_map(Summary::Throughput),
        system().prop_map(Summary::System),
        mtu_summary().prop_map(Summary::Mtu),
        dns_summary().prop_map(Summary::Dns),
        http_summary().prop_map(Summary::Http),
    ]
    .boxed()
}
