//! One batch of one table: noted, sent, and its answer noted; and what is done after a doubt.

use cnc_model::Timestamp;

use super::encode::encode;
use super::figures::ExportFigures;
use super::sink::{Appended, Finalized, Sink};
use super::{ExportError, tables};
use crate::clock;
use crate::google::{BigQuery, GoogleError, Kind};
use crate::store::{Begin, End, ExportKind, Gathered, InFlight, Most, Range, SetAside, Store};

/// The most rows of a batch: an append of them takes BigQuery some 100 ms, and the record's writer a few.
pub(super) const ROWS_A_BATCH: usize = 10_000;
/// The most bytes of a batch: BigQuery takes 10 MB.
const BYTES_A_BATCH: usize = 4 << 20;

/// What a batch brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Carried {
    /// There was none.
    Nothing,
    /// There may be more.
    Something,
}

/// What carries one table's rows.
pub(super) struct Carrier<'a> {
    pub(super) kind: ExportKind,
    pub(super) store: &'a Store,
    pub(super) sink: &'a mut Sink,
    pub(super) bigquery: &'a BigQuery,
    pub(super) figures: &'a ExportFigures,
    /// The most rows that BigQuery may be given at once: fewer while a row is looked for that it refuses.
    pub(super) most_rows: &'a mut usize,
}

/// A batch: as it was noted, and as it is read now.
struct Batch {
    noted: InFlight,
    now: Gathered,
    /// Whether it may have been sent before.
    is_in_doubt: bool,
}

impl Batch {
    /// Tells whether other rows would be sent now than were noted: some are gone, or have another version.
    fn has_changed(&self) -> bool {
        i64::try_from(self.now.rows.len()) != Ok(self.noted.rows) || self.now.ranges != self.noted.ranges
    }
}

impl Carrier<'_> {
    /// Sends the batch that is on its way, or puts the next together and sends it.
    pub(super) async fn carry(&mut self) -> Result<Carried, ExportError> {
        let position = self.store.export_position(self.kind).await?;
        let batch = match position.in_flight {
            Some(noted) => {
                let now = self.store.export_again(self.kind, noted.ranges.clone(), encode).await?;
                let batch = Batch { noted, now, is_in_doubt: true };
                if batch.has_changed() {
                    self.settle(batch).await?;
                    return Ok(Carried::Something);
                }
                batch
            }
            None => match self.next(position.stream).await? {
                Some(batch) => batch,
                None => return Ok(Carried::Nothing),
            },
        };
        if batch.now.rows.is_empty() {
            self.end(batch.noted.ranges, 0, Some(batch.noted.offset), batch.now.unreadable).await?;
            return Ok(Carried::Something);
        }
        let rows = batch.now.rows.iter().map(|row| row.bytes.clone()).collect();
        let (stream, offset) = (batch.noted.stream.clone(), batch.noted.offset);
        match self.sink.append(self.kind, &stream, offset, rows).await? {
            Appended::New => self.arrived(batch).await?,
            Appended::Before if batch.is_in_doubt => {
                let InFlight { offset, rows, ranges, .. } = batch.noted;
                self.end(ranges, rows, Some(offset + rows), Vec::new()).await?;
            }
            // Nothing of this was sent before, so others are there: the record was set back, say from a backup.
            Appended::Before => {
                let what = format!("append to table {}", self.kind.word());
                let error = GoogleError::new(Kind::Outage, what, "there are rows already where these belong");
                self.move_on(&batch, error).await?;
            }
            Appended::Rows(errors) => self.without(batch, errors).await?,
            Appended::Refused(error) => self.refused(batch, error).await?,
            Appended::Lost(error) => {
                tracing::info!(
                    table = self.kind.word(),
                    said = error.said,
                    "the stream to BigQuery is gone; another takes its place"
                );
                if self.is_in(&batch).await? {
                    let InFlight { rows, ranges, .. } = batch.noted;
                    self.end(ranges, rows, None, Vec::new()).await?;
                } else {
                    self.move_on(&batch, error).await?;
                }
            }
        }
        Ok(Carried::Something)
    }

    /// Puts a batch together and notes it.
    async fn next(&mut self, stream: Option<(String, i64)>) -> Result<Option<Batch>, ExportError> {
        let most = Most { rows: *self.most_rows, bytes: BYTES_A_BATCH };
        let now = self.store.export_gather(self.kind, most, encode).await?;
        if now.ranges.is_empty() {
            return Ok(None);
        }
        let rows = i64::try_from(now.rows.len()).unwrap_or(i64::MAX);
        if rows == 0 {
            let offset = stream.as_ref().map_or(0, |(_, offset)| *offset);
            let noted = InFlight { stream: String::new(), offset, rows, ranges: now.ranges.clone() };
            return Ok(Some(Batch { noted, now, is_in_doubt: false }));
        }
        let (stream, offset) = match stream {
            Some(known) => known,
            None => (self.new_stream().await?, 0),
        };
        let (ranges, set_aside) = (now.ranges.clone(), now.unreadable.clone());
        let noted = InFlight { stream, offset, rows, ranges };
        let begin = Begin {
            kind: self.kind,
            stream: noted.stream.clone(),
            offset,
            rows,
            ranges: noted.ranges.clone(),
            set_aside,
            at: clock::wall(),
        };
        self.store.export_begin(begin).await?;
        Ok(Some(Batch { noted, now, is_in_doubt: false }))
    }

    async fn new_stream(&mut self) -> Result<String, ExportError> {
        let stream = self.sink.create_stream(self.kind.word()).await?;
        self.store.export_stream(self.kind, stream.clone()).await?;
        Ok(stream)
    }

    /// Notes that the rows are in, as they were sent.
    async fn arrived(&mut self, batch: Batch) -> Result<(), ExportError> {
        let sent = i64::try_from(batch.now.rows.len()).unwrap_or(i64::MAX);
        self.end(batch.noted.ranges, sent, Some(batch.noted.offset + sent), Vec::new()).await?;
        *self.most_rows = self.most_rows.saturating_mul(2).min(ROWS_A_BATCH);
        Ok(())
    }

    async fn end(
        &mut self,
        ranges: Vec<Range>,
        rows: i64,
        next_offset: Option<i64>,
        set_aside: Vec<SetAside>,
    ) -> Result<(), ExportError> {
        let end = End { kind: self.kind, ranges, rows, next_offset, set_aside, at: clock::wall() };
        // They are there, whether or not that can be noted: who sees it noted finds it counted.
        if rows > 0 {
            self.figures.arrived(rows);
        }
        self.store.export_end(end).await?;
        Ok(())
    }

    /// Sets the rows aside that BigQuery does not take; the others are put together anew.
    async fn without(&mut self, batch: Batch, errors: Vec<(usize, String)>) -> Result<(), ExportError> {
        let aside = |(place, reason): (usize, String)| {
            let row = batch.now.rows.get(place)?;
            Some(SetAside { range: row.range, number: row.number, reason })
        };
        let said = errors.first().map(|(_, said)| said.clone()).unwrap_or_default();
        let set_aside: Vec<_> = errors.into_iter().filter_map(aside).collect();
        if set_aside.is_empty() {
            let what = format!("append to table {}", self.kind.word());
            return self.refused(batch, GoogleError::new(Kind::Invalid, what, said)).await;
        }
        tracing::warn!(
            table = self.kind.word(),
            rows = set_aside.len(),
            said,
            "rows that BigQuery does not take are set aside"
        );
        self.put_aside(batch.now.ranges, set_aside, clock::wall()).await
    }

    /// Looks for the row that is to blame by halves: alone it is set aside.
    async fn refused(&mut self, batch: Batch, error: GoogleError) -> Result<(), ExportError> {
        if error.kind != Kind::Invalid {
            return Err(error.into());
        }
        self.figures.failed(&error);
        let mut set_aside = Vec::new();
        if let [row] = batch.now.rows.as_slice() {
            tracing::warn!(
                table = self.kind.word(),
                said = error.said,
                "a row that BigQuery does not take is set aside"
            );
            set_aside.push(SetAside { range: row.range, number: row.number, reason: error.said });
        } else {
            *self.most_rows = (batch.now.rows.len() / 2).max(1);
        }
        self.put_aside(batch.now.ranges, set_aside, clock::wall()).await
    }

    async fn put_aside(
        &mut self,
        ranges: Vec<Range>,
        set_aside: Vec<SetAside>,
        at: Timestamp,
    ) -> Result<(), ExportError> {
        Ok(self.store.export_refused(self.kind, ranges, set_aside, at).await?)
    }

    /// Finds out what became of a batch whose rows are no longer the same: were they sent in its place, nobody could tell
    /// afterwards which of both is in. Its stream is closed, so that what may still be on its way does not come later,
    /// behind the removal of its rows.
    async fn settle(&mut self, batch: Batch) -> Result<(), ExportError> {
        let is_in = self.is_in(&batch).await?;
        let InFlight { rows, ranges, .. } = batch.noted;
        let (ranges, rows) = if is_in { (ranges, rows) } else { (Vec::new(), 0) };
        self.end(ranges, rows, None, Vec::new()).await
    }

    /// Takes a new stream for a batch that is not in. Where the old one was new itself that is no progress: it is a
    /// failure, so that it is tried again later, not at once and for ever.
    async fn move_on(&mut self, batch: &Batch, error: GoogleError) -> Result<(), ExportError> {
        let stream = self.sink.create_stream(self.kind.word()).await?;
        self.store.export_move(self.kind, stream).await?;
        if batch.noted.offset == 0 { Err(error.into()) } else { Ok(()) }
    }

    /// Finds out whether a batch is in whose stream cannot be appended to any more: by the stream's own count, else by
    /// one of its rows, for a batch is taken whole or not at all.
    async fn is_in(&mut self, batch: &Batch) -> Result<bool, ExportError> {
        if let Finalized::Rows(rows) = self.sink.finalize(self.kind, &batch.noted.stream).await? {
            return Ok(rows > batch.noted.offset);
        }
        let Some(row) = batch.now.rows.first() else { return Ok(false) };
        let Some(range) = batch.noted.ranges.get(row.range) else { return Ok(false) };
        let number = if self.kind == ExportKind::Samples { row.number } else { range.first };
        let sql = tables::count_row(self.bigquery, self.kind, range, number);
        let what = format!("see whether rows are in table {}", self.kind.word());
        let answer = self.bigquery.query(&what, sql).await?;
        Ok(answer.first_number().is_some_and(|rows| rows > 0))
    }
}
