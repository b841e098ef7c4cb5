//! `session …`: what staff do with sessions of a running listener.

use clap::{Args, Subcommand};
use cnc_model::session::{SessionOverview, SessionRecord, TestRecord};
use cnc_model::{SessionId, TestId};
use cnc_proto::support::{
    AuditEntry, CancelTest, CreateSession, CreatedSession, DeletedSession, Document, IssuePlan, IssueTest, ListAudit,
    ListSessions,
};
use cnc_proto::{json, v1};
use serde::Serialize;

use super::connect::ConnectArguments;
use super::export::{self, ExportArguments};
use super::test::{Pushed, TestArguments};
use super::{CliError, output, text, watch};

#[derive(Debug, Subcommand)]
pub(super) enum SessionCommand {
    /// Make a session and the code that joins a client to it
    #[command(after_help = "Example: cnc-listener session create --label \"Ms Miller, ticket 4711\"")]
    Create(CreateArguments),
    /// List sessions, the newest first
    List(ListArguments),
    /// Show a session with its tests and their figures
    Show(OneSession),
    /// Follow a session: what happens, as it happens
    #[command(after_help = "Example: cnc-listener session watch 0a1b2c3d4e5f6g7h")]
    Watch(OneSession),
    /// Push a test to a session's client
    #[command(after_help = "Examples:\n  cnc-listener session test ID ping example.com -c 20\n  cnc-listener session \
                            test ID trace gateway\n  cnc-listener session test ID download --flows 8")]
    Test {
        /// The session's id
        id: SessionId,
        #[command(flatten)]
        connect: ConnectArguments,
        #[command(subcommand)]
        test: TestArguments,
    },
    /// Stop a test
    Cancel {
        /// The session's id
        id: SessionId,
        /// The test's number
        #[arg(value_parser = test_id)]
        test: TestId,
        #[command(flatten)]
        connect: ConnectArguments,
    },
    /// End a session; its report is made then
    End(OneSession),
    /// Remove a session wherever it is kept, and say what was removed
    Delete(OneSession),
    /// Tell who did what to a session, the newest first
    #[command(after_help = "Example: cnc-listener session audit 0a1b2c3d4e5f6g7h")]
    Audit(AuditArguments),
    /// Write a session out: its record and samples, or its report
    #[command(after_help = "Example: cnc-listener session export ID --format csv --output samples.csv")]
    Export(ExportArguments),
}

#[derive(Debug, Args)]
pub(super) struct CreateArguments {
    /// The plan that it begins with [default: default]
    #[arg(long, value_name = "NAME")]
    plan: Option<String>,
    /// What staff call it
    #[arg(long, value_name = "TEXT", default_value = "")]
    label: String,
    #[command(flatten)]
    connect: ConnectArguments,
}

#[derive(Debug, Args)]
pub(super) struct ListArguments {
    /// The most to list
    #[arg(long, default_value = "50")]
    limit: std::num::NonZeroU32,
    /// Go on after this session, the last of the page before
    #[arg(long, value_name = "ID")]
    before: Option<SessionId>,
    #[command(flatten)]
    connect: ConnectArguments,
}

#[derive(Debug, Args)]
pub(super) struct OneSession {
    /// The session's id
    id: SessionId,
    #[command(flatten)]
    connect: ConnectArguments,
}

/// What a listener was told, for scripts.
#[derive(Debug, Serialize)]
struct Told {
    #[serde(rename = "type")]
    kind: &'static str,
    session: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    test: Option<u32>,
}

#[derive(Debug, Args)]
pub(super) struct AuditArguments {
    /// The session's id; it may be deleted by now. Without one: all that staff did
    id: Option<SessionId>,
    /// The most to list
    #[arg(long, default_value = "50")]
    limit: std::num::NonZeroU32,
    /// Go on after this entry, the last of the page before
    #[arg(long, value_name = "NUMBER")]
    before: Option<std::num::NonZeroU64>,
    #[command(flatten)]
    connect: ConnectArguments,
}

fn test_id(text: &str) -> Result<TestId, String> {
    let number: u32 = text.parse().map_err(|_| "a test's number is 1, 2, 3, …".to_owned())?;
    TestId::try_from(number).map_err(|error| error.to_string())
}

pub(super) async fn run(command: SessionCommand) -> Result<(), CliError> {
    match command {
        SessionCommand::Create(arguments) => create(arguments).await,
        SessionCommand::List(arguments) => list(arguments).await,
        SessionCommand::Show(one) => show(&one).await,
        SessionCommand::Watch(OneSession { id, connect }) => watch::run(id, &connect).await,
        SessionCommand::Test { id, connect, test } => push(id, &connect, test.pushed()?).await,
        SessionCommand::Cancel { id, test, connect } => cancel(id, test, &connect).await,
        SessionCommand::End(one) => end(&one).await,
        SessionCommand::Delete(one) => delete(&one).await,
        SessionCommand::Audit(arguments) => audit(arguments).await,
        SessionCommand::Export(arguments) => export::run(arguments).await,
    }
}

async fn create(arguments: CreateArguments) -> Result<(), CliError> {
    let CreateArguments { plan, label, connect } = arguments;
    let mut support = connect.connect().await?.support();
    let wish = CreateSession { plan, label };
    let created =
        CreatedSession::try_from(support.create_session(v1::CreateSessionRequest::from(wish)).await?.into_inner())?;
    if connect.json {
        output::line(&json::line(&json::created_session(&created)));
        return Ok(());
    }
    let CreatedSession { session, code, link } = created;
    output::line(&format!("code     {code}"));
    output::line(&format!("link     {link}"));
    output::line(&format!("session  {}", session.id));
    output::line(&format!("\nFollow it:  cnc-listener session watch {}", session.id));
    Ok(())
}

async fn list(arguments: ListArguments) -> Result<(), CliError> {
    let ListArguments { limit, before, connect } = arguments;
    let mut support = connect.connect().await?.support();
    let wish = ListSessions { limit: Some(limit), before, ..ListSessions::default() };
    let answer = support.list_sessions(v1::ListSessionsRequest::from(wish)).await?.into_inner();
    let sessions: Vec<SessionOverview> = answer.try_into()?;
    if connect.json {
        for overview in &sessions {
            output::line(&json::line(&json::session(overview)));
        }
    } else {
        output::table(&text::sessions(&sessions));
    }
    Ok(())
}

async fn show(one: &OneSession) -> Result<(), CliError> {
    let mut support = one.connect.connect().await?.support();
    let answer = support.get_session(v1::GetSessionRequest::from(one.id)).await?.into_inner();
    let record = SessionRecord::try_from(answer)?;
    let document = match support.get_document(v1::GetDocumentRequest::from(one.id)).await {
        Ok(answer) => Document::try_from(answer.into_inner())?,
        // An earlier listener makes none.
        Err(status) if status.code() == tonic::Code::Unimplemented => Document::default(),
        Err(status) => return Err(status.into()),
    };
    if one.connect.json {
        output::line(&json::line(&json::record(&record)));
        if document != Document::default() {
            output::line(&json::line(&json::document(one.id, &document)));
        }
    } else {
        for line in text::record(&record).into_iter().chain(text::document(&document)) {
            output::line(&line);
        }
    }
    Ok(())
}

async fn push(id: SessionId, connect: &ConnectArguments, pushed: Pushed) -> Result<(), CliError> {
    let mut support = connect.connect().await?.support();
    let issued: Vec<TestRecord> = match pushed {
        Pushed::Test(test) => {
            let wish = IssueTest { session: id, test };
            vec![support.issue_test(v1::IssueTestRequest::from(wish)).await?.into_inner().try_into()?]
        }
        Pushed::Plan(plan) => {
            let wish = IssuePlan { session: id, plan };
            support.issue_plan(v1::IssuePlanRequest::from(wish)).await?.into_inner().try_into()?
        }
    };
    for test in &issued {
        if connect.json {
            output::line(&json::line(&json::test(test)));
        } else {
            output::line(&format!("#{} {} is issued", test.id, test.what.title()));
        }
    }
    Ok(())
}

async fn cancel(id: SessionId, test: TestId, connect: &ConnectArguments) -> Result<(), CliError> {
    let mut support = connect.connect().await?.support();
    support.cancel_test(v1::CancelTestRequest::from(CancelTest { session: id, test })).await?;
    if connect.json {
        output::line(&json::line(&Told { kind: "cancelled", session: id.to_string(), test: Some(test.get()) }));
    } else {
        output::line(&format!("#{test} is told to stop"));
    }
    Ok(())
}

async fn end(one: &OneSession) -> Result<(), CliError> {
    let mut support = one.connect.connect().await?.support();
    support.end_session(v1::EndSessionRequest::from(one.id)).await?;
    if one.connect.json {
        output::line(&json::line(&Told { kind: "ended", session: one.id.to_string(), test: None }));
    } else {
        output::line(&format!("session {} is told to end; its report is made then", one.id));
    }
    Ok(())
}

async fn delete(one: &OneSession) -> Result<(), CliError> {
    let mut support = one.connect.connect().await?.support();
    let answer = support.delete_session(v1::DeleteSessionRequest::from(one.id)).await?.into_inner();
    let deleted = DeletedSession::try_from(answer)?;
    if one.connect.json {
        output::line(&json::line(&json::deleted_session(&deleted)));
        return Ok(());
    }
    let DeletedSession { tests, samples, documents, history_hours } = deleted;
    let documents = if documents.is_empty() { "no documents".into() } else { documents.join(", ") };
    let removed = format!("removed session {} with {tests} tests, {samples} samples, {documents}", one.id);
    output::line(&format!("{removed}, and its part in {history_hours} hours of history"));
    Ok(())
}

async fn audit(arguments: AuditArguments) -> Result<(), CliError> {
    let AuditArguments { id, limit, before, connect } = arguments;
    let mut support = connect.connect().await?.support();
    let wish = ListAudit { session: id, before, limit: Some(limit) };
    let answer = support.list_audit(v1::ListAuditRequest::from(wish)).await?.into_inner();
    let entries: Vec<AuditEntry> = answer.try_into()?;
    if connect.json {
        for entry in &entries {
            output::line(&json::line(&json::audit_entry(entry)));
        }
    } else {
        output::table(&text::audit(&entries));
    }
    Ok(())
}
