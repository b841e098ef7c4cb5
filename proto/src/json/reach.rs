//! MTU, DNS and HTTP: what is found out about reaching something, without samples.

use std::net::IpAddr;

use cnc_model::dns::{DnsSummary, ResolverAnswer};
use cnc_model::http::{FamilyReach, HttpSummary};
use cnc_model::mtu::MtuSummary;
use cnc_model::summary::Measured;
use serde::Serialize;

use super::ms;

#[derive(Serialize)]
pub(super) struct MtuBody<'a> {
    host: &'a str,
    address: Option<IpAddr>,
    method: &'a str,
    engine: &'a str,
    path_mtu_bytes: Option<u32>,
    interface_mtu_bytes: Option<u32>,
    black_hole: bool,
    limited_by: Option<IpAddr>,
    probes: u32,
}

impl<'a> From<&'a MtuSummary> for MtuBody<'a> {
    fn from(summary: &'a MtuSummary) -> Self {
        let MtuSummary { measured, path_mtu_bytes, interface_mtu_bytes, black_hole, limited_by, probes } = summary;
        let Measured { host, address, method, engine, shed: _ } = measured;
        Self {
            host,
            address: *address,
            method,
            engine,
            path_mtu_bytes: *path_mtu_bytes,
            interface_mtu_bytes: *interface_mtu_bytes,
            black_hole: *black_hole,
            limited_by: *limited_by,
            probes: *probes,
        }
    }
}

#[derive(Serialize)]
pub(super) struct DnsBody<'a> {
    name: &'a str,
    method: &'a str,
    engine: &'a str,
    resolvers: Vec<ResolverBody<'a>>,
    disagree: bool,
}

#[derive(Serialize)]
struct ResolverBody<'a> {
    /// `null` for the system's own resolver.
    address: Option<IpAddr>,
    rtt_ms: Option<f64>,
    code: String,
    answers: &'a [IpAddr],
    hijacks: Option<bool>,
}

impl<'a> From<&'a DnsSummary> for DnsBody<'a> {
    fn from(summary: &'a DnsSummary) -> Self {
        let DnsSummary { measured, resolvers } = summary;
        let Measured { host, address: _, method, engine, shed: _ } = measured;
        let disagree = summary.disagree();
        Self { name: host, method, engine, resolvers: resolvers.iter().map(Into::into).collect(), disagree }
    }
}

impl<'a> From<&'a ResolverAnswer> for ResolverBody<'a> {
    fn from(answer: &'a ResolverAnswer) -> Self {
        let ResolverAnswer { address, rtt, outcome, answers, hijacks } = answer;
        Self { address: *address, rtt_ms: rtt.map(ms), code: outcome.word().into_owned(), answers, hijacks: *hijacks }
    }
}

#[derive(Serialize)]
pub(super) struct HttpBody<'a> {
    url: &'a str,
    address: Option<IpAddr>,
    method: &'a str,
    engine: &'a str,
    status: Option<u16>,
    dns_ms: Option<f64>,
    tcp_ms: Option<f64>,
    tls_ms: Option<f64>,
    first_byte_ms: Option<f64>,
    total_ms: Option<f64>,
    bytes: u64,
    tls_version: Option<&'a str>,
    issuer: Option<&'a str>,
    intercepted: Option<bool>,
    ipv4: Option<FamilyBody<'a>>,
    ipv6: Option<FamilyBody<'a>>,
    /// `v4` or `v6`, where that leads nowhere and the other one works.
    broken_family: Option<&'static str>,
    proxy: Option<&'a str>,
    location: Option<&'a str>,
    captive_portal: Option<bool>,
    error: Option<&'a str>,
}

impl<'a> From<&'a HttpSummary> for HttpBody<'a> {
    fn from(summary: &'a HttpSummary) -> Self {
        let HttpSummary {
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
        } = summary;
        let Measured { host, address, method, engine, shed: _ } = measured;
        Self {
            url: host,
            address: *address,
            method,
            engine,
            status: *status,
            dns_ms: dns.map(ms),
            tcp_ms: tcp.map(ms),
            tls_ms: tls.map(ms),
            first_byte_ms: first_byte.map(ms),
            total_ms: total.map(ms),
            bytes: *bytes,
            tls_version: tls_version.as_deref(),
            issuer: issuer.as_deref(),
            intercepted: *intercepted,
            ipv4: v4.as_ref().map(Into::into),
            ipv6: v6.as_ref().map(Into::into),
            broken_family: summary.broken_family().map(super::test::word),
            proxy: proxy.as_deref(),
            location: location.as_deref(),
            captive_portal: summary.captive_portal(),
            error: error.as_deref(),
        }
    }
}

#[derive(Serialize)]
struct FamilyBody<'a> {
    address: IpAddr,
    tcp_ms: Option<f64>,
    error: Option<&'a str>,
}

impl<'a> From<&'a FamilyReach> for FamilyBody<'a> {
    fn from(reach: &'a FamilyReach) -> Self {
        let FamilyReach { address, tcp, error } = reach;
        Self { address: *address, tcp_ms: tcp.map(ms), error: error.as_deref() }
    }
}
