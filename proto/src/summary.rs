//! Summaries: the choice between kinds, and what they have in common.

use cnc_model::Summary;
use cnc_model::stats::RttSummary;
use cnc_model::summary::Measured;

use crate::invalid::known;
use crate::scalar::{MAX_NAME_BYTES, MAX_URL_BYTES, address, count, cut, duration, octets, text, us};
use crate::{Invalid, v1};

impl From<Summary> for v1::Summary {
    fn from(summary: Summary) -> Self {
        use v1::summary::Summary as Wire;
        let wire = match summary {
            Summary::Ping(ping) => Wire::Ping(ping.into()),
            Summary::Trace(trace) => Wire::Trace(trace.into()),
            Summary::Throughput(throughput) => Wire::Throughput(throughput.into()),
            Summary::System(system) => Wire::System(system.into()),
            Summary::Mtu(mtu) => Wire::Mtu(mtu.into()),
            Summary::Dns(dns) => Wire::Dns(dns.into()),
            Summary::Http(http) => Wire::Http(http.into()),
        };
        Self { summary: Some(wire) }
    }
}

impl TryFrom<v1::Summary> for Summary {
    type Error = Invalid;

    fn try_from(wire: v1::Summary) -> Result<Self, Invalid> {
        use v1::summary::Summary as Wire;
        let v1::Summary { summary } = wire;
        Ok(match known("Summary.summary", summary)? {
            Wire::Ping(ping) => Self::Ping(ping.try_into()?),
            Wire::Trace(trace) => Self::Trace(trace.try_into()?),
            Wire::Throughput(throughput) => Self::Throughput(throughput.try_into()?),
            Wire::System(system) => Self::System(system.try_into()?),
            Wire::Mtu(mtu) => Self::Mtu(mtu.try_into()?),
            Wire::Dns(dns) => Self::Dns(dns.try_into()?),
            Wire::Http(http) => Self::Http(http.try_into()?),
        })
    }
}

impl From<Measured> for v1::Measured {
    fn from(measured: Measured) -> Self {
        let Measured { host, address, method, engine, shed } = measured;
        Self {
            host: cut(host, MAX_URL_BYTES),
            address: address.map(octets),
            method: cut(method, MAX_NAME_BYTES),
            engine: cut(engine, MAX_NAME_BYTES),
            shed,
        }
    }
}

impl TryFrom<v1::Measured> for Measured {
    type Error = Invalid;

    fn try_from(wire: v1::Measured) -> Result<Self, Invalid> {
        let v1::Measured { host, address: octets, method, engine, shed } = wire;
        Ok(Self {
            host: text("Measured.host", host, MAX_URL_BYTES)?,
            address: octets.map(|octets| address("Measured.address", &octets)).transpose()?,
            method: text("Measured.method", method, MAX_NAME_BYTES)?,
            engine: text("Measured.engine", engine, MAX_NAME_BYTES)?,
            shed: count("Measured.shed", shed)?,
        })
    }
}

impl From<RttSummary> for v1::RttSummary {
    fn from(rtt: RttSummary) -> Self {
        let RttSummary { min, mean, median, p90, p95, p99, max, stddev } = rtt;
        Self {
            min_us: us(min),
            mean_us: us(mean),
            median_us: us(median),
            p90_us: us(p90),
            p95_us: us(p95),
            p99_us: us(p99),
            max_us: us(max),
            stddev_us: us(stddev),
        }
    }
}

impl TryFrom<v1::RttSummary> for RttSummary {
    type Error = Invalid;

    fn try_from(wire: v1::RttSummary) -> Result<Self, Invalid> {
        let v1::RttSummary { min_us, mean_us, median_us, p90_us, p95_us, p99_us, max_us, stddev_us } = wire;
        Ok(Self {
            min: duration("RttSummary.min_us", min_us)?,
            mean: duration("RttSummary.mean_us", mean_us)?,
            median: duration("RttSummary.median_us", median_us)?,
            p90: duration("RttSummary.p90_us", p90_us)?,
            p95: duration("RttSummary.p95_us", p95_us)?,
            p99: duration("RttSummary.p99_us", p99_us)?,
            max: duration("RttSummary.max_us", max_us)?,
            stddev: duration("RttSummary.stddev_us", stddev_us)?,
        })
    }
}
