//! What each answer of Drive's is taken for.

use super::*;

fn answer(status: u16, reason: &str) -> Kind {
    let body = format!(r#"{{"error":{{"code":{status},"message":"m","errors":[{{"reason":"{reason}"}}]}}}}"#);
    of_answer("try", StatusCode::from_u16(status).expect("a status"), body.as_bytes()).kind
}

#[test]
fn answers_are_told_apart() {
    let cases = [
        (401, "authError", Kind::Key),
        (403, "insufficientFilePermissions", Kind::Permission),
        (403, "insufficientPermissions", Kind::Permission),
        (403, "accessNotConfigured", Kind::Disabled),
        (403, "storageQuotaExceeded", Kind::Storage),
        (403, "teamDriveFileLimitExceeded", Kind::Storage),
        (403, "userRateLimitExceeded", Kind::Quota),
        (403, "dailyLimitExceeded", Kind::Quota),
        (404, "notFound", Kind::Folder),
        (429, "rateLimitExceeded", Kind::Quota),
        (400, "badRequest", Kind::Invalid),
        (500, "internalError", Kind::Outage),
        (503, "backendError", Kind::Outage),
    ];
    for (status, reason, kind) in cases {
        assert_eq!(answer(status, reason), kind, "{status} {reason}");
    }
}

#[test]
fn tokens_for_too_little_are_told_from_roles_that_are_missing() {
    let body = br#"{"error":{"code":403,"message":"Request had insufficient authentication scopes."}}"#;
    assert_eq!(of_answer("try", StatusCode::FORBIDDEN, body).kind, Kind::Scope);
}

#[test]
fn what_is_not_googles_is_an_outage() {
    let gateway = of_answer("try", StatusCode::BAD_GATEWAY, b"<html>");
    assert_eq!(gateway.kind, Kind::Outage, "{gateway}");
    let cut = serde_json::from_str::<Value>("{").expect_err("half");
    assert_eq!(of_call("try", common::Error::JsonDecodeError(String::new(), cut)).kind, Kind::Outage);
}
