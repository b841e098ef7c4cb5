//! Calls on files: get, list, update without contents, delete.

use axum::extract::{Path, Query as Asked, State};
use axum::response::{IntoResponse as _, Response};
use axum::{Json, body::Bytes};
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::answers::{Refusal, broken_off, enter, not_found, reaches_all, refused, seen, told};
use super::world::{Fault, Query, Role};
use super::{Shared, World, locked};

/// The parameters of all calls.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Parameters {
    pub(super) fields: Option<String>,
    #[serde(default)]
    pub(super) supports_all_drives: bool,
    #[serde(default)]
    include_items_from_all_drives: bool,
    q: Option<String>,
    pub(super) upload_type: Option<String>,
}

/// Does something under the world's lock, and breaks the answer off where that was told.
pub(super) async fn within(
    world: &Shared,
    headers: &HeaderMap,
    work: impl FnOnce(&mut World, Option<&Fault>) -> Result<Response, Refusal>,
) -> Response {
    let (response, fault) = {
        let mut world = locked(world);
        let entered = enter(&mut world, headers);
        match entered {
            Err(refused) => (refused.into(), None),
            Ok(fault) => (work(&mut world, fault.as_ref()).unwrap_or_else(Into::into), fault),
        }
    };
    broken_off(response, fault).await
}

pub(super) async fn get(
    State(world): State<Shared>,
    Path(id): Path<String>,
    Asked(asked): Asked<Parameters>,
    headers: HeaderMap,
) -> Response {
    within(&world, &headers, |world, _| {
        seen(world, &headers, &id, asked.supports_all_drives)?;
        Ok(told(&world.about(&id, asked.fields.as_deref())))
    })
    .await
}

pub(super) async fn list(State(world): State<Shared>, Asked(asked): Asked<Parameters>, headers: HeaderMap) -> Response {
    within(&world, &headers, |world, _| {
        let query = asked.q.as_deref().map_or(Some(Query::default()), Query::read);
        let query = query.ok_or_else(|| refused(400, "invalid", "Invalid Value"))?;
        let sees = asked.supports_all_drives && asked.include_items_from_all_drives && world.role > Role::Stranger;
        let mut found = if sees { world.search(&query) } else { Vec::new() };
        found.retain(|id| world.files[id].own || reaches_all(world, &headers));
        let files: Vec<Value> = found.iter().map(|id| world.about(id, Some("id,name,webViewLink"))).collect();
        Ok(told(&json!({"kind": "drive#fileList", "files": files})))
    })
    .await
}

pub(super) async fn update(
    State(world): State<Shared>,
    Path(id): Path<String>,
    Asked(asked): Asked<Parameters>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    within(&world, &headers, |world, _| {
        seen(world, &headers, &id, asked.supports_all_drives)?;
        let about: Value = serde_json::from_slice(&body).map_err(|_| refused(400, "parseError", "Parse Error"))?;
        if about["trashed"] == true {
            if world.role < Role::ContentManager {
                return Err(refused(403, "insufficientFilePermissions", "may not trash"));
            }
            world.files.get_mut(&id).ok_or_else(|| not_found(&id))?.trashed = true;
        }
        Ok(Json(world.about(&id, asked.fields.as_deref())).into_response())
    })
    .await
}

pub(super) async fn delete(
    State(world): State<Shared>,
    Path(id): Path<String>,
    Asked(asked): Asked<Parameters>,
    headers: HeaderMap,
) -> Response {
    within(&world, &headers, |world, _| {
        seen(world, &headers, &id, asked.supports_all_drives)?;
        if world.role < Role::Manager {
            let message = "The user does not have sufficient permissions for this file.";
            return Err(refused(403, "insufficientFilePermissions", message));
        }
        world.files.remove(&id);
        Ok(StatusCode::NO_CONTENT.into_response())
    })
    .await
}
