//! Tokens, and the queries that the exporter asks: counting one row, and removing those of sessions.

use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::State as Extract;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};

use super::State;
use crate::google::Cell;

type Shared = Arc<Mutex<State>>;

pub(super) fn routes(state: Shared) -> Router {
    Router::new()
        .route("/token", get(token).post(token))
        .route("/bigquery/v2/projects/{project}/queries", post(query))
        .with_state(state)
}

fn answer((status, body): (u16, String)) -> Response {
    (StatusCode::from_u16(status).expect("a status"), [("content-type", "application/json")], body).into_response()
}

async fn token(Extract(state): Extract<Shared>) -> Response {
    let refused = state.lock().unwrap_or_else(PoisonError::into_inner).token_error.clone();
    match refused {
        Some(refused) => answer(refused),
        None => Json(json!({ "access_token": "t", "expires_in": 3600, "token_type": "Bearer" })).into_response(),
    }
}

async fn query(Extract(state): Extract<Shared>, Json(asked): Json<Value>) -> Response {
    let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
    let sql = asked["query"].as_str().unwrap_or_default().to_owned();
    state.statements.push(sql.clone());
    if let Some(refused) = state.rest_error.clone() {
        return answer(refused);
    }
    let table = sql.split('`').nth(1).and_then(|name| name.rsplit('.').next()).unwrap_or_default().to_owned();
    let rows = state.tables.entry(table).or_default();
    let texts: Vec<String> = sql.split('\'').skip(1).step_by(2).map(str::to_owned).collect();
    if sql.starts_with("DELETE FROM") {
        let before = rows.len();
        rows.retain(|row| !texts.iter().any(|text| row["session_id"].text() == text));
        let gone = before - rows.len();
        return Json(json!({ "jobComplete": true, "numDmlAffectedRows": gone.to_string() })).into_response();
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
