//! What each refusal is taken for, and that each says what to do.

use std::collections::HashMap;

use gcp_bigquery_client::error::{BQError, NestedResponseError, ResponseError};
use tonic::{Code, Status};

use super::*;

fn rest(code: i64, reason: &str, message: &str) -> Kind {
    let errors = vec![HashMap::from([("reason".to_owned(), reason.to_owned())])];
    let error = NestedResponseError { code, errors, message: message.into(), status: String::new() };
    GoogleError::of_rest("try", &BQError::ResponseError { error: ResponseError { error } }).kind
}

#[test]
fn rest_answers_are_told_apart() {
    let cases = [
        (401, "authError", "Invalid Credentials", Kind::Key),
        (403, "accessDenied", "Permission bigquery.tables.updateData denied", Kind::Permission),
        (403, "accessDenied", "BigQuery API has not been used in project 1 before or it is disabled.", Kind::Disabled),
        (403, "insufficientPermissions", "Request had insufficient authentication scopes.", Kind::Scope),
        (403, "quotaExceeded", "Quota exceeded", Kind::Quota),
        (403, "rateLimitExceeded", "Exceeded rate limits", Kind::Quota),
        (404, "notFound", "Not found: Dataset p:d", Kind::NotFound),
        (
            400,
            "invalidQuery",
            "UPDATE or DELETE statement over table d.samples would affect rows in the streaming buffer",
            Kind::Buffered,
        ),
        (400, "invalidQuery", "Syntax error", Kind::Invalid),
        (400, "invalidQuery", "Unrecognized name: protocol at [1:20]", Kind::Schema),
        (400, "bytesBilledLimitExceeded", "Query exceeded limit for bytes billed: 1. 2 or higher required.", Kind::Cap),
        (429, "", "Too many requests", Kind::Quota),
        (500, "internalError", "", Kind::Outage),
        (503, "backendError", "", Kind::Outage),
    ];
    for (code, reason, message, kind) in cases {
        assert_eq!(rest(code, reason, message), kind, "{code} {reason}");
    }
}

#[test]
fn grpc_answers_are_told_apart() {
    let cases = [
        (Code::Unauthenticated, "", Kind::Key),
        (Code::PermissionDenied, "", Kind::Permission),
        (
            Code::PermissionDenied,
            "BigQuery API has not been used in project 1 before or it is disabled",
            Kind::Disabled,
        ),
        (Code::PermissionDenied, "Request had insufficient authentication scopes.", Kind::Scope),
        (Code::NotFound, "", Kind::NotFound),
        (Code::ResourceExhausted, "", Kind::Quota),
        (Code::InvalidArgument, "Input schema has more fields than BigQuery schema", Kind::Schema),
        (Code::InvalidArgument, "a row", Kind::Invalid),
        (Code::Unavailable, "", Kind::Outage),
        (Code::DeadlineExceeded, "", Kind::Outage),
        (Code::Internal, "", Kind::Outage),
    ];
    for (code, message, kind) in cases {
        assert_eq!(GoogleError::of_status("try", &Status::new(code, message)).kind, kind, "{code:?}");
    }
}

#[test]
fn each_kind_says_what_to_do_in_one_line() {
    for kind in Kind::ALL {
        let told = GoogleError::new(kind, "append to samples", "a\n page  of text ".to_owned() + &"x".repeat(1_000));
        let text = told.to_string();
        assert!(text.contains(kind.advice()) && text.len() < 900 && !text.contains('\n'), "{text}");
    }
}

fn google(credentials: Credentials) -> Google {
    let endpoints = Endpoints { metadata: "http://127.0.0.1:9/token".into(), ..Endpoints::default() };
    Google {
        project: "p".into(),
        credentials,
        dataset: None,
        folder: None,
        location: None,
        history_max_bytes: None,
        endpoints,
    }
}

#[tokio::test]
async fn credentials_that_cannot_be_used_are_named_with_their_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let cases = [
        ("none.json", None, "No such file"),
        ("text.json", Some("-----BEGIN"), "no JSON file of credentials"),
        ("other.json", Some(r#"{"type":"external_account"}"#), "external_account"),
        ("half.json", Some(r#"{"type":"service_account"}"#), "private_key"),
        (
            "bad.json",
            Some(
                r#"{"type":"service_account","private_key":"none","client_email":"a@b","token_uri":"http://127.0.0.1:9"}"#,
            ),
            "key",
        ),
    ];
    for (name, text, why) in cases {
        let path = folder.path().join(name);
        if let Some(text) = text {
            std::fs::write(&path, text).expect("written");
        }
        let error = Tokens::open(&google(Credentials::File(path)), &["s"]).await.expect_err(name);
        assert_eq!(error.kind, Kind::Key, "{error}");
        assert!(error.what.contains(name) && error.said.contains(why), "{error}");
    }
}

#[tokio::test]
async fn a_metadata_server_that_is_not_there_is_an_outage() {
    let tokens = Tokens::open(&google(Credentials::Metadata), &["s"]).await.expect("opened");
    let error = tokens.token().await.expect_err("port 9 is closed");
    assert_eq!(error.kind, Kind::Outage, "{error}");
}
