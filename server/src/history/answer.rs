//! Hours of sums become series: by day and by hour of day, as the asker's clock tells them.

use std::collections::BTreeMap;

use cnc_model::Timestamp;
use cnc_proto::support::{HistoryDay, HistoryFigures, HistoryHour, HistoryKind, HistorySeries};

use super::tally::{Spread, Tally, Unreadable};

/// The percentiles that are told.
const PERCENTS: [u8; 3] = [5, 50, 95];
const DAY_MINUTES: i64 = 24 * 60;

/// An hour as it is stored.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SumRow<'a> {
    pub(crate) hour: i64,
    pub(crate) count: i64,
    pub(crate) received: i64,
    /// The values' bytes.
    pub(crate) values: &'a [u8],
}

/// Gathers hours, which come in order, into series.
#[derive(Debug)]
pub(crate) struct Answer {
    clock: Clock,
    series: BTreeMap<(HistoryKind, String), Gathering>,
}

/// The asker's clock.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    ahead_minutes: i64,
}

impl Clock {
    pub(crate) fn ahead(minutes: i16) -> Self {
        Self { ahead_minutes: minutes.into() }
    }

    /// Gives the day, counted from 1970, in which an hour of UTC begins, and the hour of that day.
    pub(crate) fn day_and_hour(self, hour: i64) -> (i64, u8) {
        let minutes = hour.saturating_mul(60).saturating_add(self.ahead_minutes);
        let hour = u8::try_from(minutes.rem_euclid(DAY_MINUTES) / 60).expect("below 24");
        (minutes.div_euclid(DAY_MINUTES), hour)
    }

    /// Gives when a day begins.
    pub(crate) fn begin(self, day: i64) -> Timestamp {
        let minutes = day.saturating_mul(DAY_MINUTES).saturating_sub(self.ahead_minutes);
        Timestamp::from_unix_us(minutes.saturating_mul(60_000_000))
    }
}

#[derive(Debug)]
struct Part {
    count: i64,
    received: i64,
    spread: Spread,
}

impl Part {
    fn new() -> Self {
        Self { count: 0, received: 0, spread: Spread::new() }
    }

    fn take(&mut self, row: &SumRow<'_>) -> Result<(), Unreadable> {
        self.count += row.count;
        self.received += row.received;
        self.spread.add_encoded(row.values)
    }

    fn add(&mut self, other: &Self) {
        self.count += other.count;
        self.received += other.received;
        self.spread.add(&other.spread);
    }

    fn figures(&self) -> HistoryFigures {
        figures(self.count, self.received, self.spread.percentiles(PERCENTS))
    }
}

#[derive(Debug)]
struct Gathering {
    whole: Part,
    /// The day that is being gathered.
    day: Option<i64>,
    of_day: Part,
    days: Vec<(i64, HistoryFigures)>,
    hours: BTreeMap<u8, Part>,
}

impl Gathering {
    fn new() -> Self {
        Self { whole: Part::new(), day: None, of_day: Part::new(), days: vec![], hours: BTreeMap::new() }
    }

    fn end_day(&mut self) {
        let Some(day) = self.day.take() else { return };
        self.days.push((day, self.of_day.figures()));
        self.whole.add(&self.of_day);
        self.of_day.count = 0;
        self.of_day.received = 0;
        self.of_day.spread.clear();
    }
}

impl Answer {
    pub(crate) fn new(clock: Clock) -> Self {
        Self { clock, series: BTreeMap::new() }
    }

    /// Takes in an hour of a kind and method.
    pub(crate) fn take(&mut self, kind: HistoryKind, method: &str, row: SumRow<'_>) -> Result<(), Unreadable> {
        let of = self.series.entry((kind, method.to_owned())).or_insert_with(Gathering::new);
        let (day, hour) = self.clock.day_and_hour(row.hour);
        if of.day != Some(day) {
            of.end_day();
            of.day = Some(day);
        }
        of.of_day.take(&row)?;
        of.hours.entry(hour).or_insert_with(Part::new).take(&row)
    }

    /// Gives the series.
    pub(crate) fn finish(self) -> Vec<HistorySeries> {
        let clock = self.clock;
        let finished = self.series.into_iter().map(|((kind, method), mut of)| {
            of.end_day();
            let day = |(day, figures)| HistoryDay { from: clock.begin(day), figures };
            let hour = |(hour, part): (u8, Part)| HistoryHour { hour, figures: part.figures() };
            HistorySeries {
                kind,
                method,
                whole: of.whole.figures(),
                days: of.days.into_iter().map(day).collect(),
                hours: of.hours.into_iter().map(hour).collect(),
            }
        });
        finished.collect()
    }
}

/// Gives the figures of one tally.
pub(crate) fn of_tally(tally: &Tally) -> HistoryFigures {
    figures(tally.count, tally.received, tally.values.percentiles(PERCENTS))
}

fn figures(count: i64, received: i64, [p05, p50, p95]: [Option<u64>; 3]) -> HistoryFigures {
    let whole = |n: i64| u64::try_from(n).unwrap_or(0);
    HistoryFigures { count: whole(count), received: whole(received), p05, p50, p95 }
}

#[cfg(test)]
mod tests {
    use cnc_proto::support::HistoryKind::{PingIcmp, PingTcp};

    use super::*;
    use crate::history::tally::Values;

    fn day(clock: Clock, hour: i64) -> (String, u8) {
        let (day, hour) = clock.day_and_hour(hour);
        (clock.begin(day).to_string(), hour)
    }

    #[test]
    fn days_and_hours_are_the_askers() {
        let utc = |text: &str, hour| (format!("{text}:00.000000Z"), hour);
        assert_eq!(day(Clock::ahead(0), 24 * 365), utc("1971-01-01T00:00", 0));
        assert_eq!(day(Clock::ahead(120), 24 * 365 - 2), utc("1970-12-31T22:00", 0));
        assert_eq!(day(Clock::ahead(-300), 24 * 365), utc("1970-12-31T05:00", 19));
        // India's clocks are half an hour off: 18:00 UTC is 23:30 there.
        assert_eq!(day(Clock::ahead(330), 18), utc("1969-12-31T18:30", 23));
        assert_eq!(day(Clock::ahead(330), 19), utc("1970-01-01T18:30", 0));
    }

    #[test]
    fn kinds_and_methods_stay_apart_and_hours_of_several_days_come_together() {
        let values = |rtts: &[u64]| Values::of(rtts.to_vec()).encode();
        let mut answer = Answer::new(Clock::ahead(60));
        let mut take = |kind, method: &str, hour, count, rtts: &[u64]| {
            let received = i64::try_from(rtts.len()).expect("few");
            let row = SumRow { hour, count, received, values: &values(rtts) };
            answer.take(kind, method, row).expect("just written");
        };
        take(PingIcmp, "ping/1", 22, 4, &[10, 20, 30]);
        take(PingIcmp, "ping/2", 22, 1, &[900]);
        take(PingTcp, "ping/1", 22, 1, &[]);
        take(PingIcmp, "ping/1", 23, 1, &[40]);
        take(PingIcmp, "ping/1", 46, 2, &[50, 60]);
        let series = answer.finish();
        let names: Vec<_> = series.iter().map(|of| (of.kind, of.method.as_str())).collect();
        assert_eq!(names, [(PingIcmp, "ping/1"), (PingIcmp, "ping/2"), (PingTcp, "ping/1")]);
        let figures = |count, received, p05, p50, p95| HistoryFigures { count, received, p05, p50, p95 };
        let first = &series[0];
        assert_eq!(first.whole, figures(7, 6, Some(10), Some(30), Some(60)));
        assert!((first.whole.loss_ratio().expect("some") - 1.0 / 7.0).abs() < 1e-12);
        let days: Vec<_> = first.days.iter().map(|day| (day.figures.count, day.figures.p50)).collect();
        assert_eq!(days, [(4, Some(20)), (3, Some(50))], "23:00 UTC is the next day an hour ahead");
        let hours: Vec<_> = first.hours.iter().map(|hour| (hour.hour, hour.figures.count)).collect();
        assert_eq!(hours, [(0, 1), (23, 6)]);
        assert_eq!(series[2].whole, figures(1, 0, None, None, None), "not measured stays so");
    }
}
