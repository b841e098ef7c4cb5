//! What staff ask of one session: each question goes through the session's queue of commands.

use cnc_model::message::When;
use cnc_model::session::{EndReason, SessionRecord, TestRecord};
use cnc_model::{SessionId, Test, TestId};
use cnc_proto::support::Activity;
use tokio::sync::oneshot;

use super::command::{Command, Order};
use super::{ReportError, Sessions, SessionsError, reporting};
use crate::store::Removed;

impl Sessions {
    /// Issues a test to a session, to run at once.
    ///
    /// # Errors
    /// Fails when the session is unknown, over, or says no.
    pub async fn issue(&self, id: SessionId, test: Test, by: String) -> Result<TestRecord, SessionsError> {
        let order = Box::new(Order { tests: vec![(When::Now, test)], by });
        let mut records = self.ask(id, |reply| Command::Issue { order, reply }).await??;
        records.pop().ok_or(SessionsError::Ended(id))
    }

    /// Issues all tests of a plan, behind those that wait.
    ///
    /// # Errors
    /// Fails when the plan or session is unknown, or the session says no.
    pub async fn issue_plan(&self, id: SessionId, plan: &str, by: String) -> Result<Vec<TestRecord>, SessionsError> {
        let plan = self.plan(plan)?;
        let tests = plan.tests().map(|(stage, test)| (When::Stage(stage), test.clone())).collect();
        let order = Box::new(Order { tests, by });
        Ok(self.ask(id, |reply| Command::Issue { order, reply }).await??)
    }

    /// Tells a client to stop a test.
    ///
    /// # Errors
    /// Fails when the session or test is unknown or over.
    pub async fn cancel(&self, id: SessionId, test: TestId) -> Result<(), SessionsError> {
        Ok(self.ask(id, |reply| Command::Cancel { test, reply }).await??)
    }

    /// Ends a session as staff's wish.
    ///
    /// # Errors
    /// Fails when the session is unknown or over.
    pub async fn end(&self, id: SessionId) -> Result<(), SessionsError> {
        Ok(self.ask(id, |reply| Command::End { reason: EndReason::Staff, reply }).await??)
    }

    /// Removes a session and all that was stored of it; a live one is dropped first, its client let go.
    ///
    /// # Errors
    /// Fails when the session is unknown or the record cannot be written.
    pub async fn delete(&self, id: SessionId) -> Result<Removed, SessionsError> {
        match self.ask(id, |reply| Command::Drop { reply }).await {
            Ok(()) | Err(SessionsError::Ended(_)) => {}
            Err(other) => return Err(other),
        }
        let removed = self.shared.store.delete(id, self.shared.clock.now().wall).await?;
        reporting::remove(&self.shared.settings.reports, id).await;
        removed.ok_or(SessionsError::NotFound(id))
    }

    /// Gives a session with its tests, as it is now or as it was stored.
    ///
    /// # Errors
    /// Fails when the session is unknown or the record cannot be read.
    pub async fn record(&self, id: SessionId) -> Result<SessionRecord, SessionsError> {
        match self.ask(id, |reply| Command::Record { reply }).await {
            Ok(record) => Ok(*record),
            Err(SessionsError::Ended(_)) => self.shared.store.record(id).await?.ok_or(SessionsError::NotFound(id)),
            Err(other) => Err(other),
        }
    }

    /// Draws a session's report as a document for word processors, as it is stored now.
    pub(crate) async fn document(&self, id: SessionId) -> Result<Vec<u8>, ReportError> {
        let made = self.shared.clock.now().wall;
        reporting::draw_document(&self.shared.store, id, &self.shared.settings.operator, made).await
    }

    /// Tells what goes on in those of the given sessions that are live.
    pub async fn activity(&self, ids: &[SessionId]) -> Vec<Activity> {
        let asked = ids.iter().map(|&id| self.ask(id, |reply| Command::Activity { reply }));
        let told = futures_util::future::join_all(asked).await;
        told.into_iter().flatten().map(|activity| *activity).collect()
    }

    /// Asks a live session; `Ended` stands for every session that is not live.
    pub(super) async fn ask<T>(
        &self,
        id: SessionId,
        command: impl FnOnce(oneshot::Sender<T>) -> Command,
    ) -> Result<T, SessionsError> {
        let handle = self.handle(id).ok_or(SessionsError::Ended(id))?;
        let (reply, answer) = oneshot::channel();
        handle.commands.send(command(reply)).await.map_err(|_| SessionsError::Ended(id))?;
        // Liveness: the task answers or drops the sender as it ends.
        answer.await.map_err(|_| SessionsError::Ended(id))
    }
}
