//! Uploads: multipart in one request, resumable in as many as it takes.

use axum::body::{Body, Bytes};
use axum::extract::{Path, Query as Asked, State};
use axum::response::{IntoResponse as _, Response};
use futures_util::StreamExt as _;
use http::{HeaderMap, StatusCode, header};
use serde_json::Value;

use super::answers::{Refusal, may_add, refused, seen, told};
use super::files::{Parameters, within};
use super::world::{DOCUMENT, Fault, Role, Upload};
use super::{Shared, World, locked};

pub(super) async fn create(
    State(world): State<Shared>,
    Asked(asked): Asked<Parameters>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    within(&world, &headers, |world, _| {
        if asked.upload_type.as_deref() == Some("multipart") {
            return multipart(world, &headers, &asked, &body);
        }
        let about: Value = serde_json::from_slice(&body).map_err(|_| refused(400, "parseError", "Parse Error"))?;
        may_add(world, &headers, &about, asked.supports_all_drives)?;
        open(world, &headers, Ok(about), &asked)
    })
    .await
}

pub(super) async fn update(
    State(world): State<Shared>,
    Path(id): Path<String>,
    Asked(asked): Asked<Parameters>,
    headers: HeaderMap,
) -> Response {
    within(&world, &headers, |world, _| {
        seen(world, &headers, &id, asked.supports_all_drives)?;
        if world.role < Role::Contributor {
            return Err(refused(403, "insufficientFilePermissions", "may not edit"));
        }
        open(world, &headers, Err(id), &asked)
    })
    .await
}

fn open(
    world: &mut World,
    headers: &HeaderMap,
    about: Result<Value, String>,
    asked: &Parameters,
) -> Result<Response, Refusal> {
    if asked.upload_type.as_deref() != Some("resumable") {
        return Err(refused(400, "badRequest", "Bad Request"));
    }
    let length = headers.get("x-upload-content-length").and_then(|value| value.to_str().ok()?.parse().ok());
    let length = length.ok_or_else(|| refused(400, "badRequest", "no length"))?;
    let id = world.new_id("upload");
    let address = format!("http://{}/upload/session/{id}", world.address);
    world.uploads.insert(id, Upload { about, length, fields: asked.fields.clone(), taken: Vec::new(), done: None });
    Ok(([(header::LOCATION, address)], "").into_response())
}

/// Makes a file of a request's two parts.
fn multipart(world: &mut World, headers: &HeaderMap, asked: &Parameters, body: &[u8]) -> Result<Response, Refusal> {
    let text = String::from_utf8_lossy(body).into_owned();
    let about = text.split("\r\n\r\n").nth(1).and_then(|part| serde_json::from_str(part.split("\r\n--").next()?).ok());
    let about: Value = about.ok_or_else(|| refused(400, "parseError", "Parse Error"))?;
    may_add(world, headers, &about, asked.supports_all_drives)?;
    let id = world.make(&about, body.to_vec());
    Ok(told(&world.about(&id, asked.fields.as_deref())))
}

/// Takes bytes, or tells how many there are.
pub(super) async fn put(
    State(world): State<Shared>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let range = headers.get(header::CONTENT_RANGE).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    let fault = locked(&world).most_taken_next();
    let mut bytes = Vec::new();
    let mut stream = body.into_data_stream();
    while let Some(piece) = stream.next().await {
        let Ok(piece) = piece else { break };
        bytes.extend_from_slice(&piece);
        if let Some(most) = fault.filter(|most| bytes.len() >= *most) {
            bytes.truncate(most);
            break;
        }
    }
    within(&world, &headers, |world, fault| {
        if let Some(Fault::Take(most) | Fault::Hold(most)) = fault {
            bytes.truncate(*most);
        }
        let whole = !matches!(fault, Some(Fault::Take(_) | Fault::Hold(_)));
        take(world, &id, &range, &bytes)?;
        if whole { progress(world, &id) } else { Err(StatusCode::SERVICE_UNAVAILABLE.into_response().into()) }
    })
    .await
}

fn take(world: &mut World, id: &str, range: &str, bytes: &[u8]) -> Result<(), Refusal> {
    let Some(upload) = world.uploads.get_mut(id) else { return Err(StatusCode::NOT_FOUND.into_response().into()) };
    let sends = range.strip_prefix("bytes ").and_then(|range| range.split_once('/'));
    let Some((part, all)) = sends else { return Err(refused(400, "badRequest", "no range")) };
    if all.parse() != Ok(upload.length) {
        return Err(refused(400, "badRequest", "another length"));
    }
    if let Some((first, _)) = part.split_once('-') {
        let first: usize = first.parse().map_err(|_| refused(400, "badRequest", "a bad range"))?;
        if first > upload.taken.len() {
            return Err(refused(400, "badRequest", "a gap"));
        }
        if upload.done.is_none() {
            upload.taken.truncate(first);
            upload.taken.extend_from_slice(bytes);
        }
    }
    Ok(())
}

fn progress(world: &mut World, id: &str) -> Result<Response, Refusal> {
    let upload = world.uploads[id].clone();
    if let Some(file) = &upload.done {
        return Ok(told(&world.about(file, upload.fields.as_deref())));
    }
    if upload.taken.len() < upload.length {
        let mut answer = StatusCode::PERMANENT_REDIRECT.into_response();
        if let Some(last) = upload.taken.len().checked_sub(1) {
            answer.headers_mut().insert(header::RANGE, format!("bytes=0-{last}").parse().expect("it works here"));
        }
        return Ok(answer);
    }
    let file = match &upload.about {
        Ok(about) => {
            let is_document = about["mimeType"] == DOCUMENT;
            if is_document && !upload.taken.starts_with(b"PK") {
                return Err(refused(400, "badRequest", "cannot be converted"));
            }
            world.make(about, upload.taken)
        }
        Err(file) => {
            let known = world.files.get_mut(file).ok_or_else(|| super::answers::not_found(file))?;
            known.content = upload.taken;
            known.revisions += 1;
            file.clone()
        }
    };
    world.uploads.get_mut(id).expect("it is there").done = Some(file.clone());
    Ok(told(&world.about(&file, upload.fields.as_deref())))
}
