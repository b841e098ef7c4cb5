//! The registry of live sessions: finds the session that a client, a code or a member of staff means.
//!
//! Each session is a task of its own (`sessions/task.rs`) around the pure [`crate::session::Session`]. What is asked
//! of one goes through its bounded queue of commands; nothing here decides what a session does.

use std::collections::HashMap;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cnc_model::message::{EchoToken, Hello, When};
use cnc_model::session::{EndReason, SessionOverview, SessionRecord, TestRecord};
use cnc_model::{ClientKey, Code, Plan, SessionId, Test, TestId};
use thiserror::Error;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::clock::Clock;
use crate::config::Retention;
use crate::limits::{Limits, Over, Place, Source};
use crate::networks::Networks;
use crate::secret;
use crate::session::{NewSession, Refusal, Session, Waits};
use crate::store::{Removed, Store, StoreError, StoredSession};

mod codes;
mod reporting;
mod retention;
mod stream;
mod task;
#[cfg(test)]
mod tests;
mod watch;

pub use codes::CodeStanding;
pub use stream::{Closing, Inbound, InboundError, OUTBOUND, Outbound};
pub use watch::Watching;

use codes::Codes;
use task::{Attached, Attaching, Command, Task};

/// What staff and clients may ask of one session and not yet have had: each of them waits for room, so a session
/// that is held up by the disk holds up only those who ask of it.
const COMMANDS: usize = 64;

/// How the registry is to behave.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The organisation's name, shown to users.
    pub operator: String,
    /// How long sessions wait for what.
    pub waits: Waits,
    /// Whether a client may come without a code.
    pub walk_in: bool,
    /// The plan of walk-ins and of sessions made without naming one.
    pub default_plan: String,
    /// All plans.
    pub plans: Vec<Plan>,
    /// Where reports are written.
    pub reports: PathBuf,
    /// How long what is stored of ended sessions is kept.
    pub retention: Retention,
    /// How this listener is reached from outside, for links; without a trailing slash.
    pub public_url: Option<String>,
    /// Whose network an address belongs to.
    pub networks: Arc<Networks>,
    /// Whether the UDP echo is open.
    pub udp_echo: bool,
}

/// Why something asked of the registry cannot be had.
#[derive(Debug, Error)]
pub enum SessionsError {
    /// There is no session of that id.
    #[error("there is no session {0}")]
    NotFound(SessionId),
    /// The session is over: it can be read, not changed.
    #[error("session {0} has ended")]
    Ended(SessionId),
    /// There is no plan of that name.
    #[error("there is no plan {name:?}; there are: {known}")]
    UnknownPlan {
        /// What was asked for.
        name: String,
        /// The names of those that exist.
        known: String,
    },
    /// A bound was reached.
    #[error(transparent)]
    Over(#[from] Over),
    /// The session says no.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The record cannot be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The listener is stopping.
    #[error("the listener is stopping: try again in a moment")]
    Stopping,
}

/// Why a client is not let in.
#[derive(Debug, Error)]
pub enum AttachError {
    /// No waiting session has that code.
    #[error("no session waits for the code {0}: ask for it again, it holds for 30 minutes and for one device")]
    UnknownCode(Code),
    /// The client has no code and walk-ins are not allowed.
    #[error("this service needs a code: ask the support person for one")]
    CodeNeeded,
    /// A bound was reached.
    #[error(transparent)]
    Over(#[from] Over),
    /// The record cannot be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The listener is stopping.
    #[error("the listener is stopping: it will be back in a moment")]
    Stopping,
}

/// The registry. Cloning it gives another handle to the same one.
#[derive(Debug, Clone)]
pub struct Sessions {
    shared: Arc<Shared>,
}

/// What the registry and every session's task hold together.
#[derive(Debug)]
struct Shared {
    store: Store,
    limits: Arc<Limits>,
    settings: Settings,
    clock: Clock,
    live: Mutex<Live>,
    tasks: TaskTracker,
    stop: CancellationToken,
}

/// Where live sessions are found. Entries go when their task ends.
#[derive(Debug, Default)]
struct Live {
    handles: HashMap<SessionId, Handle>,
    /// By the hashes of codes that may still join.
    codes: Codes,
    /// By the hashes of their clients' keys.
    keys: HashMap<[u8; 32], SessionId>,
    /// By the hashes of the tokens that open the speed endpoints; each hash is the token for the UDP echo.
    speed_tokens: HashMap<[u8; 32], SessionId>,
}

impl Live {
    fn by_key(&self, hash: [u8; 32]) -> Option<Handle> {
        self.handles.get(self.keys.get(&hash)?).cloned()
    }

    fn by_code(&self, hash: [u8; 32]) -> Option<Handle> {
        self.handles.get(&self.codes.waiting(hash)?).cloned()
    }
}

/// Where a client's session was found.
enum Found {
    Live(Handle),
    Stored(Box<StoredSession>),
}

#[derive(Debug, Clone)]
struct Handle {
    commands: mpsc::Sender<Command>,
    overview: Arc<Mutex<SessionOverview>>,
}

impl Shared {
    fn live(&self) -> MutexGuard<'_, Live> {
        // A panic while it is held leaves whole entries behind, so it can go on.
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sessions {
    /// Opens the registry and goes on with the sessions that had not ended when the listener stopped.
    ///
    /// # Errors
    /// Fails when the record cannot be read.
    pub async fn start(store: Store, settings: Settings, limits: Arc<Limits>) -> Result<Self, SessionsError> {
        let open = store.open_sessions().await?;
        let shared = Shared {
            store,
            limits,
            settings,
            clock: Clock::start(),
            live: Mutex::default(),
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
        };
        let sessions = Self { shared: Arc::new(shared) };
        for stored in open {
            sessions.go_on_with(stored, None);
        }
        sessions.shared.tasks.spawn(reporting::run(sessions.clone()));
        let networks = Arc::clone(&sessions.shared.settings.networks);
        sessions.shared.tasks.spawn(networks.run(sessions.shared.stop.child_token()));
        sessions.shared.tasks.spawn(retention::run(sessions.clone(), retention::EVERY));
        Ok(sessions)
    }

    /// Takes in a client's stream; from here on the session's task owns both directions.
    ///
    /// # Errors
    /// Fails when no session is meant, or none may be made.
    pub async fn attach(
        &self,
        hello: Hello,
        public_address: IpAddr,
        inbound: Inbound,
        outbound: Outbound,
    ) -> Result<(), AttachError> {
        let key_hash = secret::hash(hello.key.expose());
        let code = hello.code;
        let mut client = Box::new(Attaching { hello, key_hash, public_address, inbound, outbound });
        loop {
            let (reply, answer) = oneshot::channel();
            let command = Command::Attach { client, reply };
            let unsent = match self.find_for_client(key_hash, code, public_address).await? {
                Found::Live(handle) => handle.commands.send(command).await.err().map(|unsent| unsent.0),
                Found::Stored(stored) => self.go_on_with(*stored, Some(command)),
            };
            // Liveness: the task answers, or hands the client back as it ends.
            let attached = match unsent {
                Some(Command::Attach { client, .. }) => Attached::Gone(client),
                Some(_) | None => answer.await.map_err(|_| AttachError::Stopping)?,
            };
            match attached {
                Attached::Yes => return Ok(()),
                // Another device was faster with the same code.
                Attached::NotYours => return Err(code.map_or(AttachError::CodeNeeded, AttachError::UnknownCode)),
                // The session was being let go just then; it is found in the store.
                Attached::Gone(back) => client = back,
            }
        }
    }

    /// Finds the session of a key, else of a code, else makes one for a walk-in.
    async fn find_for_client(
        &self,
        key_hash: [u8; 32],
        code: Option<Code>,
        address: IpAddr,
    ) -> Result<Found, AttachError> {
        if self.shared.stop.is_cancelled() {
            return Err(AttachError::Stopping);
        }
        if let Some(handle) = self.shared.live().by_key(key_hash) {
            return Ok(Found::Live(handle));
        }
        if let Some(stored) = self.shared.store.by_key_hash(key_hash).await? {
            return Ok(Found::Stored(Box::new(stored)));
        }
        if let Some(code) = code {
            let hash = secret::hash(&code.bits().to_be_bytes());
            return self.shared.live().by_code(hash).map(Found::Live).ok_or(AttachError::UnknownCode(code));
        }
        if !self.shared.settings.walk_in {
            return Err(AttachError::CodeNeeded);
        }
        let place = self.shared.limits.walk_in(address)?;
        self.must_have_room()?;
        let id = self.open(self.new_id(), String::new(), self.default_plan(), Some(place)).id;
        self.handle(id).map(Found::Live).ok_or(AttachError::Stopping)
    }

    /// Draws the id of a session to be made.
    #[must_use]
    pub fn new_id(&self) -> SessionId {
        SessionId::new(self.shared.clock.now().wall, secret::random_u64())
    }

    /// Makes a session of a new id that waits for a client with its code.
    ///
    /// # Errors
    /// Fails when there is no such plan.
    pub fn create(&self, id: SessionId, plan: Option<&str>, label: String) -> Result<SessionOverview, SessionsError> {
        let plan = match plan {
            Some(name) => self.plan(name)?,
            None => self.default_plan(),
        };
        self.must_have_room()?;
        Ok(self.open(id, label, plan, None))
    }

    fn must_have_room(&self) -> Result<(), Over> {
        let live = self.shared.live().handles.len();
        self.shared.limits.room_for_session(live)
    }

    fn open(&self, id: SessionId, label: String, plan: Plan, walk_in: Option<Place<Source>>) -> SessionOverview {
        let now = self.shared.clock.now();
        let code = Code::from_random(secret::random_u64());
        let new = NewSession {
            id,
            label,
            plan,
            code,
            code_hash: secret::hash(&code.bits().to_be_bytes()),
            walk_in: walk_in.is_some(),
        };
        let session = Session::create(new, self.shared.settings.waits, now);
        let overview = session.overview().clone();
        // A new session's id is its own, so nothing comes back.
        self.run(session, None, walk_in);
        overview
    }

    /// Goes on with a stored session, obeying a first command; gives that back if the session is live already.
    fn go_on_with(&self, stored: StoredSession, first: Option<Command>) -> Option<Command> {
        let now = self.shared.clock.now();
        self.run(Session::restore(stored, self.shared.settings.waits, now), first, None)
    }

    fn run(&self, session: Session, first: Option<Command>, place: Option<Place<Source>>) -> Option<Command> {
        let overview = session.overview().clone();
        let id = overview.id;
        let (commands, queue) = mpsc::channel(COMMANDS);
        let overview = Arc::new(Mutex::new(overview));
        let mut live = self.shared.live();
        if live.handles.contains_key(&id) {
            return first;
        }
        // A walk-in's code is for reading out, not for joining.
        if let Some(hash) = session.code_hash().filter(|_| !session.overview().walk_in) {
            live.codes.insert(hash, id);
        }
        if let Some(hash) = session.key_hash() {
            live.keys.insert(hash, id);
        }
        let speed_token = secret::token();
        live.speed_tokens.insert(secret::hash(speed_token.as_bytes()), id);
        let unsent = first.and_then(|first| commands.try_send(first).err()).map(TrySendError::into_inner);
        live.handles.insert(id, Handle { commands, overview: Arc::clone(&overview) });
        drop(live);
        let task = Task::new(session, Arc::clone(&self.shared), queue, overview, speed_token);
        self.shared.tasks.spawn(async move {
            let _place = place;
            task.run().await;
        });
        unsent
    }

    fn plan(&self, name: &str) -> Result<Plan, SessionsError> {
        let plans = &self.shared.settings.plans;
        plans.iter().find(|plan| plan.name == name).cloned().ok_or_else(|| SessionsError::UnknownPlan {
            name: name.to_owned(),
            known: plans.iter().map(|plan| plan.name.as_str()).collect::<Vec<_>>().join(", "),
        })
    }

    fn default_plan(&self) -> Plan {
        let name = &self.shared.settings.default_plan;
        self.plan(name).unwrap_or_else(|_| Plan { name: name.clone(), description: String::new(), stages: Vec::new() })
    }

    /// Tells what a code is worth. Asking consumes nothing.
    #[must_use]
    pub fn code(&self, code: Code) -> CodeStanding {
        self.shared.live().codes.standing(secret::hash(&code.bits().to_be_bytes()))
    }

    /// Tells whether a client's key has joined a session.
    ///
    /// # Errors
    /// Fails when the record cannot be read.
    pub async fn knows_key(&self, key: &ClientKey) -> Result<bool, StoreError> {
        let hash = secret::hash(key.expose());
        let live = self.shared.live().by_key(hash).is_some();
        Ok(live || self.shared.store.by_key_hash(hash).await?.is_some())
    }

    /// Issues a test to a session, to run at once.
    ///
    /// # Errors
    /// Fails when the session is unknown, over, or says no.
    pub async fn issue(&self, id: SessionId, test: Test, by: String) -> Result<TestRecord, SessionsError> {
        let tests = vec![(When::Now, test)];
        let mut records = self.ask(id, |reply| Command::Issue { tests, by, reply }).await??;
        records.pop().ok_or(SessionsError::Ended(id))
    }

    /// Issues all tests of a plan, behind those that wait.
    ///
    /// # Errors
    /// Fails when the plan or session is unknown, or the session says no.
    pub async fn issue_plan(&self, id: SessionId, plan: &str, by: String) -> Result<Vec<TestRecord>, SessionsError> {
        let plan = self.plan(plan)?;
        let tests = plan.tests().map(|(stage, test)| (When::Stage(stage), test.clone())).collect();
        Ok(self.ask(id, |reply| Command::Issue { tests, by, reply }).await??)
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
        let removed = self.shared.store.delete(id).await?;
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

    /// Follows a session: a snapshot first, then what changes. A follower that falls behind gets a new snapshot.
    ///
    /// # Errors
    /// Fails when the session is unknown, there are as many watchers as there may be, or the record cannot be read.
    pub async fn watch(&self, id: SessionId) -> Result<Watching, SessionsError> {
        Watching::begin(self.clone(), id).await
    }

    /// Gives the live sessions, in no order.
    #[must_use]
    pub fn overviews(&self) -> Vec<SessionOverview> {
        let live = self.shared.live();
        live.handles.values().map(|h| h.overview.lock().unwrap_or_else(PoisonError::into_inner).clone()).collect()
    }

    /// Tells whether a token opens the speed endpoints now.
    #[must_use]
    pub fn speed_token_valid(&self, token: &str) -> bool {
        self.shared.live().speed_tokens.contains_key(&secret::hash(token.as_bytes()))
    }

    /// Tells whether a token opens the UDP echo now.
    #[must_use]
    pub fn echo_token_valid(&self, token: &EchoToken) -> bool {
        self.shared.live().speed_tokens.contains_key(token)
    }

    /// Lets all clients go, waits until everything taken in is durable, and ends the tasks.
    pub async fn shutdown(&self) {
        self.shared.stop.cancel();
        self.shared.tasks.close();
        // Liveness: every task ends on `stop` once its commits are answered.
        self.shared.tasks.wait().await;
    }

    fn handle(&self, id: SessionId) -> Option<Handle> {
        self.shared.live().handles.get(&id).cloned()
    }

    /// Asks a live session; `Ended` stands for every session that is not live.
    async fn ask<T>(
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
