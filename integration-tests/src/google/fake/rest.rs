//! As much of REST as the exporter's doubts and removals ask for: counting rows, and removing those of sessions. Nothing
//! else is there, as in a project without a dataset.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::State as Extract;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{any, get, post};
use axum::{Json, Router};
use serde_json::{Value, json};

use super::{State, gate};
use crate::google::Cell;

type Shared = Arc<Mutex<State>>;

pub(super) fn routes(state: Shared) -> Router {
    Router::new()
        .route("/bigquery/v2/projects/{project}/queries", post(query))
        .route("/bigquery/v2/projects/{project}/jobs/{job}", get(job))
        .route("/bigquery/v2/{*path}", any(other))
        .with_state(state)
}

pub(super) fn answer((status, body): (u16, String)) -> Response {
    (StatusCode::from_u16(status).expect("a status"), [("content-type", "application/json")], body).into_response()
}

async fn other(Extract(state): Extract<Shared>) -> Response {
    let refused = state.lock().unwrap_or_else(PoisonError::into_inner).rest_error.clone();
    let missing = json!({ "code": 404, "message": "Not found: Dataset p:d", "errors": [{ "reason": "notFound" }],
        "status": "NOT_FOUND" });
    answer(refused.unwrap_or_else(|| (404, json!({ "error": missing }).to_string())))
}

/// Gives an answer without rows, unless it would cost more than may be.
fn question(state: &State, most: &str) -> Response {
    let would_cost = state.question_bytes;
    if most.parse::<u64>().is_ok_and(|most| would_cost > most) {
        let said = format!("Query exceeded limit for bytes billed: {most}. {would_cost} or higher required.");
        let errors = [json!({ "reason": "bytesBilledLimitExceeded", "message": said, "domain": "global" })];
        let error = json!({ "code": 400, "message": said, "errors": errors, "status": "INVALID_ARGUMENT" });
        return (StatusCode::BAD_REQUEST, Json(json!({ "error": error }))).into_response();
    }
    let schema = json!({ "fields": [{ "name": "kind", "type": "STRING" }] });
    let job = json!({ "projectId": "p", "jobId": "asked", "location": "EU" });
    if state.is_slow {
        return Json(json!({ "jobComplete": false, "jobReference": job })).into_response();
    }
    Json(json!({ "jobComplete": true, "jobReference": job, "schema": schema, "totalRows": "0" })).into_response()
}

/// Tells what the last question is charged as.
async fn job(Extract(state): Extract<Shared>) -> Response {
    let billed = state.lock().unwrap_or_else(PoisonError::into_inner).question_bytes;
    Json(json!({ "statistics": { "query": { "totalBytesBilled": billed.to_string() } } })).into_response()
}

async fn query(Extract(state): Extract<Shared>, Json(asked): Json<Value>) -> Response {
    gate::pass(&state, || run(&state, &asked)).await
}

fn run(state: &Shared, asked: &Value) -> Response {
    let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
    let sql = asked["query"].as_str().unwrap_or_default().to_owned();
    state.statements.push(sql.clone());
    if let Some(refused) = state.rest_error.clone() {
        return answer(refused);
    }
    if let Some(most) = asked["maximumBytesBilled"].as_str() {
        state.questions.push(asked.clone());
        return question(&state, most);
    }
    let table = sql.split('`').nth(1).unwrap_or_default().to_owned();
    let rows = state.tables.entry(table).or_default();
    let texts: Vec<String> = sql.split('\'').skip(1).step_by(2).map(str::to_owned).collect();
    let is_meant = |row: &crate::google::Row| texts.iter().any(|text| row["session_id"].text() == text);
    if sql.starts_with("DELETE FROM") {
        let before = rows.len();
        rows.retain(|row| !is_meant(row));
        let gone = before - rows.len();
        return Json(json!({ "jobComplete": true, "numDmlAffectedRows": gone.to_string() })).into_response();
    }
    if sql.ends_with("GROUP BY session_id") {
        let mut counts = BTreeMap::<_, u64>::new();
        rows.iter()
            .filter(|row| is_meant(row))
            .for_each(|row| *counts.entry(row["session_id"].text()).or_default() += 1);
        let row = |(session, count): (&str, u64)| json!({ "f": [{ "v": session }, { "v": count.to_string() }] });
        let schema =
            json!({ "fields": [{ "name": "session_id", "type": "STRING" }, { "name": "f0_", "type": "INTEGER" }] });
        let rows: Vec<_> = counts.into_iter().map(row).collect();
        return Json(json!({ "jobComplete": true, "schema": schema, "rows": rows })).into_response();
    }
    // `… WHERE session_id = '…' AND column = number AND …`
    let wanted: Vec<(String, i64)> = sql
        .split(" AND ")
        .skip(1)
        .filter_map(|part| part.split_once(" = "))
        .filter_map(|(column, number)| Some((column.to_owned(), number.parse().ok()?)))
        .collect();
    let fits = |row: &&crate::google::Row| {
        texts.iter().all(|text| row["session_id"].text() == text)
            && wanted.iter().all(|(column, number)| row.get(column) == Some(&Cell::Number(*number)))
    };
    let count = rows.iter().filter(fits).count();
    let schema = json!({ "fields": [{ "name": "f0_", "type": "INTEGER" }] });
    Json(json!({ "jobComplete": true, "schema": schema, "rows": [{ "f": [{ "v": count.to_string() }] }] }))
        .into_response()
}
