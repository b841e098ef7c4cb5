//! The peer: percentiles by day and destination in plain SQL, on all samples.

use std::collections::HashMap;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use cnc_proto::support::{HistoryPeriod, HistorySeries};
use rusqlite::{Connection, OpenFlags};

/// By destination and day from 1970: p50 and p95 in microseconds.
pub(super) type Percentiles = HashMap<(String, i64), [u64; 2]>;

const SQL: &str = "
    WITH probes AS (
        SELECT destination, (started_us + at_us) / 86400000000 AS day, rtt_us
        FROM samples JOIN tests USING (session_id, test_id)
        WHERE samples.outcome = 'reply' AND started_us + at_us >= ?1 AND started_us + at_us < ?2),
    ranked AS (
        SELECT destination, day, rtt_us, row_number() OVER (PARTITION BY destination, day ORDER BY rtt_us) AS rank,
            count(*) OVER (PARTITION BY destination, day) AS count
        FROM probes)
    SELECT destination, day, max(rtt_us) FILTER (WHERE rank = (count * 50 + 99) / 100),
        max(rtt_us) FILTER (WHERE rank = (count * 95 + 99) / 100)
    FROM ranked GROUP BY destination, day";

/// Computes them.
pub(super) fn percentiles(file: &Path, period: HistoryPeriod) -> Result<Percentiles> {
    let store = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let mut statement = store.prepare(SQL)?;
    let rows = statement.query_map((period.from.unix_us(), period.until.unix_us()), |row| {
        let us = |at| row.get::<_, i64>(at).map(i64::unsigned_abs);
        Ok(((row.get(0)?, row.get(1)?), [us(2)?, us(3)?]))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Gives the greatest share by which an answer's percentile is off.
pub(super) fn worst_error(plain: &Percentiles, found: &[(String, HistorySeries)]) -> Result<f64> {
    let days = found.iter().map(|(_, series)| series.days.len()).sum::<usize>();
    ensure!(days == plain.len(), "{days} days for {} of the peer's", plain.len());
    let mut worst = 0.0_f64;
    for (destination, series) in found {
        for day in &series.days {
            let key = (destination.clone(), day.from.unix_us().div_euclid(86_400_000_000));
            let exact = plain.get(&key).with_context(|| format!("{key:?} is not the peer's"))?;
            for (found, exact) in [day.figures.p50, day.figures.p95].into_iter().zip(exact) {
                let found = found.context("measured")?;
                #[expect(clippy::cast_precision_loss, reason = "microseconds far below 2^53")]
                let off = found.abs_diff(*exact) as f64 / *exact as f64;
                worst = worst.max(off);
            }
        }
    }
    Ok(worst)
}
