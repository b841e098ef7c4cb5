//! A million samples to the BigQuery emulator, beside what it takes from the plainest client: the same messages, ready
//! made, appended one batch after the other with nothing noted. Each into an emulator of its own, in turns, so that both
//! find the machine and the tables' size alike.

use std::ops::Range;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use cnc_integration_tests::google::Fake;
use cnc_integration_tests::google::emulator::{Emulator, found_or_skip};
use cnc_integration_tests::google::fixture::{begin, caught_up, end, id, observe};
use cnc_server::export::{Exporter, Tempo, descriptor, encode, setup};
use cnc_server::google::storage as api;
use cnc_server::google::{BIGQUERY_SCOPE, BigQuery, Google, Tokens};
use cnc_server::store::{self, ExportKind, Store};
use rusqlite::Connection;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::Streaming;
use tonic::transport::Channel;

use api::append_rows_request::{ProtoData, Rows};
use api::append_rows_response::Response;
use api::big_query_write_client::BigQueryWriteClient;
use api::{AppendRowsRequest, AppendRowsResponse, CreateWriteStreamRequest, ProtoRows, ProtoSchema};
use api::{WriteStream, write_stream};

use crate::figure::{Bound, Figure};

/// Sessions, each with so many samples. `EXPORT_SESSIONS` says another number.
const SESSIONS: u32 = 100;
const SAMPLES: u64 = 10_000;
/// Turns of each side; all of them count.
const TURNS: u32 = 4;
/// The rows of a batch, as the exporter sends them.
const ROWS_A_BATCH: usize = 10_000;
/// What takes longer than this for one turn is broken, not slow.
const MOST: Duration = Duration::from_mins(5);

/// Runs it.
pub(crate) fn run() -> Result<Vec<Figure>> {
    let place = found_or_skip().context("the emulator is not there")?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(measure(&place))
}

/// An emulator with the tables, and what speaks to it.
struct Peer {
    _emulator: Emulator,
    google: Google,
    bigquery: BigQuery,
}

async fn measure(place: &Path) -> Result<Vec<Figure>> {
    let sessions = std::env::var("EXPORT_SESSIONS").ok().and_then(|count| count.parse().ok()).unwrap_or(SESSIONS);
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("cnc.db");
    let record = Store::open(&file)?;
    let tokens = Fake::start().await;
    let [one, other] = [Peer::start(place, &tokens).await?, Peer::start(place, &tokens).await?];
    let mut plain = Plain::open(&other.google).await?;
    let (mut ours, mut bare) = (Duration::ZERO, Duration::ZERO);
    for turn in 0..TURNS {
        let part = sessions * turn / TURNS..sessions * (turn + 1) / TURNS;
        for n in part.clone() {
            begin(&record, n).await;
            observe(&record, n, 2, SAMPLES + 1).await;
            end(&record, n, SAMPLES + 1).await;
        }
        let batches = messages(&record, part).await?;
        let began = Instant::now();
        timeout(MOST, plain.append(batches)).await.context("the bare client is not done in time")??;
        bare += began.elapsed();
        ours += timeout(MOST, export(&record, &one.google)).await.context("the export is not done in time")??;
    }
    for peer in [&one, &other] {
        whole(&file, &peer.bigquery).await?;
    }
    let rows = u64::from(sessions) * SAMPLES;
    #[expect(clippy::cast_precision_loss, reason = "a million is told exactly")]
    let rate = |took: Duration| rows as f64 / took.as_secs_f64();
    Ok(vec![Figure {
        name: format!("export: {rows} samples to the BigQuery emulator"),
        unit: "r/s",
        ours: rate(ours),
        peer: rate(bare),
        goal: Bound::LeastOfPeer(0.8).into(),
        version: "the same messages from a bare client, bqemulator 1.4.0 without time travel".to_owned(),
        turns: 1,
        why: "",
    }])
}

impl Peer {
    async fn start(place: &Path, tokens: &Fake) -> Result<Self> {
        let emulator = Emulator::start_without_time_travel(place).await;
        let google = emulator.google(tokens.address());
        let bigquery = BigQuery::open(&google, "d", Tokens::open(&google, &[BIGQUERY_SCOPE]).await?).await?;
        setup(&bigquery, true).await?;
        Ok(Self { _emulator: emulator, google, bigquery })
    }
}

/// Holds what is there against the record: as many rows as keys, and the sums of what they hold.
async fn whole(file: &Path, bigquery: &BigQuery) -> Result<()> {
    let sql = "SELECT COUNT(*), COUNT(DISTINCT CONCAT(session_id, '/', CAST(sequence AS STRING))), SUM(rtt_us), \
               SUM(sequence) FROM `p.d.samples`";
    let answer = bigquery.query("count", sql).await?;
    let there: Vec<i64> = answer.rows.concat().into_iter().filter_map(|cell| cell?.parse().ok()).collect();
    let sql = "SELECT count(*), sum(rtt_us), sum(sequence) FROM samples";
    let stored = Connection::open(file)?.query_row(sql, (), |row| Ok([row.get(0)?, row.get(1)?, row.get(2)?]))?;
    let [rows, round_trips, sequences]: [i64; 3] = stored;
    let stored = [rows, rows, round_trips, sequences];
    ensure!(there == stored, "rows, keys, round trips and sequences are {there:?} instead of {stored:?}");
    Ok(())
}

async fn export(record: &Store, google: &Google) -> Result<Duration> {
    let stop = CancellationToken::new();
    let began = Instant::now();
    let exporter = Exporter::new(record.clone(), google.clone(), "d".into(), Tempo::GATHERING);
    let running = tokio::spawn(exporter.run(stop.clone()));
    caught_up(record).await;
    let took = began.elapsed();
    stop.cancel();
    running.await?;
    Ok(took)
}

/// Gives the messages of some sessions' samples, in batches.
async fn messages(record: &Store, sessions: Range<u32>) -> Result<Vec<Vec<Vec<u8>>>> {
    let mut batches = vec![Vec::new()];
    for n in sessions {
        let range = store::Range { session: id(n).to_string(), item: 0, first: 1, last: i64::MAX };
        let read = record.export_again(ExportKind::Samples, vec![range], encode).await?;
        for row in read.rows {
            if batches.last().is_some_and(|batch| batch.len() >= ROWS_A_BATCH) {
                batches.push(Vec::new());
            }
            batches.last_mut().context("there is one")?.push(row.bytes);
        }
    }
    Ok(batches)
}

/// The plainest client: one stream, one connection, each batch sent once the one before it is answered.
struct Plain {
    client: BigQueryWriteClient<Channel>,
    stream: String,
    next: i64,
    open: Option<(mpsc::Sender<AppendRowsRequest>, Streaming<AppendRowsResponse>)>,
}

impl Plain {
    async fn open(google: &Google) -> Result<Self> {
        let channel = Channel::from_shared(google.endpoints.storage.clone())?.connect().await?;
        let mut client = BigQueryWriteClient::new(channel);
        let committed = WriteStream { r#type: write_stream::Type::Committed as i32, ..WriteStream::default() };
        let parent = "projects/p/datasets/d/tables/samples".into();
        let asked = CreateWriteStreamRequest { parent, write_stream: Some(committed) };
        let stream = client.create_write_stream(asked).await?.into_inner().name;
        Ok(Self { client, stream, next: 0, open: None })
    }

    async fn append(&mut self, batches: Vec<Vec<Vec<u8>>>) -> Result<()> {
        for batch in batches {
            let is_first = self.open.is_none();
            let schema =
                is_first.then(|| ProtoSchema { proto_descriptor: Some(descriptor(ExportKind::Samples.table())) });
            let count = i64::try_from(batch.len())?;
            let data = ProtoData { writer_schema: schema, rows: Some(ProtoRows { serialized_rows: batch }) };
            let request = AppendRowsRequest {
                write_stream: self.stream.clone(),
                offset: Some(self.next),
                rows: Some(Rows::ProtoRows(data)),
                ..AppendRowsRequest::default()
            };
            self.next += count;
            let answers = if let Some((requests, answers)) = &mut self.open {
                requests.send(request).await?;
                answers
            } else {
                let (requests, queue) = mpsc::channel(1);
                requests.send(request).await?;
                let answers = self.client.append_rows(ReceiverStream::new(queue)).await?.into_inner();
                &mut self.open.insert((requests, answers)).1
            };
            let answer = answers.message().await?.context("no answer")?;
            ensure!(matches!(answer.response, Some(Response::AppendResult(_))), "{answer:?}");
        }
        Ok(())
    }
}
