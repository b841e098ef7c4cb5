//! BigQuery's Storage Write interface: streams of a table, and rows appended to them at an offset.
//!
//! It decides nothing: what an answer means for the record is the exporter's to know.

use std::time::Duration;

use gcp_bigquery_client::google::cloud::bigquery::storage::v1 as api;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::metadata::{AsciiMetadataValue, MetadataValue};
use tonic::transport::{Channel, ClientTlsConfig, Endpoint};
use tonic::{Code, Request, Status, Streaming};

use api::append_rows_request::{ProtoData, Rows};
use api::append_rows_response::Response;
use api::big_query_write_client::BigQueryWriteClient;
use api::{AppendRowsRequest, AppendRowsResponse, CreateWriteStreamRequest, FinalizeWriteStreamRequest};
use api::{ProtoRows, ProtoSchema, WriteStream, write_stream};

use super::encode::descriptor;
use crate::google::{Google, GoogleError, Kind, Tokens};
use crate::store::ExportKind;

/// A connection that cannot be made within this time is an outage.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// A connection that is silent for this long is asked whether it is still there.
const KEEPALIVE: Duration = Duration::from_secs(30);
/// Requests on their way to the connection: one, since each waits for its answer.
const REQUESTS: usize = 1;

/// How an append went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Appended {
    /// The rows are in.
    New,
    /// They had been in before.
    Before,
    /// None is in, because of these: each with its place in the batch and what is wrong with it.
    Rows(Vec<(usize, String)>),
    /// None is in, and BigQuery does not say which of them is to blame.
    Refused(GoogleError),
    /// The stream is no more, or is not where we believed it.
    Lost(GoogleError),
}

/// What is known of a stream once nothing more can come to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Finalized {
    /// It has so many rows.
    Rows(i64),
    /// Nobody knows it any more.
    Gone,
}

/// The interface, for one dataset.
pub(super) struct Sink {
    channel: Channel,
    tokens: Tokens,
    place: String,
    /// No answer takes longer.
    answer: Duration,
    lines: std::collections::HashMap<ExportKind, Line>,
}

/// A connection that appends to one stream.
struct Line {
    stream: String,
    requests: mpsc::Sender<AppendRowsRequest>,
    answers: Streaming<AppendRowsResponse>,
}

impl Sink {
    /// Opens it. Nothing is connected before it is needed.
    pub(super) fn open(google: &Google, dataset: &str, tokens: Tokens, answer: Duration) -> Result<Self, GoogleError> {
        let what = "speak to BigQuery's Storage Write interface";
        let wrong = |error: tonic::transport::Error| GoogleError::new(Kind::Invalid, what, error);
        let mut endpoint = Endpoint::from_shared(google.endpoints.storage.clone())
            .map_err(wrong)?
            .connect_timeout(CONNECT_TIMEOUT)
            .http2_keep_alive_interval(KEEPALIVE)
            .keep_alive_while_idle(true);
        if google.endpoints.storage.starts_with("https://") {
            endpoint = endpoint.tls_config(ClientTlsConfig::new().with_enabled_roots()).map_err(wrong)?;
        }
        let place = format!("projects/{}/datasets/{dataset}", google.project);
        Ok(Self { channel: endpoint.connect_lazy(), tokens, place, answer, lines: std::collections::HashMap::new() })
    }

    /// Makes a stream whose rows are there as soon as they are appended.
    pub(super) async fn create_stream(&mut self, table: &str) -> Result<String, GoogleError> {
        let parent = format!("{}/tables/{table}", self.place);
        let what = format!("open a stream to table {table}");
        let committed = WriteStream { r#type: write_stream::Type::Committed as i32, ..WriteStream::default() };
        let message = CreateWriteStreamRequest { parent: parent.clone(), write_stream: Some(committed) };
        let request = self.request(message, "parent", &parent).await?;
        let made = limited(self.answer, self.client().create_write_stream(request)).await;
        made.map(|made| made.into_inner().name).map_err(|status| GoogleError::of_status(&what, &status))
    }

    /// Closes a stream for good, and tells how many rows it has.
    pub(super) async fn finalize(&mut self, kind: ExportKind, stream: &str) -> Result<Finalized, GoogleError> {
        self.lines.remove(&kind);
        let what = format!("close a stream to table {}", kind.word());
        let request = self.request(FinalizeWriteStreamRequest { name: stream.to_owned() }, "name", stream).await?;
        match limited(self.answer, self.client().finalize_write_stream(request)).await {
            Ok(answer) => Ok(Finalized::Rows(answer.into_inner().row_count)),
            Err(status) if status.code() == Code::NotFound => Ok(Finalized::Gone),
            Err(status) => Err(GoogleError::of_status(&what, &status)),
        }
    }

    /// Appends rows at an offset. An error leaves it in doubt whether they are in.
    pub(super) async fn append(
        &mut self,
        kind: ExportKind,
        stream: &str,
        offset: i64,
        rows: Vec<Vec<u8>>,
    ) -> Result<Appended, GoogleError> {
        let what = format!("append to table {}", kind.word());
        // Until it has answered the connection is no good for anything else, should this be given up half way.
        let line = self.lines.remove(&kind).filter(|line| line.stream == stream);
        let (line, schema) = match line {
            Some(line) => (Some(line), None),
            None => (None, Some(ProtoSchema { proto_descriptor: Some(descriptor(kind.table())) })),
        };
        let data = ProtoData { writer_schema: schema, rows: Some(ProtoRows { serialized_rows: rows }) };
        let message = AppendRowsRequest {
            write_stream: stream.to_owned(),
            offset: Some(offset),
            trace_id: concat!("cnc:", env!("CARGO_PKG_VERSION")).into(),
            rows: Some(Rows::ProtoRows(data)),
            ..AppendRowsRequest::default()
        };
        let answered = match line {
            Some(line) => self.send(line, message).await,
            None => self.connect(stream, message).await,
        };
        match answered {
            Ok((line, answer)) => {
                let appended = read(&what, answer)?;
                if matches!(appended, Appended::New | Appended::Before) {
                    self.lines.insert(kind, line);
                }
                Ok(appended)
            }
            Err(Broken::Token(error)) => Err(error),
            Err(Broken::Status(status)) => of_code(&what, status.code(), status.message().to_owned())
                .unwrap_or_else(|| Err(GoogleError::of_status(&what, &status))),
        }
    }

    async fn connect(&mut self, stream: &str, first: AppendRowsRequest) -> Result<(Line, AppendRowsResponse), Broken> {
        let (requests, queue) = mpsc::channel(REQUESTS);
        // There is room for one.
        requests.try_send(first).map_err(|_| Broken::Status(Status::internal("the connection takes nothing")))?;
        let request = self.request(ReceiverStream::new(queue), "write_stream", stream).await.map_err(Broken::Token)?;
        let answers =
            limited(self.answer, self.client().append_rows(request)).await.map_err(Broken::Status)?.into_inner();
        answer(self.answer, Line { stream: stream.to_owned(), requests, answers }).await
    }

    async fn send(&mut self, line: Line, message: AppendRowsRequest) -> Result<(Line, AppendRowsResponse), Broken> {
        if line.requests.try_send(message).is_err() {
            return Err(Broken::Status(Status::unavailable("the connection was closed")));
        }
        answer(self.answer, line).await
    }

    fn client(&self) -> BigQueryWriteClient<Channel> {
        BigQueryWriteClient::new(self.channel.clone())
    }

    /// Makes a request with a token, and with what tells Google's door where the dataset lies.
    async fn request<T>(&self, message: T, key: &str, value: &str) -> Result<Request<T>, GoogleError> {
        let token = self.tokens.token().await?;
        let mut request = Request::new(message);
        let unsendable = |_| GoogleError::new(Kind::Key, "send a token to BigQuery", "it is no text");
        let mut bearer: AsciiMetadataValue = MetadataValue::try_from(format!("Bearer {token}")).map_err(unsendable)?;
        bearer.set_sensitive(true);
        request.metadata_mut().insert("authorization", bearer);
        let route = MetadataValue::try_from(format!("{key}={}", value.replace('/', "%2F"))).map_err(unsendable)?;
        request.metadata_mut().insert("x-goog-request-params", route);
        Ok(request)
    }
}

enum Broken {
    Token(GoogleError),
    Status(Status),
}

async fn answer(limit: Duration, mut line: Line) -> Result<(Line, AppendRowsResponse), Broken> {
    match limited(limit, line.answers.message()).await {
        Ok(Some(answer)) => Ok((line, answer)),
        Ok(None) => Err(Broken::Status(Status::unavailable("the connection ended without an answer"))),
        Err(status) => Err(Broken::Status(status)),
    }
}

async fn limited<T>(limit: Duration, asked: impl Future<Output = Result<T, Status>>) -> Result<T, Status> {
    let timeout = || Status::deadline_exceeded(format!("no answer within {limit:?}"));
    tokio::time::timeout(limit, asked).await.unwrap_or_else(|_| Err(timeout()))
}

/// Tells what an answer means.
fn read(what: &str, answer: AppendRowsResponse) -> Result<Appended, GoogleError> {
    if !answer.row_errors.is_empty() {
        let told = |error: api::RowError| Some((usize::try_from(error.index).ok()?, error.message));
        return Ok(Appended::Rows(answer.row_errors.into_iter().filter_map(told).collect()));
    }
    match answer.response {
        Some(Response::AppendResult(_)) => Ok(Appended::New),
        Some(Response::Error(error)) => {
            let code = Code::from_i32(error.code);
            of_code(what, code, error.message.clone())
                .unwrap_or_else(|| Err(GoogleError::of_status(what, &Status::new(code, error.message))))
        }
        None => Err(GoogleError::new(Kind::Outage, what, "the answer is empty")),
    }
}

/// Tells what a code means for the batch; `None` where that leaves it in doubt.
fn of_code(what: &str, code: Code, said: String) -> Option<Result<Appended, GoogleError>> {
    match code {
        Code::AlreadyExists => Some(Ok(Appended::Before)),
        Code::NotFound | Code::OutOfRange | Code::FailedPrecondition => {
            Some(Ok(Appended::Lost(GoogleError::of_status(what, &Status::new(code, said)))))
        }
        Code::InvalidArgument => Some(Ok(Appended::Refused(GoogleError::of_status(what, &Status::new(code, said))))),
        Code::Ok
        | Code::Cancelled
        | Code::Unknown
        | Code::DeadlineExceeded
        | Code::PermissionDenied
        | Code::ResourceExhausted
        | Code::Aborted
        | Code::Unimplemented
        | Code::Internal
        | Code::Unavailable
        | Code::DataLoss
        | Code::Unauthenticated => None,
    }
}
