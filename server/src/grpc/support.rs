//! `cnc.v1.Support`: what staff and their scripts ask. Every call is checked against the caller's role first.

mod desk;

use std::pin::Pin;

use cnc_model::{Plan, SessionId};
use cnc_proto::support::{
    AddNote, CancelTest, CreateSession, CreateToken, CreatedSession, DeletedSession, HistoryScope, IssuePlan,
    IssueTest, ListActivity, ListAudit, ListHistorySessions, ListHistorySubjects, ListSamples, ListSessions, Note,
    RevokeToken, SamplePage, WhoAmI,
};
use cnc_proto::v1;
use futures_util::StreamExt as _;
use tokio_stream::Stream;
use tonic::{Request, Response, Status};

use super::{Services, status};
use crate::clock;
use crate::roles::Call;
use crate::staff::Who;
use crate::store::Removed;
use desk::{PAGE, audited, limit, shown_document};

/// Where staff's calls come in.
#[derive(Debug)]
pub(super) struct Desk {
    pub(super) services: Services,
}

type Watch = Pin<Box<dyn Stream<Item = Result<v1::WatchEvent, Status>> + Send>>;

#[tonic::async_trait]
impl v1::support_server::Support for Desk {
    type WatchSessionStream = Watch;

    async fn create_session(
        &self,
        request: Request<v1::CreateSessionRequest>,
    ) -> Result<Response<v1::CreateSessionResponse>, Status> {
        let (who, CreateSession { plan, label }) = self.enter(request, Call::CreateSession).await?;
        let id = self.services.sessions.new_id();
        let detail = format!("plan {}, label {label:?}", plan.as_deref().unwrap_or("default"));
        self.note(&who, Call::CreateSession, Some(id), detail).await?;
        let created = self.services.sessions.create(id, plan.as_deref(), label);
        let session = created.map_err(|error| status::sessions(&error))?;
        let code = session.code.ok_or_else(|| Status::internal("a new session has no code"))?;
        let link = format!("{}/j/{code}", self.services.address_for_users);
        Ok(Response::new(CreatedSession { session, code, link }.into()))
    }

    async fn list_sessions(
        &self,
        request: Request<v1::ListSessionsRequest>,
    ) -> Result<Response<v1::ListSessionsResponse>, Status> {
        let (_, ListSessions { limit: asked, before, filter }) = self.enter(request, Call::ListSessions).await?;
        Ok(Response::new(self.list(filter, limit(asked), before).await?.into()))
    }

    async fn get_session(
        &self,
        request: Request<v1::GetSessionRequest>,
    ) -> Result<Response<v1::SessionRecord>, Status> {
        let (_, id): (_, SessionId) = self.enter(request, Call::GetSession).await?;
        let record = self.services.sessions.record(id).await;
        Ok(Response::new(self.known(id, record).await?.into()))
    }

    async fn watch_session(&self, request: Request<v1::WatchSessionRequest>) -> Result<Response<Watch>, Status> {
        let (_, id): (_, SessionId) = self.enter(request, Call::WatchSession).await?;
        let watching = self.services.sessions.watch(id).await;
        let events = self.known(id, watching).await?.into_stream();
        let counted = self.services.metrics.watcher();
        Ok(Response::new(Box::pin(events.map(move |event| {
            let _counted = &counted;
            event.map(|event| (*event).clone().into()).map_err(|error| status::sessions(&error))
        }))))
    }

    async fn issue_test(&self, request: Request<v1::IssueTestRequest>) -> Result<Response<v1::TestRecord>, Status> {
        let (who, IssueTest { session, test }) = self.enter(request, Call::IssueTest).await?;
        self.note(&who, Call::IssueTest, Some(session), test.title()).await?;
        let issued = self.services.sessions.issue(session, test, who.name).await;
        Ok(Response::new(self.known(session, issued).await?.into()))
    }

    async fn issue_plan(
        &self,
        request: Request<v1::IssuePlanRequest>,
    ) -> Result<Response<v1::IssuePlanResponse>, Status> {
        let (who, IssuePlan { session, plan }) = self.enter(request, Call::IssuePlan).await?;
        self.note(&who, Call::IssuePlan, Some(session), plan.clone()).await?;
        let issued = self.services.sessions.issue_plan(session, &plan, who.name).await;
        Ok(Response::new(self.known(session, issued).await?.into()))
    }

    async fn cancel_test(
        &self,
        request: Request<v1::CancelTestRequest>,
    ) -> Result<Response<v1::CancelTestResponse>, Status> {
        let (who, CancelTest { session, test }) = self.enter(request, Call::CancelTest).await?;
        self.note(&who, Call::CancelTest, Some(session), test.to_string()).await?;
        let cancelled = self.services.sessions.cancel(session, test).await;
        self.known(session, cancelled).await?;
        Ok(Response::new(v1::CancelTestResponse {}))
    }

    async fn end_session(
        &self,
        request: Request<v1::EndSessionRequest>,
    ) -> Result<Response<v1::EndSessionResponse>, Status> {
        let (who, id): (_, SessionId) = self.enter(request, Call::EndSession).await?;
        self.note(&who, Call::EndSession, Some(id), String::new()).await?;
        let ended = self.services.sessions.end(id).await;
        self.known(id, ended).await?;
        Ok(Response::new(v1::EndSessionResponse {}))
    }

    async fn delete_session(
        &self,
        request: Request<v1::DeleteSessionRequest>,
    ) -> Result<Response<v1::DeleteSessionResponse>, Status> {
        let (who, id): (_, SessionId) = self.enter(request, Call::DeleteSession).await?;
        self.note(&who, Call::DeleteSession, Some(id), String::new()).await?;
        let report = self.services.reports.join(format!("{id}.html"));
        let had_report = tokio::fs::try_exists(&report).await.unwrap_or(false);
        let deleted = self.services.sessions.delete(id).await;
        let Removed { tests, samples, history_hours, is_exported, document } = self.known(id, deleted).await?;
        let mut documents = if had_report { vec![format!("reports/{id}.html")] } else { Vec::new() };
        if is_exported {
            documents.push("its rows in BigQuery, as soon as that lets go of them".to_owned());
        }
        if document {
            documents.push("its document in Google Drive, which goes as soon as Drive answers".to_owned());
        }
        Ok(Response::new(DeletedSession { tests, samples, documents, history_hours }.into()))
    }

    async fn list_samples(
        &self,
        request: Request<v1::ListSamplesRequest>,
    ) -> Result<Response<v1::ListSamplesResponse>, Status> {
        let (_, ListSamples { session, test, after, limit: asked }) = self.enter(request, Call::ListSamples).await?;
        let limit = limit(asked);
        let page = self.services.store.samples(session, test, after, limit + 1).await;
        let mut samples = page.map_err(|error| status::store(&error))?;
        if samples.is_empty() {
            // None yet, or no such session.
            let record = self.services.sessions.record(session).await;
            record.map_err(|error| status::sessions(&error))?;
        }
        let more = samples.len() > limit as usize;
        samples.truncate(limit as usize);
        Ok(Response::new(SamplePage { samples, more }.into()))
    }

    async fn list_plans(
        &self,
        request: Request<v1::ListPlansRequest>,
    ) -> Result<Response<v1::ListPlansResponse>, Status> {
        self.admit(&request, Call::ListPlans).await?;
        let plans: Vec<Plan> = self.services.plans.iter().cloned().collect();
        Ok(Response::new(plans.into()))
    }

    async fn create_token(
        &self,
        request: Request<v1::CreateTokenRequest>,
    ) -> Result<Response<v1::CreateTokenResponse>, Status> {
        let (who, wish): (_, CreateToken) = self.enter(request, Call::CreateToken).await?;
        self.note(&who, Call::CreateToken, None, format!("{} {:?}", wish.role, wish.name)).await?;
        let created = self.services.staff.create(wish, &who).await.map_err(|error| status::store(&error))?;
        Ok(Response::new(created.into()))
    }

    async fn list_tokens(
        &self,
        request: Request<v1::ListTokensRequest>,
    ) -> Result<Response<v1::ListTokensResponse>, Status> {
        self.admit(&request, Call::ListTokens).await?;
        Ok(Response::new(self.services.staff.list().into()))
    }

    async fn revoke_token(
        &self,
        request: Request<v1::RevokeTokenRequest>,
    ) -> Result<Response<v1::RevokeTokenResponse>, Status> {
        let (who, RevokeToken { id }) = self.enter(request, Call::RevokeToken).await?;
        self.note(&who, Call::RevokeToken, None, id.clone()).await?;
        if self.services.staff.revoke(&id).await.map_err(|error| status::store(&error))? {
            Ok(Response::new(v1::RevokeTokenResponse {}))
        } else {
            Err(status::no_token(&id))
        }
    }

    async fn list_audit(
        &self,
        request: Request<v1::ListAuditRequest>,
    ) -> Result<Response<v1::ListAuditResponse>, Status> {
        let (_, ListAudit { session, before, limit: asked }) = self.enter(request, Call::ListAudit).await?;
        let entries = self.services.store.audited(session, before, limit(asked)).await;
        let entries = entries.map_err(|error| status::store(&error))?.into_iter().map(audited);
        Ok(Response::new(entries.collect::<Vec<_>>().into()))
    }

    async fn who_am_i(&self, request: Request<v1::WhoAmIRequest>) -> Result<Response<v1::WhoAmIResponse>, Status> {
        let Who { name, role, .. } = self.admit(&request, Call::WhoAmI).await?;
        let operator = self.services.sessions.operator().to_owned();
        let who = WhoAmI { name, role, version: env!("CARGO_PKG_VERSION").into(), operator, now: clock::wall() };
        Ok(Response::new(who.into()))
    }

    async fn list_activity(
        &self,
        request: Request<v1::ListActivityRequest>,
    ) -> Result<Response<v1::ListActivityResponse>, Status> {
        let (_, ListActivity { sessions }) = self.enter(request, Call::ListActivity).await?;
        Ok(Response::new(self.services.sessions.activity(&sessions).await.into()))
    }

    async fn add_note(&self, request: Request<v1::AddNoteRequest>) -> Result<Response<v1::Note>, Status> {
        let (who, AddNote { session, text }) = self.enter(request, Call::AddNote).await?;
        self.note(&who, Call::AddNote, Some(session), String::new()).await?;
        let note = Note { at: clock::wall(), who: who.name, text };
        let stored = self.services.store.add_note(session, note.clone()).await;
        stored.map_err(|error| status::store(&error))?;
        Ok(Response::new(note.into()))
    }

    async fn list_notes(
        &self,
        request: Request<v1::ListNotesRequest>,
    ) -> Result<Response<v1::ListNotesResponse>, Status> {
        let (_, id): (_, SessionId) = self.enter(request, Call::ListNotes).await?;
        let notes = self.services.store.notes(id, PAGE).await.map_err(|error| status::store(&error))?;
        Ok(Response::new(notes.into()))
    }

    async fn share_report(
        &self,
        request: Request<v1::ShareReportRequest>,
    ) -> Result<Response<v1::ShareReportResponse>, Status> {
        let (who, id): (_, SessionId) = self.enter(request, Call::ShareReport).await?;
        self.note(&who, Call::ShareReport, Some(id), String::new()).await?;
        Ok(Response::new(v1::ShareReportResponse { link: self.share(id, who.name).await? }))
    }

    async fn unshare_report(
        &self,
        request: Request<v1::UnshareReportRequest>,
    ) -> Result<Response<v1::UnshareReportResponse>, Status> {
        let (who, id): (_, SessionId) = self.enter(request, Call::UnshareReport).await?;
        self.note(&who, Call::UnshareReport, Some(id), String::new()).await?;
        self.services.store.unshare(id, clock::wall()).await.map_err(|error| status::store(&error))?;
        Ok(Response::new(v1::UnshareReportResponse {}))
    }

    async fn get_sharing(
        &self,
        request: Request<v1::GetSharingRequest>,
    ) -> Result<Response<v1::GetSharingResponse>, Status> {
        let (_, id): (_, SessionId) = self.enter(request, Call::GetSharing).await?;
        let links = self.services.store.shared(id).await.map_err(|error| status::store(&error))?;
        Ok(Response::new(v1::GetSharingResponse { links }))
    }

    async fn get_document(
        &self,
        request: Request<v1::GetDocumentRequest>,
    ) -> Result<Response<v1::GetDocumentResponse>, Status> {
        let (_, id): (_, SessionId) = self.enter(request, Call::GetDocument).await?;
        let stored = self.services.store.document(id).await.map_err(|error| status::store(&error))?;
        Ok(Response::new(stored.map(shown_document).unwrap_or_default().into()))
    }

    async fn get_status(
        &self,
        request: Request<v1::GetStatusRequest>,
    ) -> Result<Response<v1::GetStatusResponse>, Status> {
        self.admit(&request, Call::GetStatus).await?;
        Ok(Response::new(self.services.standing().await.map_err(|error| status::store(&error))?.into()))
    }

    async fn get_history(
        &self,
        request: Request<v1::GetHistoryRequest>,
    ) -> Result<Response<v1::GetHistoryResponse>, Status> {
        let (_, scope): (_, HistoryScope) = self.enter(request, Call::History).await?;
        let history = self.services.history.figures(scope).await;
        Ok(Response::new(history.map_err(|error| status::history(&error))?.into()))
    }

    async fn list_history_subjects(
        &self,
        request: Request<v1::ListHistorySubjectsRequest>,
    ) -> Result<Response<v1::ListHistorySubjectsResponse>, Status> {
        let (_, wish): (_, ListHistorySubjects) = self.enter(request, Call::History).await?;
        let subjects = self.services.history.subjects(wish).await;
        Ok(Response::new(subjects.map_err(|error| status::history(&error))?.into()))
    }

    async fn list_history_sessions(
        &self,
        request: Request<v1::ListHistorySessionsRequest>,
    ) -> Result<Response<v1::ListHistorySessionsResponse>, Status> {
        let (_, point): (_, ListHistorySessions) = self.enter(request, Call::History).await?;
        let sessions = self.services.history.sessions(point).await;
        Ok(Response::new(sessions.map_err(|error| status::history(&error))?.into()))
    }
}
