//! History on the wire: requests are checked here, so that whoever answers them need not.

use std::num::NonZeroU32;

use cnc_model::Timestamp;

use super::{
    History, HistoryDay, HistoryDestination, HistoryFigures, HistoryHour, HistoryKind, HistoryPeriod, HistoryProvider,
    HistoryScope, HistorySeries, HistorySession, HistorySessions, HistorySubject, HistorySubjects, ListHistorySessions,
    ListHistorySubjects, MAX_HISTORY_DAYS, MAX_UTC_OFFSET_MINUTES, origin,
};
use crate::invalid::{known, required};
use crate::scalar::{MAX_NAME_BYTES, MAX_URL_BYTES, count, narrow, optional_text, ratio, text, timestamp};
use crate::{Invalid, v1};

const DAY_US: u64 = 86_400_000_000;

impl From<HistoryScope> for v1::HistoryScope {
    fn from(scope: HistoryScope) -> Self {
        let HistoryScope { subject, period: HistoryPeriod { from, until }, utc_offset_minutes } = scope;
        let (destination, asn) = match subject {
            HistorySubject::Destination(destination) => (Some(destination), None),
            HistorySubject::Provider(asn) => (None, Some(asn)),
            HistorySubject::Both(destination, asn) => (Some(destination), Some(asn)),
        };
        Self {
            destination,
            asn,
            from_unix_us: from.unix_us(),
            until_unix_us: until.unix_us(),
            utc_offset_minutes: utc_offset_minutes.into(),
        }
    }
}

impl TryFrom<v1::HistoryScope> for HistoryScope {
    type Error = Invalid;

    fn try_from(wire: v1::HistoryScope) -> Result<Self, Invalid> {
        let v1::HistoryScope { destination, asn, from_unix_us, until_unix_us, utc_offset_minutes } = wire;
        let subject = match (optional_text("HistoryScope.destination", destination, MAX_URL_BYTES)?, asn) {
            (Some(destination), None) => HistorySubject::Destination(destination),
            (None, Some(asn)) => HistorySubject::Provider(asn),
            (Some(destination), Some(asn)) => HistorySubject::Both(destination, asn),
            (None, None) => return Err(Invalid::Missing { field: "HistoryScope.destination" }),
        };
        let field = "HistoryScope.utc_offset_minutes";
        let offset: i16 = narrow(field, utc_offset_minutes)?;
        if offset.unsigned_abs() > MAX_UTC_OFFSET_MINUTES.unsigned_abs() {
            return Err(Invalid::malformed(field, format!("no clock is {offset} minutes off")));
        }
        let period = period("HistoryScope.until_unix_us", from_unix_us, until_unix_us)?;
        Ok(Self { subject, period, utc_offset_minutes: offset })
    }
}

fn period(field: &'static str, from: i64, until: i64) -> Result<HistoryPeriod, Invalid> {
    let (from, until) = (timestamp(field, from)?, timestamp(field, until)?);
    let length = until.unix_us().saturating_sub(from.unix_us());
    if length <= 0 {
        return Err(Invalid::malformed(field, "it does not lie behind the beginning"));
    }
    if length.unsigned_abs() > u64::from(MAX_HISTORY_DAYS) * DAY_US {
        return Err(Invalid::malformed(field, format!("at most {MAX_HISTORY_DAYS} days are told at once")));
    }
    Ok(HistoryPeriod { from, until })
}

impl From<HistoryKind> for v1::HistoryKind {
    fn from(kind: HistoryKind) -> Self {
        match kind {
            HistoryKind::PingIcmp => Self::PingIcmp,
            HistoryKind::PingTcp => Self::PingTcp,
            HistoryKind::PingUdp => Self::PingUdp,
            HistoryKind::Download => Self::Download,
            HistoryKind::Upload => Self::Upload,
        }
    }
}

fn kind(field: &'static str, wire: i32) -> Result<HistoryKind, Invalid> {
    known(
        field,
        match v1::HistoryKind::try_from(wire).unwrap_or_default() {
            v1::HistoryKind::Unspecified => None,
            v1::HistoryKind::PingIcmp => Some(HistoryKind::PingIcmp),
            v1::HistoryKind::PingTcp => Some(HistoryKind::PingTcp),
            v1::HistoryKind::PingUdp => Some(HistoryKind::PingUdp),
            v1::HistoryKind::Download => Some(HistoryKind::Download),
            v1::HistoryKind::Upload => Some(HistoryKind::Upload),
        },
    )
}

impl From<HistoryFigures> for v1::HistoryFigures {
    fn from(figures: HistoryFigures) -> Self {
        let HistoryFigures { count, received, p05, p50, p95 } = figures;
        Self { count, received, p05, p50, p95 }
    }
}

fn figures(field: &'static str, wire: Option<v1::HistoryFigures>) -> Result<HistoryFigures, Invalid> {
    let v1::HistoryFigures { count: sent, received, p05, p50, p95 } = required(field, wire)?;
    let value = |value: Option<u64>| value.map(|value| count(field, value)).transpose();
    Ok(HistoryFigures {
        count: count(field, sent)?,
        received: count(field, received)?,
        p05: value(p05)?,
        p50: value(p50)?,
        p95: value(p95)?,
    })
}

impl From<HistorySeries> for v1::HistorySeries {
    fn from(series: HistorySeries) -> Self {
        let HistorySeries { kind, method, whole, days, hours } = series;
        let day = |HistoryDay { from, figures }| v1::HistoryDay {
            from_unix_us: Timestamp::unix_us(from),
            figures: Some(figures.into()),
        };
        let hour = |HistoryHour { hour, figures }| v1::HistoryHour { hour: hour.into(), figures: Some(figures.into()) };
        Self {
            kind: v1::HistoryKind::from(kind).into(),
            method,
            whole: Some(whole.into()),
            days: days.into_iter().map(day).collect(),
            hours: hours.into_iter().map(hour).collect(),
        }
    }
}

impl TryFrom<v1::HistorySeries> for HistorySeries {
    type Error = Invalid;

    fn try_from(wire: v1::HistorySeries) -> Result<Self, Invalid> {
        let v1::HistorySeries { kind: of, method, whole, days, hours } = wire;
        let day = |v1::HistoryDay { from_unix_us, figures: of }| {
            let from = timestamp("HistoryDay.from_unix_us", from_unix_us)?;
            Ok(HistoryDay { from, figures: figures("HistoryDay.figures", of)? })
        };
        let hour = |v1::HistoryHour { hour, figures: of }| {
            let hour = hour_of_day("HistoryHour.hour", hour)?;
            Ok(HistoryHour { hour, figures: figures("HistoryHour.figures", of)? })
        };
        Ok(Self {
            kind: kind("HistorySeries.kind", of)?,
            method: text("HistorySeries.method", method, MAX_NAME_BYTES)?,
            whole: figures("HistorySeries.whole", whole)?,
            days: days.into_iter().map(day).collect::<Result<_, Invalid>>()?,
            hours: hours.into_iter().map(hour).collect::<Result<_, Invalid>>()?,
        })
    }
}

fn hour_of_day(field: &'static str, hour: u32) -> Result<u8, Invalid> {
    let hour: u8 = narrow(field, hour)?;
    if hour < 24 { Ok(hour) } else { Err(Invalid::malformed(field, format!("a day has no hour {hour}"))) }
}

impl From<HistoryScope> for v1::GetHistoryRequest {
    fn from(scope: HistoryScope) -> Self {
        Self { scope: Some(scope.into()) }
    }
}

impl TryFrom<v1::GetHistoryRequest> for HistoryScope {
    type Error = Invalid;

    fn try_from(wire: v1::GetHistoryRequest) -> Result<Self, Invalid> {
        let v1::GetHistoryRequest { scope } = wire;
        required("GetHistoryRequest.scope", scope)?.try_into()
    }
}

impl From<History> for v1::GetHistoryResponse {
    fn from(history: History) -> Self {
        let History { series, method, error_ratio, sessions_behind, origin } = history;
        let series = series.into_iter().map(Into::into).collect();
        let (source, billed_bytes) = (origin.source.clone(), origin.billed_bytes);
        Self { series, method, error_ratio, source, billed_bytes, sessions_behind, origin: Some(origin.into()) }
    }
}

impl TryFrom<v1::GetHistoryResponse> for History {
    type Error = Invalid;

    fn try_from(wire: v1::GetHistoryResponse) -> Result<Self, Invalid> {
        let v1::GetHistoryResponse { series, method, error_ratio, source, billed_bytes, sessions_behind, origin } =
            wire;
        // Listeners of earlier versions have nothing but these two.
        let earlier = v1::HistoryOrigin { source, billed_bytes, ..v1::HistoryOrigin::default() };
        Ok(Self {
            series: series.into_iter().map(TryInto::try_into).collect::<Result<_, _>>()?,
            method: text("GetHistoryResponse.method", method, MAX_NAME_BYTES)?,
            error_ratio: ratio("GetHistoryResponse.error_ratio", error_ratio)?,
            sessions_behind,
            origin: origin.unwrap_or(earlier).try_into()?,
        })
    }
}

impl From<ListHistorySubjects> for v1::ListHistorySubjectsRequest {
    fn from(request: ListHistorySubjects) -> Self {
        let ListHistorySubjects { period: HistoryPeriod { from, until }, limit } = request;
        let limit = limit.map_or(0, NonZeroU32::get);
        Self { from_unix_us: from.unix_us(), until_unix_us: until.unix_us(), limit }
    }
}

impl TryFrom<v1::ListHistorySubjectsRequest> for ListHistorySubjects {
    type Error = Invalid;

    fn try_from(wire: v1::ListHistorySubjectsRequest) -> Result<Self, Invalid> {
        let v1::ListHistorySubjectsRequest { from_unix_us, until_unix_us, limit } = wire;
        let period = period("ListHistorySubjectsRequest.until_unix_us", from_unix_us, until_unix_us)?;
        Ok(Self { period, limit: NonZeroU32::new(limit) })
    }
}

impl From<HistorySubjects> for v1::ListHistorySubjectsResponse {
    fn from(subjects: HistorySubjects) -> Self {
        let HistorySubjects { destinations, providers, sessions_behind, origin } = subjects;
        let destination = |HistoryDestination { name, count }| v1::HistoryDestination { name, count };
        let provider = |HistoryProvider { asn, name, count }| v1::HistoryProvider { asn, name, count };
        Self {
            destinations: destinations.into_iter().map(destination).collect(),
            providers: providers.into_iter().map(provider).collect(),
            sessions_behind,
            origin: Some(origin.into()),
        }
    }
}

impl TryFrom<v1::ListHistorySubjectsResponse> for HistorySubjects {
    type Error = Invalid;

    fn try_from(wire: v1::ListHistorySubjectsResponse) -> Result<Self, Invalid> {
        let v1::ListHistorySubjectsResponse { destinations, providers, sessions_behind, origin } = wire;
        let destination = |v1::HistoryDestination { name, count: of }| {
            let name = text("HistoryDestination.name", name, MAX_URL_BYTES)?;
            Ok(HistoryDestination { name, count: count("HistoryDestination.count", of)? })
        };
        let provider = |v1::HistoryProvider { asn, name, count: of }| {
            let name = optional_text("HistoryProvider.name", name, MAX_NAME_BYTES)?;
            Ok(HistoryProvider { asn, name, count: count("HistoryProvider.count", of)? })
        };
        Ok(Self {
            destinations: destinations.into_iter().map(destination).collect::<Result<_, Invalid>>()?,
            providers: providers.into_iter().map(provider).collect::<Result<_, Invalid>>()?,
            sessions_behind,
            origin: origin::read(origin)?,
        })
    }
}

impl From<ListHistorySessions> for v1::ListHistorySessionsRequest {
    fn from(request: ListHistorySessions) -> Self {
        let ListHistorySessions { scope, hour, kind, method, limit } = request;
        Self {
            scope: Some(scope.into()),
            hour: hour.map(Into::into),
            kind: v1::HistoryKind::from(kind).into(),
            method,
            limit: limit.map_or(0, NonZeroU32::get),
        }
    }
}

impl TryFrom<v1::ListHistorySessionsRequest> for ListHistorySessions {
    type Error = Invalid;

    fn try_from(wire: v1::ListHistorySessionsRequest) -> Result<Self, Invalid> {
        let v1::ListHistorySessionsRequest { scope, hour, kind: of, method, limit } = wire;
        Ok(Self {
            scope: required("ListHistorySessionsRequest.scope", scope)?.try_into()?,
            hour: hour.map(|hour| hour_of_day("ListHistorySessionsRequest.hour", hour)).transpose()?,
            kind: kind("ListHistorySessionsRequest.kind", of)?,
            method: text("ListHistorySessionsRequest.method", method, MAX_NAME_BYTES)?,
            limit: NonZeroU32::new(limit),
        })
    }
}

impl From<HistorySessions> for v1::ListHistorySessionsResponse {
    fn from(page: HistorySessions) -> Self {
        let HistorySessions { sessions, total, origin } = page;
        let session = |HistorySession { session, figures }| v1::HistorySession {
            session: Some(session.into()),
            figures: Some(figures.into()),
        };
        Self { sessions: sessions.into_iter().map(session).collect(), total, origin: Some(origin.into()) }
    }
}

impl TryFrom<v1::ListHistorySessionsResponse> for HistorySessions {
    type Error = Invalid;

    fn try_from(wire: v1::ListHistorySessionsResponse) -> Result<Self, Invalid> {
        let v1::ListHistorySessionsResponse { sessions, total, origin } = wire;
        let session = |v1::HistorySession { session, figures: of }| {
            let session = required("HistorySession.session", session)?.try_into()?;
            Ok(HistorySession { session, figures: figures("HistorySession.figures", of)? })
        };
        Ok(Self {
            sessions: sessions.into_iter().map(session).collect::<Result<_, Invalid>>()?,
            total: count("ListHistorySessionsResponse.total", total)?,
            origin: origin::read(origin)?,
        })
    }
}
