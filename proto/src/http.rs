//! HTTP requests: their phases.

use cnc_model::http::HttpSummary;

use crate::invalid::required;
use crate::scalar::{
    MAX_NAME_BYTES, MAX_SENTENCE_BYTES, MAX_URL_BYTES, count, cut, duration, narrow, optional_text, us, whole,
};
use crate::{Invalid, v1};

impl From<HttpSummary> for v1::HttpSummary {
    fn from(summary: HttpSummary) -> Self {
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
            proxy,
            location,
            error,
        } = summary;
        let limited = |text: Option<String>, limit| text.map(|text| cut(text, limit));
        Self {
            measured: Some(measured.into()),
            status: status.map(Into::into),
            dns_us: dns.map(us),
            tcp_us: tcp.map(us),
            tls_us: tls.map(us),
            first_byte_us: first_byte.map(us),
            total_us: total.map(us),
            bytes: whole(bytes),
            tls_version: limited(tls_version, MAX_NAME_BYTES),
            issuer: limited(issuer, MAX_NAME_BYTES),
            proxy: limited(proxy, MAX_NAME_BYTES),
            location: limited(location, MAX_URL_BYTES),
            error: limited(error, MAX_SENTENCE_BYTES),
        }
    }
}

impl TryFrom<v1::HttpSummary> for HttpSummary {
    type Error = Invalid;

    fn try_from(wire: v1::HttpSummary) -> Result<Self, Invalid> {
        let v1::HttpSummary {
            measured,
            status,
            dns_us,
            tcp_us,
            tls_us,
            first_byte_us,
            total_us,
            bytes,
            tls_version,
            issuer,
            proxy,
            location,
            error,
        } = wire;
        let phase = |field, us: Option<u64>| us.map(|us| duration(field, us)).transpose();
        Ok(Self {
            measured: required("HttpSummary.measured", measured)?.try_into()?,
            status: status.map(|status| narrow("HttpSummary.status", status)).transpose()?,
            dns: phase("HttpSummary.dns_us", dns_us)?,
            tcp: phase("HttpSummary.tcp_us", tcp_us)?,
            tls: phase("HttpSummary.tls_us", tls_us)?,
            first_byte: phase("HttpSummary.first_byte_us", first_byte_us)?,
            total: phase("HttpSummary.total_us", total_us)?,
            bytes: count("HttpSummary.bytes", bytes)?,
            tls_version: optional_text("HttpSummary.tls_version", tls_version, MAX_NAME_BYTES)?,
            issuer: optional_text("HttpSummary.issuer", issuer, MAX_NAME_BYTES)?,
            proxy: optional_text("HttpSummary.proxy", proxy, MAX_NAME_BYTES)?,
            location: optional_text("HttpSummary.location", location, MAX_URL_BYTES)?,
            error: optional_text("HttpSummary.error", error, MAX_SENTENCE_BYTES)?,
        })
    }
}
