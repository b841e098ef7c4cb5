//! What several calls of staff's have in common: who calls, whether they may, and what is listed or shared.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use cnc_model::SessionId;
use cnc_model::session::SessionOverview;
use cnc_proto::Invalid;
use cnc_proto::support::{AuditEntry, Document, SessionFilter};
use tonic::{Request, Status};

use super::Desk;
use crate::clock;
use crate::grpc::status;
use crate::roles::Call;
use crate::sessions::SessionsError;
use crate::staff::{Browser, Denied, Who};
use crate::store::{Document as StoredDocument, DocumentState, MAX_PAGE, ReportLink, StoredAudit};

/// How many of a list are given where nobody says how many.
pub(super) const PAGE: u32 = 1_000;

impl Desk {
    /// Finds who calls, and takes the request in.
    pub(super) async fn enter<W, M>(&self, request: Request<W>, call: Call) -> Result<(Who, M), Status>
    where
        M: TryFrom<W, Error = Invalid>,
    {
        let who = self.admit(&request, call).await?;
        let taken = M::try_from(request.into_inner()).map_err(|error| status::invalid(&error))?;
        Ok((who, taken))
    }

    pub(super) async fn admit<W>(&self, request: &Request<W>, call: Call) -> Result<Who, Status> {
        let header = request.metadata().get("authorization").and_then(|value| value.to_str().ok());
        let token = header.and_then(crate::staff::bearer);
        let browser = request.extensions().get::<Browser>();
        self.services.staff.check_either(token, browser, call).await.map_err(|error: Denied| {
            self.services.metrics.call_denied();
            status::denied(error)
        })
    }

    /// Notes who does what, before it is done: what cannot be noted is not done.
    pub(super) async fn note(
        &self,
        who: &Who,
        call: Call,
        session: Option<SessionId>,
        detail: String,
    ) -> Result<(), Status> {
        self.services.note(who, call, session, detail).await.map_err(|error| status::store(&error))
    }

    /// Tells a session that is over from one that never was.
    pub(super) async fn known<T>(&self, id: SessionId, asked: Result<T, SessionsError>) -> Result<T, Status> {
        let Err(SessionsError::Ended(_)) = &asked else {
            return asked.map_err(|error| status::sessions(&error));
        };
        let stored = self.services.store.session(id).await.map_err(|error| status::store(&error))?;
        let error = if stored.is_some() { SessionsError::Ended(id) } else { SessionsError::NotFound(id) };
        Err(status::sessions(&error))
    }

    /// Lists what is stored, as it is now where it is live.
    pub(super) async fn list(
        &self,
        filter: SessionFilter,
        limit: u32,
        before: Option<SessionId>,
    ) -> Result<Vec<SessionOverview>, Status> {
        let all_are_wanted = filter == SessionFilter::default();
        let stored =
            self.services.store.sessions(filter, limit, before).await.map_err(|error| status::store(&error))?;
        // Live ones beyond the page's end come with a later page.
        let last = (stored.len() == limit as usize).then(|| stored.last().map(|overview| overview.id)).flatten();
        let on_page = |id: SessionId| before.is_none_or(|before| id < before) && last.is_none_or(|last| id >= last);
        let live = self.services.sessions.overviews().into_iter().filter(|overview| on_page(overview.id));
        let mut all: BTreeMap<_, _> = stored.into_iter().map(|overview| (overview.id, overview)).collect();
        // A search is the record's to answer: one that is not stored yet is found a moment later.
        let known = live.filter(|overview| all_are_wanted || all.contains_key(&overview.id)).collect::<Vec<_>>();
        all.extend(known.into_iter().map(|overview| (overview.id, overview)));
        Ok(all.into_values().rev().take(limit as usize).collect())
    }
}

impl Desk {
    /// Makes a link to a session's report.
    pub(super) async fn share(&self, session: SessionId, by: String) -> Result<String, Status> {
        let report = self.services.reports.join(format!("{session}.html"));
        if !tokio::fs::try_exists(&report).await.unwrap_or(false) {
            return Err(status::no_report(session));
        }
        let token = crate::secret::token();
        let hash = crate::secret::hash(token.as_bytes());
        let link = ReportLink { session, hash, created: clock::wall(), shared_by: Some(by) };
        self.services.store.insert_report_link(link).await.map_err(|error| status::store(&error))?;
        Ok(format!("{}/r/{token}", self.services.address_for_users))
    }
}

/// Gives how many of a list are given: as many as were asked for, and a page where nobody said.
pub(super) fn limit(asked: Option<NonZeroU32>) -> u32 {
    asked.map_or(PAGE, NonZeroU32::get).min(MAX_PAGE - 1)
}

/// Gives what staff are shown of a document.
pub(super) fn shown_document(stored: StoredDocument) -> Document {
    let waiting = stored.state == DocumentState::Waiting;
    Document { url: stored.file.map(|file| file.link), waiting, error: stored.last_error.filter(|_| waiting) }
}

/// Gives an entry of the audit as it is sent.
pub(super) fn audited(entry: StoredAudit) -> AuditEntry {
    let StoredAudit { id, at, who, action, session, detail } = entry;
    AuditEntry { id, at, who, action, session, detail }
}
