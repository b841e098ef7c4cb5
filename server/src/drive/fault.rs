//! What Drive's answers mean, each as one of the kinds that differ in what is to be done. Pure.

use google_drive3::common;
use http::StatusCode;
use serde_json::Value;

use crate::google::{GoogleError, Kind, forbidden};

/// Tells what an answer other than success means: Google's JSON where it is one, else its status alone.
pub(super) fn of_answer(what: &str, status: StatusCode, body: &[u8]) -> GoogleError {
    let answer: Option<Value> = serde_json::from_slice(body).ok();
    answer.filter(|answer| answer.get("error").is_some()).map_or_else(
        || {
            let kind = if passes(status.as_u16()) { Kind::Outage } else { Kind::Invalid };
            GoogleError::new(kind, what, format!("status {status}, from something on the way"))
        },
        |answer| of_json(what, &answer),
    )
}

/// Tells what Google's JSON means.
fn of_json(what: &str, answer: &Value) -> GoogleError {
    let error = &answer["error"];
    let code = error["code"].as_u64().and_then(|code| u16::try_from(code).ok()).unwrap_or(0);
    let reasons: Vec<&str> = error["errors"].as_array().into_iter().flatten().filter_map(reason).collect();
    let message = error["message"].as_str().unwrap_or("no reason given");
    GoogleError::new(kind(code, &reasons, message), what, message)
}

fn reason(error: &Value) -> Option<&str> {
    error["reason"].as_str()
}

fn kind(code: u16, reasons: &[&str], message: &str) -> Kind {
    let says = |words: &[&str]| reasons.iter().any(|reason| words.contains(reason));
    match code {
        _ if says(&["storageQuotaExceeded", "teamDriveFileLimitExceeded", "numChildrenInNonRootLimitExceeded"]) => {
            Kind::Storage
        }
        _ if says(&[
            "rateLimitExceeded",
            "userRateLimitExceeded",
            "dailyLimitExceeded",
            "sharingRateLimitExceeded",
        ]) =>
        {
            Kind::Quota
        }
        401 => Kind::Key,
        _ if says(&["accessNotConfigured"]) => Kind::Disabled,
        403 => forbidden(message),
        404 => Kind::Folder,
        429 => Kind::Quota,
        code if passes(code) => Kind::Outage,
        _ => Kind::Invalid,
    }
}

const fn passes(code: u16) -> bool {
    matches!(code, 408 | 500..=599)
}

/// Tells what a call of the library's came to.
pub(super) fn of_call(what: &str, error: common::Error) -> GoogleError {
    match error {
        common::Error::BadRequest(answer) => of_json(what, &answer),
        common::Error::MissingToken(error) => match error.downcast::<GoogleError>() {
            Ok(error) => *error,
            Err(error) => GoogleError::new(Kind::Key, what, error),
        },
        common::Error::Failure(response) => of_answer(what, response.status(), b""),
        common::Error::HttpError(error) => GoogleError::new(Kind::Outage, what, crate::google::innermost(&error)),
        // Half an answer.
        common::Error::JsonDecodeError(_, error) => GoogleError::new(Kind::Outage, what, error),
        common::Error::Io(error) => GoogleError::new(Kind::Outage, what, error),
        common::Error::UploadSizeLimitExceeded(..)
        | common::Error::MissingAPIKey
        | common::Error::Cancelled
        | common::Error::FieldClash(_) => GoogleError::new(Kind::Invalid, what, error),
    }
}

#[cfg(test)]
mod tests;
