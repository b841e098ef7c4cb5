//! What every handler begins with, and Google's form of saying no.

use axum::body::{Body, Bytes};
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, StatusCode, header};
use serde_json::{Value, json};

use super::world::{FOLDER, Fault, Role, World};

/// A no, small enough to be an error.
pub(super) struct Refusal(Box<Response>);

impl From<Response> for Refusal {
    fn from(response: Response) -> Self {
        Self(Box::new(response))
    }
}

impl From<Refusal> for Response {
    fn from(refusal: Refusal) -> Self {
        *refusal.0
    }
}

/// Says no as Google does.
pub(super) fn refused(status: u16, reason: &str, message: &str) -> Refusal {
    let error = json!({"error": {"code": status, "message": message,
        "errors": [{"domain": "global", "reason": reason, "message": message}]}});
    (StatusCode::from_u16(status).expect("it works here"), axum::Json(error)).into_response().into()
}

pub(super) fn not_found(id: &str) -> Refusal {
    refused(404, "notFound", &format!("File not found: {id}."))
}

/// Answers with JSON.
pub(super) fn told(value: &Value) -> Response {
    axum::Json(value).into_response()
}

/// Lets a request in, or gives what it is refused with; gives what goes wrong with it later.
pub(super) fn enter(world: &mut World, headers: &HeaderMap) -> Result<Option<Fault>, Refusal> {
    let fault = world.next_fault();
    match &fault {
        Some(Fault::Refuse(401, reason)) => {
            // As after a change of password: every token is worth nothing from now on.
            world.tokens.clear();
            return Err(refused(401, reason, "Invalid Credentials"));
        }
        Some(Fault::Refuse(status, reason)) => return Err(refused(*status, reason, "told to refuse")),
        Some(Fault::Gateway(status)) => {
            let status = StatusCode::from_u16(*status).expect("it works here");
            return Err((status, "<html>bad gateway</html>").into_response().into());
        }
        Some(Fault::Hold(_)) => world.held += 1,
        Some(Fault::HalfAnswer | Fault::Take(_)) | None => {}
    }
    let bearer = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let scopes = bearer.and_then(|bearer| bearer.strip_prefix("Bearer ")).and_then(|token| world.tokens.get(token));
    let Some(scopes) = scopes else { return Err(refused(401, "authError", "Invalid Credentials")) };
    if !scopes.contains("/auth/drive") {
        let message = "Request had insufficient authentication scopes.";
        return Err(refused(403, "insufficientPermissions", message));
    }
    if let Some((status, reason, message)) = world.refuse_all {
        return Err(refused(status, reason, message));
    }
    Ok(fault)
}

/// Tells whether a token reaches files that others made.
pub(super) fn reaches_all(world: &World, headers: &HeaderMap) -> bool {
    let bearer = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let scopes = world.tokens.get(bearer.trim_start_matches("Bearer "));
    scopes.is_some_and(|scopes| scopes.split(' ').any(|scope| scope.ends_with("/auth/drive")))
}

/// Gives a file's id if this request may see it.
pub(super) fn seen(world: &World, headers: &HeaderMap, id: &str, all_drives: bool) -> Result<(), Refusal> {
    let file = world.files.get(id).ok_or_else(|| not_found(id))?;
    let visible = world.role > Role::Stranger && all_drives && (file.own || reaches_all(world, headers));
    if visible { Ok(()) } else { Err(not_found(id)) }
}

/// Tells whether a file can be put into the folder.
pub(super) fn may_add(world: &World, headers: &HeaderMap, about: &Value, all_drives: bool) -> Result<(), Refusal> {
    let parent = about["parents"][0].as_str().unwrap_or("root");
    seen(world, headers, parent, all_drives)?;
    let folder = &world.files[parent];
    if world.role < Role::Contributor || folder.trashed {
        let message = "The user does not have sufficient permissions for this file.";
        return Err(refused(403, "insufficientFilePermissions", message));
    }
    if !world.has_room || parent != FOLDER {
        return Err(refused(403, "storageQuotaExceeded", "The user's Drive storage quota has been exceeded."));
    }
    Ok(())
}

/// Breaks an answer off, or keeps it back for ever, where that was told.
pub(super) async fn broken_off(response: Response, fault: Option<Fault>) -> Response {
    if let Some(Fault::Hold(_)) = fault {
        // Liveness: dropped with the connection, which ends with the listener or with the fake.
        return std::future::pending().await;
    }
    if fault != Some(Fault::HalfAnswer) {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let whole = axum::body::to_bytes(body, usize::MAX).await.expect("it works here");
    parts.headers.remove(header::CONTENT_LENGTH);
    let half: Result<Bytes, std::io::Error> = Ok(whole.slice(..whole.len() / 2));
    let cut = Err(std::io::Error::other("cut"));
    Response::from_parts(parts, Body::from_stream(tokio_stream::iter([half, cut])))
}
