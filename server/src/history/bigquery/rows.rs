//! What BigQuery answered, read into figures: each cell as its column says, or not at all.

use std::collections::BTreeMap;

use cnc_model::network::AutonomousSystem;
use cnc_model::session::SessionOverview;
use cnc_model::{Sequence, Timestamp};
use cnc_proto::support::{
    HistoryDay, HistoryDestination, HistoryFigures, HistoryHour, HistoryKind, HistoryProvider, HistorySeries,
    HistorySession, HistorySubjects,
};

use crate::google::{GoogleError, Kind};
use crate::history::answer::Clock;
use crate::store;

/// A row's cells, taken from the first to the last.
struct Cells<'a>(std::slice::Iter<'a, Option<String>>);

type Rows = [Vec<Option<String>>];

fn unreadable(what: &str) -> GoogleError {
    GoogleError::new(Kind::Invalid, "read what BigQuery answered", format!("a row has no {what}"))
}

impl<'a> Cells<'a> {
    fn of(row: &'a [Option<String>]) -> Self {
        Self(row.iter())
    }

    fn text(&mut self) -> Option<&'a str> {
        self.0.next()?.as_deref()
    }

    fn parsed<T: std::str::FromStr>(&mut self, what: &str) -> Result<Option<T>, GoogleError> {
        self.text().map(|text| text.parse().map_err(|_| unreadable(what))).transpose()
    }

    fn needed<T: std::str::FromStr>(&mut self, what: &str) -> Result<T, GoogleError> {
        self.parsed(what)?.ok_or_else(|| unreadable(what))
    }

    fn moment(&mut self, what: &str) -> Result<Option<Timestamp>, GoogleError> {
        Ok(self.parsed(what)?.map(Timestamp::from_unix_us))
    }

    fn figures(&mut self) -> Result<HistoryFigures, GoogleError> {
        Ok(HistoryFigures {
            count: self.needed("count")?,
            received: self.needed("received")?,
            p05: self.parsed("p05")?,
            p50: self.parsed("p50")?,
            p95: self.parsed("p95")?,
        })
    }
}

/// Reads series, and how many probes have no kind.
pub(super) fn series(rows: &Rows, clock: Clock) -> Result<(Vec<HistorySeries>, u64), GoogleError> {
    let mut all = BTreeMap::<(HistoryKind, &str), HistorySeries>::new();
    let mut without_kind = 0;
    for row in rows {
        let mut cells = Cells::of(row);
        let kind = cells.text();
        let method = cells.text().ok_or_else(|| unreadable("method"))?;
        let grain = cells.text().ok_or_else(|| unreadable("grain"))?;
        let place: i64 = cells.needed("place")?;
        let figures = cells.figures()?;
        let Some(kind) = kind else {
            without_kind += if grain == "whole" { figures.count } else { 0 };
            continue;
        };
        let kind = HistoryKind::ALL.into_iter().find(|known| known.word() == kind).ok_or_else(|| unreadable("kind"))?;
        let of = all.entry((kind, method)).or_insert_with(|| HistorySeries {
            kind,
            method: method.to_owned(),
            whole: HistoryFigures::default(),
            days: Vec::new(),
            hours: Vec::new(),
        });
        match grain {
            "whole" => of.whole = figures,
            "day" => of.days.push(HistoryDay { from: clock.begin(place), figures }),
            "hour" => {
                let hour = u8::try_from(place).map_err(|_| unreadable("hour"))?;
                of.hours.push(HistoryHour { hour, figures });
            }
            _ => return Err(unreadable("grain")),
        }
    }
    Ok((all.into_values().collect(), without_kind))
}

/// Reads destinations and providers.
pub(super) fn subjects(rows: &Rows) -> Result<HistorySubjects, GoogleError> {
    let mut subjects = HistorySubjects::default();
    for row in rows {
        let mut cells = Cells::of(row);
        let (destination, asn, name) = (cells.text(), cells.parsed("asn")?, cells.text().map(str::to_owned));
        let count = cells.needed("count")?;
        match (destination, asn) {
            (Some(destination), _) => {
                subjects.destinations.push(HistoryDestination { name: destination.to_owned(), count });
            }
            (None, Some(asn)) => subjects.providers.push(HistoryProvider { asn, name, count }),
            (None, None) => return Err(unreadable("destination or provider")),
        }
    }
    Ok(subjects)
}

/// Reads sessions, and how many there are in all.
pub(super) fn sessions(rows: &Rows) -> Result<(Vec<HistorySession>, u64), GoogleError> {
    let mut sessions = Vec::with_capacity(rows.len());
    let mut total = 0;
    for row in rows {
        let mut cells = Cells::of(row);
        total = cells.needed("total")?;
        let figures = cells.figures()?;
        sessions.push(HistorySession { session: overview(&mut cells)?, figures });
    }
    Ok((sessions, total))
}

fn overview(cells: &mut Cells<'_>) -> Result<SessionOverview, GoogleError> {
    let id = cells.needed("session_id")?;
    let text = |cell: Option<&str>| cell.unwrap_or_default().to_owned();
    let (label, plan) = (text(cells.text()), text(cells.text()));
    let walk_in = cells.parsed("walk_in")?.unwrap_or(false);
    let (state, end_reason) = (cells.text().unwrap_or_default(), cells.text());
    let state = store::to_state(state, end_reason).ok_or_else(|| unreadable("state"))?;
    let created = cells.moment("created")?.ok_or_else(|| unreadable("created"))?;
    let (joined, ended) = (cells.moment("joined")?, cells.moment("ended")?);
    let client_version = cells.text().map(str::to_owned);
    let public_address = cells.parsed("public_address")?;
    let number: u32 = cells.parsed("asn")?.unwrap_or(0);
    let name = cells.text().map(str::to_owned);
    Ok(SessionOverview {
        id,
        label,
        plan,
        walk_in,
        code: None,
        state,
        connected: false,
        created,
        joined,
        ended,
        client_version,
        public_address,
        network: (number != 0).then_some(AutonomousSystem { number, name }),
        clock_offset_us: cells.parsed("clock_offset_us")?,
        stored: Sequence::NONE,
    })
}
