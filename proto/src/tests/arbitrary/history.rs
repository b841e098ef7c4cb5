//! Values of the calls about history.

use std::num::NonZeroU32;

use cnc_model::Timestamp;
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;

use super::{overview, ratio, text, timestamp, whole};
use crate::support::{
    History, HistoryDay, HistoryDestination, HistoryFigures, HistoryHour, HistoryKind, HistoryOrigin, HistoryPeriod,
    HistoryProvider, HistoryScope, HistorySeries, HistorySession, HistorySessions, HistorySubject, HistorySubjects,
    ListHistorySessions, ListHistorySubjects, MAX_HISTORY_DAYS, MAX_UTC_OFFSET_MINUTES,
};

fn period() -> impl Strategy<Value = HistoryPeriod> {
    let longest = i64::from(MAX_HISTORY_DAYS) * 86_400_000_000;
    (-(1_i64 << 52)..1 << 52, 1..=longest).prop_map(|(from, length)| HistoryPeriod {
        from: Timestamp::from_unix_us(from),
        until: Timestamp::from_unix_us(from + length),
    })
}

pub(in crate::tests) fn scope() -> impl Strategy<Value = HistoryScope> {
    let subject = prop_oneof![
        text().prop_map(HistorySubject::Destination),
        any::<u32>().prop_map(HistorySubject::Provider),
        (text(), any::<u32>()).prop_map(|(destination, asn)| HistorySubject::Both(destination, asn)),
    ];
    let offset = -MAX_UTC_OFFSET_MINUTES..=MAX_UTC_OFFSET_MINUTES;
    (subject, period(), offset).prop_map(|(subject, period, utc_offset_minutes)| HistoryScope {
        subject,
        period,
        utc_offset_minutes,
    })
}

fn kind() -> impl Strategy<Value = HistoryKind> {
    select(HistoryKind::ALL.to_vec())
}

fn figures() -> impl Strategy<Value = HistoryFigures> {
    (whole(), whole(), of(whole()), of(whole()), of(whole()))
        .prop_map(|(count, received, p05, p50, p95)| HistoryFigures { count, received, p05, p50, p95 })
}

fn series() -> impl Strategy<Value = HistorySeries> {
    let day = (timestamp(), figures()).prop_map(|(from, figures)| HistoryDay { from, figures });
    let hour = (0_u8..24, figures()).prop_map(|(hour, figures)| HistoryHour { hour, figures });
    (kind(), text(), figures(), vec(day, 0..3), vec(hour, 0..3))
        .prop_map(|(kind, method, whole, days, hours)| HistorySeries { kind, method, whole, days, hours })
}

fn origin() -> impl Strategy<Value = HistoryOrigin> {
    (text(), of(whole()), of(whole()), of(timestamp()), any::<u32>(), of(timestamp()), whole()).prop_map(
        |(source, billed_bytes, billed_total_bytes, complete_until, sessions_left_out, samples_since, probes)| {
            HistoryOrigin {
                source,
                billed_bytes,
                billed_total_bytes,
                complete_until,
                sessions_left_out,
                samples_since,
                probes_left_out: probes,
            }
        },
    )
}

pub(in crate::tests) fn history() -> impl Strategy<Value = History> {
    (vec(series(), 0..3), text(), ratio(), any::<u32>(), origin()).prop_map(
        |(series, method, error_ratio, sessions_behind, origin)| History {
            series,
            method,
            error_ratio,
            sessions_behind,
            origin,
        },
    )
}

pub(in crate::tests) fn list_subjects() -> impl Strategy<Value = ListHistorySubjects> {
    (period(), of(any::<NonZeroU32>())).prop_map(|(period, limit)| ListHistorySubjects { period, limit })
}

pub(in crate::tests) fn subjects() -> impl Strategy<Value = HistorySubjects> {
    let destination = (text(), whole()).prop_map(|(name, count)| HistoryDestination { name, count });
    let provider =
        (any::<u32>(), of(text()), whole()).prop_map(|(asn, name, count)| HistoryProvider { asn, name, count });
    (vec(destination, 0..3), vec(provider, 0..3), any::<u32>(), origin()).prop_map(
        |(destinations, providers, sessions_behind, origin)| HistorySubjects {
            destinations,
            providers,
            sessions_behind,
            origin,
        },
    )
}

pub(in crate::tests) fn list_sessions() -> impl Strategy<Value = ListHistorySessions> {
    (scope(), of(0_u8..24), kind(), text(), of(any::<NonZeroU32>()))
        .prop_map(|(scope, hour, kind, method, limit)| ListHistorySessions { scope, hour, kind, method, limit })
}

pub(in crate::tests) fn sessions() -> impl Strategy<Value = HistorySessions> {
    let session = (overview(), figures()).prop_map(|(session, figures)| HistorySession { session, figures });
    (vec(session, 0..3), whole(), origin()).prop_map(|(sessions, total, origin)| HistorySessions {
        sessions,
        total,
        origin,
    })
}
