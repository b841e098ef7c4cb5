//! Staff at a listener, by `cnc.v1.Support`, in the model's words.

use std::time::Duration;

use cnc_model::session::{SequencedSample, SessionRecord, TestRecord, WatchEvent};
use cnc_model::{Sequence, SessionId, Test, TestId};
use cnc_proto::support::{
    AuditEntry, CancelTest, CreateSession, CreateToken, CreatedSession, CreatedToken, DeletedSession, Document,
    History, HistoryPeriod, HistoryScope, HistorySubjects, IssueTest, ListAudit, ListHistorySubjects, ListSamples,
    Role, SamplePage,
};
use cnc_proto::v1;
use cnc_proto::v1::support_client::SupportClient;
use tokio::time::timeout;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status, Streaming};

/// How long anything that a test waits for may take.
const PATIENCE: Duration = Duration::from_mins(1);

/// A member of staff with a connection of their own.
#[derive(Debug, Clone)]
pub struct Staff(SupportClient<InterceptedService<Channel, Bearer>>);

/// Adds a token to each call.
#[derive(Debug, Clone)]
pub struct Bearer(Option<MetadataValue<Ascii>>);

impl tonic::service::Interceptor for Bearer {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(token) = &self.0 {
            request.metadata_mut().insert("authorization", token.clone());
        }
        Ok(request)
    }
}

/// What one watcher has been told.
#[derive(Debug)]
pub struct Watcher {
    events: Streaming<v1::WatchEvent>,
    /// How often it was told all there is: more than once when it had fallen behind.
    pub snapshots: usize,
    /// The samples so far, each once, in the order of arrival.
    pub samples: Vec<SequencedSample>,
    /// The tests as they were last told.
    pub tests: Vec<TestRecord>,
}

impl Staff {
    /// Connects with a token; without one only a listener that wants none answers.
    ///
    /// # Panics
    /// When the listener cannot be reached.
    pub async fn connect(url: &str, token: Option<&str>) -> Self {
        Self::connect_by(Endpoint::new(url.to_owned()).expect("the listener's address is a URL"), token).await
    }

    /// Connects by an endpoint with settings of its own.
    ///
    /// # Panics
    /// When the listener cannot be reached.
    pub async fn connect_by(endpoint: Endpoint, token: Option<&str>) -> Self {
        let channel = endpoint.connect().await.expect("the listener can be reached");
        let bearer = token.map(|token| format!("Bearer {token}").parse().expect("a token is plain text"));
        Self(SupportClient::with_interceptor(channel, Bearer(bearer)))
    }

    /// Makes a session with a plan; without a name with the listener's default.
    ///
    /// # Panics
    /// When the listener refuses.
    pub async fn create_session(&mut self, plan: Option<&str>) -> CreatedSession {
        let wanted = CreateSession { plan: plan.map(str::to_owned), label: "a test".to_owned() };
        let made = self.0.create_session(v1::CreateSessionRequest::from(wanted)).await.expect("a session is made");
        made.into_inner().try_into().expect("the answer is sound")
    }

    /// Makes a token with a role.
    ///
    /// # Panics
    /// When the listener refuses.
    pub async fn token(&mut self, role: Role) -> String {
        let wish = CreateToken { role, name: format!("a {role}") };
        let made = self.0.create_token(v1::CreateTokenRequest::from(wish)).await.expect("a token is made");
        CreatedToken::try_from(made.into_inner()).expect("the answer is sound").token
    }

    /// Pushes a test.
    ///
    /// # Panics
    /// When the listener refuses.
    pub async fn issue(&mut self, session: SessionId, test: Test) -> TestRecord {
        let issue = IssueTest { session, test };
        let record = self.0.issue_test(v1::IssueTestRequest::from(issue)).await.expect("the test is issued");
        record.into_inner().try_into().expect("the answer is sound")
    }

    /// Cancels a test.
    ///
    /// # Panics
    /// When the listener refuses.
    pub async fn cancel(&mut self, session: SessionId, test: TestId) {
        let cancel = CancelTest { session, test };
        self.0.cancel_test(v1::CancelTestRequest::from(cancel)).await.expect("the test is cancelled");
    }

    /// Ends a session.
    ///
    /// # Panics
    /// When the listener refuses.
    pub async fn end(&mut self, session: SessionId) {
        self.0.end_session(v1::EndSessionRequest::from(session)).await.expect("the session is told to end");
    }

    /// Removes a session with all that was stored of it.
    ///
    /// # Panics
    /// When the listener refuses.
    pub async fn delete(&mut self, session: SessionId) {
        self.0.delete_session(v1::DeleteSessionRequest::from(session)).await.expect("the session is deleted");
    }

    /// Removes a session, and gives what was said to be removed.
    ///
    /// # Panics
    /// When the listener refuses.
    pub async fn delete_told(&mut self, session: SessionId) -> DeletedSession {
        let removed = self.0.delete_session(v1::DeleteSessionRequest::from(session)).await;
        removed.expect("the session is deleted").into_inner().try_into().expect("the answer is sound")
    }

    /// Tells how a session's document in Drive stands.
    ///
    /// # Panics
    /// When the listener refuses.
    pub async fn document(&mut self, session: SessionId) -> Document {
        let told = self.0.get_document(v1::GetDocumentRequest::from(session)).await.expect("it is told");
        told.into_inner().try_into().expect("the answer is sound")
    }

    /// Lists what was done to a session.
    ///
    /// # Panics
    /// When the listener refuses.
    pub async fn audit(&mut self, session: SessionId) -> Vec<AuditEntry> {
        let wish = ListAudit { session: Some(session), before: None, limit: None };
        let listed = self.0.list_audit(v1::ListAuditRequest::from(wish)).await.expect("it is listed");
        listed.into_inner().try_into().expect("the answer is sound")
    }

    /// Tells how the listener does.
    ///
    /// # Panics
    /// When the listener refuses.
    pub async fn status(&mut self) -> v1::GetStatusResponse {
        self.0.get_status(v1::GetStatusRequest {}).await.expect("it is told").into_inner()
    }

    /// Gives a session with its tests.
    ///
    /// # Panics
    /// When the listener refuses.
    pub async fn session(&mut self, session: SessionId) -> SessionRecord {
        let record = self.0.get_session(v1::GetSessionRequest::from(session)).await.expect("the session is there");
        record.into_inner().try_into().expect("the answer is sound")
    }

    /// Reads all samples of a test from the record.
    ///
    /// # Panics
    /// When the listener refuses.
    pub async fn samples(&mut self, session: SessionId, test: TestId) -> Vec<SequencedSample> {
        let mut samples = Vec::<SequencedSample>::new();
        loop {
            let after = samples.last().map_or(Sequence::NONE, |sample| sample.sequence);
            let wanted = ListSamples { session, test: Some(test), after, limit: None };
            let page = self.0.list_samples(v1::ListSamplesRequest::from(wanted)).await.expect("samples are read");
            let page = SamplePage::try_from(page.into_inner()).expect("the answer is sound");
            samples.extend(page.samples);
            if !page.more {
                return samples;
            }
        }
    }

    /// Lists the sessions' ids, the newest first.
    ///
    /// # Panics
    /// When the listener refuses.
    pub async fn sessions(&mut self) -> Vec<SessionId> {
        let list = self.0.list_sessions(v1::ListSessionsRequest::default()).await.expect("the sessions are listed");
        let list: Vec<cnc_model::session::SessionOverview> = list.into_inner().try_into().expect("the answer is sound");
        list.into_iter().map(|overview| overview.id).collect()
    }

    /// Asks for the figures of a destination or provider.
    ///
    /// # Errors
    /// When the listener refuses.
    ///
    /// # Panics
    /// When the answer is none.
    pub async fn history(&mut self, scope: HistoryScope) -> Result<History, Status> {
        let answer = self.0.get_history(v1::GetHistoryRequest::from(scope)).await?;
        Ok(answer.into_inner().try_into().expect("the answer is sound"))
    }

    /// Gives what there are figures of once history lacks no more than so many sessions.
    ///
    /// # Panics
    /// When it does not get there in time.
    pub async fn summed_up(&mut self, period: HistoryPeriod, behind: u32) -> HistorySubjects {
        let wanted = v1::ListHistorySubjectsRequest::from(ListHistorySubjects { period, limit: None });
        let caught_up = async {
            loop {
                let answer = self.0.list_history_subjects(wanted).await.expect("it answers").into_inner();
                let subjects = HistorySubjects::try_from(answer).expect("the answer is sound");
                if subjects.sessions_behind <= behind {
                    return subjects;
                }
            }
        };
        timeout(PATIENCE, caught_up).await.expect("history catches up in time")
    }

    /// Begins to follow a session, as the stream that it is.
    ///
    /// # Panics
    /// When the listener refuses.
    pub async fn events(&mut self, session: &str) -> Streaming<v1::WatchEvent> {
        let request = v1::WatchSessionRequest { session: session.to_owned() };
        self.0.watch_session(request).await.expect("the session can be watched").into_inner()
    }

    /// Begins to follow a session.
    ///
    /// # Panics
    /// When the listener refuses, or begins with anything but what there is.
    pub async fn watch(&mut self, session: SessionId) -> Watcher {
        let events = self.events(&session.to_string()).await;
        let mut watcher = Watcher { events, snapshots: 0, samples: Vec::new(), tests: Vec::new() };
        assert!(
            matches!(watcher.next().await, Some(WatchEvent::Snapshot { .. })),
            "a watcher begins with what there is"
        );
        watcher
    }
}

impl Watcher {
    /// Gives the next event; `None` when the session is over.
    ///
    /// # Panics
    /// When none comes in time, or the stream breaks.
    pub async fn next(&mut self) -> Option<WatchEvent> {
        let message = timeout(PATIENCE, self.events.message()).await.expect("the next event comes in time");
        let event = WatchEvent::try_from(message.expect("the stream holds")?).expect("the event is sound");
        match &event {
            WatchEvent::Snapshot { record, recent } => {
                self.snapshots += 1;
                self.tests.clone_from(&record.tests);
                let last = self.samples.last().map(|sample| sample.sequence);
                self.samples.extend(recent.iter().filter(|sample| Some(sample.sequence) > last));
            }
            WatchEvent::Session(_) | WatchEvent::Absence(_) => {}
            WatchEvent::Test(test) => match self.tests.iter_mut().find(|known| known.id == test.id) {
                Some(known) => known.clone_from(test),
                None => self.tests.push((**test).clone()),
            },
            WatchEvent::Samples(samples) => self.samples.extend(samples),
        }
        Some(event)
    }

    /// Follows the session until something is so.
    ///
    /// # Panics
    /// When the session is over before.
    pub async fn until(&mut self, what: &str, mut is_so: impl FnMut(&Self) -> bool) {
        while !is_so(self) {
            assert!(self.next().await.is_some(), "the session was over before: {what}");
        }
    }

    /// Follows the session until each of its tests has ended.
    pub async fn plan_done(&mut self) {
        let ended =
            |watcher: &Self| !watcher.tests.is_empty() && watcher.tests.iter().all(|test| test.outcome.is_some());
        self.until("every test has ended", ended).await;
    }

    /// Follows the session to its end.
    pub async fn over(&mut self) {
        while self.next().await.is_some() {}
    }
}
