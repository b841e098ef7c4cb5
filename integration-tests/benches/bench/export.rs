//! A million samples to the BigQuery emulator, beside what it takes from the plainest client: the same messages, ready
//! made, appended one batch after the other with nothing noted. Each into an emulator of its own, in the same run.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use cnc_integration_tests::google::Fake;
use cnc_integration_tests::google::emulator::{Emulator, found_or_skip};
use cnc_integration_tests::google::fixture::{caught_up, fill, id};
use cnc_server::export::{Exporter, Tempo, descriptor, encode, setup};
use cnc_server::google::storage as api;
use cnc_server::google::{BIGQUERY_SCOPE, BigQuery, Google, Tokens};
use cnc_server::store::{ExportKind, Range, Store};
use tokio::time::Instant;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::transport::Channel;

use api::append_rows_request::{ProtoData, Rows};
use api::append_rows_response::Response;
use api::big_query_write_client::BigQueryWriteClient;
use api::{AppendRowsRequest, CreateWriteStreamRequest, ProtoRows, ProtoSchema, WriteStream, write_stream};

use crate::figure::{Bound, Figure};

/// Sessions, each with so many samples. `EXPORT_SESSIONS` says another number.
const SESSIONS: u32 = 100;
const SAMPLES: u64 = 10_000;
/// The rows of a batch, as the exporter sends them.
const ROWS_A_BATCH: usize = 10_000;

/// Runs it.
pub(crate) fn run() -> Result<Vec<Figure>> {
    let place = found_or_skip().context("the emulator is not there")?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(measure(&place))
}

async fn measure(place: &Path) -> Result<Vec<Figure>> {
    let sessions = std::env::var("EXPORT_SESSIONS").ok().and_then(|count| count.parse().ok()).unwrap_or(SESSIONS);
    let folder = tempfile::tempdir()?;
    let record = Store::open(&folder.path().join("cnc.db"))?;
    fill(&record, sessions, SAMPLES).await;
    let rows = u64::from(sessions) * SAMPLES;
    let bare = plain(place, &record, sessions).await?;
    let ours = exported(place, &record, rows).await?;
    #[expect(clippy::cast_precision_loss, reason = "a million is told exactly")]
    let rate = |took: Duration| rows as f64 / took.as_secs_f64();
    Ok(vec![Figure {
        name: format!("export: {rows} samples to the BigQuery emulator"),
        unit: "r/s",
        ours: rate(ours),
        peer: rate(bare),
        goal: Bound::LeastOfPeer(0.8).into(),
        version: "the same messages from a bare client, bqemulator 1.4.0".to_owned(),
        turns: 1,
        why: "",
    }])
}

async fn prepared(google: &Google) -> Result<BigQuery> {
    let tokens = Tokens::open(google, &[BIGQUERY_SCOPE]).await?;
    let bigquery = BigQuery::open(google, "d", tokens).await?;
    setup(&bigquery, true).await?;
    Ok(bigquery)
}

async fn counted(bigquery: &BigQuery, rows: u64) -> Result<()> {
    let sql = "SELECT COUNT(DISTINCT CONCAT(session_id, '/', CAST(sequence AS STRING))) FROM `p.d.samples`";
    let keys = bigquery.query("count", sql).await?.first_number();
    let all = bigquery.query("count", "SELECT COUNT(*) FROM `p.d.samples`").await?.first_number();
    ensure!(keys == Some(rows) && all == Some(rows), "{keys:?} keys and {all:?} rows instead of {rows}");
    Ok(())
}

async fn exported(place: &Path, record: &Store, rows: u64) -> Result<Duration> {
    let (emulator, fake) = (Emulator::start(place, None).await, Fake::start().await);
    let google = emulator.google(fake.address());
    let bigquery = prepared(&google).await?;
    let stop = CancellationToken::new();
    let began = Instant::now();
    let exporter = Exporter::new(record.clone(), google.clone(), "d".into(), Tempo::GATHERING);
    let running = tokio::spawn(exporter.run(stop.clone()));
    caught_up(record).await;
    let took = began.elapsed();
    stop.cancel();
    running.await?;
    counted(&bigquery, rows).await?;
    Ok(took)
}

/// Appends the same messages with nothing around it.
async fn plain(place: &Path, record: &Store, sessions: u32) -> Result<Duration> {
    let mut batches = vec![Vec::new()];
    for n in 0..sessions {
        let range = Range { session: id(n).to_string(), item: 0, first: 1, last: i64::MAX };
        let read = record.export_again(ExportKind::Samples, vec![range], encode).await?;
        for row in read.rows {
            if batches.last().is_some_and(|batch| batch.len() >= ROWS_A_BATCH) {
                batches.push(Vec::new());
            }
            batches.last_mut().context("there is one")?.push(row.bytes);
        }
    }
    let (emulator, fake) = (Emulator::start(place, None).await, Fake::start().await);
    let google = emulator.google(fake.address());
    let bigquery = prepared(&google).await?;
    let rows = batches.iter().map(Vec::len).sum::<usize>() as u64;
    let channel = Channel::from_shared(google.endpoints.storage.clone())?.connect().await?;
    let mut client = BigQueryWriteClient::new(channel);
    let committed = WriteStream { r#type: write_stream::Type::Committed as i32, ..WriteStream::default() };
    let asked = CreateWriteStreamRequest {
        parent: "projects/p/datasets/d/tables/samples".into(),
        write_stream: Some(committed),
    };
    let stream = client.create_write_stream(asked).await?.into_inner().name;
    let began = Instant::now();
    let (requests, queue) = tokio::sync::mpsc::channel(1);
    let mut queue = Some(ReceiverStream::new(queue));
    let mut next = 0;
    let mut answers = None;
    for batch in batches {
        let schema =
            (next == 0).then(|| ProtoSchema { proto_descriptor: Some(descriptor(ExportKind::Samples.table())) });
        let count = i64::try_from(batch.len())?;
        let data = ProtoData { writer_schema: schema, rows: Some(ProtoRows { serialized_rows: batch }) };
        let request = AppendRowsRequest {
            write_stream: stream.clone(),
            offset: Some(next),
            rows: Some(Rows::ProtoRows(data)),
            ..AppendRowsRequest::default()
        };
        next += count;
        requests.send(request).await?;
        if let Some(queue) = queue.take() {
            answers = Some(client.append_rows(queue).await?.into_inner());
        }
        let answer = answers.as_mut().context("it is open")?.message().await?.context("no answer")?;
        ensure!(matches!(answer.response, Some(Response::AppendResult(_))), "{answer:?}");
    }
    let took = began.elapsed();
    counted(&bigquery, rows).await?;
    Ok(took)
}
