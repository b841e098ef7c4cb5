//! HTTP requests: their phases.

use cnc_model::http::{FamilyReach, HttpSummary};

use crate::invalid::required;
use crate::scalar::{
    MAX_NAME_BYTES, MAX_SENTENCE_BYTES, MAX_URL_BYTES, address, count, cut, duration, narrow, octets, optional_text,
    us, whole,
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
            intercepted,
            v4,
            v6,
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
            intercepted,
            v4: v4.map(Into::into),
            v6: v6.map(Into::into),
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
            intercepted,
            v4,
            v6,
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
            intercepted,
            v4: v4.map(TryInto::try_into).transpose()?,
            v6: v6.map(TryInto::try_into).transpose()?,
        })
    }
}

impl From<FamilyReach> for v1::FamilyReach {
    fn from(reach: FamilyReach) -> Self {
        let FamilyReach { address, tcp, error } = reach;
        let error = error.map(|error| cut(error, MAX_SENTENCE_BYTES));
        Self { address: octets(address), tcp_us: tcp.map(us), error }
    }
}

impl TryFrom<v1::FamilyReach> for FamilyReach {
    type Error = Invalid;

    fn try_from(wire: v1::FamilyReach) -> Result<Self, Invalid> {
        let v1::FamilyReach { address: at, tcp_us, error } = wire;
        Ok(Self {
            address: address("FamilyReach.address", &at)?,
            tcp: tcp_us.map(|us| duration("FamilyReach.tcp_us", us)).transpose()?,
            error: optional_text("FamilyReach.error", error, MAX_SENTENCE_BYTES)?,
        })
    }
}
