//! The Storage Write interface: committed streams whose offsets are strict, each append whole or not at all.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::extract::Request as HttpRequest;
use axum::routing::post;
use cnc_server::google::storage as api;
use tokio_stream::StreamExt as _;
use tonic::server::Grpc;
use tonic::{Code, Request, Response, Status, Streaming};
use tonic_prost::ProstCodec;

use api::append_rows_request::Rows;
use api::append_rows_response::{AppendResult, Response as Answer};
use api::{AppendRowsRequest, AppendRowsResponse, CreateWriteStreamRequest, FinalizeWriteStreamRequest};
use api::{FinalizeWriteStreamResponse, RowError, WriteStream};

use super::{Fault, State, Stream, gate};
use crate::google::message;

type Shared = Arc<Mutex<State>>;
type Answers = Pin<Box<dyn tokio_stream::Stream<Item = Result<AppendRowsResponse, Status>> + Send>>;

const SERVICE: &str = "/google.cloud.bigquery.storage.v1.BigQueryWrite";

fn lock(state: &Shared) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(super) fn routes(state: Shared) -> Router {
    let (create, append, finalize) = (Arc::clone(&state), Arc::clone(&state), state);
    let create = move |request: HttpRequest| {
        let state = Arc::clone(&create);
        let service = tower::service_fn(move |asked: Request<CreateWriteStreamRequest>| {
            let state = Arc::clone(&state);
            async move { gate::pass(&state, || create_stream(&state, asked.get_ref())).await.map(Response::new) }
        });
        async move { Grpc::new(ProstCodec::default()).unary(service, request).await }
    };
    let finalize = move |request: HttpRequest| {
        let state = Arc::clone(&finalize);
        let service = tower::service_fn(move |asked: Request<FinalizeWriteStreamRequest>| {
            let state = Arc::clone(&state);
            async move { gate::pass(&state, || finalize_stream(&state, asked.get_ref())).await.map(Response::new) }
        });
        async move { Grpc::new(ProstCodec::default()).unary(service, request).await }
    };
    let append = move |request: HttpRequest| {
        let state = Arc::clone(&append);
        let service = tower::service_fn(move |asked: Request<Streaming<AppendRowsRequest>>| {
            let answers: Answers = Box::pin(answers(Arc::clone(&state), asked.into_inner()));
            async move { Ok::<_, Status>(Response::new(answers)) }
        });
        async move { Grpc::new(ProstCodec::default()).streaming(service, request).await }
    };
    Router::new()
        .route(&format!("{SERVICE}/CreateWriteStream"), post(create))
        .route(&format!("{SERVICE}/FinalizeWriteStream"), post(finalize))
        .route(&format!("{SERVICE}/AppendRows"), post(append))
}

fn create_stream(state: &Shared, asked: &CreateWriteStreamRequest) -> Result<WriteStream, Status> {
    let mut state = lock(state);
    if let Some((code, said)) = &state.stream_error {
        return Err(Status::new(*code, said.clone()));
    }
    if let Some(Fault::Refused(code)) = state.chaos.is_some().then(|| state.fault()).flatten() {
        return Err(Status::new(code, "chaos"));
    }
    state.made += 1;
    let name = format!("{}/streams/{}", asked.parent, state.made);
    // `projects/…/datasets/…/tables/…`
    let table = asked.parent.split('/').skip(1).step_by(2).collect::<Vec<_>>().join(".");
    state.streams.insert(name.clone(), Stream { table, next_offset: 0, is_final: false, descriptor: None });
    Ok(WriteStream { name, ..WriteStream::default() })
}

fn finalize_stream(state: &Shared, asked: &FinalizeWriteStreamRequest) -> Result<FinalizeWriteStreamResponse, Status> {
    let mut state = lock(state);
    let stream = state.streams.get_mut(&asked.name).ok_or_else(|| Status::not_found("no such stream"))?;
    stream.is_final = true;
    Ok(FinalizeWriteStreamResponse { row_count: stream.next_offset })
}

fn answers(
    state: Shared,
    mut asked: Streaming<AppendRowsRequest>,
) -> impl tokio_stream::Stream<Item = Result<AppendRowsResponse, Status>> {
    async_stream::stream! {
        while let Some(Ok(request)) = asked.next().await {
            let takes = lock(&state).counting.as_ref().map(|(append, _)| *append);
            if let Some(takes) = takes {
                tokio::time::sleep(takes).await;
            }
            let (answer, fault) = gate::pass(&state, || take(&state, request)).await;
            match fault {
                None => yield Ok(answer),
                Some(Fault::Refused(code) | Fault::DoneAndRefused(code)) => {
                    yield Err(Status::new(code, "chaos"));
                    return;
                }
                Some(Fault::DoneAndCut) => return,
                // Liveness: the caller gives up and closes the connection.
                Some(Fault::Silent | Fault::DoneAndSilent | Fault::Late) => std::future::pending().await,
                Some(Fault::Forgotten) => {
                    yield Err(Status::not_found("no such stream"));
                    return;
                }
            }
        }
    }
}

/// Does what an append asks, as far as its fault lets it.
fn take(state: &Shared, request: AppendRowsRequest) -> (AppendRowsResponse, Option<Fault>) {
    let mut state = lock(state);
    state.appends += 1;
    let fault = state.fault();
    let answer = match fault {
        Some(Fault::Refused(_) | Fault::Silent) => AppendRowsResponse::default(),
        Some(Fault::Late) => {
            state.late.push(request);
            AppendRowsResponse::default()
        }
        Some(Fault::Forgotten) => {
            // Half of the time after it was done.
            let stream = request.write_stream.clone();
            if state.appends.is_multiple_of(2) {
                append(&mut state, request);
            }
            state.streams.remove(&stream);
            AppendRowsResponse::default()
        }
        None | Some(Fault::DoneAndRefused(_) | Fault::DoneAndCut | Fault::DoneAndSilent) => append(&mut state, request),
    };
    (answer, fault)
}

pub(super) fn append(state: &mut State, request: AppendRowsRequest) -> AppendRowsResponse {
    let refused = |code: Code, said: &str| {
        let error = cnc_server::google::rpc::Status { code: code as i32, message: said.into(), details: Vec::new() };
        AppendRowsResponse { response: Some(Answer::Error(error)), ..AppendRowsResponse::default() }
    };
    let poison = state.poison.clone();
    if let Some(code) = state.append_error {
        return refused(code, "not now");
    }
    let Some(stream) = state.streams.get_mut(&request.write_stream) else {
        return refused(Code::NotFound, "no such stream");
    };
    if stream.is_final {
        return refused(Code::FailedPrecondition, "the stream is final");
    }
    let Some(Rows::ProtoRows(data)) = request.rows else { return refused(Code::InvalidArgument, "no rows") };
    if let Some(schema) = data.writer_schema {
        stream.descriptor = schema.proto_descriptor;
    }
    let Some(descriptor) = &stream.descriptor else { return refused(Code::InvalidArgument, "no descriptor") };
    let offset = request.offset.unwrap_or(stream.next_offset);
    if offset < stream.next_offset {
        return refused(Code::AlreadyExists, "already there");
    }
    if offset > stream.next_offset {
        return refused(Code::OutOfRange, "a gap");
    }
    if let Some((_, counts)) = &mut state.counting {
        let rows = data.rows.map_or(0, |rows| rows.serialized_rows.len());
        *counts.entry(stream.table.clone()).or_default() += rows;
        stream.next_offset += i64::try_from(rows).unwrap_or(0);
        return accepted(offset);
    }
    let mut rows = Vec::new();
    for message in data.rows.unwrap_or_default().serialized_rows {
        match message::read(descriptor, &message) {
            Ok(row) => rows.push(row),
            Err(error) => return refused(Code::InvalidArgument, &error),
        }
    }
    if let Some((session, is_named)) = poison {
        let is_bad = |row: &message::Row| row["session_id"].text() == session;
        let bad = |(index, row): (usize, &message::Row)| {
            let index = i64::try_from(index).unwrap_or(0);
            is_bad(row).then(|| RowError { index, code: 1, message: "poison".into() })
        };
        let errors: Vec<_> = rows.iter().enumerate().filter_map(bad).collect();
        if !errors.is_empty() {
            let row_errors = if is_named { errors } else { Vec::new() };
            return AppendRowsResponse { row_errors, ..refused(Code::InvalidArgument, "poison") };
        }
    }
    stream.next_offset += i64::try_from(rows.len()).unwrap_or(0);
    let table = stream.table.clone();
    state.tables.entry(table).or_default().extend(rows);
    accepted(offset)
}

fn accepted(offset: i64) -> AppendRowsResponse {
    let result = AppendResult { offset: Some(offset) };
    AppendRowsResponse { response: Some(Answer::AppendResult(result)), ..AppendRowsResponse::default() }
}
