//! What staff's commands are answered with, beyond sessions and tests.

use cnc_model::{Plan, SessionId};
use serde::Serialize;

use super::Typed;
use super::session::OverviewBody;
use super::test::Parameters;
use crate::support::{AuditEntry, CreatedSession, CreatedToken, DeletedSession, Document, Token};

/// Gives `{"type":"document",…}` for a session's document in Google Drive.
#[must_use]
pub fn document(session: SessionId, document: &Document) -> impl Serialize {
    let Document { url, waiting, error } = document;
    Typed {
        kind: "document",
        body: DocumentBody {
            session: session.to_string(),
            url: url.as_deref(),
            waiting: *waiting,
            error: error.as_deref(),
        },
    }
}

/// Gives `{"type":"created","code":…,"link":…,"session":{…}}`.
#[must_use]
pub fn created_session(created: &CreatedSession) -> impl Serialize {
    let CreatedSession { session, code, link } = created;
    Typed { kind: "created", body: CreatedBody { code: code.to_string(), link, session: session.into() } }
}

/// Gives `{"type":"deleted","tests":…,"samples":…,"documents":[…],"history_hours":…}`.
#[must_use]
pub fn deleted_session(deleted: &DeletedSession) -> impl Serialize {
    let DeletedSession { tests, samples, documents, history_hours } = deleted;
    let body = DeletedBody { tests: *tests, samples: *samples, documents, history_hours: *history_hours };
    Typed { kind: "deleted", body }
}

/// Gives `{"type":"plan",…}` with its tests in stages.
#[must_use]
pub fn plan(plan: &Plan) -> impl Serialize {
    let Plan { name, description, stages } = plan;
    let test =
        |test: &cnc_model::Test| PlannedBody { kind: test.kind().word(), title: test.title(), parameters: test.into() };
    let stages = stages.iter().map(|stage| stage.iter().map(test).collect()).collect();
    Typed { kind: "plan", body: PlanBody { name, description, stages } }
}

/// Gives `{"type":"token",…}` for a token without its secret.
#[must_use]
pub fn token(token: &Token) -> impl Serialize {
    let Token { id, role, name, created, last_used } = token;
    Typed {
        kind: "token",
        body: TokenBody {
            id,
            role: role.word(),
            name,
            created_at: created.to_string(),
            last_used_at: last_used.map(|at| at.to_string()),
        },
    }
}

/// Gives `{"type":"created","id":…,"token":…}`, with the secret.
#[must_use]
pub fn created_token(created: &CreatedToken) -> impl Serialize {
    let CreatedToken { id, token } = created;
    Typed { kind: "created", body: SecretBody { id, token } }
}

/// Gives `{"type":"audit",…}` for one thing that staff did.
#[must_use]
pub fn audit_entry(entry: &AuditEntry) -> impl Serialize {
    let AuditEntry { id, at, who, action, session, detail } = entry;
    Typed {
        kind: "audit",
        body: AuditBody {
            id: *id,
            at: at.to_string(),
            who,
            action,
            session: session.map(|session| session.to_string()),
            detail,
        },
    }
}

#[derive(Serialize)]
struct DocumentBody<'a> {
    session: String,
    url: Option<&'a str>,
    waiting: bool,
    error: Option<&'a str>,
}

#[derive(Serialize)]
struct CreatedBody<'a> {
    code: String,
    link: &'a str,
    session: OverviewBody<'a>,
}

#[derive(Serialize)]
struct DeletedBody<'a> {
    tests: u64,
    samples: u64,
    documents: &'a [String],
    history_hours: u64,
}

#[derive(Serialize)]
struct PlanBody<'a> {
    name: &'a str,
    description: &'a str,
    stages: Vec<Vec<PlannedBody>>,
}

#[derive(Serialize)]
struct PlannedBody {
    kind: &'static str,
    title: String,
    parameters: Parameters,
}

#[derive(Serialize)]
struct TokenBody<'a> {
    id: &'a str,
    role: &'static str,
    name: &'a str,
    created_at: String,
    last_used_at: Option<String>,
}

#[derive(Serialize)]
struct SecretBody<'a> {
    id: &'a str,
    token: &'a str,
}

#[derive(Serialize)]
struct AuditBody<'a> {
    id: u64,
    at: String,
    who: &'a str,
    action: &'a str,
    session: Option<String>,
    detail: &'a str,
}
